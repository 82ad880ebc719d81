/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "floor.h"

#include <errno.h>
#include <string.h>

#include "playout/timebase.h"

const char *dh_floor_end_name(enum dh_floor_end end)
{
	static const char *const names[] = {
		[DH_FLOOR_HAS] = "",
		[DH_FLOOR_GIVEN_BACK] = "given_back",
		[DH_FLOOR_TAKEN] = "taken",
		[DH_FLOOR_GIVEN_ON] = "given_on",
		[DH_FLOOR_TIMEOUT] = "timeout",
		[DH_FLOOR_SILENCE] = "silence",
		[DH_FLOOR_EDITED] = "edited",
		[DH_FLOOR_LEFT] = "left",
	};

	return names[end];
}

void dh_floor_init(struct dh_floor *floor, dh_floor_changed_fn *changed, void *arg)
{
	memset(floor, 0, sizeof(*floor));
	floor->config = dh_barge_in_default;
	floor->changed = changed;
	floor->arg = arg;
}

static bool is_one(const struct dh_floor *floor)
{
	return floor->config.who == DH_FLOOR_NAMED || floor->config.who == DH_FLOOR_ONE;
}

static bool withdraw(struct dh_floor *floor, guint viewer)
{
	for (guint i = 0; i < floor->waiting; i++) {
		if (floor->asks[i].viewer != viewer)
			continue;
		floor->waiting--;
		memmove(floor->asks + i, floor->asks + i + 1, (floor->waiting - i) * sizeof(floor->asks[0]));
		return true;
	}
	return false;
}

static void have(struct dh_floor *floor, guint viewer, int64_t now_ticks)
{
	withdraw(floor, viewer);
	floor->holder = viewer;
	floor->since_ticks = floor->voice_ticks = now_ticks;
	floor->changed(floor->arg, viewer, DH_FLOOR_HAS, false);
}

static void end(struct dh_floor *floor, enum dh_floor_end why)
{
	guint viewer = floor->holder;

	floor->holder = 0;
	if (viewer)
		floor->changed(floor->arg, viewer, why, false);
}

static bool wait_no_more(struct dh_floor *floor, guint viewer, enum dh_floor_end why)
{
	bool waited = withdraw(floor, viewer);

	if (waited)
		floor->changed(floor->arg, viewer, why, true);
	return waited;
}

static void pass_on(struct dh_floor *floor, int64_t now_ticks)
{
	if (!floor->holder && floor->waiting && floor->config.who == DH_FLOOR_ONE)
		have(floor, floor->asks[0].viewer, now_ticks);
}

void dh_floor_drop_all(struct dh_floor *floor, enum dh_floor_end why)
{
	end(floor, why);
	while (floor->waiting)
		wait_no_more(floor, floor->asks[0].viewer, why);
}

void dh_floor_configure(struct dh_floor *floor, const struct dh_barge_in *config, int64_t now_ticks)
{
	floor->config = *config;
	if (!is_one(floor))
		dh_floor_drop_all(floor, DH_FLOOR_EDITED);
	pass_on(floor, now_ticks);
}

int dh_floor_ask(struct dh_floor *floor, guint viewer, int64_t now_ticks)
{
	if (!is_one(floor))
		return -EPERM;
	if (floor->holder == viewer)
		return 0;
	for (guint i = 0; i < floor->waiting; i++) {
		if (floor->asks[i].viewer == viewer)
			return (int)i + 1;
	}
	if (floor->waiting == DH_FLOOR_ASKS_MAX)
		return -ENOBUFS;
	floor->asks[floor->waiting++] = (struct dh_floor_ask){ viewer, now_ticks };
	pass_on(floor, now_ticks);
	return floor->holder == viewer ? 0 : (int)floor->waiting;
}

bool dh_floor_drop(struct dh_floor *floor, guint viewer, enum dh_floor_end why, int64_t now_ticks)
{
	if (floor->holder != viewer || !viewer)
		return wait_no_more(floor, viewer, why);
	end(floor, why);
	pass_on(floor, now_ticks);
	return true;
}

int dh_floor_give(struct dh_floor *floor, guint viewer, int64_t now_ticks)
{
	if (!is_one(floor))
		return -EPERM;
	if (floor->holder != viewer)
		end(floor, DH_FLOOR_GIVEN_ON);
	have(floor, viewer, now_ticks);
	return 0;
}

void dh_floor_speaks(struct dh_floor *floor, guint viewer, int64_t now_ticks)
{
	if (floor->config.who == DH_FLOOR_ONE && !floor->holder)
		have(floor, viewer, now_ticks);
	dh_floor_heard(floor, viewer, now_ticks);
}

void dh_floor_heard(struct dh_floor *floor, guint viewer, int64_t now_ticks)
{
	if (floor->holder == viewer)
		floor->voice_ticks = now_ticks;
}

bool dh_floor_is_open(const struct dh_floor *floor, guint viewer)
{
	return floor->config.who == DH_FLOOR_ALL || (is_one(floor) && floor->holder == viewer);
}

/* --- time */

static int64_t over_ticks(int64_t from_ticks, int64_t ms)
{
	return ms ? from_ticks + ms * DH_TICKS_PER_MS : INT64_MAX;
}

void dh_floor_poll(struct dh_floor *floor, int64_t now_ticks)
{
	if (!floor->holder || now_ticks < dh_floor_deadline_ticks(floor))
		return;
	bool is_timeout = now_ticks >= over_ticks(floor->since_ticks, floor->config.floor_ms);
	end(floor, is_timeout ? DH_FLOOR_TIMEOUT : DH_FLOOR_SILENCE);
	pass_on(floor, now_ticks);
}

int64_t dh_floor_deadline_ticks(const struct dh_floor *floor)
{
	if (!floor->holder)
		return INT64_MAX;
	return MIN(over_ticks(floor->since_ticks, floor->config.floor_ms),
		over_ticks(floor->voice_ticks, floor->config.floor_silence_ms));
}
