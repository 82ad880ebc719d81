/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pieces of an utterance sound like one. */
#include "room_private.h"

#include <string.h>

static bool is_of(const struct dh_segment *segment, const char *utterance)
{
	return segment && !strcmp(dh_segment_order(segment)->utterance, utterance);
}

/* Whether its worker can give, or get, the end of a sound. */
static bool is_joinable(const struct dh_segment *segment)
{
	const struct dh_feed *feed = dh_segment_user(segment);

	return dh_feed_is_live(feed) && !dh_feed_is_generated(feed);
}

/* The piece `index` of the utterance, which plays or waits; NULL: none does. */
static const struct dh_segment *find_piece(const struct dh_room *room, const char *utterance, int64_t index)
{
	const struct dh_segment *segment = dh_playout_playing(room->playout, NULL);

	for (size_t i = 0; !is_of(segment, utterance) || dh_segment_order(segment)->index != index; i++) {
		segment = dh_playout_waiting(room->playout, i);
		if (!segment)
			return NULL;
	}
	return segment;
}

/* A piece that has been played is not waited for, nor one that is a file. */
static bool has_lead(const struct dh_room *room, const struct dh_order *order)
{
	const struct dh_segment *before = find_piece(room, order->utterance, order->index - 1);

	return before ? is_joinable(before) : dh_playout_is_expected(room->playout, order->utterance, order->index - 1);
}

void dh_room_pipes_start(struct dh_room *room, struct dh_feed *feed)
{
	const struct dh_segment *segment = dh_feed_segment(feed);
	const struct dh_order *order = dh_segment_order(segment);

	if (!*order->utterance)
		return;
	if (is_joinable(segment))
		dh_feed_set_pipes(feed,
			has_lead(room, order) ? dh_pipes_lead(room->pipes, order->utterance, order->index) : -1,
			order->is_last ? -1 : dh_pipes_tail(room->pipes, order->utterance, order->index));
	else
		dh_pipes_pass(room->pipes, order->utterance, order->index, 1);
}

void dh_room_pipes_missing(struct dh_room *room, const struct dh_playout_event *event)
{
	dh_pipes_pass(room->pipes, event->utterance, event->index, event->count);
}

void dh_room_pipes_ended(struct dh_room *room, const struct dh_segment *segment)
{
	const struct dh_order *order = dh_segment_order(segment);
	const struct dh_segment *other;

	if (!*order->utterance || !dh_pipes_count(room->pipes))
		return;
	dh_pipes_pass(room->pipes, order->utterance, order->index, 1);
	if (is_of(dh_playout_playing(room->playout, NULL), order->utterance))
		return;
	for (size_t i = 0; (other = dh_playout_waiting(room->playout, i)); i++)
		if (is_of(other, order->utterance))
			return;
	dh_pipes_forget(room->pipes, order->utterance);
}
