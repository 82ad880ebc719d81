/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long it took from asking for an interruption to the last packet of speech, as histograms. */
#include "tests/support/check.h"

#include <stdlib.h>

#include "playout/timebase.h"
#include "rooms/cut_times.h"

#define MS    DH_TICKS_PER_MS
#define ASKED (1000 * MS)
#define NONE  "[0,0,0,0,0,0,0,0,0,0,0]"

static void check_kind(const struct dh_cut_times *times, const char *kind, const char *counts, int sum_ms)
{
	json_t *json = dh_cut_times_json(times);
	const json_t *histogram = json_object_get(json, kind);
	char *text = json_dumps(json_object_get(histogram, "counts"), JSON_COMPACT);

	CHECK_STR(text, counts);
	CHECK_INT(json_integer_value(json_object_get(histogram, "sum_ms")), sum_ms);
	free(text);
	json_decref(json);
}

static const struct bucket_row {
	const char *name;
	int64_t took_ticks;
	const char *counts;
	int sum_ms;
} buckets[] = {
	{ "sent before it was asked for", -20 * MS, "[1,0,0,0,0,0,0,0,0,0,0]", 0 },
	{ "no time", 0, "[1,0,0,0,0,0,0,0,0,0,0]", 0 },
	{ "an edge is its own bucket's", 10 * MS, "[1,0,0,0,0,0,0,0,0,0,0]", 10 },
	{ "just beyond it", 10 * MS + 1, "[0,1,0,0,0,0,0,0,0,0,0]", 10 },
	{ "20 ms", 20 * MS, "[0,1,0,0,0,0,0,0,0,0,0]", 20 },
	{ "30 ms", 30 * MS, "[0,0,1,0,0,0,0,0,0,0,0]", 30 },
	{ "40 ms", 40 * MS, "[0,0,0,1,0,0,0,0,0,0,0]", 40 },
	{ "41 ms", 41 * MS, "[0,0,0,0,1,0,0,0,0,0,0]", 41 },
	{ "100 ms", 100 * MS, "[0,0,0,0,0,1,0,0,0,0,0]", 100 },
	{ "200 ms", 200 * MS, "[0,0,0,0,0,0,1,0,0,0,0]", 200 },
	{ "400 ms", 400 * MS, "[0,0,0,0,0,0,0,1,0,0,0]", 400 },
	{ "700 ms", 700 * MS, "[0,0,0,0,0,0,0,0,1,0,0]", 700 },
	{ "a second", 1000 * MS, "[0,0,0,0,0,0,0,0,0,1,0]", 1000 },
	{ "beyond the largest edge", 1000 * MS + 1, "[0,0,0,0,0,0,0,0,0,0,1]", 1000 },
	{ "5 s", 5000 * MS, "[0,0,0,0,0,0,0,0,0,0,1]", 5000 },
};

/* At once and at the end of a word alike, and only there. */
static void test_buckets(const void *arg)
{
	static const char *const kinds[] = { "now", "word" };
	const struct bucket_row *row = arg;

	for (int kind = 0; kind < DH_CUT_KINDS; kind++) {
		struct dh_cut_times times = { 0 };
		dh_cut_times_asked(&times, (enum dh_cut_kind)kind, ASKED);
		check_kind(&times, kinds[kind], NONE, 0);
		dh_cut_times_over(&times, ASKED + row->took_ticks);
		check_kind(&times, kinds[kind], row->counts, row->sum_ms);
		check_kind(&times, kinds[!kind], NONE, 0);
	}
}

/* Both count up to the same packet, each from its own request; once. */
static void test_several_requests(void)
{
	struct dh_cut_times times = { 0 };

	dh_cut_times_asked(&times, DH_CUT_KIND_WORD, ASKED);
	dh_cut_times_asked(&times, DH_CUT_KIND_NOW, ASKED + 290 * MS);
	dh_cut_times_over(&times, ASKED + 300 * MS);
	dh_cut_times_over(&times, ASKED + 900 * MS);
	check_kind(&times, "word", "[0,0,0,0,0,0,0,1,0,0,0]", 300);
	check_kind(&times, "now", "[1,0,0,0,0,0,0,0,0,0,0]", 10);
}

/* Fractions of a millisecond add up. */
static void test_sum(void)
{
	struct dh_cut_times times = { 0 };

	for (int i = 0; i < 4; i++) {
		dh_cut_times_asked(&times, DH_CUT_KIND_NOW, ASKED);
		dh_cut_times_over(&times, ASKED + 15 * MS + MS / 2);
	}
	check_kind(&times, "now", "[0,4,0,0,0,0,0,0,0,0,0]", 62);
}

static void test_nobody_was_sent_any(void)
{
	struct dh_cut_times times = { 0 };

	dh_cut_times_asked(&times, DH_CUT_KIND_NOW, ASKED);
	dh_cut_times_over(&times, -1);
	dh_cut_times_over(&times, ASKED + 10 * MS);
	check_kind(&times, "now", NONE, 0);
}

static void test_more_than_are_followed(void)
{
	struct dh_cut_times times = { 0 };

	for (int i = 0; i <= DH_CUT_PENDING; i++)
		dh_cut_times_asked(&times, DH_CUT_KIND_NOW, ASKED);
	dh_cut_times_over(&times, ASKED + 25 * MS);
	check_kind(&times, "now", "[0,0,8,0,0,0,0,0,0,0,0]", 200);
}

static const struct check_test tests[] = {
	TABLE(test_buckets, buckets),
	TEST(test_several_requests),
	TEST(test_sum),
	TEST(test_nobody_was_sent_any),
	TEST(test_more_than_are_followed),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
