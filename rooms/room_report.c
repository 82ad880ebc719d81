/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events of a room and its segments, as JSON. */
#include "room_private.h"

#include <string.h>

#include "ingest/log.h"
#include "playout/timebase.h"

#define ERROR_PREPARE 465 /* docs/api.md */

static const char *const event_names[] = {
	[DH_EVENT_QUEUED] = "queued",
	[DH_EVENT_READY] = "ready",
	[DH_EVENT_STARTED] = "started",
	[DH_EVENT_FINISHED] = "finished",
	[DH_EVENT_INTERRUPTED] = "interrupted",
	[DH_EVENT_SKIPPED] = "skipped",
	[DH_EVENT_REMOVED] = "removed",
	[DH_EVENT_FAILED] = "failed",
	[DH_EVENT_HELD] = "held",
	[DH_EVENT_RESUMED] = "resumed",
	[DH_EVENT_HOLDING] = "holding",
	[DH_EVENT_RESUMING] = "resuming",
	[DH_EVENT_SPEAKING] = "speaking",
	[DH_EVENT_IDLE] = "idle",
	[DH_EVENT_MISSING] = "missing",
	[DH_EVENT_LOW_WATER] = "low_water",
	[DH_EVENT_HIGH_WATER] = "high_water",
};

/* --- any thread */

const char *dh_room_state_name(enum dh_room_state state)
{
	static const char *const names[] = { "preparing", "idle", "speaking", "failed", "listening", "thinking" };
	return names[state];
}

const char *dh_room_event_name(enum dh_event_type type)
{
	return event_names[type];
}

const char *dh_room_reason_name(enum dh_reason reason)
{
	static const char *const names[] = { NULL, "late", "cut", "expired", "priority" };
	return names[reason];
}

void dh_room_set_ms(json_t *object, const char *key, int64_t ticks)
{
	json_object_set_new(object, key, ticks < 0 ? json_null() : json_integer(dh_ms_from_ticks(ticks)));
}

void dh_room_set_duration(json_t *object, int64_t ticks, int64_t stated_ticks)
{
	dh_room_set_ms(object, "duration_ms", ticks < 0 ? stated_ticks : ticks);
	if (ticks < 0 && stated_ticks >= 0)
		json_object_set_new(object, "duration_stated", json_true());
}

/* --- in the room's thread */

json_t *dh_room_report_new(const struct dh_room *room, const char *name)
{
	return json_pack("{s:s, s:o, s:s}", "digitalhuman", "event", "id", dh_room_id_json(room), "event", name);
}

json_t *dh_room_report_viewer(const struct dh_room *room, const char *name, const struct dh_member *member)
{
	json_t *json = dh_room_report_new(room, name);

	json_object_set_new(json, "viewer", json_integer(member->id));
	return json;
}

static int position_of(const struct dh_room *room, const struct dh_segment *segment)
{
	for (int i = 0;; i++) {
		struct dh_segment *waiting = dh_playout_waiting(room->playout, (size_t)i);
		if (!waiting || waiting == segment)
			return i;
	}
}

static void describe_end(json_t *json, const struct dh_account *account, const struct dh_playout_event *event)
{
	const char *reason = dh_room_reason_name(event->reason);

	dh_room_set_ms(json, "played_ms", event->played_ticks);
	if (reason)
		json_object_set_new(json, "reason", json_string(reason));
	if (account->heard)
		json_object_set_new(json, "heard_text", json_string(account->heard));
}

/* What was wrong with what it was made of, as far as that is known. */
static void describe_source(json_t *json, const struct dh_feed *feed)
{
	if (dh_feed_is_incomplete(feed))
		json_object_set_new(json, "incomplete", json_true());
	if (dh_feed_notes(feed))
		json_object_set(json, "notes", dh_feed_notes(feed));
}

static void describe_underrun(json_t *json, const struct dh_playout_event *event)
{
	dh_room_set_ms(json, "played_ms", event->played_ticks);
	json_object_set_new(json, "underrun",
		json_string(dh_underrun_name(dh_segment_order(event->segment)->underrun)));
}

static void name_segment(json_t *json, const struct dh_feed *feed, const struct dh_segment *segment,
	const struct dh_account *account)
{
	json_t *metadata = dh_feed_metadata(feed);

	json_object_set_new(json, "segment", json_string(dh_segment_id(segment)));
	json_object_set_new(json, "name", json_string(dh_feed_short_name(feed)));
	json_object_set_new(json, "metadata", metadata ? json_incref(metadata) : json_object());
	if (account->utterance) {
		json_object_set_new(json, "utterance", json_string(account->utterance));
		json_object_set_new(json, "index", json_integer(account->life.index));
	}
}

static void describe_segment(struct dh_room *room, json_t *json, const struct dh_playout_event *event)
{
	const struct dh_segment *segment = event->segment;
	const struct dh_feed *feed = dh_segment_user(segment);
	const struct dh_account *account = dh_room_account(room, segment);
	int code = 0;

	name_segment(json, feed, segment, account);
	switch (event->type) {
	case DH_EVENT_QUEUED:
		json_object_set_new(json, "position", json_integer(position_of(room, segment)));
		break;
	case DH_EVENT_READY:
	case DH_EVENT_STARTED:
		if (event->position_ticks > 0)
			dh_room_set_ms(json, "from_ms", event->position_ticks);
		dh_room_set_duration(json, dh_segment_own_ticks(segment, room->facts.duration),
			dh_segment_stated_ticks(segment));
		break;
	case DH_EVENT_HELD:
	case DH_EVENT_RESUMED:
		describe_underrun(json, event);
		break;
	case DH_EVENT_HOLDING:
	case DH_EVENT_RESUMING:
		dh_room_set_ms(json, "played_ms", event->played_ticks);
		break;
	case DH_EVENT_FAILED:
		json_object_set_new(json, "error_code", json_integer(ERROR_PREPARE));
		json_object_set_new(json, "error", json_string(dh_segment_error(segment, &code)));
		describe_end(json, account, event);
		break;
	default:
		describe_end(json, account, event);
		describe_source(json, feed);
	}
}

