/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which segment plays next.
 *
 * The queue is in playing order already (queue.h). What is decided here is whether its
 * first segment may start: a piece of an utterance waits for the pieces before it, and
 * everything else waits until an utterance that has its turn is over.
 */
#include "playout_private.h"

#include <string.h>

static bool is_of(const struct dh_segment *segment, const struct dh_utterance *utterance)
{
	return utterance && !strcmp(dh_segment_order(segment)->utterance, utterance->name);
}

struct dh_utterance *dh_playout_utterance(const struct dh_playout *playout, const struct dh_segment *segment)
{
	const char *name = dh_segment_order(segment)->utterance;
	if (!*name)
		return NULL;
	if (is_of(segment, playout->turn))
		return playout->turn;
	return dh_utterances_find(&playout->utterances, name);
}

bool dh_playout_is_expected(const struct dh_playout *playout, const char *name, int64_t index)
{
	const struct dh_utterance *utterance = dh_utterances_find(&playout->utterances, name);
	return utterance && !utterance->is_over && index >= utterance->next && !dh_utterance_has_lost(utterance, index);
}

/* The first waiting piece of the utterance that has its turn. */
static struct dh_segment *next_piece(const struct dh_playout *playout)
{
	size_t first;
	if (!dh_queue_utterance(&playout->queue, playout->turn->name, &first))
		return NULL;
	return playout->queue.at[first];
}

static void give_up_turn(struct dh_playout *playout)
{
	playout->turn = NULL;
	playout->turn_began = false;
	playout->waits_ticks = -1;
	playout->timeline.stands = false;
	playout->on_hold = playout->on_hold && playout->timeline.playing;
}

void dh_playout_close_utterance(struct dh_playout *playout, struct dh_utterance *utterance, enum dh_event_type how,
	enum dh_reason reason)
{
	size_t first;
	utterance->is_over = true;
	utterance->is_cut = utterance->is_cut || how != DH_EVENT_FINISHED;
	while (dh_queue_utterance(&playout->queue, utterance->name, &first))
		dh_playout_end(playout, how, dh_playout_take(playout, first), 0, reason);
	if (playout->turn == utterance)
		give_up_turn(playout);
}

/* --- waiting */

static void expire(struct dh_playout *playout)
{
	if (playout->slot_ticks < playout->expiry_ticks)
		return;
	playout->expiry_ticks = INT64_MAX;
	for (size_t i = 0; i < playout->queue.count;) {
		int64_t expiry = dh_segment_expiry_ticks(playout->queue.at[i]);
		if (expiry <= playout->slot_ticks) {
			dh_playout_drop(playout, i, DH_EVENT_REMOVED, DH_REASON_EXPIRED);
			continue;
		}
		if (expiry < playout->expiry_ticks)
			playout->expiry_ticks = expiry;
		i++;
	}
}

static void leave_out(struct dh_playout *playout, struct dh_utterance *utterance, int64_t until)
{
	if (until > utterance->next)
		dh_playout_emit(playout,
			&(struct dh_playout_event){ .type = DH_EVENT_MISSING,
				.media_ticks = playout->slot_ticks,
				.utterance = utterance->name,
				.index = utterance->next,
				.count = until - utterance->next });
	utterance->next = until;
}

/* The first utterance in the queue gets the turn, and loses it again if something comes
 * before it before it has begun. */
static void give_turn(struct dh_playout *playout)
{
	struct dh_segment *first = playout->queue.count ? playout->queue.at[0] : NULL;
	if (playout->turn && !playout->turn_began && (!first || !is_of(first, playout->turn)))
		give_up_turn(playout);
	if (!playout->turn && first && playout->timeline.idle.pictures)
		playout->turn = dh_playout_utterance(playout, first);
}

