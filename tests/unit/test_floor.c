/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has a room's floor, under a fake clock. */
#include "tests/support/check.h"

#include <errno.h>
#include <string.h>

#include "playout/timebase.h"
#include "rooms/floor.h"

#define S DH_TICKS_PER_SECOND

/* What the floor has reported: "+1" has it, "-1timeout" has it no more, "~1left" waits for it no more. */
static char told[4096];

static void changed(void *arg, guint viewer, enum dh_floor_end end, bool waited)
{
	size_t size = strlen(told);

	CHECK(arg == told, "another argument");
	g_snprintf(told + size, sizeof(told) - size, "%s%u%s ",
		end == DH_FLOOR_HAS ? "+" :
			waited      ? "~" :
				      "-",
		viewer, dh_floor_end_name(end));
}

static void open_floor(struct dh_floor *floor, enum dh_floor_policy who, int64_t floor_ms, int64_t silence_ms)
{
	const struct dh_barge_in config = { 300, false, who, floor_ms, silence_ms };

	dh_floor_init(floor, changed, told);
	dh_floor_configure(floor, &config, 0);
	*told = '\0';
}

static void expect(const char *text)
{
	CHECK(!strcmp(told, text), "\"%s\", expected \"%s\"", told, text);
	*told = '\0';
}

static void test_first_come(void)
{
	struct dh_floor floor;

	open_floor(&floor, DH_FLOOR_ONE, 0, 0);
	CHECK_INT(dh_floor_ask(&floor, 1, 0), 0);
	CHECK_INT(dh_floor_ask(&floor, 2, 0), 1);
	CHECK_INT(dh_floor_ask(&floor, 3, 0), 2);
	CHECK_INT(dh_floor_ask(&floor, 2, 0), 1);
	CHECK_INT(dh_floor_ask(&floor, 1, 0), 0);
	CHECK(dh_floor_is_open(&floor, 1) && !dh_floor_is_open(&floor, 2), "whose is it?");
	dh_floor_speaks(&floor, 2, S);
	expect("+1 ");
	CHECK(dh_floor_drop(&floor, 2, DH_FLOOR_GIVEN_BACK, S), "2 waited");
	CHECK(dh_floor_drop(&floor, 1, DH_FLOOR_LEFT, S), "1 had it");
	CHECK(!dh_floor_drop(&floor, 9, DH_FLOOR_LEFT, S), "9 had nothing");
	expect("~2given_back -1left +3 ");
	CHECK(floor.since_ticks == S, "since when?");
}

static void test_who_speaks_first(void)
{
	struct dh_floor floor;

	open_floor(&floor, DH_FLOOR_ONE, 0, 0);
	dh_floor_speaks(&floor, 7, 0);
	dh_floor_speaks(&floor, 8, 0);
	expect("+7 ");
	open_floor(&floor, DH_FLOOR_NAMED, 0, 0);
	dh_floor_speaks(&floor, 7, 0);
	CHECK_INT(dh_floor_ask(&floor, 7, 0), 1);
	expect("");
	CHECK_INT(dh_floor_give(&floor, 8, 0), 0);
	CHECK_INT(dh_floor_give(&floor, 7, 0), 0);
	expect("+8 -8given_on +7 ");
	CHECK_INT(floor.waiting, 0);
}

/* Silence gives it to nobody; of who has it, it says when the last voice was. */
static void test_who_falls_silent(void)
{
	struct dh_floor floor;

	open_floor(&floor, DH_FLOOR_ONE, 0, 3000);
	dh_floor_heard(&floor, 7, 0);
	expect("");
	CHECK_INT(floor.holder, 0);
	dh_floor_speaks(&floor, 7, 0);
	dh_floor_heard(&floor, 7, 2 * S);
	dh_floor_heard(&floor, 8, 3 * S);
	CHECK(dh_floor_deadline_ticks(&floor) == 5 * S, "since when is it silent?");
	expect("+7 ");
}

static void test_it_ends(void)
{
	struct dh_floor floor;

	open_floor(&floor, DH_FLOOR_ONE, 10000, 3000);
	CHECK(dh_floor_deadline_ticks(&floor) == INT64_MAX, "nobody has it");
	dh_floor_ask(&floor, 1, 0);
	dh_floor_ask(&floor, 2, 0);
	CHECK(dh_floor_deadline_ticks(&floor) == 3 * S, "silence");
	dh_floor_poll(&floor, 3 * S - 1);
	expect("+1 ");
	for (int64_t at = 2 * S; at < 10 * S; at += 2 * S)
		dh_floor_speaks(&floor, 1, at);
	dh_floor_poll(&floor, 10 * S - 1);
	expect("");
	dh_floor_poll(&floor, 10 * S);
	expect("-1timeout +2 ");
	dh_floor_poll(&floor, 13 * S);
	expect("-2silence ");
}

static void test_policies(void)
{
	struct dh_floor floor;
	const struct dh_barge_in all = { .who = DH_FLOOR_ALL };

	open_floor(&floor, DH_FLOOR_NOBODY, 0, 0);
	CHECK(!dh_floor_is_open(&floor, 1), "nobody's");
	CHECK_INT(dh_floor_ask(&floor, 1, 0), -EPERM);
	CHECK_INT(dh_floor_give(&floor, 1, 0), -EPERM);
	dh_floor_speaks(&floor, 1, 0);
	expect("");
	open_floor(&floor, DH_FLOOR_ONE, 0, 0);
	dh_floor_ask(&floor, 1, 0);
	dh_floor_ask(&floor, 2, 0);
	dh_floor_ask(&floor, 3, S);
	CHECK(floor.asks[1].viewer == 3 && floor.asks[1].since_ticks == S, "since when does it wait?");
	dh_floor_configure(&floor, &all, 2 * S);
	expect("+1 -1edited ~2edited ~3edited ");
	CHECK(dh_floor_is_open(&floor, 1) && dh_floor_is_open(&floor, 5) && !floor.waiting, "everybody's");
}

static void test_a_hundred_wait(void)
{
	struct dh_floor floor;

	open_floor(&floor, DH_FLOOR_NAMED, 0, 0);
	for (guint i = 1; i <= DH_FLOOR_ASKS_MAX; i++)
		CHECK_INT(dh_floor_ask(&floor, i, 0), (int)i);
	CHECK_INT(dh_floor_ask(&floor, 500, 0), -ENOBUFS);
	CHECK_INT(dh_floor_ask(&floor, 50, 0), 50);
	CHECK_INT(dh_floor_give(&floor, 1, 0), 0);
	CHECK_INT(dh_floor_ask(&floor, 500, 0), DH_FLOOR_ASKS_MAX);
}

static const struct check_test tests[] = {
	TEST(test_first_come),
	TEST(test_who_speaks_first),
	TEST(test_who_falls_silent),
	TEST(test_it_ends),
	TEST(test_policies),
	TEST(test_a_hundred_wait),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
