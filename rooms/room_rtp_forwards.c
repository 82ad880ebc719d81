/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The RTP forwards of a room: viewers of its playout that are no members. */
#include "room_private.h"

#include <errno.h>
#include <string.h>

#include "playout/timebase.h"
#include "rtp_forward.h"

/* --- in the room's thread */

static void tell(struct dh_room *room, const char *name, json_t *stream)
{
	json_t *event = dh_room_report_new(room, name);

	json_object_update(event, stream);
	json_decref(stream);
	dh_room_tell_trusted(room, event, NULL, NULL);
}

static bool is_sent(const struct dh_rtp_forward *forward, enum dh_media media)
{
	return forward->streams[media].id != 0;
}

static void begin(struct dh_room *room, struct dh_rtp_forward *forward)
{
	int64_t now_ticks = dh_now_ticks();

	dh_playout_viewer_keyframes(forward->viewer, forward->keyframe_ms * DH_TICKS_PER_MS);
	dh_playout_viewer_pause(room->playout, forward->viewer, !atomic_load(&room->enabled));
	for (int media = 0; media < 2; media++)
		dh_playout_viewer_mute(room->playout, forward->viewer, (enum dh_media)media,
			!is_sent(forward, (enum dh_media)media));
	forward->ntp_origin_us = g_get_real_time() - dh_ns_from_ticks(now_ticks) / 1000;
	dh_rtp_forward_begin(forward);
	forward->report_ticks = now_ticks; /* before media, so that nobody has to guess */
	dh_rtp_forward_report(forward, now_ticks, dh_playout_media_ticks(room->playout, now_ticks));
	for (int media = 0; media < 2 && dh_room_has_trusted_audience(room); media++)
		if (is_sent(forward, (enum dh_media)media))
			tell(room, "rtp_forward", dh_rtp_stream_json(forward, (enum dh_media)media));
}

struct add {
	struct dh_rtp_forward *forward;
	int max;
};

static int run_add(struct dh_room *room, void *arg)
{
	const struct dh_viewer_way way = { .ptime = DH_PTIME_MIN, .relays = true };
	const struct add *add = arg;
	int err;

	if (room->rtp_forwards->len >= (guint)add->max)
		return -ENOBUFS;
	err = dh_playout_add_viewer(room->playout, &add->forward->seed, &way, add->forward, &add->forward->viewer);
	if (err)
		return err;
	g_ptr_array_add(room->rtp_forwards, add->forward);
	atomic_store(&room->rtp_forward_count, (int)room->rtp_forwards->len);
	room->queue_changed = true; /* the end of what plays will be seen */
	begin(room, add->forward);
	return 0;
}

/* `at`: its place. The caller frees it. */
static struct dh_rtp_forward *take(struct dh_room *room, guint at)
{
	struct dh_rtp_forward *forward = g_ptr_array_remove_index_fast(room->rtp_forwards, at);

	dh_playout_remove_viewer(room->playout, &forward->viewer);
	for (int media = 0; media < 2; media++)
		dh_rtp_stream_counts_add(&room->departed_forwards, &forward->streams[media].counts);
	atomic_store(&room->rtp_forward_count, (int)room->rtp_forwards->len);
	return forward;
}

struct stop {
	guint id;
	json_t *record;               /* NULL: it stays as it is */
	struct dh_rtp_forward *ended; /* out: NULL: it still sends the other medium */
};

static void stop_stream(struct dh_room *room, guint at, enum dh_media media, struct stop *stop)
{
	struct dh_rtp_forward *forward = room->rtp_forwards->pdata[at];

	if (dh_room_has_trusted_audience(room))
		tell(room, "stop_rtp_forward",
			json_pack("{s:I, s:s}", "stream_id", (json_int_t)stop->id, "type",
				media == DH_VIDEO ? "video" : "audio"));
	dh_playout_viewer_mute(room->playout, forward->viewer, media, true);
	dh_rtp_forward_stop(forward, media);
	if (stop->record) {
		json_decref(forward->record);
		forward->record = json_incref(stop->record);
	}
	if (!is_sent(forward, DH_AUDIO) && !is_sent(forward, DH_VIDEO))
		stop->ended = take(room, at);
}

