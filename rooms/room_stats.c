/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The counters of a room and its members. */
#include "room_private.h"

#include <errno.h>
#include <string.h>

#include "microphone.h"
#include "playout/timebase.h"

/* Copied in the room's thread, read by the caller. */
struct member_copy {
	guint id;
	bool observes, is_paused;
	bool gets[2];   /* by medium */
	bool has_media; /* false: `connected_ticks` and `sent` are not set */
	unsigned slow_links;
	bool listens; /* otherwise the next four are not set */
	bool has_channel;
	uint64_t messages, bytes, dropped; /* on its data channel */
	uint32_t rtp_start[2];             /* by medium */
	int64_t connected_ticks;           /* how long it has had media */
	int64_t join_ticks;                /* see struct dh_viewer_times */
	struct dh_viewer_stats sent;
	struct dh_receiver_stats receiver;
	struct dh_viewer_quality_stats quality;
	bool is_listened_to; /* false: `microphone` is not set */
	struct dh_microphone_stats microphone;
};

struct stats_copy {
	struct member_copy *members;
	guint capacity, count;
	int64_t media_ticks, played_ticks;
	uint64_t events[DH_EVENT_COUNT], waits;
	struct dh_viewer_stats departed;
	struct dh_receiver_stats departed_receivers;
	struct dh_rtp_stream_counts forwarded;
	uint64_t slow_links;
	struct dh_punctuality punctuality;
	struct dh_playout_counts counts;
	int64_t preroll_ticks; /* of the room's generator */
	struct dh_cut_times cut_times;
};

/* --- in the room's thread: no allocation, no JSON */

static void copy_member(struct member_copy *copy, const struct dh_member *member, int64_t media_ticks)
{
	copy->id = member->id;
	copy->observes = member->observes;
	copy->is_paused = atomic_load(&member->paused);
	for (int media = 0; media < 2; media++)
		copy->gets[media] = dh_member_gets(member, (enum dh_media)media);
	dh_member_get_rtp_start(member, copy->rtp_start);
	copy->has_media = member->viewer != NULL;
	copy->is_listened_to = false;
	copy->slow_links = member->slow_links;
	copy->listens = member->listening.is_on;
	if (copy->listens) {
		copy->has_channel = member->listening.is_on_channel;
		copy->messages = member->listening.channel.messages;
		copy->bytes = member->listening.channel.bytes;
		copy->dropped = member->listening.channel.dropped;
	}
	if (!member->viewer)
		return;
	copy->is_listened_to = dh_member_is_listened_to(member);
	if (copy->is_listened_to)
		dh_microphone_get_stats(atomic_load(&member->microphone), &copy->microphone);
	copy->connected_ticks = media_ticks - member->media_ticks;
	copy->join_ticks = member->times.join_ticks;
	dh_receiver_get_stats(&member->receiver, &copy->receiver);
	dh_playout_viewer_stats(member->viewer, &copy->sent);
	dh_viewer_quality_get_stats(&member->quality, &copy->sent, &copy->quality);
}

static int copy_stats(struct dh_room *room, void *arg)
{
	struct stats_copy *copy = arg;

	if (copy->capacity < room->members->len)
		return -EAGAIN;
	copy->media_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks());
	copy->played_ticks = room->played_ticks;
	copy->departed = room->departed;
	copy->departed_receivers = room->departed_receivers;
	dh_room_rtp_forwards_sum(room, &copy->forwarded);
	copy->slow_links = room->slow_links;
	copy->punctuality = room->punctuality;
	copy->cut_times = room->cut_times;
	dh_playout_get_counts(room->playout, &copy->counts);
	copy->preroll_ticks = dh_playout_preroll_ticks(room->playout, DH_SOURCE_GENERATOR);
	memcpy(copy->events, room->events, sizeof(copy->events));
	copy->waits = room->waits;
	for (guint i = 0; i < room->members->len; i++)
		copy_member(&copy->members[copy->count++], room->members->pdata[i], copy->media_ticks);
	return 0;
}

struct viewer_copy {
	const struct dh_member *member;
	bool has_media;
	struct dh_viewer_stats sent;
};

