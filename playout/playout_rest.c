/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments that say what others, which failed, have left unsaid. */
#include "playout_private.h"

#include <errno.h>

/* Directly behind it; `waiting`: its own place in the queue, negative: it plays. */
static size_t place_of_rest(const struct dh_playout *playout, const struct dh_segment *failed, long waiting)
{
	const struct dh_order *order = dh_segment_order(failed);
	size_t at;
	if (waiting >= 0)
		return (size_t)waiting + 1;
	if (*order->utterance && dh_queue_utterance(&playout->queue, order->utterance, &at))
		return at;
	return dh_queue_first(&playout->queue, order->priority);
}

/* It is the end of what has begun, or in place of what has not. */
static struct dh_order order_of_rest(const struct dh_segment *failed, bool has_begun)
{
	struct dh_order order = *dh_segment_order(failed);
	if (has_begun) {
		order.repeat = 0;
		order.from_ticks = 0;
	}
	order.ttl_ticks = 0;
	return order;
}

int dh_playout_enqueue_rest(struct dh_playout *playout, struct dh_segment *segment, const struct dh_segment *failed)
{
	/* It was accepted with the one that failed, which had a place. */
	const struct dh_queue_limits limits = { playout->config.max_queue + 1, INT64_MAX, SIZE_MAX };
	long waiting = dh_queue_find(&playout->queue, dh_segment_id(failed));
	struct dh_order order = order_of_rest(failed, waiting < 0);
	struct dh_utterance *utterance = dh_playout_utterance(playout, failed);
	int err = 0;
	if (playout->cut == failed)
		return -ECANCELED;
	if (*order.utterance && (!utterance || utterance->is_over))
		return -ECANCELED;
	if (order.source && !order.preroll_ticks)
		err = dh_segment_follow_arrivals(segment);
	if (!err)
		err = dh_queue_insert(&playout->queue, segment, place_of_rest(playout, failed, waiting), &limits);
	if (err)
		return err;
	if (utterance)
		dh_utterance_note(utterance, &order);
	dh_segment_set_order(segment, &order);
	dh_segment_set_asked(segment, dh_segment_asked(failed));
	if (waiting >= 0)
		dh_playout_set_expiry(playout, segment, dh_segment_expiry_ticks(failed));
	playout->unsettled = true;
	dh_playout_emit(playout,
		&(struct dh_playout_event){ .type = DH_EVENT_QUEUED,
			.segment = segment,
			.media_ticks = playout->slot_ticks });
	return 0;
}
