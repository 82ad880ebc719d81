/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Access units and the timebase. */
#include "tests/support/check.h"

#include "playout/timebase.h"
#include "playout/unit.h"

#include <pthread.h>

static void test_unit_holds_a_copy(void)
{
	uint8_t data[] = { 1, 2, 3, 4 };
	const uint8_t zeros[DH_LUMA_BYTES] = { 0 };
	struct dh_unit *unit = dh_unit_new(DH_VIDEO, 28800, 14400, data, sizeof data);
	CHECK(unit);
	data[0] = 9;
	CHECK_INT(unit->media, DH_VIDEO);
	CHECK_INT(unit->flags, 0);
	CHECK_INT(unit->pts_ticks, 28800);
	CHECK_INT(unit->duration_ticks, 14400);
	CHECK_BYTES(unit->data, unit->size, "\1\2\3\4", 4);
	CHECK_BYTES(unit->luma, sizeof unit->luma, zeros, sizeof zeros);
	dh_unit_unref(&unit);
	CHECK(!unit);
}

static void test_unit_lives_until_the_last_reference(void)
{
	struct dh_unit *unit = dh_unit_new(DH_AUDIO, 0, DH_SLOT_TICKS, "a", 1);
	struct dh_unit *other;
	CHECK(unit);
	other = dh_unit_ref(unit);
	CHECK(other == unit);
	dh_unit_unref(&unit);
	CHECK(!unit);
	CHECK_BYTES(other->data, other->size, "a", 1);
	dh_unit_unref(&other);
	dh_unit_unref(&other); /* *unit may be NULL */
}

static void *ref_and_unref(void *arg)
{
	for (int i = 0; i < 100000; i++) {
		struct dh_unit *unit = dh_unit_ref(arg);
		dh_unit_unref(&unit);
	}
	return NULL;
}

static void test_unit_counts_from_any_thread(void)
{
	struct dh_unit *unit = dh_unit_new(DH_AUDIO, 0, DH_SLOT_TICKS, "a", 1);
	pthread_t threads[4];
	CHECK(unit);
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, ref_and_unref, unit), 0);
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	CHECK_INT(unit->refs, 1);
	dh_unit_unref(&unit);
}

static void test_unit_same_bytes(void)
{
	struct dh_unit *a = dh_unit_new(DH_VIDEO, 0, 1, "abc", 3);
	struct dh_unit *same = dh_unit_new(DH_VIDEO, 5, 2, "abc", 3);
	struct dh_unit *longer = dh_unit_new(DH_VIDEO, 0, 1, "abcd", 4);
	struct dh_unit *other = dh_unit_new(DH_VIDEO, 0, 1, "abd", 3);
	CHECK(a && same && longer && other);
	CHECK(dh_unit_same_bytes(a, a));
	CHECK(dh_unit_same_bytes(a, same));
	CHECK(!dh_unit_same_bytes(a, longer));
	CHECK(!dh_unit_same_bytes(longer, a));
	CHECK(!dh_unit_same_bytes(a, other));
	CHECK(!dh_unit_same_bytes(a, NULL));
	CHECK(!dh_unit_same_bytes(NULL, a));
	CHECK(dh_unit_same_bytes(NULL, NULL));
	dh_unit_unref(&a);
	dh_unit_unref(&same);
	dh_unit_unref(&longer);
	dh_unit_unref(&other);
}

/* --- timebase */

static const struct ns_row {
	const char *name;
	int64_t ns, ticks;
} ns_rows[] = {
	{ "zero", 0, 0 },
	{ "just below a tick", 1388, 0 },
	{ "a tick", 1389, 1 },
	{ "a millisecond", 1000000, 720 },
	{ "a slot", 20000000, 14400 },
	{ "a second", 1000000000, 720000 },
	{ "400 days", INT64_C(34560000) * 1000000000, INT64_C(34560000) * 720000 },
	{ "200 years", INT64_C(6307200000) * 1000000000, INT64_C(6307200000) * 720000 },
};

static void test_ticks_from_ns(const void *arg)
{
	const struct ns_row *row = arg;
	CHECK_INT(dh_ticks_from_ns(row->ns), row->ticks);
	/* A sleep until a tick's time never ends early. */
	CHECK_INT(dh_ticks_from_ns(dh_ns_from_ticks(row->ticks)), row->ticks);
	CHECK(dh_ns_from_ticks(row->ticks) <= row->ns);
}

static void test_ns_and_ticks_agree(void)
{
	for (int64_t ticks = 0; ticks < 100000; ticks++) {
		int64_t ns = dh_ns_from_ticks(ticks);
		CHECK_INT(dh_ticks_from_ns(ns), ticks);
		CHECK(ticks == 0 || dh_ticks_from_ns(ns - 1) == ticks - 1, "rounded up too far at %" PRId64, ticks);
	}
}

static const struct frame_row {
	const char *name;
	int64_t n, num, den, ticks;
} frame_rows[] = {
	{ "first", 0, 25, 1, 0 },
	{ "25 fps", 1, 25, 1, 28800 },
	{ "33 fps rounds down", 1, 33, 1, 21818 },
	{ "33 fps rounds up", 3, 33, 1, 65455 },
	{ "33 fps is whole every second", 33, 33, 1, 720000 },
	{ "33 fps has no drift in a day", INT64_C(33) * 86400, 33, 1, INT64_C(86400) * 720000 },
	{ "NTSC", 30000, 30000, 1001, INT64_C(1001) * 720000 },
	{ "NTSC's first", 1, 30000, 1001, 24024 },
	{ "a rate of hostile numbers", 2147483646, 2147483647, 2147483647, INT64_C(2147483646) * 720000 },
	{ "slower than time", 2147483647, 1, UINT32_MAX, INT64_C(1) << 62 },
	{ "far away", INT64_C(2147483647), 1, 1, INT64_C(2147483647) * 720000 },
};

static void test_ticks_of_frame(const void *arg)
{
	const struct frame_row *row = arg;
	CHECK_INT(dh_ticks_of_frame(row->n, row->num, row->den), row->ticks);
}

static void test_slots(void)
{
	CHECK_INT(dh_slot_ceil(0), 0);
	CHECK_INT(dh_slot_ceil(1), 14400);
	CHECK_INT(dh_slot_ceil(14400), 14400);
	CHECK_INT(dh_slot_ceil(14401), 28800);
	CHECK_INT(dh_slot_floor(14399), 0);
	CHECK_INT(dh_slot_floor(14400), 14400);
	CHECK_INT(dh_ms_from_ticks(14400), 20);
	CHECK_INT(dh_ms_from_ticks(719), 0);
}

static const struct check_test tests[] = {
	TEST(test_unit_holds_a_copy),
	TEST(test_unit_lives_until_the_last_reference),
	TEST(test_unit_counts_from_any_thread),
	TEST(test_unit_same_bytes),
	TABLE(test_ticks_from_ns, ns_rows),
	TEST(test_ns_and_ticks_agree),
	TABLE(test_ticks_of_frame, frame_rows),
	TEST(test_slots),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
