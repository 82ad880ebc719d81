/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interruptions, and what is put on hold. */
#include "playout_private.h"

#include <errno.h>
#include <string.h>

/* --- what is cut */

static bool matches(const struct dh_segment *segment, const struct dh_cut *cut)
{
	const struct dh_order *order = dh_segment_order(segment);
	bool is_named = !cut->segment || !strcmp(dh_segment_id(segment), cut->segment) ||
		!strcmp(dh_segment_asked(segment), cut->segment);
	return is_named && (!cut->utterance || !strcmp(order->utterance, cut->utterance)) &&
		(!cut->has_priority || order->priority == cut->priority);
}

/* The utterance that has its turn is played to its end. */
static bool is_kept(const struct dh_playout *playout, const struct dh_utterance *utterance, const struct dh_cut *cut)
{
	return cut->mode == DH_CUT_UTTERANCE && utterance && utterance == playout->turn && playout->turn_began;
}

static bool closes(const struct dh_playout *playout, const struct dh_utterance *utterance, const struct dh_cut *cut)
{
	return !utterance->is_over && !is_kept(playout, utterance, cut) && !cut->segment &&
		(!cut->utterance || !strcmp(utterance->name, cut->utterance)) &&
		(!cut->has_priority || utterance->priority == cut->priority);
}

/* Whether it means anything that is there. */
static bool has_match(const struct dh_playout *playout, const struct dh_cut *cut)
{
	const struct dh_utterance *utterance = cut->utterance ?
		dh_utterances_find(&playout->utterances, cut->utterance) :
		NULL;
	if (!cut->segment && (!cut->utterance || (utterance && !utterance->is_over)))
		return true;
	if (playout->timeline.playing && matches(playout->timeline.playing, cut))
		return true;
	for (size_t i = 0; i < playout->queue.count; i++)
		if (matches(playout->queue.at[i], cut))
			return true;
	return false;
}

/* --- the queue */

static int end_waiting(struct dh_playout *playout, struct dh_segment *segment)
{
	static const struct dh_queue_limits none = { INT32_MAX, INT64_MAX, SIZE_MAX };
	/* No memory: at once, then. */
	if (dh_queue_insert(&playout->interrupted, segment, playout->interrupted.count, &none))
		dh_playout_end(playout, DH_EVENT_INTERRUPTED, segment, 0, DH_REASON_NONE);
	return 1;
}

static int take_matching(struct dh_playout *playout, const struct dh_cut *cut)
{
	int count = 0;
	for (size_t i = 0; i < playout->queue.count;) {
		const struct dh_segment *segment = playout->queue.at[i];
		if (!matches(segment, cut) || is_kept(playout, dh_playout_utterance(playout, segment), cut))
			i++;
		else
			count += end_waiting(playout, dh_playout_take_out(playout, i));
	}
	return count;
}

/* However long it is. */
static int take_all(struct dh_playout *playout)
{
	for (size_t i = 0; i < playout->utterances.count; i++)
		playout->utterances.at[i]->waiting = 0;
	playout->challenger = NULL;
	dh_queue_clear(&playout->interrupted);
	playout->interrupted = playout->queue;
	playout->queue = (struct dh_queue){ 0 };
	return (int)playout->interrupted.count;
}

/* --- what plays */

static void plan_word(struct dh_playout *playout, const struct dh_cut *cut, struct dh_cut_result *result)
{
	int64_t here = dh_playout_position_ticks(playout), end = dh_slot_ceil(cut->word_end_ticks);
	int64_t by = playout->slot_ticks + dh_slot_floor(cut->word_ticks), at = playout->slot_ticks + end - here;
	playout->cut = playout->timeline.playing;
	playout->cut_position_ticks = end;
	playout->cut_by_ticks = by;
	result->cut_ticks = at < by ? at : by;
	if (result->cut_ticks < playout->slot_ticks)
		result->cut_ticks = playout->slot_ticks;
}

bool dh_playout_is_cut_here(const struct dh_playout *playout)
{
	return playout->cut && playout->cut == playout->timeline.playing &&
		(playout->slot_ticks >= playout->cut_by_ticks ||
			(!playout->timeline.frozen &&
				dh_playout_position_ticks(playout) >= playout->cut_position_ticks));
}

/* Where it is held it reaches the place later, but never after the time. */
int64_t dh_playout_cut_deadline_ticks(const struct dh_playout *playout)
{
	if (!playout->cut)
		return INT64_MAX;
	int64_t at = playout->slot_ticks + playout->cut_position_ticks - dh_playout_position_ticks(playout);
	return at < playout->cut_by_ticks && !playout->timeline.frozen ? at : playout->cut_by_ticks;
}

static void cut_playing(struct dh_playout *playout, const struct dh_cut *cut, struct dh_cut_result *result)
{
	const struct dh_segment *playing = playout->timeline.playing;
	bool waits = playing && cut->mode == DH_CUT_WORD && !playout->on_hold && !playout->timeline.held &&
		dh_playout_position_ticks(playout) < cut->word_end_ticks && cut->word_ticks >= DH_SLOT_TICKS;
	result->cut_ticks = -1;
	if (!playing || cut->mode >= DH_CUT_SEGMENT || !matches(playing, cut))
		return;
	result->dropped++;
	if (waits) {
		plan_word(playout, cut, result);
		return;
	}
	result->cut_ticks = playout->slot_ticks;
	dh_playout_end_playing(playout, DH_EVENT_INTERRUPTED, DH_REASON_NONE);
}

