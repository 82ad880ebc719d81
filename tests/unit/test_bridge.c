/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: how the avatar goes on idling where a segment has ended. */
#include "tests/support/playout_rig_check.h"

#include <errno.h>

/* The idle clip 'i' has 50 pictures of 40 ms, which look like their index, and an entry every 10.
 * A segment's pictures look like idle pictures 30 + index % 20. */

#define LAST 24 /* of a SPEECH: looks like idle picture 34 */

static const struct rig_segment bridge_spec = { "b", 'b', 'i', 200, 25, 1, 10, 0, -1 };

/* --- planning */

static const struct plan_row {
	const char *name;
	struct rig_segment segment;
	int fade_ms, err;
	struct {
		size_t tail_first, tail_count, lead_first, lead_count, skip, back;
	} plan;
} plan_rows[] = {
	/* in the middle, idle picture 37 is nearest to 34 */
	{ "nearest in the middle", { "s", 's', 'i', 1000, 25, 1, 10, 1000, -1 }, 200, 0, { 20, 5, 30, 10, 5, 40 } },
	{ "one picture", { "s", 's', 'i', 1000, 25, 1, 10, 1000, -1 }, 40, 0, { 20, 5, 20, 10, 9, 30 } },
	{ "parts of a picture count", { "s", 's', 'i', 1000, 25, 1, 10, 1000, -1 }, 161, 0, { 20, 5, 30, 10, 5, 40 } },
	/* like 48 */
	{ "over the loop's end", { "s", 's', 'i', 760, 25, 1, 10, 760, -1 }, 200, 0, { 10, 9, 40, 10, 5, 0 } },
	{ "longer than the clip", { "s", 's', 'i', 1000, 25, 1, 10, 1000, -1 }, 5000, 0, { 20, 5, 10, 50, 0, 10 } },
	/* spare pictures are not shown: the last one is 19, like 49 */
	{ "pictures longer than sound", { "s", 's', 'i', 1000, 25, 1, 10, 800, -1 }, 200, 0, { 10, 10, 40, 10, 5, 0 } },
	{ "entries too far apart", { "s", 's', 'i', 12000, 25, 1, 1000, 12000, -1 }, 200, -E2BIG, { 0 } },
	{ "sound alone", { "s", 's', 'i', 0, 25, 1, 10, 1000, -1 }, 200, -EAGAIN, { 0 } },
	{ "not known to its end", { "s", 's', 'i', 1000, 25, 1, 10, 1000, 800 }, 200, -EAGAIN, { 0 } },
};

static void test_plan(const void *arg)
{
	const struct plan_row *row = arg;
	struct dh_bridge_plan plan;
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(dh_playout_plan_bridge(rig.playout, row->fade_ms * MS, &plan), -EAGAIN);
	rig_enqueue(&rig, &row->segment);
	rig_run(&rig, media_ms(100));
	CHECK_INT(dh_playout_plan_bridge(rig.playout, row->fade_ms * MS, &plan), row->err);
	if (!row->err) {
		CHECK_INT(plan.tail_first, row->plan.tail_first);
		CHECK_INT(plan.tail_count, row->plan.tail_count);
		CHECK_INT(plan.lead_first, row->plan.lead_first);
		CHECK_INT(plan.lead_count, row->plan.lead_count);
		CHECK_INT(plan.skip, row->plan.skip);
		CHECK_INT(plan.back, row->plan.back);
	}
	finish_after(0);
}

static void test_many_bytes_are_not_decoded(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	struct dh_bridge_plan plan;
	rig_open_idle(&rig, NULL, start);
	rig_sizes(DH_BRIDGE_BYTES_MAX / 4, 0);
	rig_enqueue(&rig, &spec);
	rig_sizes(0, 0);
	rig_run(&rig, media_ms(100));
	CHECK_INT(dh_playout_plan_bridge(rig.playout, 200 * MS, &plan), -E2BIG);
	finish_after(0);
}

