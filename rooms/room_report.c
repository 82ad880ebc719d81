/* What a live room says of itself; in its thread. */
#include "room_private.h"

#include "ingest/log.h"
#include "playout/timebase.h"

#define ERROR_PREPARE 465 /* docs/api.md */

static const char *const event_names[] = {
	[DH_EVENT_QUEUED] = "queued", [DH_EVENT_READY] = "ready", [DH_EVENT_STARTED] = "started",
	[DH_EVENT_FINISHED] = "finished", [DH_EVENT_INTERRUPTED] = "interrupted",
	[DH_EVENT_SKIPPED] = "skipped", [DH_EVENT_REMOVED] = "removed", [DH_EVENT_FAILED] = "failed",
	[DH_EVENT_HELD] = "held", [DH_EVENT_RESUMED] = "resumed",
	[DH_EVENT_SPEAKING] = "speaking", [DH_EVENT_IDLE] = "idle",
};

const char *dh_room_report_state(enum dh_room_state state)
{
	static const char *const names[] = { "preparing", "idle", "speaking", "failed" };
	return names[state];
}

static gboolean is_told(const struct dh_member *member, enum dh_room_audience audience, const struct dh_member *about)
{
	return audience == DH_TELL_ALL || member->is_trusted || (audience == DH_TELL_TRUSTED_AND_SELF && member == about);
}

void dh_room_report_tell(struct dh_room *room, json_t *event, enum dh_room_audience audience,
	const struct dh_member *about)
{
	const struct dh_host *host = room->context.host;

	if (room->context.events) {
		json_t *copy = json_deep_copy(event);
		json_object_del(copy, "digitalhuman");
		host->notify(host->arg, about ? about->handle : NULL, copy);
	}
	GPtrArray *handles = g_ptr_array_new_with_free_func(host->handle_unref);
	for (guint i = 0; i < room->members->len; i++) {
		const struct dh_member *member = room->members->pdata[i];
		if (is_told(member, audience, about))
			g_ptr_array_add(handles, host->handle_ref(member->handle));
	}
	host->broadcast(host->arg, handles, event);
}

static void set_ms(json_t *object, const char *key, int64_t ticks)
{
	json_object_set_new(object, key, ticks < 0 ? json_null() : json_integer(dh_ms_from_ticks(ticks)));
}

static void set_duration(const struct dh_room *room, json_t *object, const struct dh_segment *segment)
{
	set_ms(object, "duration_ms", dh_segment_duration_ticks(segment, room->facts.duration));
}

static int position_of(const struct dh_room *room, const struct dh_segment *segment)
{
	for (int i = 0;; i++) {
		struct dh_segment *waiting = dh_playout_waiting(room->playout, (size_t)i);
		if (!waiting || waiting == segment)
			return i;
	}
}

static void describe_segment(struct dh_room *room, json_t *json, const struct dh_playout_event *event)
{
	const struct dh_segment *segment = event->segment;
	const struct dh_feed *feed = dh_segment_user(segment);
	json_t *metadata = dh_feed_metadata(feed);
	int code = 0;

	json_object_set_new(json, "segment", json_string(dh_segment_id(segment)));
	json_object_set_new(json, "name", json_string(dh_feed_name(feed)));
	json_object_set_new(json, "metadata", metadata ? json_incref(metadata) : json_object());
	switch (event->type) {
	case DH_EVENT_QUEUED:
		json_object_set_new(json, "position", json_integer(position_of(room, segment)));
		break;
	case DH_EVENT_READY:
	case DH_EVENT_STARTED:
		set_duration(room, json, segment);
		break;
	case DH_EVENT_FINISHED:
		set_ms(json, "played_ms", event->played_ticks);
		if (dh_feed_is_incomplete(feed))
			json_object_set_new(json, "incomplete", json_true());
		if (dh_feed_notes(feed))
			json_object_set(json, "notes", dh_feed_notes(feed));
		break;
	case DH_EVENT_FAILED:
		json_object_set_new(json, "error_code", json_integer(ERROR_PREPARE));
		json_object_set_new(json, "error", json_string(dh_segment_error(segment, &code)));
		set_ms(json, "played_ms", event->played_ticks);
		break;
	default:
		set_ms(json, "played_ms", event->played_ticks);
	}
}

