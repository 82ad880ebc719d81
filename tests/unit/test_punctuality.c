/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How late packets are, how far sound and pictures are apart, and how long viewers wait, as histograms. */
#include "tests/support/check.h"

#include <stdlib.h>

#include "playout/timebase.h"
#include "playout/packets.h"
#include "rooms/punctuality.h"

#define MS DH_TICKS_PER_MS

static void check_histogram(const struct dh_punctuality *punctuality, const char *group, const char *name,
	const char *counts, double sum_ms)
{
	json_t *stats = json_object();

	dh_punctuality_describe(punctuality, stats);
	json_t *histogram = json_object_get(json_object_get(stats, group), name);
	char *text = json_dumps(json_object_get(histogram, "counts"), JSON_COMPACT);
	CHECK_STR(text, counts);
	double is_ms = json_real_value(json_object_get(histogram, "sum_ms"));
	CHECK(is_ms > sum_ms - 0.001 && is_ms < sum_ms + 0.001, "%f ms", is_ms);
	CHECK_INT(json_array_size(json_object_get(json_object_get(stats, group), "le_ms")), 12);
	free(text);
	json_decref(stats);
}

static void send(struct dh_punctuality *punctuality, struct dh_viewer_times *times, int64_t sound, int64_t picture)
{
	int64_t late_ticks[2];

	late_ticks[DH_AUDIO] = sound;
	late_ticks[DH_VIDEO] = picture;
	dh_punctuality_sent(punctuality, times, late_ticks);
}

static void test_lateness_and_skew(void)
{
	struct dh_punctuality punctuality = { 0 };
	struct dh_viewer_times times;

	dh_viewer_times_init(&times, 0);
	send(&punctuality, &times, DH_LATE_NONE, 4 * MS); /* no sound to be apart from */
	send(&punctuality, &times, MS / 2, DH_LATE_NONE);
	send(&punctuality, &times, DH_LATE_NONE, 6 * MS); /* 5.5 apart */
	send(&punctuality, &times, 300 * MS, 300 * MS);
	send(&punctuality, &times, DH_LATE_NONE, 0); /* 300 the other way round */
	check_histogram(&punctuality, "lateness", "audio", "[1,0,0,0,0,0,0,0,0,0,0,0,1]", 300.5);
	check_histogram(&punctuality, "lateness", "video", "[1,0,0,1,1,0,0,0,0,0,0,0,1]", 310);
	check_histogram(&punctuality, "lateness", "skew", "[1,0,0,0,1,0,0,0,0,0,0,0,1]", 305.5);
}

/* A picture that left early is not late, but apart from its sound. */
static void test_early(void)
{
	struct dh_punctuality punctuality = { 0 };
	struct dh_viewer_times times;

	dh_viewer_times_init(&times, 0);
	send(&punctuality, &times, 0, -3 * MS / 2);
	send(&punctuality, &times, 4 * MS, 4 * MS - 3 * MS / 2);
	check_histogram(&punctuality, "lateness", "audio", "[1,0,0,1,0,0,0,0,0,0,0,0,0]", 4);
	check_histogram(&punctuality, "lateness", "video", "[1,0,1,0,0,0,0,0,0,0,0,0,0]", 2.5);
	check_histogram(&punctuality, "lateness", "skew", "[0,2,0,0,0,0,0,0,0,0,0,0,0]", 3);
}

/* Edges belong below; the last bucket has none. */
static void test_edges(void)
{
	struct dh_punctuality punctuality = { 0 };
	struct dh_viewer_times times;

	dh_viewer_times_init(&times, 0);
	for (int64_t ms = 0; ms <= 201; ms++)
		send(&punctuality, &times, ms * MS, DH_LATE_NONE);
	send(&punctuality, &times, MS + 1, DH_LATE_NONE);
	check_histogram(&punctuality, "lateness", "audio", "[2,2,1,2,2,3,5,5,10,20,50,100,1]",
		201 * 202 / 2 + 1 + 1.0 / MS);
}

static void test_joins(void)
{
	struct dh_punctuality punctuality = { 0 };
	struct dh_viewer_times times;

	dh_viewer_times_init(&times, 5000 * MS);
	CHECK_INT(times.join_ticks, -1);
	times.connected_ticks = 5800 * MS;
	dh_punctuality_joined(&punctuality, &times, 5830 * MS);
	CHECK_INT(times.join_ticks, 830 * MS);
	check_histogram(&punctuality, "joins", "watch", "[0,0,0,0,0,0,0,1,0,0,0,0,0]", 830);
	check_histogram(&punctuality, "joins", "media", "[0,1,0,0,0,0,0,0,0,0,0,0,0]", 30);
	/* one that was paused has not waited */
	dh_viewer_times_init(&times, 5000 * MS);
	times.was_held_back = true;
	dh_punctuality_joined(&punctuality, &times, 90000 * MS);
	CHECK_INT(times.join_ticks, 85000 * MS);
	check_histogram(&punctuality, "joins", "watch", "[0,0,0,0,0,0,0,1,0,0,0,0,0]", 830);
}

static const struct check_test tests[] = {
	TEST(test_lateness_and_skew),
	TEST(test_early),
	TEST(test_edges),
	TEST(test_joins),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
