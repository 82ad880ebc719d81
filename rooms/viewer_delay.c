/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "viewer_delay.h"

/* In one atomic: steps of both, and that there are any. */
#define IS_SET   0x80000000u
#define MIN_BIT  12
#define STEP_MAX 0xfffu

/* What libwebrtc does by itself: at most 10 s (VCMTiming), and never less than the 10 ms that it allows for rendering.
 * With a least delay of 0 its renderer would stop smoothing. */
#define BY_ITSELF (IS_SET | 1u << MIN_BIT | 1000u)

static unsigned pack(const struct dh_delay *delay)
{
	if (!delay->is_set)
		return 0;
	return IS_SET | (unsigned)delay->min << MIN_BIT | (unsigned)delay->max;
}

static void unpack(unsigned packed, int steps[2])
{
	steps[0] = (int)(packed >> MIN_BIT & STEP_MAX);
	steps[1] = (int)(packed & STEP_MAX);
}

bool dh_delay_change(struct dh_delay *delay, int64_t min, int64_t max)
{
	bool has_min = min >= 0, has_max = max >= 0;

	if (min == DH_DELAY_END || max == DH_DELAY_END) {
		*delay = (struct dh_delay){ 0 };
		return true;
	}
	if (has_min && has_max && min > max)
		return false;
	if (has_min) {
		delay->min = (int)min;
		if (!delay->is_set || delay->max < delay->min)
			delay->max = delay->min;
	}
	if (has_max) {
		delay->max = (int)max;
		if (!delay->is_set && !has_min)
			delay->min = 0;
		else if (delay->min > delay->max)
			delay->min = delay->max;
	}
	delay->is_set |= has_min || has_max;
	return true;
}

void dh_delay_describe(const struct dh_delay *delay, json_t *json)
{
	if (!delay->is_set)
		return;
	json_object_set_new(json, "min_delay", json_integer(delay->min));
	json_object_set_new(json, "max_delay", json_integer(delay->max));
}

void dh_viewer_delay_init(struct dh_viewer_delay *viewer, const struct dh_delay *of_room)
{
	viewer->of_room = pack(of_room);
	atomic_init(&viewer->asked, 0);
	atomic_init(&viewer->wanted, viewer->of_room);
	atomic_init(&viewer->ends, 0);
}

static void set_asked(struct dh_viewer_delay *viewer, unsigned asked)
{
	atomic_store(&viewer->asked, asked);
	atomic_store(&viewer->wanted, asked ? asked : viewer->of_room);
}

/* A picture of `from` may be leaving at this moment, so what it got is counted as begun. */
void dh_viewer_delay_continue(struct dh_viewer_delay *to, const struct dh_viewer_delay *from)
{
	set_asked(to, atomic_load(&from->asked));
	atomic_store(&to->ends, atomic_load(&from->wanted) ? DH_DELAY_ENDS : atomic_load(&from->ends));
}

void dh_viewer_delay_get(const struct dh_viewer_delay *viewer, struct dh_delay *delay)
{
	unsigned wanted = atomic_load(&viewer->wanted);
	int steps[2];

	unpack(wanted, steps);
	*delay = (struct dh_delay){ wanted != 0, steps[0], steps[1] };
}

void dh_viewer_delay_ask(struct dh_viewer_delay *viewer, const struct dh_delay *delay)
{
	set_asked(viewer, pack(delay));
}

bool dh_viewer_delay_say(struct dh_viewer_delay *viewer, int steps[2])
{
	unsigned wanted = atomic_load_explicit(&viewer->wanted, memory_order_relaxed);
	int ends = atomic_load_explicit(&viewer->ends, memory_order_relaxed);

	if (!wanted && !ends)
		return false;
	atomic_store_explicit(&viewer->ends, wanted ? DH_DELAY_ENDS : ends - 1, memory_order_relaxed);
	unpack(wanted ? wanted : BY_ITSELF, steps);
	return true;
}
