/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The segments of a playout: how they come, move and end. */
#include "playout_private.h"

#include <errno.h>
#include <string.h>

/* --- ends */

void dh_playout_emit(struct dh_playout *playout, const struct dh_playout_event *event)
{
	playout->sink.event(playout->sink_arg, event);
}

static void emit(struct dh_playout *playout, enum dh_event_type type, struct dh_segment *segment)
{
	dh_playout_emit(playout,
		&(struct dh_playout_event){ .type = type, .segment = segment, .media_ticks = playout->slot_ticks });
}

void dh_playout_end_at(struct dh_playout *playout, const struct dh_playout_event *event)
{
	struct dh_segment *segment = event->segment;
	const struct dh_arrivals *arrivals = dh_segment_arrivals(segment);
	if (arrivals)
		dh_preroll_learn(&playout->prerolls[dh_segment_order(segment)->source], arrivals);
	dh_playout_emit(playout, event);
	if (playout->sink.ended)
		playout->sink.ended(playout->sink_arg, segment);
	else
		dh_segment_free(&segment);
}

static enum dh_event_type type_of_end(enum dh_event_type how, const struct dh_segment *segment)
{
	return how == DH_EVENT_FINISHED && dh_segment_error(segment, NULL) ? DH_EVENT_FAILED : how;
}

void dh_playout_end(struct dh_playout *playout, enum dh_event_type how, struct dh_segment *segment,
	int64_t played_ticks, enum dh_reason reason)
{
	dh_playout_end_at(playout,
		&(struct dh_playout_event){ .type = type_of_end(how, segment),
			.segment = segment,
			.media_ticks = playout->slot_ticks,
			.played_ticks = played_ticks,
			.reason = reason });
}

void dh_playout_end_playing(struct dh_playout *playout, enum dh_event_type how, enum dh_reason reason)
{
	int64_t played_ticks, position_ticks = dh_playout_position_ticks(playout);
	struct dh_segment *segment = dh_timeline_stop(&playout->timeline, &played_ticks);
	playout->on_hold = false;
	playout->cut = NULL;
	/* Until the utterance's next piece, what it showed last stands. */
	playout->timeline.stands = dh_segment_head(segment)->has_video &&
		dh_segment_order(segment)->underrun != DH_UNDERRUN_IDLE;
	playout->unsettled = true;
	dh_playout_end_at(playout,
		&(struct dh_playout_event){ .type = type_of_end(how, segment),
			.segment = segment,
			.media_ticks = playout->slot_ticks,
			.played_ticks = played_ticks,
			.reason = reason,
			.position_ticks = position_ticks });
}

struct dh_segment *dh_playout_take(struct dh_playout *playout, size_t index)
{
	struct dh_segment *segment = dh_queue_take(&playout->queue, index);
	struct dh_utterance *utterance = dh_playout_utterance(playout, segment);
	if (utterance && --utterance->waiting == 0 && utterance == playout->challenger)
		playout->challenger = NULL;
	playout->unsettled = true;
	return segment;
}

static bool has_piece(const struct dh_playout *playout, const struct dh_utterance *utterance, int64_t index)
{
	size_t at, count = dh_queue_utterance(&playout->queue, utterance->name, &at);
	for (; count; count--, at++)
		if (dh_segment_order(playout->queue.at[at])->index == index)
			return true;
	return false;
}

struct dh_segment *dh_playout_take_out(struct dh_playout *playout, size_t index)
{
	struct dh_segment *segment = dh_playout_take(playout, index);
	struct dh_utterance *utterance = dh_playout_utterance(playout, segment);
	int64_t piece = dh_segment_order(segment)->index;
	if (utterance && !has_piece(playout, utterance, piece)) /* its rest may wait */
		dh_utterance_lose(utterance, piece);
	return segment;
}

void dh_playout_drop(struct dh_playout *playout, size_t index, enum dh_event_type how, enum dh_reason reason)
{
	dh_playout_end(playout, how, dh_playout_take_out(playout, index), 0, reason);
}

/* --- places in the queue */

static bool is_playing(const struct dh_playout *playout, const char *id)
{
	return playout->timeline.playing && !strcmp(dh_segment_id(playout->timeline.playing), id);
}

static bool has_begun(const struct dh_playout *playout, const struct dh_utterance *utterance)
{
	return utterance && utterance == playout->turn && playout->turn_began;
}

