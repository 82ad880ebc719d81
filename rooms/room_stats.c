/* What a live room and its viewers have been through, as JSON. */
#include "room_private.h"

#include <errno.h>

/* --- in the room's thread */

json_t *dh_room_stats_sent(const struct dh_viewer_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}",
		"audio_packets", (json_int_t)stats->packets[DH_AUDIO], "audio_bytes", (json_int_t)stats->bytes[DH_AUDIO],
		"video_packets", (json_int_t)stats->packets[DH_VIDEO], "video_bytes", (json_int_t)stats->bytes[DH_VIDEO],
		"pictures", (json_int_t)stats->pictures, "anchors", (json_int_t)stats->anchors,
		"late_dropped", (json_int_t)stats->late_dropped, "plis", (json_int_t)stats->plis,
		"lateness_max_ms", (double)stats->lateness_max_ticks / (double)DH_TICKS_PER_MS);
}

void dh_room_stats_add(struct dh_viewer_stats *sum, const struct dh_viewer_stats *more)
{
	for (int media = 0; media < 2; media++) {
		sum->packets[media] += more->packets[media];
		sum->bytes[media] += more->bytes[media];
	}
	sum->pictures += more->pictures;
	sum->anchors += more->anchors;
	sum->late_dropped += more->late_dropped;
	sum->plis += more->plis;
	sum->lateness_max_ticks = MAX(sum->lateness_max_ticks, more->lateness_max_ticks);
}

static int run_viewer(struct dh_room *room, struct dh_room_call *call)
{
	struct dh_viewer_stats stats;

	(void)room;
	if (!call->member->viewer) {
		call->reply = json_object();
		return 0;
	}
	dh_playout_viewer_stats(call->member->viewer, &stats);
	call->reply = dh_room_stats_sent(&stats);
	return 0;
}

static json_t *viewer_json(const struct dh_member *member, int64_t media_ticks)
{
	struct dh_viewer_stats stats;
	json_t *json = json_pack("{s:I, s:s, s:b, s:b, s:i}", "viewer", (json_int_t)member->id,
		"state", member->observes ? "observing" : "watching", "media", member->viewer != NULL,
		"paused", g_atomic_int_get(&member->paused), "slow_links", (int)member->slow_links);

	if (!member->viewer)
		return json;
	dh_playout_viewer_stats(member->viewer, &stats);
	json_object_set_new(json, "media_ms", json_integer(dh_ms_from_ticks(media_ticks - member->media_ticks)));
	json_object_set_new(json, "sent", dh_room_stats_sent(&stats));
	return json;
}

static json_t *segments_json(const struct dh_room *room)
{
	static const struct { const char *name; enum dh_event_type type; } counts[] = {
		{ "queued", DH_EVENT_QUEUED }, { "started", DH_EVENT_STARTED }, { "finished", DH_EVENT_FINISHED },
		{ "interrupted", DH_EVENT_INTERRUPTED }, { "skipped", DH_EVENT_SKIPPED },
		{ "removed", DH_EVENT_REMOVED }, { "failed", DH_EVENT_FAILED }, { "held", DH_EVENT_HELD },
	};
	json_t *json = json_object();

	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		json_object_set_new(json, counts[i].name, json_integer((json_int_t)room->events[counts[i].type]));
	json_object_set_new(json, "played_ms", json_integer(dh_ms_from_ticks(room->played_ticks)));
	return json;
}

static int run_stats(struct dh_room *room, struct dh_room_call *call)
{
	int64_t media_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks());
	struct dh_viewer_stats sum = room->departed;
	json_t *viewers = json_array();

	for (guint i = 0; i < room->members->len; i++) {
		const struct dh_member *member = room->members->pdata[i];
		struct dh_viewer_stats stats;
		if (member->viewer) {
			dh_playout_viewer_stats(member->viewer, &stats);
			dh_room_stats_add(&sum, &stats);
		}
		if (!call->viewer || member->id == call->viewer)
			json_array_append_new(viewers, viewer_json(member, media_ticks));
	}
	if (call->viewer && json_array_size(viewers) == 0) {
		json_decref(viewers);
		return -ENOENT;
	}
	call->reply = json_pack("{s:s, s:I, s:o, s:o, s:o}", "state", dh_room_report_state(dh_room_state(room)),
		"media_ms", (json_int_t)dh_ms_from_ticks(media_ticks), "segments", segments_json(room),
		"sent", dh_room_stats_sent(&sum), "viewers", viewers);
	return 0;
}

/* --- any other thread */

int dh_room_viewer(struct dh_room *room, struct dh_member *member, json_t **reply)
{
	struct dh_room_call call = { .run = run_viewer, .member = member };
	return dh_room_call(room, &call, reply);
}

int dh_room_stats(struct dh_room *room, guint viewer, json_t **reply)
{
	struct dh_room_call call = { .run = run_stats, .viewer = viewer };
	return dh_room_call(room, &call, reply);
}