static int copy_viewer(struct dh_room *room, void *arg)
{
	struct viewer_copy *copy = arg;

	(void)room;
	copy->has_media = copy->member->viewer != NULL;
	if (copy->has_media)
		dh_playout_viewer_stats(copy->member->viewer, &copy->sent);
	return 0;
}

/* --- any thread */

json_t *dh_room_stats_sent(const struct dh_viewer_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "audio_packets",
		(json_int_t)stats->packets[DH_AUDIO], "audio_bytes", (json_int_t)stats->bytes[DH_AUDIO],
		"video_packets", (json_int_t)stats->packets[DH_VIDEO], "video_bytes",
		(json_int_t)stats->bytes[DH_VIDEO], "pictures", (json_int_t)stats->pictures, "anchors",
		(json_int_t)stats->anchors, "late_dropped", (json_int_t)stats->late_dropped, "plis",
		(json_int_t)stats->plis, "repairs", (json_int_t)stats->repairs, "lateness_max_ms",
		(double)stats->lateness_max_ticks / (double)DH_TICKS_PER_MS);
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
	sum->repairs += more->repairs;
	sum->lateness_max_ticks = MAX(sum->lateness_max_ticks, more->lateness_max_ticks);
}

/* What a connection has come to, in the same words for one that is there and one that has ended. */
static void set_figures(json_t *json, const struct member_copy *member)
{
	json_object_set_new(json, "slow_links", json_integer(member->slow_links));
	dh_room_set_ms(json, "join_ms", member->join_ticks);
	json_object_set_new(json, "received", dh_receiver_viewer_json(&member->receiver));
	json_object_set_new(json, "sent", dh_room_stats_sent(&member->sent));
	if (member->quality.has_choice)
		json_object_set_new(json, "quality", dh_viewer_quality_json(&member->quality));
}

json_t *dh_room_stats_of_viewer(const struct dh_room *room, const struct dh_member *member)
{
	struct member_copy copy;
	json_t *json = json_object();

	copy_member(&copy, member, dh_playout_media_ticks(room->playout, dh_now_ticks()));
	dh_room_set_ms(json, "connected_ms", MAX(copy.connected_ticks, 0));
	set_figures(json, &copy);
	return json;
}

/* --- any thread but the room's */

static json_t *microphone_json(const struct dh_microphone_stats *stats)
{
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "speaking", (int)stats->is_speaking, "packets",
		(json_int_t)stats->packets, "bytes", (json_int_t)stats->bytes, "lost", (json_int_t)stats->lost, "late",
		(json_int_t)stats->late, "refused", (json_int_t)stats->refused, "without_level",
		(json_int_t)stats->without_level, "noise_db", (int)stats->floor_db);
}

static json_t *member_json(const struct member_copy *member)
{
	json_t *json = json_pack("{s:I, s:s, s:b, s:b, s:i}", "viewer", (json_int_t)member->id, "state",
		member->observes ? "observing" : "watching", "media", (int)member->has_media, "paused",
		(int)member->is_paused, "slow_links", (int)member->slow_links);

	if (member->has_media) {
		json_object_set_new(json, "audio", json_boolean(member->gets[DH_AUDIO]));
		json_object_set_new(json, "video", json_boolean(member->gets[DH_VIDEO]));
		dh_room_set_ms(json, "media_ms", MAX(member->connected_ticks, 0));
		set_figures(json, member);
		json_object_set_new(json, "rtp_start", dh_rtp_start_json(member->rtp_start));
		if (member->is_listened_to)
			json_object_set_new(json, "microphone", microphone_json(&member->microphone));
	}
	if (member->listens)
		json_object_set_new(json, "data",
			json_pack("{s:b, s:I, s:I, s:I}", "open", member->has_channel, "messages",
				(json_int_t)member->messages, "bytes", (json_int_t)member->bytes, "dropped",
				(json_int_t)member->dropped));
	return json;
}

static json_t *segments_json(const struct stats_copy *copy)
{
	static const struct {
		const char *name;
		enum dh_event_type type;
	} counts[] = {
		{ "queued", DH_EVENT_QUEUED },
		{ "started", DH_EVENT_STARTED },
		{ "finished", DH_EVENT_FINISHED },
		{ "interrupted", DH_EVENT_INTERRUPTED },
		{ "skipped", DH_EVENT_SKIPPED },
		{ "removed", DH_EVENT_REMOVED },
		{ "failed", DH_EVENT_FAILED },
		{ "held", DH_EVENT_HELD },
	};
	json_t *json = json_object();

	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		json_object_set_new(json, counts[i].name, json_integer((json_int_t)copy->events[counts[i].type]));
	json_object_set_new(json, "waiting", json_integer((json_int_t)copy->waits));
	dh_room_set_ms(json, "played_ms", copy->played_ticks);
	return json;
}