/* True: the turn has changed, so look again. */
static bool settle_turn(struct dh_playout *playout)
{
	struct dh_utterance *turn = playout->turn;
	dh_utterance_pass(turn);
	struct dh_segment *piece = next_piece(playout);
	bool is_last_over = turn->last >= 0 && turn->next > turn->last;
	if (piece && dh_segment_order(piece)->index <= turn->next) {
		playout->waits_ticks = -1;
		return false;
	}
	if (!turn->is_over && !is_last_over) {
		if (playout->waits_ticks < 0)
			playout->waits_ticks = playout->slot_ticks;
		if (playout->slot_ticks - playout->waits_ticks < playout->config.index_timeout_ticks)
			return false;
		playout->waits_ticks = -1;
		if (piece || turn->last >= 0)
			leave_out(playout, turn, piece ? dh_segment_order(piece)->index : turn->last + 1);
		if (piece)
			return true;
	}
	dh_playout_close_utterance(playout, turn, DH_EVENT_FINISHED, DH_REASON_NONE);
	dh_utterances_trim(&playout->utterances, NULL);
	return true;
}

/* What plays, or the utterance between two pieces, gives way to higher priorities only. */
static bool is_outranked(const struct dh_playout *playout, const struct dh_segment *by)
{
	enum dh_priority priority = dh_segment_order(by)->priority;
	if (playout->timeline.playing)
		return priority > dh_segment_order(playout->timeline.playing)->priority &&
			!dh_segment_order(playout->timeline.playing)->is_patient;
	return priority > playout->turn->priority;
}

bool dh_playout_is_between_pieces(const struct dh_playout *playout)
{
	return playout->turn && playout->turn_began && !playout->timeline.playing;
}

/* An utterance of higher priority than what has the turn does not wait for its next piece for
 * ever, either: what is of lower priority may take very long. */
static void settle_challenge(struct dh_playout *playout)
{
	struct dh_segment *first = playout->queue.count ? playout->queue.at[0] : NULL;
	bool has_turn = playout->timeline.playing || dh_playout_is_between_pieces(playout);
	struct dh_utterance *utterance = first && has_turn ? dh_playout_utterance(playout, first) : NULL;
	if (!utterance || utterance == playout->turn || !is_outranked(playout, first)) {
		playout->challenger = NULL;
		return;
	}
	dh_utterance_pass(utterance);
	if (playout->challenger != utterance) {
		playout->challenger = utterance;
		playout->challenge_ticks = playout->slot_ticks;
	}
	int64_t index = dh_segment_order(first)->index;
	if (index > utterance->next &&
		playout->slot_ticks - playout->challenge_ticks >= playout->config.index_timeout_ticks)
		leave_out(playout, utterance, index);
}

void dh_playout_settle(struct dh_playout *playout)
{
	expire(playout);
	playout->unsettled = false;
	if (!playout->timeline.playing && !playout->on_hold) {
		do
			give_turn(playout);
		while (playout->turn && settle_turn(playout));
	}
	settle_challenge(playout);
}

/* --- starting */

/* Whether no piece before it is missing. */
static bool is_in_turn(const struct dh_playout *playout, const struct dh_segment *segment)
{
	const struct dh_utterance *utterance = dh_playout_utterance(playout, segment);
	return !utterance || dh_segment_order(segment)->index <= utterance->next;
}

struct dh_segment *dh_playout_startable(const struct dh_playout *playout)
{
	if (!playout->timeline.idle.pictures || !playout->queue.count || playout->timeline.fade)
		return NULL;
	struct dh_segment *next = playout->queue.at[0];
	bool is_free = !playout->timeline.playing && !dh_playout_is_between_pieces(playout);
	if (!is_free && !is_of(next, playout->turn) &&
		(!is_outranked(playout, next) || !is_in_turn(playout, next) || !dh_playout_is_ready(playout, next)))
		next = playout->timeline.playing || playout->on_hold ? NULL : next_piece(playout);
	else if (playout->on_hold && !is_outranked(playout, next))
		next = NULL;
	else if (playout->timeline.playing && !is_outranked(playout, next))
		next = NULL;
	return next && is_in_turn(playout, next) && dh_playout_is_ready(playout, next) ? next : NULL;
}

struct dh_segment *dh_playout_interrupting(const struct dh_playout *playout)
{
	struct dh_segment *next = playout->timeline.playing && playout->queue.count ? playout->queue.at[0] : NULL;
	return next && is_outranked(playout, next) && is_in_turn(playout, next) ? next : NULL;
}