/* --- playing */

/* A segment plays, and a bridge leads from its picture `from` to the clip's `back`. Returns when
 * the segment ends. */
static int64_t play_with_bridge(struct rig_viewer **v, size_t from, size_t back)
{
	struct rig_segment spec = SPEECH("s", 's');
	rig_open_idle(&rig, NULL, start);
	*v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(300));
	struct dh_unit *unit = dh_segment_unit(dh_playout_playing(rig.playout, NULL), DH_VIDEO, from);
	CHECK_INT(dh_playout_set_bridge(rig.playout, rig_segment(&bridge_spec), unit, DH_STANCE_IDLE, back), 0);
	return rig_event(&rig, DH_EVENT_STARTED, "s")->media_ticks + 1000 * MS;
}

static void check_picture(const struct rig_viewer *v, int at, char tag, int index, int64_t media_ticks)
{
	CHECK(at >= 0 && at < v->picture_count, "%d", at);
	CHECK(v->pictures[at].tag == tag, "%d: '%c', expected '%c'", at, v->pictures[at].tag, tag);
	CHECK_INT(v->pictures[at].index, index);
	CHECK_INT(v->pictures[at].sent_ticks, start + media_ticks);
}

/* The clip goes on exactly behind the bridge, without a gap and without a key frame. */
static void test_bridge_into_the_clip(void)
{
	for (size_t back = 0; back < 50; back += 10) {
		struct rig_viewer *v;
		int64_t end = play_with_bridge(&v, LAST, back), length;
		rig_run(&rig, start + end + 40 * MS);
		CHECK_INT(dh_playout_idle_at(rig.playout, rig.now, &length),
			(2000 + (int64_t)back * 40 - 200 + 40) % 2000 * MS);
		CHECK_INT(length, 2000 * MS);
		rig_run(&rig, start + end + 3000 * MS);
		int at = rig_first(v, 'b', 0);
		check_picture(v, at - 1, 's', LAST, end - 40 * MS);
		for (int i = 0; i < 5; i++)
			check_picture(v, at + i, 'b', i, end + i * 40 * MS);
		for (int i = 0; i < 60; i++)
			check_picture(v, at + 5 + i, 'i', ((int)back + i) % 50, end + (5 + i) * 40 * MS);
		CHECK_INT(rig_first(v, 'b', at + 5), -1);
		finish_after(0);
	}
}

/* Without a bridge from the picture that was shown last: the entry that looks most like it. */
static void test_entry_after_a_whole_segment(void)
{
	struct rig_viewer *v;
	int64_t end = play_with_bridge(&v, LAST - 1, 40);
	rig_run(&rig, start + end + 500 * MS);
	int at = rig_first(v, 'i', rig_first(v, 's', 0));
	check_picture(v, at - 1, 's', LAST, end - 40 * MS);
	check_picture(v, at, 'i', 30, end);
	CHECK_INT(v->pictures[at].kind, 'E');
	CHECK_INT(rig_first(v, 'b', 0), -1);
	finish_after(0);
}

static void test_interrupted_before_the_bridge(void)
{
	struct rig_viewer *v;
	play_with_bridge(&v, LAST, 40);
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(rig_first(v, 'b', 0), -1);
	CHECK(rig_first(v, 'i', rig_first(v, 's', 0)) > 0, "the avatar does not idle");
	finish_after(0);
}

/* What comes meanwhile does not wait for the end of the bridge; afterwards the clip begins anew. */
static void test_speech_cuts_the_bridge(void)
{
	struct rig_viewer *v;
	struct rig_segment next = SPEECH("t", 't');
	int64_t end = play_with_bridge(&v, LAST, 40);
	rig_run(&rig, start + end + 50 * MS);
	rig_enqueue(&rig, &next);
	rig_run(&rig, start + end + 2000 * MS);
	int at = rig_first(v, 't', 0), idle = rig_first(v, 'i', at);
	check_picture(v, at - 1, 'b', 1, end + 40 * MS);
	check_picture(v, at, 't', 0, end + 60 * MS);
	check_picture(v, idle, 'i', 30, end + 1060 * MS);
	finish_after(0);
}