static json_t *underruns_json(const struct stats_copy *copy)
{
	json_t *json = json_object();

	dh_room_set_ms(json, "held_ms", copy->counts.held_ticks);
	dh_room_set_ms(json, "dropped_ms", copy->counts.dropped_ticks);
	dh_room_set_ms(json, "between_ms", copy->counts.between_ticks);
	dh_room_set_ms(json, "preroll_ms", copy->preroll_ticks);
	return json;
}

/* Without the members. */
static json_t *totals_json(const struct dh_room *room, const struct stats_copy *copy)
{
	struct dh_receiver_stats received = copy->departed_receivers;
	struct dh_viewer_stats sum = copy->departed;

	for (guint i = 0; i < copy->count; i++) {
		if (!copy->members[i].has_media)
			continue;
		dh_room_stats_add(&sum, &copy->members[i].sent);
		dh_receiver_stats_add(&received, &copy->members[i].receiver);
	}
	json_t *json = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "state",
		dh_room_state_name(dh_room_state(room)), "media_ms", (json_int_t)dh_ms_from_ticks(copy->media_ticks),
		"segments", segments_json(copy), "underruns", underruns_json(copy), "interruptions",
		dh_cut_times_json(&copy->cut_times), "first_frame", dh_first_frames_json(room->first_frames), "sent",
		dh_room_stats_sent(&sum), "received", dh_receiver_sum_json(&received), "slow_links",
		(json_int_t)copy->slow_links);
	json_object_set_new(json, "forwarded",
		json_pack("{s:I, s:I, s:I, s:I}", "packets", (json_int_t)copy->forwarded.packets, "bytes",
			(json_int_t)copy->forwarded.bytes, "dropped", (json_int_t)copy->forwarded.dropped, "refused",
			(json_int_t)copy->forwarded.refused));
	dh_punctuality_describe(&copy->punctuality, json);
	return json;
}

/* NULL: there is no such viewer. */
static json_t *members_json(const struct stats_copy *copy, guint viewer)
{
	json_t *members = json_array();

	for (guint i = 0; i < copy->count; i++)
		if (!viewer || copy->members[i].id == viewer)
			json_array_append_new(members, member_json(&copy->members[i]));
	if (viewer && json_array_size(members) == 0)
		g_clear_pointer(&members, json_decref);
	return members;
}

/* Allocates here, not in the room's thread; tries again if members have joined. g_free copy->members. */
static int take_copy(struct dh_room *room, struct stats_copy *copy)
{
	int err;

	do {
		copy->capacity += (guint)(dh_room_viewer_count(room) + dh_room_observer_count(room)) + 16;
		copy->members = g_renew(struct member_copy, copy->members, copy->capacity);
		err = dh_room_call(room, copy_stats, copy);
	} while (err == -EAGAIN);
	return err;
}

int dh_room_stats(struct dh_room *room, guint viewer, json_t **reply)
{
	struct stats_copy copy = { 0 };
	int err = take_copy(room, &copy);
	json_t *members = err ? NULL : members_json(&copy, viewer);

	if (members) {
		*reply = totals_json(room, &copy);
		json_object_set_new(*reply, "viewers", members);
	}
	g_free(copy.members);
	return !err && !members ? -ENOENT : err;
}

int dh_room_totals(struct dh_room *room, json_t **reply)
{
	struct stats_copy copy = { 0 };
	int err = take_copy(room, &copy);

	if (!err)
		*reply = totals_json(room, &copy);
	g_free(copy.members);
	return err;
}

int dh_room_viewer(struct dh_room *room, struct dh_member *member, json_t **reply)
{
	struct viewer_copy copy = { .member = member };
	int err = dh_room_call(room, copy_viewer, &copy);

	if (!err)
		*reply = copy.has_media ? dh_room_stats_sent(&copy.sent) : json_object();
	return err;
}
