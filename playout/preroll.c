/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preroll.h"

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Only arrivals within the longest preroll matter to where it ends. */
static void note_early(struct dh_arrivals *arrivals, int64_t after_ticks, int64_t known_ticks)
{
	int last = arrivals->count - 1;
	if (last >= 0 && arrivals->early[last].known_ticks >= DH_PREROLL_MAX_TICKS)
		return;
	if (last >= 0 && (arrivals->early[last].after_ticks == after_ticks || arrivals->count == DH_ARRIVALS_MAX)) {
		arrivals->early[last].known_ticks = known_ticks;
		return;
	}
	arrivals->early[arrivals->count].after_ticks = after_ticks;
	arrivals->early[arrivals->count++].known_ticks = known_ticks;
}

/* What had been known until now could be played, but not the slot behind it: a segment
 * that had started earlier than this would have been held. */
void dh_arrivals_note(struct dh_arrivals *arrivals, int64_t now_ticks, int64_t known_ticks)
{
	if (!arrivals->count)
		arrivals->first_ticks = now_ticks;
	else if (known_ticks <= arrivals->known_ticks)
		return;
	int64_t after_ticks = now_ticks - arrivals->first_ticks;
	int64_t playable_ticks = dh_slot_floor(arrivals->known_ticks);
	arrivals->delay_ticks = max(arrivals->delay_ticks, after_ticks - playable_ticks);
	note_early(arrivals, after_ticks, known_ticks);
	arrivals->known_ticks = known_ticks;
}

int64_t dh_arrivals_preroll_ticks(const struct dh_arrivals *arrivals)
{
	int64_t before_ticks = 0;
	for (int i = 0; i < arrivals->count; i++) {
		if (arrivals->early[i].after_ticks >= arrivals->delay_ticks)
			return i ? before_ticks + 1 : 0;
		before_ticks = arrivals->early[i].known_ticks;
	}
	return before_ticks < INT64_MAX ? before_ticks + 1 : DH_PREROLL_MAX_TICKS;
}

void dh_preroll_learn(struct dh_preroll *preroll, const struct dh_arrivals *arrivals)
{
	preroll->needed_ticks[preroll->learnt++ % DH_PREROLL_SEGMENTS] = dh_arrivals_preroll_ticks(arrivals);
}

int64_t dh_preroll_ticks(const struct dh_preroll *preroll, int64_t unknown_ticks)
{
	unsigned count = preroll->learnt < DH_PREROLL_SEGMENTS ? preroll->learnt : DH_PREROLL_SEGMENTS;
	int64_t needed = DH_PREROLL_MIN_TICKS;
	for (unsigned i = 0; i < count; i++)
		needed = max(needed, preroll->needed_ticks[i]);
	if (!count)
		return unknown_ticks;
	return needed < DH_PREROLL_MAX_TICKS ? needed : DH_PREROLL_MAX_TICKS;
}
