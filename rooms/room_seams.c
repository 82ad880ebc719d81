/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pieces of an utterance sound like one. */
#include "room_private.h"

#include <string.h>

void dh_room_seams_start(struct dh_room *room, struct dh_feed *feed)
{
	const struct dh_order *order = dh_segment_order(dh_feed_segment(feed));
	int lead, tail;

	if (!*order->utterance || !dh_feed_is_live(feed) || dh_feed_is_generated(feed))
		return;
	dh_seams_take(room->seams, order->utterance, order->index, order->is_last, &lead, &tail);
	dh_feed_set_seams(feed, lead, tail);
}

void dh_room_seams_missing(struct dh_room *room, const struct dh_playout_event *event)
{
	dh_seams_pass(room->seams, event->utterance, event->index, event->count);
}

static bool is_of(const struct dh_segment *segment, const char *utterance)
{
	return segment && !strcmp(dh_segment_order(segment)->utterance, utterance);
}

void dh_room_seams_ended(struct dh_room *room, const struct dh_segment *segment)
{
	const struct dh_order *order = dh_segment_order(segment);
	const struct dh_segment *other;

	if (!*order->utterance || !dh_seams_count(room->seams))
		return;
	dh_seams_pass(room->seams, order->utterance, order->index, 1);
	if (is_of(dh_playout_playing(room->playout, NULL), order->utterance))
		return;
	for (size_t i = 0; (other = dh_playout_waiting(room->playout, i)); i++)
		if (is_of(other, order->utterance))
			return;
	dh_seams_forget(room->seams, order->utterance);
}