/* The position beside the segment that `place` names, which gives its priority, too. */
static int find_neighbour(const struct dh_playout *playout, const struct dh_place *place, size_t *at,
	enum dh_priority *priority)
{
	const char *id = place->before ? place->before : place->after;
	bool is_first = is_playing(playout, id);
	long found = is_first ? 0 : dh_queue_find(&playout->queue, id);
	if (found < 0)
		return -ENXIO;
	const struct dh_segment *other = is_first ? playout->timeline.playing : playout->queue.at[found];
	const struct dh_utterance *utterance = dh_playout_utterance(playout, other);
	size_t from = (size_t)found, count = 1;
	if (place->before && (is_first || has_begun(playout, utterance)))
		return -EBUSY;
	*priority = dh_segment_order(other)->priority;
	if (is_first) {
		from = dh_queue_first(&playout->queue, *priority);
		count = 0;
	}
	if (utterance && utterance->waiting)
		count = dh_queue_utterance(&playout->queue, utterance->name, &from);
	*at = place->before ? from : from + count;
	return 0;
}

static bool is_placed(const struct dh_place *place)
{
	return place && (place->before || place->after);
}

static int find_place(const struct dh_playout *playout, const struct dh_utterance *utterance,
	const struct dh_place *place, struct dh_order *order, size_t *at)
{
	if (is_placed(place) && place->before && place->after)
		return -EINVAL;
	if (utterance)
		order->priority = utterance->priority;
	if (!utterance || (!utterance->waiting && !has_begun(playout, utterance))) {
		if (is_placed(place))
			return find_neighbour(playout, place, at, &order->priority);
		*at = dh_queue_end(&playout->queue, order->priority);
		return 0;
	}
	if (is_placed(place))
		return -EINVAL;
	size_t count = dh_queue_utterance(&playout->queue, order->utterance, at);
	if (!count)
		*at = dh_queue_first(&playout->queue, order->priority);
	for (; count && dh_segment_order(playout->queue.at[*at])->index <= order->index; count--, (*at)++)
		if (dh_segment_order(playout->queue.at[*at])->index == order->index)
			return -EALREADY;
	return 0;
}

/* --- coming */

static int check_piece(const struct dh_utterance *utterance, struct dh_order *order)
{
	if (order->index < 0)
		order->index = utterance->highest + 1;
	if (utterance->is_over)
		return 0;
	if (order->index > DH_INDEX_MAX || (utterance->last >= 0 && order->index > utterance->last) ||
		(order->is_last && order->index < utterance->highest))
		return -ERANGE;
	return 0;
}

void dh_playout_set_expiry(struct dh_playout *playout, struct dh_segment *segment, int64_t media_ticks)
{
	dh_segment_set_expiry(segment, media_ticks);
	if (media_ticks < playout->expiry_ticks)
		playout->expiry_ticks = media_ticks;
}

static int insert(struct dh_playout *playout, struct dh_segment *segment, struct dh_utterance *utterance,
	struct dh_order *order, const struct dh_place *place)
{
	const struct dh_queue_limits limits = { playout->config.max_queue, playout->config.max_queue_ticks,
		playout->config.max_queue_bytes };
	size_t at = 0;
	int err = find_place(playout, utterance, place, order, &at);
	if (!err && order->source && !order->preroll_ticks)
		err = dh_segment_follow_arrivals(segment);
	if (!err)
		err = dh_queue_insert(&playout->queue, segment, at, &limits);
	if (err)
		return err;
	if (utterance)
		dh_utterance_note(utterance, order);
	dh_segment_set_order(segment, order);
	if (order->ttl_ticks > 0)
		dh_playout_set_expiry(playout, segment, playout->slot_ticks + order->ttl_ticks);
	playout->unsettled = true;
	return 0;
}

/* A piece whose place has been passed ends at once. */
static void refuse_late(struct dh_playout *playout, struct dh_segment *segment, const struct dh_utterance *utterance)
{
	enum dh_reason reason = utterance->is_over && utterance->is_cut ? DH_REASON_CUT : DH_REASON_LATE;
	emit(playout, DH_EVENT_QUEUED, segment);
	dh_playout_end(playout, DH_EVENT_REMOVED, segment, 0, reason);
}

