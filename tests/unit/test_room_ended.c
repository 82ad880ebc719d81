/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of long segments, and of the room that has them: nobody waits while they are freed. */
#include "tests/support/room_rig.h"

#define UNITS 3000

/* A segment of UNITS units; `units` gets a reference to each. */
static struct dh_segment *long_segment(struct dh_unit **units)
{
	const struct dh_stream_head head = { .has_audio = 1, .encoder = "none" };
	struct dh_segment *segment = NULL;

	CHECK_INT(dh_segment_alloc(&segment, "long", NULL), 0);
	CHECK_INT(dh_segment_open(segment, &head, NULL), 0);
	for (int i = 0; i < UNITS; i++) {
		units[i] = dh_unit_new(DH_AUDIO, i * DH_SLOT_TICKS, DH_SLOT_TICKS, "sound", 5);
		CHECK_INT(dh_segment_append(segment, units[i]), 0);
	}
	return segment;
}

static _Thread_local bool is_awaited; /* others wait for this thread */

void __real_dh_unit_unref(struct dh_unit **unit);
void __wrap_dh_unit_unref(struct dh_unit **unit);

void __wrap_dh_unit_unref(struct dh_unit **unit)
{
	if (*unit && is_awaited && (*unit)->size == 5 && atomic_load(&(*unit)->refs) == 1)
		atomic_fetch_add(&rig.freed, 1);
	__real_dh_unit_unref(unit);
}

static void await_me(void *arg)
{
	(void)arg;
	is_awaited = true;
}

static int run_ended(struct dh_room *room, void *arg)
{
	dh_room_ended_add(room, arg);
	return 0;
}

struct count {
	struct dh_unit **units;
	int held; /* by the segment */
};

static int run_count(struct dh_room *room, void *arg)
{
	struct count *count = arg;

	(void)room;
	count->held = 0;
	for (int i = 0; i < UNITS; i++)
		count->held += count->units[i]->refs > 1;
	return 0;
}

/* However often one looks, no more is freed than a turn's share for each millisecond. */
static void test_a_long_segment_is_freed_bit_by_bit(void)
{
	struct dh_unit **units = g_new0(struct dh_unit *, UNITS);
	struct count count = { units, UNITS };

	room_rig_open(100000);
	double since = now_ms();
	CHECK_INT(dh_room_call(rig.room, run_ended, long_segment(units)), 0);
	while (count.held > 0) {
		CHECK_INT(dh_room_call(rig.room, run_count, &count), 0);
		CHECK(UNITS - count.held <= 128 * (now_ms() - since + 2), "%d too early", UNITS - count.held);
	}
	for (int i = 0; i < UNITS; i++)
		dh_unit_unref(&units[i]);
	CHECK_INT(dh_room_call(rig.room, run_ended, long_segment(units)), 0); /* the room ends first */
	room_rig_close();
	for (int i = 0; i < UNITS; i++) {
		CHECK_INT(units[i]->refs, 1);
		dh_unit_unref(&units[i]);
	}
	g_free(units);
}

/* What is left when the room ends is freed by none of those who are waited for. */
static void test_an_ended_room_is_freed_elsewhere(void)
{
	struct dh_unit **units = g_new0(struct dh_unit *, UNITS);

	room_rig_open(100000);
	for (int k = 0; k < 20; k++) {
		struct dh_segment *segment = long_segment(units);
		for (int i = 0; i < UNITS; i++)
			dh_unit_unref(&units[i]);
		CHECK_INT(dh_room_call(rig.room, run_ended, segment), 0);
	}
	room_rig_forget();
	dh_io_call(rig.fixture.io, await_me, NULL);
	is_awaited = true;
	room_rig_close();
	is_awaited = false;
	CHECK_INT(atomic_load(&rig.freed), 0);
	g_free(units);
}

static const struct check_test tests[] = {
	TEST(test_a_long_segment_is_freed_bit_by_bit),
	TEST(test_an_ended_room_is_freed_elsewhere),
};

PREPARATION_MAIN(tests)