static void describe_hold(json_t *json, const struct dh_playout_event *event)
{
	dh_room_set_ms(json, "position_ms", MAX(event->position_ticks, 0));
	if (event->type == DH_EVENT_RESUMING)
		json_object_set_new(json, "undone", json_boolean(event->is_undone));
}

/* Of the room's own events. */
static void describe_queue(json_t *json, const struct dh_playout_event *event)
{
	if (event->type == DH_EVENT_MISSING) {
		json_object_set_new(json, "utterance", json_string(event->utterance));
		json_object_set_new(json, "index", json_integer(event->index));
		json_object_set_new(json, "count", json_integer(event->count));
	} else if (event->type == DH_EVENT_LOW_WATER || event->type == DH_EVENT_HIGH_WATER) {
		dh_room_set_ms(json, "queued_ms", event->queued_ticks);
	}
}

/* A copy with the full path as its name; NULL: nobody gets it, or it would be the same. */
static json_t *detailed_event(const struct dh_room *room, const struct dh_segment *segment, const json_t *json)
{
	const struct dh_feed *feed = segment ? dh_segment_user(segment) : NULL;

	if (!feed || !strcmp(dh_feed_name(feed), dh_feed_short_name(feed)) || !dh_room_has_trusted_audience(room))
		return NULL;
	json_t *detailed = json_copy((json_t *)json);
	json_object_set_new(detailed, "name", json_string(dh_feed_name(feed)));
	return detailed;
}

/* The log may be all that an operator has. */
static void log_failure(const struct dh_room *room, const struct dh_segment *segment)
{
	int code = 0;
	const char *error = dh_segment_error(segment, &code);

	dh_log(DH_LOG_WARNING, "room %s: segment %s (%s) failed: %s", room->id, dh_segment_id(segment),
		dh_feed_name(dh_segment_user(segment)), error ? error : "?");
}

static void log_notes(const struct dh_room *room, const struct dh_segment *segment)
{
	const struct dh_feed *feed = dh_segment_user(segment);
	json_t *note;
	size_t i;

	json_array_foreach(dh_feed_notes(feed), i, note)
		dh_log(DH_LOG_WARNING, "room %s: segment %s (%s)%s: %s", room->id, dh_segment_id(segment),
			dh_feed_name(feed), dh_feed_is_incomplete(feed) ? " is incomplete" : "",
			json_string_value(json_object_get(note, "text")));
}

static bool is_end(enum dh_event_type type)
{
	return type >= DH_EVENT_FINISHED && type <= DH_EVENT_FAILED;
}

void dh_room_report_event(struct dh_room *room, const struct dh_playout_event *event)
{
	json_t *json = dh_room_report_new(room, event_names[event->type]);

	dh_room_set_ms(json, "media_ms", event->media_ticks);
	if (event->type == DH_EVENT_HOLDING || event->type == DH_EVENT_RESUMING)
		describe_hold(json, event);
	if (event->segment)
		describe_segment(room, json, event);
	else
		describe_queue(json, event);
	if (event->type == DH_EVENT_FAILED && event->segment)
		log_failure(room, event->segment);
	if (event->segment)
		dh_feed_tell(dh_segment_user(event->segment), json, is_end(event->type));
	dh_room_tell_all(room, json, detailed_event(room, event->segment, json));
}

void dh_room_report_prepared(struct dh_room *room, const struct dh_segment *segment)
{
	json_t *json = dh_room_report_new(room, "segment_prepared");
	struct dh_feed *feed = dh_segment_user(segment);

	dh_room_set_ms(json, "media_ms", dh_playout_media_ticks(room->playout, dh_now_ticks()));
	name_segment(json, feed, segment, dh_room_account(room, segment));
	dh_room_set_ms(json, "duration_ms", dh_segment_duration_ticks(segment, room->facts.duration));
	describe_source(json, feed);
	log_notes(room, segment);
	dh_feed_tell(feed, json, false);
	dh_room_tell_all(room, json, detailed_event(room, segment, json));
}

void dh_room_report_waiting(struct dh_room *room, struct dh_feed *feed)
{
	const struct dh_segment *segment = dh_feed_segment(feed);
	struct dh_live_wait wait;

	if (!dh_feed_take_wait(feed, &wait))
		return;
	room->waits++;
	json_t *json = dh_room_report_new(room, "waiting");
	dh_room_set_ms(json, "media_ms", dh_playout_media_ticks(room->playout, dh_now_ticks()));
	name_segment(json, feed, segment, dh_room_account(room, segment));
	json_object_set_new(json, "reason", json_string(wait.is_share ? "room_share" : "max_live"));
	json_object_set_new(json, "limit", json_integer(wait.limit));
	dh_feed_tell(feed, json, false);
	dh_room_tell_all(room, json, detailed_event(room, segment, json));
}