/* Its place. */
static int find(const struct dh_room *room, guint id, guint *at, enum dh_media *media)
{
	for (guint i = 0; i < room->rtp_forwards->len; i++) {
		const struct dh_rtp_forward *forward = room->rtp_forwards->pdata[i];
		for (int m = 0; m < 2; m++) {
			if (forward->streams[m].id != id)
				continue;
			*at = i;
			*media = (enum dh_media)m;
			return 0;
		}
	}
	return -ENOENT;
}

static int run_stop(struct dh_room *room, void *arg)
{
	struct stop *stop = arg;
	enum dh_media media = DH_AUDIO;
	guint at = 0;
	int err = find(room, stop->id, &at, &media);

	if (!err)
		stop_stream(room, at, media, stop);
	return err;
}

struct look {
	guint id;
	/* out */
	enum dh_media media;
	json_t *record;
};

static int run_look(struct dh_room *room, void *arg)
{
	struct look *look = arg;
	guint at = 0;
	int err = find(room, look->id, &at, &look->media);

	if (!err)
		look->record = json_incref(((struct dh_rtp_forward *)room->rtp_forwards->pdata[at])->record);
	return err;
}

void dh_room_rtp_forwards_poll(struct dh_room *room, int64_t now_ticks)
{
	int64_t media_ticks = dh_playout_media_ticks(room->playout, now_ticks);

	for (guint i = 0; i < room->rtp_forwards->len; i++) {
		struct dh_rtp_forward *forward = room->rtp_forwards->pdata[i];
		bool is_back = dh_rtp_forward_is_back(forward, now_ticks);
		dh_rtp_forward_report(forward, now_ticks, media_ticks);
		if (dh_rtp_forward_listen(forward, now_ticks))
			dh_playout_viewer_pli(room->playout, forward->viewer, now_ticks);
		if (is_back || forward->lost_picture)
			dh_playout_viewer_lost(room->playout, forward->viewer, now_ticks);
		forward->lost_picture = false;
	}
}

void dh_room_rtp_forwards_sum(const struct dh_room *room, struct dh_rtp_stream_counts *sum)
{
	*sum = room->departed_forwards;
	for (guint i = 0; i < room->rtp_forwards->len; i++) {
		const struct dh_rtp_forward *forward = room->rtp_forwards->pdata[i];
		for (int media = 0; media < 2; media++)
			dh_rtp_stream_counts_add(sum, &forward->streams[media].counts);
	}
}

void dh_room_rtp_forwards_enable(struct dh_room *room)
{
	for (guint i = 0; i < room->rtp_forwards->len; i++)
		dh_playout_viewer_pause(room->playout, ((struct dh_rtp_forward *)room->rtp_forwards->pdata[i])->viewer,
			!atomic_load(&room->enabled));
}

void dh_room_rtp_forwards_close(struct dh_room *room)
{
	while (room->rtp_forwards->len) {
		struct dh_rtp_forward *forward = take(room, 0);
		dh_rtp_forward_free(&forward);
	}
}

/* --- any other thread */

struct forwards_copy {
	int count, capacity;
	struct dh_rtp_forward *forwards; /* with `viewer` as it was; only their facts and counts are read */
	struct dh_viewer_stats *sent;
};

/* No JSON in the room's thread. */
static int run_copy(struct dh_room *room, void *arg)
{
	struct forwards_copy *copy = arg;

	if (copy->capacity < (int)room->rtp_forwards->len)
		return -EAGAIN;
	copy->count = (int)room->rtp_forwards->len;
	for (int i = 0; i < copy->count; i++) {
		const struct dh_rtp_forward *forward = room->rtp_forwards->pdata[i];
		memcpy(&copy->forwards[i], forward, sizeof(*forward));
		dh_playout_viewer_stats(forward->viewer, &copy->sent[i]);
	}
	return 0;
}