json_t *dh_room_report_new(const struct dh_room *room, const char *name)
{
	return json_pack("{s:s, s:o, s:s}", "digitalhuman", "event", "id", dh_room_id_json(room), "event", name);
}

/* An operator may have nothing but the log to see it. */
static void log_failure(const struct dh_room *room, const struct dh_segment *segment)
{
	int code = 0;
	const char *error = dh_segment_error(segment, &code);

	dh_log(DH_LOG_WARNING, "room %s: segment %s (%s) failed: %s", room->id,
		dh_segment_id(segment), dh_feed_name(dh_segment_user(segment)), error ? error : "?");
}

static void log_notes(const struct dh_room *room, const struct dh_segment *segment)
{
	const struct dh_feed *feed = dh_segment_user(segment);
	json_t *note;
	size_t i;

	json_array_foreach(dh_feed_notes(feed), i, note)
		dh_log(DH_LOG_WARNING, "room %s: segment %s (%s)%s: %s", room->id, dh_segment_id(segment),
			dh_feed_name(feed), dh_feed_is_incomplete(feed) ? " is incomplete" : "",
			json_string_value(note));
}

void dh_room_report_event(struct dh_room *room, const struct dh_playout_event *event)
{
	json_t *json = dh_room_report_new(room, event_names[event->type]);

	set_ms(json, "media_ms", event->media_ticks);
	if (event->segment)
		describe_segment(room, json, event);
	if (event->type == DH_EVENT_FAILED && event->segment)
		log_failure(room, event->segment);
	if (event->type == DH_EVENT_FINISHED && event->segment)
		log_notes(room, event->segment);
	dh_room_report_tell(room, json, DH_TELL_ALL, NULL);
}

json_t *dh_room_report_viewer(const struct dh_room *room, const char *name, const struct dh_member *member)
{
	json_t *json = dh_room_report_new(room, name);

	json_object_set_new(json, "viewer", json_integer(member->id));
	return json;
}

static json_t *entry_of(const struct dh_room *room, const struct dh_segment *segment, const char *state)
{
	const struct dh_feed *feed = dh_segment_user(segment);
	json_t *metadata = dh_feed_metadata(feed);
	json_t *entry = json_pack("{s:s, s:s, s:s}", "segment", dh_segment_id(segment), "name", dh_feed_name(feed),
		"state", state);

	set_duration(room, entry, segment);
	json_object_set_new(entry, "metadata", metadata ? json_incref(metadata) : json_object());
	return entry;
}

json_t *dh_room_report_queue(struct dh_room *room)
{
	json_t *waiting = json_array(), *playing = json_null();
	int64_t played_ticks = 0;
	struct dh_segment *segment = dh_playout_playing(room->playout, &played_ticks);

	if (segment) {
		playing = entry_of(room, segment, "playing");
		set_ms(playing, "played_ms", played_ticks);
	}
	for (size_t i = 0; (segment = dh_playout_waiting(room->playout, i)); i++) {
		gboolean ready = room->has_clip && dh_playout_is_ready(room->playout, segment);
		json_array_append_new(waiting, entry_of(room, segment, ready ? "ready" : "preparing"));
	}
	json_t *queue = json_pack("{s:s}", "state", dh_room_report_state(dh_room_state(room)));
	set_ms(queue, "media_ms", dh_playout_media_ticks(room->playout, dh_now_ticks()));
	json_object_set_new(queue, "playing", playing);
	json_object_set_new(queue, "waiting", waiting);
	return queue;
}
