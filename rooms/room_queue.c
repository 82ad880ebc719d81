/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The playing and the waiting segments of a room. */
#include "room_private.h"

#include <errno.h>

#include "playout/timebase.h"

/* Copied in the room's thread, read by the caller. */
struct entry {
	struct dh_feed *feed; /* a reference: its name and metadata are immutable */
	char segment[DH_SEGMENT_ID_MAX + 1];
	const char *state;
	int64_t duration_ticks, stated_ticks;
	struct dh_order order;
};

struct queue_copy {
	struct entry *entries; /* the playing segment, if any, then the waiting ones */
	guint capacity, count;
	bool is_playing, is_on_hold;
	int64_t played_ticks, position_ticks; /* of the playing segment */
	int64_t media_ticks;
	int64_t queued_ticks;
};

static void copy_entry(const struct dh_room *room, struct entry *entry, const struct dh_segment *segment,
	const char *state)
{
	entry->feed = dh_feed_ref(dh_segment_user(segment));
	g_strlcpy(entry->segment, dh_segment_id(segment), sizeof(entry->segment));
	entry->state = state;
	entry->order = *dh_segment_order(segment);
	entry->duration_ticks = dh_segment_own_ticks(segment, room->facts.duration);
	entry->stated_ticks = dh_segment_stated_ticks(segment);
}

static void forget(struct queue_copy *copy)
{
	while (copy->count)
		dh_feed_unref(&copy->entries[--copy->count].feed);
}

/* False: a turn in between has changed the queue. */
static bool copy_all(struct dh_room *room, struct queue_copy *copy)
{
	struct dh_segment *segment = dh_playout_playing(room->playout, &copy->played_ticks);
	uint64_t changes = room->queue_changes;

	copy->is_playing = segment != NULL;
	copy->position_ticks = MAX(dh_playout_position_ticks(room->playout), 0);
	copy->is_on_hold = dh_playout_is_on_hold(room->playout);
	copy->queued_ticks = dh_playout_queued_ticks(room->playout);
	copy->media_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks());
	if (segment)
		copy_entry(room, &copy->entries[copy->count++], segment, "playing");
	for (size_t i = 0; (segment = dh_playout_waiting(room->playout, i)); i++) {
		bool is_ready = room->has_clip && dh_playout_is_ready(room->playout, segment);
		copy_entry(room, &copy->entries[copy->count++], segment, is_ready ? "ready" : "preparing");
		dh_room_thread_keep_time(room->thread);
		if (room->queue_changes != changes)
			return false;
	}
	return true;
}

static int copy_queue(struct dh_room *room, void *arg)
{
	struct queue_copy *copy = arg;

	/* One plays at most. */
	if (copy->capacity <= dh_playout_waiting_count(room->playout))
		return -EAGAIN;
	while (!copy_all(room, copy))
		forget(copy);
	return 0;
}

/* --- any other thread */

static json_t *entry_json(const struct entry *entry, bool is_trusted)
{
	json_t *metadata = dh_feed_metadata(entry->feed);
	const char *name = is_trusted ? dh_feed_name(entry->feed) : dh_feed_short_name(entry->feed);
	json_t *json = json_pack("{s:s, s:s, s:s}", "segment", entry->segment, "name", name, "state", entry->state);

	dh_room_set_duration(json, entry->duration_ticks, entry->stated_ticks);
	if (*entry->order.utterance) {
		json_object_set_new(json, "utterance", json_string(entry->order.utterance));
		json_object_set_new(json, "index", json_integer(entry->order.index));
	}
	if (entry->order.priority != DH_PRIORITY_NORMAL)
		json_object_set_new(json, "priority", json_string(dh_priority_name(entry->order.priority)));
	json_object_set_new(json, "metadata", metadata ? json_deep_copy(metadata) : json_object());
	return json;
}

static json_t *queue_json(const struct dh_room *room, const struct queue_copy *copy, bool is_trusted)
{
	json_t *waiting = json_array(), *playing = json_null();

	if (copy->is_playing) {
		playing = entry_json(&copy->entries[0], is_trusted);
		dh_room_set_ms(playing, "played_ms", copy->played_ticks);
		dh_room_set_ms(playing, "position_ms", copy->position_ticks);
	}
	for (guint i = copy->is_playing; i < copy->count; i++)
		json_array_append_new(waiting, entry_json(&copy->entries[i], is_trusted));
	json_t *queue = json_pack("{s:s}", "state", dh_room_state_name(dh_room_state(room)));
	dh_room_set_ms(queue, "media_ms", copy->media_ticks);
	dh_room_set_ms(queue, "queued_ms", copy->queued_ticks);
	if (copy->is_on_hold)
		json_object_set_new(queue, "on_hold", json_true());
	json_object_set_new(queue, "playing", playing);
	json_object_set_new(queue, "waiting", waiting);
	return queue;
}

int dh_room_queue(struct dh_room *room, bool is_trusted, json_t **reply)
{
	struct queue_copy copy = { 0 };
	int err;

	/* Allocate here, not in the room's thread; try again if the queue has grown. */
	do {
		copy.capacity += (guint)MAX(atomic_load(&room->waiting), 0) + 16;
		copy.entries = g_renew(struct entry, copy.entries, copy.capacity);
		err = dh_room_call(room, copy_queue, &copy);
	} while (err == -EAGAIN);
	if (!err)
		*reply = queue_json(room, &copy, is_trusted);
	forget(&copy);
	g_free(copy.entries);
	return err;
}