/* The same segment again: the same units, so the same bridge. */
static void test_bridge_is_used_again(void)
{
	struct rig_viewer *v;
	struct rig_segment spec = SPEECH("s", 's');
	struct dh_order order = { .repeat = 2 };
	rig_open_idle(&rig, NULL, start);
	v = rig_join(&rig, NULL);
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	rig_run(&rig, media_ms(100));
	struct dh_unit *unit = dh_segment_unit(dh_playout_playing(rig.playout, NULL), DH_VIDEO, LAST);
	CHECK_INT(dh_playout_set_bridge(rig.playout, rig_segment(&bridge_spec), unit, DH_STANCE_IDLE, 40), 0);
	rig_run(&rig, media_ms(3000));
	int at = rig_first(v, 'b', 0);
	check_picture(v, at, 'b', 0, rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks);
	CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "s"), 1);
	CHECK_INT(rig_first(v, 's', at), -1);
	finish_after(0);
}

/* A newcomer in the middle waits for the clip's entry. */
static void test_joining_a_bridge(void)
{
	struct rig_viewer *v, *late;
	int64_t end = play_with_bridge(&v, LAST, 40);
	rig_run(&rig, start + end + 90 * MS);
	late = rig_join(&rig, NULL);
	rig_run(&rig, start + end + 1000 * MS);
	CHECK_INT(late->pictures[0].kind, 'K');
	check_picture(late, 1, 'i', 40, end + 200 * MS);
	finish_after(0);
}

static void refuse(struct rig_segment spec, size_t back)
{
	struct rig_segment speech = SPEECH("s", 's');
	struct dh_segment *from = rig_segment(&speech), *bridge = rig_segment(&spec);
	CHECK_INT(dh_playout_set_bridge(rig.playout, bridge, dh_segment_unit(from, DH_VIDEO, LAST), DH_STANCE_IDLE,
			  back),
		-EINVAL);
	dh_segment_free(&bridge);
	dh_segment_free(&from);
}

static void test_bridges_that_do_not_fit(void)
{
	struct rig_segment spec = bridge_spec;
	rig_open(&rig, NULL, start);
	refuse(bridge_spec, 0); /* no clip */
	rig_close(&rig);
	rig_open_idle(&rig, NULL, start);
	refuse(bridge_spec, 41); /* no entry */
	refuse(bridge_spec, 50);
	spec.anchor = 'z';
	refuse(spec, 40);
	spec = bridge_spec;
	spec.known_ms = 160;
	refuse(spec, 40);
	finish_after(0);
}

/* --- where the clip is */

static void test_position_is_always_known(void)
{
	int64_t length, before = -1;
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(20));
	for (int ms = 21; ms < 6000; ms++) {
		rig_run(&rig, media_ms(ms));
		int64_t at = dh_playout_idle_at(rig.playout, rig.now, &length);
		CHECK(at >= 0, "%d ms", ms);
		CHECK(before < 0 || at == (before + 1 * MS) % length, "%d ms", ms);
		before = at;
	}
	finish_after(0);
}

static const struct check_test tests[] = {
	TABLE(test_plan, plan_rows),
	TEST(test_many_bytes_are_not_decoded),
	TEST(test_bridge_into_the_clip),
	TEST(test_entry_after_a_whole_segment),
	TEST(test_interrupted_before_the_bridge),
	TEST(test_speech_cuts_the_bridge),
	TEST(test_bridge_is_used_again),
	TEST(test_joining_a_bridge),
	TEST(test_bridges_that_do_not_fit),
	TEST(test_position_is_always_known),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
