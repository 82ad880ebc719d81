/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of the order in which segments play have in common. */
#ifndef ORDER_CHECK_H
#define ORDER_CHECK_H

#include "tests/support/playout_rig_check.h"

#include <stdio.h>

__attribute__((unused)) static struct dh_order piece(const char *utterance, int64_t index, bool is_last)
{
	struct dh_order order = { .index = index, .is_last = is_last };
	snprintf(order.utterance, sizeof order.utterance, "%s", utterance);
	return order;
}

__attribute__((unused)) static void enqueue(const char *id, const struct dh_order *order)
{
	const struct rig_segment spec = SPEECH(id, id[0]);
	CHECK_INT(rig_order(&rig, &spec, order, NULL), 0);
}

__attribute__((unused)) static void enqueue_piece(const char *id, const char *utterance, int64_t index, bool is_last)
{
	const struct dh_order order = piece(utterance, index, is_last);
	enqueue(id, &order);
}

__attribute__((unused)) static void enqueue_plain(const char *id, enum dh_priority priority)
{
	const struct dh_order order = { .priority = priority };
	enqueue(id, &order);
}

__attribute__((unused)) static int64_t started_ms(const char *id)
{
	const struct rig_event *event = rig_event(&rig, DH_EVENT_STARTED, id);
	return event ? event->media_ticks / MS : -1;
}

__attribute__((unused)) static int64_t ended_ms(enum dh_event_type how, const char *id)
{
	const struct rig_event *event = rig_event(&rig, how, id);
	return event ? event->media_ticks / MS : -1;
}

/* The ids of all that started, in order; each has one letter. */
__attribute__((unused)) static const char *starts(void)
{
	static char ids[RIG_LOG_MAX];
	size_t count = 0;
	for (int i = 0; i < rig.event_count; i++)
		if (rig.events[i].type == DH_EVENT_STARTED)
			ids[count++] = rig.events[i].id[0];
	ids[count] = 0;
	return ids;
}

__attribute__((unused)) static const char *waiting(void)
{
	static char ids[200];
	struct dh_segment *segment;
	size_t count = 0;
	for (; (segment = dh_playout_waiting(rig.playout, count)); count++)
		ids[count] = dh_segment_id(segment)[0];
	ids[count] = 0;
	return ids;
}

#endif
