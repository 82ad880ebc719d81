/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments that say what others, which failed, have left unsaid. */
#include "playout_private.h"

#include <errno.h>

/* Directly behind it. */
static size_t place_of_rest(const struct dh_playout *playout, const struct dh_segment *failed)
{
	const struct dh_order *order = dh_segment_order(failed);
	long found = dh_queue_find(&playout->queue, dh_segment_id(failed));
	size_t at;
	if (found >= 0)
		return (size_t)found + 1;
	if (*order->utterance && dh_queue_utterance(&playout->queue, order->utterance, &at))
		return at;
	return dh_queue_first(&playout->queue, order->priority);
}

int dh_playout_enqueue_rest(struct dh_playout *playout, struct dh_segment *segment, const struct dh_segment *failed)
{
	const struct dh_queue_limits limits = { playout->config.max_queue, playout->config.max_queue_ticks,
		playout->config.max_queue_bytes };
	struct dh_order order = *dh_segment_order(failed);
	struct dh_utterance *utterance = dh_playout_utterance(playout, failed);
	int err = 0;
	if (*order.utterance && (!utterance || utterance->is_over))
		return -ECANCELED;
	order.ttl_ticks = 0;
	order.repeat = 0;
	if (order.source && !order.preroll_ticks)
		err = dh_segment_follow_arrivals(segment);
	if (!err)
		err = dh_queue_insert(&playout->queue, segment, place_of_rest(playout, failed), &limits);
	if (err)
		return err;
	if (utterance)
		dh_utterance_note(utterance, &order);
	dh_segment_set_order(segment, &order);
	playout->unsettled = true;
	dh_playout_emit(playout,
		&(struct dh_playout_event){ .type = DH_EVENT_QUEUED,
			.segment = segment,
			.media_ticks = playout->slot_ticks });
	return 0;
}