int dh_playout_enqueue_at(struct dh_playout *playout, struct dh_segment *segment, const struct dh_place *place)
{
	struct dh_order order = *dh_segment_order(segment);
	struct dh_utterance *utterance = dh_playout_utterance(playout, segment), *added = NULL;
	int err = 0;
	if (dh_playout_find(playout, dh_segment_id(segment)))
		return -EEXIST;
	if (*order.utterance && !utterance) {
		utterance = added = dh_utterances_add(&playout->utterances, order.utterance, order.priority);
		if (!added)
			return -ENOMEM;
	}
	if (utterance)
		err = check_piece(utterance, &order);
	if (!err && utterance && (utterance->is_over || order.index < utterance->next)) {
		dh_segment_set_order(segment, &order);
		refuse_late(playout, segment, utterance);
		return 0;
	}
	if (!err)
		err = insert(playout, segment, utterance, &order, place);
	if (err) {
		if (added)
			dh_utterances_remove(&playout->utterances, added);
		return err;
	}
	dh_utterances_trim(&playout->utterances, playout->turn);
	emit(playout, DH_EVENT_QUEUED, segment);
	if (dh_segment_is_open(segment) || dh_segment_error(segment, NULL))
		dh_playout_filled(playout, segment);
	return 0;
}

int dh_playout_enqueue(struct dh_playout *playout, struct dh_segment *segment)
{
	return dh_playout_enqueue_at(playout, segment, NULL);
}

struct dh_segment *dh_playout_find(struct dh_playout *playout, const char *id)
{
	if (is_playing(playout, id))
		return playout->timeline.playing;
	long at = dh_queue_find(&playout->queue, id);
	return at < 0 ? NULL : playout->queue.at[at];
}

void dh_playout_note_ready(struct dh_playout *playout, struct dh_segment *segment)
{
	if (dh_playout_is_ready(playout, segment) && dh_segment_mark_ready(segment))
		emit(playout, DH_EVENT_READY, segment);
}

void dh_playout_filled(struct dh_playout *playout, struct dh_segment *segment)
{
	struct dh_arrivals *arrivals = dh_segment_arrivals(segment);
	if (arrivals)
		dh_arrivals_note(arrivals, playout->slot_ticks, dh_segment_known_ticks(segment));
	if (playout->water.high_ticks)
		playout->unsettled = true;
	long at = dh_queue_find(&playout->queue, dh_segment_id(segment));
	if (at < 0)
		return; /* it is playing: the timeline notices by itself */
	if (dh_segment_error(segment, NULL)) {
		/* It failed before it began, so it never begins. */
		dh_playout_drop(playout, (size_t)at, DH_EVENT_FAILED, DH_REASON_NONE);
		return;
	}
	dh_playout_note_ready(playout, segment);
}

/* --- commands */

int dh_playout_skip(struct dh_playout *playout)
{
	if (!playout->timeline.playing)
		return -ENOENT;
	dh_playout_end_playing(playout, DH_EVENT_SKIPPED, DH_REASON_NONE);
	return 0;
}

int dh_playout_remove(struct dh_playout *playout, const char *id)
{
	long at = dh_queue_find(&playout->queue, id);
	if (at < 0)
		return is_playing(playout, id) ? -EBUSY : -ENOENT;
	dh_playout_drop(playout, (size_t)at, DH_EVENT_REMOVED, DH_REASON_NONE);
	return 0;
}

int dh_playout_remove_utterance(struct dh_playout *playout, const char *name)
{
	struct dh_utterance *utterance = dh_utterances_find(&playout->utterances, name);
	if (!utterance || utterance->is_over)
		return -ENOENT;
	int count = (int)utterance->waiting;
	dh_playout_close_utterance(playout, utterance, DH_EVENT_REMOVED, DH_REASON_NONE);
	playout->unsettled = true;
	return count;
}

int dh_playout_move(struct dh_playout *playout, const char *id, const struct dh_place *place)
{
	long found = dh_queue_find(&playout->queue, id);
	enum dh_priority priority;
	size_t to;
	if (found < 0)
		return is_playing(playout, id) ? -EBUSY : -ENOENT;
	if (!place->before == !place->after)
		return -EINVAL;
	size_t from = (size_t)found, count = 1;
	struct dh_utterance *utterance = dh_playout_utterance(playout, playout->queue.at[from]);
	if (has_begun(playout, utterance))
		return -EBUSY;
	int err = find_neighbour(playout, place, &to, &priority);
	if (err)
		return err;
	if (utterance) {
		count = dh_queue_utterance(&playout->queue, utterance->name, &from);
		utterance->priority = priority;
	}
	for (size_t i = from; i < from + count; i++) {
		struct dh_order order = *dh_segment_order(playout->queue.at[i]);
		order.priority = priority;
		dh_segment_set_order(playout->queue.at[i], &order);
	}
	if (to < from || to > from + count)
		dh_queue_move(&playout->queue, from, count, to);
	playout->unsettled = true;
	return 0;
}
