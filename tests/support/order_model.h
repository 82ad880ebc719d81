/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What random requests make of a playout's segments, as its events tell: a model of each, and the rules that every
 * event has to obey. For test_order_random.c. */
#ifndef ORDER_MODEL_H
#define ORDER_MODEL_H

#include "tests/support/playout_rig_check.h"

#include <stdlib.h>
#include <string.h>

/* What is known of a segment from its events. */
struct model {
	char id[16], utterance[16];
	int64_t index;
	enum dh_priority priority;
	int64_t ttl_ticks, queued_ticks, started_ticks, held_since_ticks, held_ticks;
	/* on hold: since when and where; and for how long in all, with what was heard again */
	int64_t hold_ticks, hold_position_ticks, holds_ticks;
	int64_t furthest_ticks; /* what had been played of it at a hold */
	int repeat;
	enum dh_underrun underrun;
	bool is_queued, is_ready, is_started, is_held, is_on_hold, is_ended, is_skipped, is_rest;
};

static struct model *models;
static int model_count;

static struct {
	struct model *playing;
	char utterance[16]; /* of what started last */
	int64_t index;
	int64_t media_ticks, given_way_ticks;
	int is_speaking, low, high, rests;
	int ends[DH_EVENT_COUNT], reasons[DH_REASON_PRIORITY + 1];
} seen;

static struct model *model_of(const struct dh_segment *segment)
{
	return &models[atoi(dh_segment_id(segment) + 1)];
}

/* --- judging events */

static void see_started(struct model *m, const struct dh_playout_event *event)
{
	CHECK(!seen.playing, "%s starts while %s plays", m->id, seen.playing ? seen.playing->id : "");
	CHECK(m->is_ready && !m->is_started, "%s", m->id);
	CHECK(!dh_playout_is_on_hold(rig.playout), "%s", m->id);
	CHECK_INT(event->media_ticks % DH_SLOT_TICKS, 0);
	if (m->ttl_ticks) /* by the slot at which it expires */
		CHECK(event->media_ticks < m->queued_ticks + m->ttl_ticks, "%s starts too late", m->id);
	if (*m->utterance && !strcmp(m->utterance, seen.utterance))
		CHECK(m->index > seen.index - m->is_rest, "%s: piece %d after %d", m->id, (int)m->index,
			(int)seen.index);
	/* Nothing more urgent was ready, but what has become so by what was learnt from a segment
	 * that has just given way. */
	const struct dh_segment *other = dh_playout_waiting(rig.playout, 0);
	if (other && seen.given_way_ticks != event->media_ticks) {
		if (!*dh_segment_order(other)->utterance && dh_playout_is_ready(rig.playout, other))
			CHECK(dh_segment_order(other)->priority <= m->priority, "%s goes before %s", m->id,
				dh_segment_id(other));
	}
	m->is_started = true;
	m->started_ticks = event->media_ticks;
	seen.playing = m;
	snprintf(seen.utterance, sizeof seen.utterance, "%s", m->utterance);
	seen.index = m->index;
}

static void see_end(struct model *m, const struct dh_playout_event *event)
{
	CHECK(!m->is_ended, "%s ends twice", m->id);
	CHECK(m->is_started == (seen.playing == m), "%s", m->id);
	if (!m->is_started)
		CHECK(event->type != DH_EVENT_FINISHED && event->type != DH_EVENT_SKIPPED && !event->played_ticks, "%s",
			m->id);
	if (event->type == DH_EVENT_REMOVED)
		CHECK(!m->is_started, "%s", m->id);
	if (m->is_held)
		m->held_ticks += event->media_ticks - m->held_since_ticks;
	if (m->is_on_hold)
		m->holds_ticks += event->media_ticks - m->hold_ticks;
	if (m->is_started) {
		int64_t played = event->media_ticks - m->started_ticks - m->held_ticks - m->holds_ticks;
		/* Slope 1: what was not played had come too late for viewers (stalls). */
		if (m->underrun != DH_UNDERRUN_SKIP || !m->holds_ticks) /* what was dropped may be heard after a hold */
			CHECK(event->played_ticks <= played || event->played_ticks <= m->furthest_ticks,
				"%s: %d of %d ms", m->id, (int)(event->played_ticks / MS), (int)(played / MS));
		int64_t rounds = m->repeat > 1 ? m->repeat : 1;
		int64_t least = dh_segment_duration_ticks(event->segment, DH_DURATION_SPEECH) * rounds;
		/* Pictures beyond the speech may have been shown before it was known where that ends. */
		int64_t most = dh_segment_duration_ticks(event->segment, DH_DURATION_LONGEST) * rounds;
		if (event->type == DH_EVENT_FINISHED && m->underrun != DH_UNDERRUN_SKIP)
			CHECK(played >= least && played <= most, "%s: %d of %d to %d ms", m->id, (int)(played / MS),
				(int)(least / MS), (int)(most / MS));
	}
	if (seen.playing == m)
		seen.playing = NULL;
	m->is_ended = true;
	seen.ends[event->type]++;
	seen.reasons[event->reason]++;
	if (event->reason == DH_REASON_PRIORITY)
		seen.given_way_ticks = event->media_ticks;
	CHECK(event->reason != DH_REASON_PRIORITY || event->type == DH_EVENT_INTERRUPTED);
}