static json_t *counts_json(const struct dh_rtp_forward *forward, enum dh_media media,
	const struct dh_viewer_stats *sent)
{
	const struct dh_rtp_stream_counts *counts = &forward->streams[media].counts;
	json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:f}", "of", "room", "packets", (json_int_t)counts->packets,
		"bytes", (json_int_t)counts->bytes, "dropped", (json_int_t)counts->dropped, "refused",
		(json_int_t)counts->refused, "lateness_max_ms",
		(double)sent->lateness_max_ticks / (double)DH_TICKS_PER_MS);

	if (media == DH_VIDEO) {
		json_object_set_new(json, "pictures", json_integer((json_int_t)sent->pictures));
		json_object_set_new(json, "anchors", json_integer((json_int_t)sent->anchors));
	}
	if (forward->streams[media].target.rtcp_port)
		json_object_set_new(json, "plis", json_integer((json_int_t)counts->requests));
	return json;
}

static void list(const struct forwards_copy *copy, json_t *into)
{
	for (int i = 0; i < copy->count; i++) {
		for (int m = 0; m < 2; m++) {
			enum dh_media media = (enum dh_media)m;
			if (!is_sent(&copy->forwards[i], media))
				continue;
			json_t *json = dh_rtp_stream_json(&copy->forwards[i], media);
			json_t *counts = counts_json(&copy->forwards[i], media, &copy->sent[i]);
			json_object_update(json, counts);
			json_decref(counts);
			json_array_append_new(into, json);
		}
	}
}

int dh_room_rtp_forwards(struct dh_room *room, json_t *into)
{
	struct forwards_copy copy = { 0 };
	int err;

	do {
		copy.capacity += dh_room_rtp_forward_count(room) + 4;
		copy.forwards = g_renew(struct dh_rtp_forward, copy.forwards, copy.capacity);
		copy.sent = g_renew(struct dh_viewer_stats, copy.sent, copy.capacity);
		err = dh_room_call(room, run_copy, &copy);
	} while (err == -EAGAIN);
	if (!err)
		list(&copy, into);
	g_free(copy.forwards);
	g_free(copy.sent);
	return err;
}

int dh_room_rtp_forward_count(const struct dh_room *room)
{
	return atomic_load(&room->rtp_forward_count);
}

int dh_room_rtp_forward(struct dh_room *room, struct dh_rtp_forward **forward, int max, json_t **reply)
{
	struct add add = { .forward = *forward, .max = max };
	json_t *streams = json_array();

	*forward = NULL;
	for (int media = 0; media < 2; media++) {
		struct dh_rtp_stream *stream = &add.forward->streams[media];
		if (!stream->target.port)
			continue;
		stream->id = dh_forwards_make_id(room->forwards);
		json_array_append_new(streams, dh_rtp_stream_json(add.forward, (enum dh_media)media));
	}
	int err = dh_room_call(room, run_add, &add);
	if (!err) {
		*reply = json_pack("{s:o}", "forwarders", streams);
		return 0;
	}
	json_decref(streams);
	dh_rtp_forward_free(&add.forward);
	return err;
}

int dh_room_rtp_forward_record(struct dh_room *room, guint id, enum dh_media *media, json_t **record)
{
	struct look look = { .id = id };
	int err = id ? dh_room_call(room, run_look, &look) : -ENOENT;

	*media = look.media;
	*record = look.record;
	return err;
}

int dh_room_stop_rtp_forward(struct dh_room *room, guint id, json_t *record)
{
	struct stop stop = { .id = id, .record = record };
	int err = id ? dh_room_call(room, run_stop, &stop) : -ENOENT;

	dh_rtp_forward_free(&stop.ended);
	return err;
}
