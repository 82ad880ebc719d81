/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: large pictures leave in bursts, and those that have begun
 * are finished. */
#include "tests/support/playout_rig_check.h"

#define BURST 32 /* packets that may leave at once */

static const struct large_row {
	const char *name;
	size_t bytes;
	int fps, burst_max, ms; /* from a picture's first packet to its last */
} large_rows[] = {
	{ "16 packets leave at once", 16 * 1182, 25, 16, 0 },
	{ "32 packets leave at once", 32 * 1182, 25, 32, 0 },
	{ "33 packets take two bursts", 33 * 1182, 25, 32, 5 },
	{ "a sharp key frame", 100 * 1182, 25, 32, 15 },
	{ "as many as fit into bursts", 256 * 1182, 25, 32, 35 },
	{ "larger bursts beyond", 800 * 1182, 25, 100, 35 },
	{ "the largest", 4 * 1024 * 1024, 25, 444, 35 },
	{ "many pictures a second", 4 * 1182 * 32, 100, 64, 5 },
	{ "pictures faster than bursts", 300 * 1182, 250, 300, 0 },
	{ "few pictures a second: within 40 ms", 800 * 1182, 2, 100, 35 },
};

static void test_large_picture_leaves_in_bursts(const void *arg)
{
	const struct large_row *row = arg;
	const struct rig_segment spec = { "s", 's', 'i', 1000, row->fps, 1, 5, 1000, -1 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	rig_sizes(row->bytes, 0);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(v->burst_max, row->burst_max);
	int first = rig_first(v, 's', 0);
	for (int i = 0; i < row->fps; i++) {
		const struct rig_picture *p = &v->pictures[first + i];
		CHECK_AT("picture %d", i);
		CHECK_INT(p->index, i);
		CHECK_INT(p->bytes, row->bytes);
		CHECK_INT(p->sent_ticks, media_ms(520) + dh_ticks_of_frame(i, row->fps, 1));
		CHECK_INT(p->timestamp, 520 * 90 + i * 90000 / row->fps);
		CHECK_INT(p->done_ticks - p->sent_ticks, row->ms * MS);
	}
	/* Sound is not held up behind them. */
	for (int i = 0; i < v->sound_count; i++)
		CHECK_INT((v->sound_ticks[i] - start) % DH_SLOT_TICKS, 0);
	finish_after(500);
}

/* An anchor of 300 packets, for a newcomer and before an entry that needs it. */
static void test_large_anchor_leaves_in_bursts(void)
{
	const struct rig_segment own = { "o", 'o', 'x', 1000, 25, 1, 10, 1000, -1 };
	rig_sizes(0, 300 * 1182);
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(333));
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[0].sent_ticks, media_ms(333));
	CHECK_INT(v->pictures[0].bytes, 300 * 1182);
	CHECK_INT(v->pictures[0].done_ticks, media_ms(333 + 35));
	CHECK_INT(v->burst_max, 38);
	rig_enqueue(&rig, &own);
	rig_run(&rig, media_ms(2500));
	int first = rig_first(v, 'o', 0);
	CHECK_INT(v->pictures[first - 1].kind, 'K');
	CHECK_INT(v->pictures[first - 1].timestamp, v->pictures[first].timestamp - 90);
	CHECK_INT(v->pictures[first - 1].sent_ticks, media_ms(1020));
	CHECK_INT(v->pictures[first].done_ticks, media_ms(1020 + 35));
	CHECK_INT(v->burst_max, 38);
	finish_after(500);
}

/* An entry that is due while its anchor is still leaving follows it. */
static void test_entry_waits_for_its_anchor(void)
{
	rig_sizes(20 * 1182, 200 * 1182);
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(800 + 7)); /* the idle clip has an entry at 820 */
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[0].kind, 'K');
	CHECK_INT(v->pictures[1].kind, 'E');
	CHECK_INT(v->pictures[1].timestamp, 820 * 90);
	CHECK(v->pictures[1].sent_ticks >= v->pictures[0].done_ticks);
	CHECK(v->pictures[1].done_ticks < media_ms(860));
	CHECK(v->burst_max <= BURST + 8, "%d", v->burst_max);
	finish_after(500);
}

/* Begins a picture of 200 packets, of which two bursts of 32 have left after 6 ms. */
static struct rig_viewer *begin_large_picture(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	rig_sizes(200 * 1182, 0);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(526));
	rig_sizes(0, 0);
	CHECK_INT(v->pictures[v->picture_count - 1].tag, 's');
	CHECK(v->unfinished);
	return v;
}

static void test_cut_finishes_the_picture_that_has_begun(void)
{
	struct rig_viewer *v = begin_large_picture();
	int last = v->picture_count - 1;
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[last].bytes, 200 * 1182);
	CHECK_INT(v->pictures[last + 1].tag, 'i');
	CHECK_INT(v->pictures[last + 1].sent_ticks, media_ms(540));
	finish_after(500);
}

static void test_pause_finishes_the_picture_that_has_begun(void)
{
	struct rig_viewer *v = begin_large_picture();
	dh_playout_viewer_pause(rig.playout, v->viewer, true);
	CHECK_INT(v->pictures[v->picture_count - 1].bytes, 200 * 1182);
	uint64_t packets = rig.packets;
	rig_run(&rig, media_ms(700));
	CHECK_INT(rig.packets, packets);
	dh_playout_viewer_pause(rig.playout, v->viewer, false);
	finish_after(1000);
}

static void test_viewer_leaves_within_a_picture(void)
{
	struct rig_viewer *v = begin_large_picture();
	rig_leave(&rig, v);
	uint64_t packets = rig.packets;
	finish_after(1000);
	CHECK_INT(rig.packets, packets);
}

/* Woken too late for bursts: overdue packets leave in order, then playing continues. */
static void test_late_wake_within_a_large_picture(void)
{
	struct rig_viewer *v = begin_large_picture();
	int last = v->picture_count - 1;
	rig_stall(&rig, 100 * MS);
	CHECK_INT(v->pictures[last].done_ticks, rig.now);
	struct dh_viewer_stats stats;
	dh_playout_viewer_stats(v->viewer, &stats);
	CHECK_INT(stats.lateness_max_ticks, 96 * MS); /* the burst that was due at 530 */
	CHECK_INT(stats.late_dropped, 0);
	rig_run(&rig, media_ms(1000));
	finish_after(1000);
}

static void test_stats_count_pictures_when_they_have_left(void)
{
	struct rig_viewer *v = begin_large_picture();
	struct dh_viewer_stats before, after;
	dh_playout_viewer_stats(v->viewer, &before);
	CHECK_INT(before.pictures, v->picture_count - 1);
	rig_run(&rig, media_ms(555));
	dh_playout_viewer_stats(v->viewer, &after);
	CHECK_INT(after.pictures, v->picture_count);
	CHECK_INT(after.packets[DH_VIDEO] - before.packets[DH_VIDEO], 200 - 2 * BURST);
	CHECK_INT(after.lateness_max_ticks, 0);
	finish_after(0);
}

static const struct check_test tests[] = {
	TABLE(test_large_picture_leaves_in_bursts, large_rows),
	TEST(test_large_anchor_leaves_in_bursts),
	TEST(test_entry_waits_for_its_anchor),
	TEST(test_cut_finishes_the_picture_that_has_begun),
	TEST(test_pause_finishes_the_picture_that_has_begun),
	TEST(test_viewer_leaves_within_a_picture),
	TEST(test_late_wake_within_a_large_picture),
	TEST(test_stats_count_pictures_when_they_have_left),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