static void see_segment(const struct dh_playout_event *event)
{
	struct model *m = model_of(event->segment);
	CHECK(!m->is_ended, "%s: an event after its end", m->id);
	CHECK(m->is_queued == (event->type != DH_EVENT_QUEUED), "%s", m->id);
	switch (event->type) {
	case DH_EVENT_QUEUED:
		m->is_queued = true;
		m->queued_ticks = event->media_ticks;
		m->index = dh_segment_order(event->segment)->index;
		m->priority = dh_segment_order(event->segment)->priority;
		break;
	case DH_EVENT_READY:
		CHECK(!m->is_ready && !m->is_started, "%s", m->id);
		m->is_ready = true;
		break;
	case DH_EVENT_STARTED:
		m->priority = dh_segment_order(event->segment)->priority; /* it may have been moved */
		see_started(m, event);
		break;
	case DH_EVENT_HELD:
		CHECK(seen.playing == m && !m->is_held, "%s", m->id);
		m->is_held = true;
		m->held_since_ticks = event->media_ticks;
		break;
	case DH_EVENT_RESUMED:
		CHECK(seen.playing == m && m->is_held, "%s", m->id);
		m->is_held = false;
		m->held_ticks += event->media_ticks - m->held_since_ticks;
		break;
	case DH_EVENT_HOLDING:
		CHECK(seen.playing == m && !m->is_held && !m->is_on_hold, "%s", m->id);
		CHECK(m->holds_ticks || m->underrun == DH_UNDERRUN_SKIP ||
				event->played_ticks <= event->media_ticks - m->started_ticks - m->held_ticks,
			"%s", m->id);
		m->is_on_hold = true;
		m->hold_ticks = event->media_ticks;
		m->hold_position_ticks = event->position_ticks;
		if (event->played_ticks > m->furthest_ticks)
			m->furthest_ticks = event->played_ticks;
		seen.ends[event->type]++;
		break;
	case DH_EVENT_RESUMING:
		CHECK(seen.playing == m && m->is_on_hold, "%s", m->id);
		CHECK(event->position_ticks <= m->hold_position_ticks, "%s goes on behind its place", m->id);
		CHECK(!event->is_undone || event->position_ticks == m->hold_position_ticks, "%s", m->id);
		m->is_on_hold = false;
		m->holds_ticks += event->media_ticks - m->hold_ticks + m->hold_position_ticks - event->position_ticks;
		seen.ends[event->type]++;
		break;
	default:
		see_end(m, event);
	}
}

static void see(void *arg, const struct dh_playout_event *event)
{
	(void)arg;
	CHECK(event->media_ticks >= seen.media_ticks, "time goes back");
	seen.media_ticks = event->media_ticks;
	switch (event->type) {
	case DH_EVENT_SPEAKING:
		CHECK(!seen.is_speaking++);
		break;
	case DH_EVENT_IDLE:
		CHECK(seen.is_speaking-- == 1);
		CHECK(!seen.playing);
		break;
	case DH_EVENT_MISSING:
		CHECK(event->count > 0 && event->index >= 0);
		seen.ends[event->type]++;
		break;
	case DH_EVENT_HIGH_WATER:
		CHECK(!seen.high++ && event->queued_ticks >= 9000 * MS);
		seen.low = 0;
		seen.ends[event->type]++;
		break;
	case DH_EVENT_LOW_WATER:
		CHECK(event->queued_ticks <= 2000 * MS);
		seen.high = 0;
		seen.ends[event->type]++;
		break;
	default:
		if (event->segment) /* a hold may be between two pieces */
			see_segment(event);
	}
}

#endif
