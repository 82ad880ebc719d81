/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frees segments that have ended.
 *
 * A segment of ten minutes has 45,000 units, and a queue may have ten times as many.
 * Freeing them at once would make the room late by milliseconds, and on a busy machine
 * other rooms, too. So they are freed in steps.
 */
#include "room_private.h"

#include "playout/timebase.h"

/* About 20 us of work in each millisecond. */
#define UNITS_MAX       128
#define INTERVAL_TICKS  DH_TICKS_PER_MS
#define LATER_UNITS_MAX 8192

void dh_room_ended_add(struct dh_room *room, struct dh_segment *segment)
{
	g_ptr_array_add(room->ended, segment);
}

void dh_room_ended_poll(struct dh_room *room, int64_t now_ticks)
{
	if (room->ended->len == 0 || now_ticks < room->ended_poll_ticks)
		return;
	struct dh_segment *segment = room->ended->pdata[room->ended->len - 1];
	if (dh_segment_drop(segment, UNITS_MAX)) {
		g_ptr_array_set_size(room->ended, (gint)room->ended->len - 1);
		dh_segment_free(&segment);
	}
	room->ended_poll_ticks = now_ticks + INTERVAL_TICKS;
}

int64_t dh_room_ended_deadline_ticks(const struct dh_room *room)
{
	return room->ended->len ? room->ended_poll_ticks : INT64_MAX;
}

/* Nobody waits for this thread, so its steps are larger. */
static bool free_some(void *arg)
{
	GPtrArray *ended = arg;
	struct dh_segment *segment = ended->len ? ended->pdata[ended->len - 1] : NULL;

	if (!segment) {
		g_ptr_array_unref(ended);
		return false;
	}
	if (dh_segment_drop(segment, LATER_UNITS_MAX)) {
		g_ptr_array_set_size(ended, (gint)ended->len - 1);
		dh_segment_free(&segment);
	}
	return true;
}

void dh_room_ended_close(struct dh_room *room)
{
	dh_ingest_free_later(room->context.ingest, free_some, g_steal_pointer(&room->ended));
}