int dh_playout_begin_cut(struct dh_playout *playout, const struct dh_cut *cut, struct dh_cut_result *result)
{
	bool is_all = !cut->segment && !cut->utterance && !cut->has_priority && cut->mode != DH_CUT_UTTERANCE;
	*result = (struct dh_cut_result){ .cut_ticks = -1 };
	if (!has_match(playout, cut))
		return -ENOENT;
	while (dh_playout_continue_cut(playout))
		;
	cut_playing(playout, cut, result);
	result->dropped += is_all ? take_all(playout) : take_matching(playout, cut);
	for (size_t i = 0; i < playout->utterances.count; i++) {
		struct dh_utterance *utterance = playout->utterances.at[i];
		if (closes(playout, utterance, cut))
			utterance->is_over = utterance->is_cut = true;
	}
	if (playout->turn && playout->turn->is_over && !playout->timeline.playing)
		playout->on_hold = false;
	playout->interrupted_ticks = playout->slot_ticks;
	playout->unsettled = true;
	return 0;
}

bool dh_playout_continue_cut(struct dh_playout *playout)
{
	if (!playout->interrupted.count)
		return false;
	dh_playout_end_at(playout,
		&(struct dh_playout_event){ .type = DH_EVENT_INTERRUPTED,
			.segment = dh_queue_take(&playout->interrupted, 0),
			.media_ticks = playout->interrupted_ticks });
	return true;
}

bool dh_playout_is_cut_ahead(const struct dh_playout *playout)
{
	return playout->cut != NULL;
}

void dh_playout_watch_speech(struct dh_playout *playout, int64_t until_ticks)
{
	playout->fanout.watch_ticks = until_ticks;
}

int64_t dh_playout_end_watch(struct dh_playout *playout)
{
	int64_t spoken = playout->fanout.spoken_ticks;
	playout->fanout.watch_ticks = INT64_MAX;
	return spoken < 0 ? -1 : playout->origin_ticks + spoken;
}

int dh_playout_interrupt(struct dh_playout *playout)
{
	struct dh_cut_result result;
	dh_playout_begin_cut(playout, &(struct dh_cut){ .mode = DH_CUT_NOW }, &result);
	while (dh_playout_continue_cut(playout))
		;
	return result.dropped;
}

/* --- hold */

int64_t dh_playout_position_ticks(const struct dh_playout *playout)
{
	return dh_timeline_position_ticks(&playout->timeline, playout->slot_ticks);
}

int64_t dh_playout_muted_ticks(const struct dh_playout *playout)
{
	return dh_timeline_muted_ticks(&playout->timeline);
}

bool dh_playout_is_on_hold(const struct dh_playout *playout)
{
	return playout->on_hold;
}

bool dh_playout_may_regret(const struct dh_playout *playout)
{
	return playout->on_hold && playout->slot_ticks <= playout->regret_ticks;
}

static void tell(struct dh_playout *playout, enum dh_event_type type, bool is_undone)
{
	const struct dh_timeline *timeline = &playout->timeline;
	dh_playout_emit(playout,
		&(struct dh_playout_event){ .type = type,
			.segment = timeline->playing,
			.media_ticks = playout->slot_ticks,
			.played_ticks = timeline->playing ? dh_timeline_played_ticks(timeline) : 0,
			.position_ticks = dh_playout_position_ticks(playout),
			.is_undone = is_undone });
}

int dh_playout_hold(struct dh_playout *playout, int64_t regret_ticks)
{
	struct dh_timeline *timeline = &playout->timeline;
	if (playout->on_hold)
		return -EALREADY;
	if (!timeline->playing && !dh_playout_is_between_pieces(playout))
		return -ENOENT;
	if (timeline->playing && timeline->held) /* what it waits for is something else now */
		dh_playout_emit(playout,
			&(struct dh_playout_event){ .type = DH_EVENT_RESUMED,
				.segment = timeline->playing,
				.media_ticks = playout->slot_ticks,
				.played_ticks = dh_timeline_played_ticks(timeline) });
	if (timeline->playing)
		dh_timeline_freeze(timeline);
	playout->on_hold = true;
	playout->hold_ticks = playout->slot_ticks;
	playout->regret_ticks = playout->slot_ticks + regret_ticks;
	tell(playout, DH_EVENT_HOLDING, false);
	return 0;
}

int dh_playout_resume(struct dh_playout *playout, int64_t at_ticks)
{
	struct dh_timeline *timeline = &playout->timeline;
	bool is_undone = dh_playout_may_regret(playout);
	if (!playout->on_hold)
		return -ENOENT;
	playout->on_hold = false;
	if (playout->waits_ticks >= 0) /* nobody waited for the next piece */
		playout->waits_ticks += playout->slot_ticks - playout->hold_ticks;
	if (timeline->playing && is_undone)
		dh_timeline_thaw(timeline);
	else if (timeline->playing)
		dh_timeline_thaw_at(timeline, playout->slot_ticks, at_ticks);
	playout->unsettled = true;
	tell(playout, DH_EVENT_RESUMING, is_undone);
	return 0;
}