struct dh_segment *dh_playout_joining(const struct dh_playout *playout)
{
	const struct dh_segment *playing = playout->timeline.playing;
	struct dh_segment *next = playing && playout->queue.count ? playout->queue.at[0] : NULL;
	if (!next || playout->on_hold || playout->cut || !is_of(next, playout->turn) ||
		!is_of(playing, playout->turn) ||
		dh_segment_order(next)->index != dh_segment_order(playing)->index + 1 ||
		dh_segment_expiry_ticks(next) <= playout->slot_ticks || !dh_playout_is_ready(playout, next) ||
		!dh_timeline_may_hand_over(&playout->timeline, next, playout->slot_ticks))
		return NULL;
	return next;
}

void dh_playout_give_way(struct dh_playout *playout, const struct dh_segment *by)
{
	if (playout->timeline.playing)
		dh_playout_end_playing(playout, DH_EVENT_INTERRUPTED, DH_REASON_PRIORITY);
	if (playout->turn && playout->turn_began && !is_of(by, playout->turn))
		dh_playout_close_utterance(playout, playout->turn, DH_EVENT_INTERRUPTED, DH_REASON_PRIORITY);
}

void dh_playout_take_turn(struct dh_playout *playout, struct dh_segment *segment)
{
	dh_playout_give_way(playout, segment);
	size_t at = 0;
	while (playout->queue.at[at] != segment)
		at++;
	dh_playout_take(playout, at);
	playout->turn = dh_playout_utterance(playout, segment);
	playout->turn_began = playout->turn != NULL;
	playout->waits_ticks = -1;
	if (playout->turn)
		playout->turn->next = dh_segment_order(segment)->index + 1;
}

/* --- time */

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t level_ticks(const struct dh_playout *playout)
{
	return dh_queue_ticks(&playout->queue) + dh_timeline_rest_ticks(&playout->timeline, playout->slot_ticks);
}

int64_t dh_playout_queued_ticks(const struct dh_playout *playout)
{
	return level_ticks(playout);
}

void dh_playout_check_water(struct dh_playout *playout)
{
	if (!playout->water.low_ticks && !playout->water.high_ticks)
		return;
	int64_t level = level_ticks(playout);
	enum dh_water_mark mark = dh_water_level(&playout->water, level);
	if (mark != DH_WATER_NONE)
		dh_playout_emit(playout,
			&(struct dh_playout_event){ .type = mark == DH_WATER_LOW ? DH_EVENT_LOW_WATER :
										   DH_EVENT_HIGH_WATER,
				.media_ticks = playout->slot_ticks,
				.queued_ticks = level });
}

/* While it plays, the level falls by a tick in each. */
static int64_t low_water_ticks(const struct dh_playout *playout)
{
	if (!playout->water.is_above_low || !playout->water.low_ticks || !playout->timeline.playing ||
		playout->timeline.held || playout->timeline.frozen)
		return INT64_MAX;
	int64_t above = level_ticks(playout) - playout->water.low_ticks;
	return above > 0 ? playout->slot_ticks + dh_slot_ceil(above) : playout->slot_ticks;
}

int64_t dh_playout_order_deadline_ticks(const struct dh_playout *playout)
{
	if (playout->unsettled)
		return playout->slot_ticks;
	int64_t deadline = min(playout->expiry_ticks, low_water_ticks(playout));
	deadline = min(deadline, dh_playout_cut_deadline_ticks(playout));
	if (playout->waits_ticks >= 0 && !playout->timeline.playing && !playout->on_hold)
		deadline = min(deadline, playout->waits_ticks + playout->config.index_timeout_ticks);
	if (playout->challenger && dh_segment_order(playout->queue.at[0])->index > playout->challenger->next)
		deadline = min(deadline, playout->challenge_ticks + playout->config.index_timeout_ticks);
	if (playout->timeline.playing && dh_playout_startable(playout))
		deadline = playout->slot_ticks;
	if (deadline == INT64_MAX)
		return deadline;
	deadline = dh_slot_ceil(deadline);
	return deadline > playout->slot_ticks ? deadline : playout->slot_ticks;
}
