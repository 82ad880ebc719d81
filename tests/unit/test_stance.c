/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the avatar does while it does not speak, under a fake clock: a clip for each stance, under one anchor. */
#include "tests/support/order_check.h"

#include <errno.h>

static struct dh_segment *clip(char tag, char anchor)
{
	const struct rig_segment spec = { "clip", tag, anchor, 2000, 25, 1, 10, 0, -1 };
	return rig_segment(&spec);
}

static void open_all(void)
{
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(dh_playout_set_clip(rig.playout, DH_STANCE_LISTENING, clip('l', 'i')), 0);
	CHECK_INT(dh_playout_set_clip(rig.playout, DH_STANCE_SPEAKING, clip('s', 'i')), 0);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(310));
}

/* Whose pictures are shown from the slot behind `from_ms` on, until now, and that they begin with an entry. */
static char shown_since(int64_t from_ms)
{
	const struct rig_viewer *v = rig.viewers[0];
	int i = 0;
	while (i < v->picture_count && v->pictures[i].sent_ticks <= media_ms(from_ms))
		i++;
	CHECK(i < v->picture_count);
	for (int n = i + 1; n < v->picture_count; n++)
		CHECK_INT(v->pictures[n].tag, v->pictures[i].tag);
	CHECK(v->pictures[i].kind == 'E', "it begins with %c%d", v->pictures[i].kind, v->pictures[i].index);
	return v->pictures[i].tag;
}

static void test_clips(void)
{
	open_all();
	dh_playout_set_stance(rig.playout, DH_STANCE_LISTENING);
	rig_run(&rig, media_ms(1010));
	CHECK_INT(shown_since(310), 'l');
	/* there is no clip for that */
	dh_playout_set_stance(rig.playout, DH_STANCE_THINKING);
	rig_run(&rig, media_ms(2010));
	CHECK_INT(shown_since(1010), 'i');
	/* nothing changes */
	int before = rig.viewers[0]->picture_count;
	dh_playout_set_stance(rig.playout, DH_STANCE_IDLE);
	rig_run(&rig, media_ms(2410));
	CHECK_INT(rig.viewers[0]->pictures[before].index, (rig.viewers[0]->pictures[before - 1].index + 1) % 50);
	finish_after(500);
}

static void test_while_something_plays(void)
{
	static const struct rig_segment sound = { "b", 'b', 'i', 0, 25, 1, 10, 1000, -1 };

	open_all();
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(810));
	CHECK_INT(shown_since(310), 'a');
	CHECK_INT(dh_playout_hold(rig.playout, 0), 0);
	rig_run(&rig, media_ms(1210));
	CHECK_INT(shown_since(819), 'l');
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_INT(rig_order(&rig, &sound, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(1610));
	CHECK_INT(shown_since(1219), 's');
	rig_run(&rig, media_ms(3000));
	CHECK_INT(shown_since(2219), 'i');
	finish_after(500);
}

/* Idle picture n looks like n, picture 0 of a segment like 30: the best moment is behind that one. */
static void test_waits_for_the_best_picture(void)
{
	static const struct {
		int wait_ms, asked_ms, starts_ms;
	} rows[] = {
		{ 0, 610, 620 },
		/* it is shown from 1220 on */
		{ 2000, 610, 1240 },
		/* the nearest of those until then */
		{ 300, 610, 920 },
		/* it is shown */
		{ 2000, 1250, 1260 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dh_playout_config config;
		CHECK_AT("row %zu", i);
		dh_playout_config_init(&config);
		config.seam_wait_ticks = rows[i].wait_ms * MS;
		rig_open_idle(&rig, &config, start);
		rig_join(&rig, NULL);
		rig_run(&rig, media_ms(rows[i].asked_ms));
		enqueue("a", &(struct dh_order){ 0 });
		enqueue("b", &(struct dh_order){ 0 });
		rig_run(&rig, media_ms(6000));
		CHECK_INT(started_ms("a"), rows[i].starts_ms);
		CHECK_INT(started_ms("b"), rows[i].starts_ms + 1000); /* no wait amid speech */
		finish_after(500);
	}
}

/* --- faded */

static const struct rig_segment fade_spec = { "b", 'b', 'i', 200, 25, 1, 10, 0, -1 };

/* At 310 ms it is to listen: the idle clip, whose entries are 400 ms apart, began at 20 ms, and is left behind the one
 * at 420 ms. */
static void turn(struct dh_bridge_plan *plan)
{
	open_all();
	dh_playout_set_stance(rig.playout, DH_STANCE_LISTENING);
	CHECK_INT(dh_playout_plan_turn(rig.playout, 100 * MS, 200 * MS, plan), 0);
	CHECK_INT(plan->to, DH_STANCE_LISTENING);
	CHECK_INT(plan->leave_ticks, 460 * MS);
	CHECK_INT(plan->tail_first, 10);
	CHECK_INT(plan->tail_count, 1);
	CHECK_INT(plan->lead_count - plan->skip, 5);
	dh_playout_leave_clip_at(rig.playout, plan->leave_ticks);
}

static void bridge(const struct dh_bridge_plan *plan)
{
	struct dh_unit *from = dh_segment_unit(plan->from, DH_VIDEO, plan->tail_first);
	CHECK_INT(dh_playout_set_bridge(rig.playout, rig_segment(&fade_spec), from, plan->to, plan->back), 0);
}

/* Pictures of what, which one first, from when on. */
static void check_pictures(int *at, char tag, int index, int count, int64_t ms)
{
	const struct rig_viewer *v = rig.viewers[0];
	for (int i = 0; i < count; i++, (*at)++) {
		CHECK(*at < v->picture_count && v->pictures[*at].tag == tag, "%d: not '%c'", *at, tag);
		CHECK_INT(v->pictures[*at].index, index + i);
		CHECK_INT((v->pictures[*at].sent_ticks - start) / MS, ms + i * 40);
	}
}

static void test_it_fades(void)
{
	struct dh_bridge_plan plan;
	turn(&plan);
	rig_run(&rig, media_ms(350));
	bridge(&plan);
	rig_run(&rig, media_ms(1010));
	int at = rig_first(rig.viewers[0], 'b', 0) - 1;
	check_pictures(&at, 'i', 10, 1, 420);
	check_pictures(&at, 'b', 0, 5, 460);
	check_pictures(&at, 'l', (int)plan.back, 5, 660);
	/* and back, without one: the plan was not used */
	dh_playout_set_stance(rig.playout, DH_STANCE_IDLE);
	rig_run(&rig, media_ms(1400));
	CHECK_INT(shown_since(1010), 'i');
	finish_after(500);
}

static void test_the_fade_comes_late(void)
{
	struct dh_bridge_plan plan;
	turn(&plan);
	rig_run(&rig, media_ms(470));
	bridge(&plan);
	rig_run(&rig, media_ms(1010));
	CHECK_INT(shown_since(450), 'l');
	CHECK_INT(rig_first(rig.viewers[0], 'b', 0), -1);
	finish_after(500);
}

static void test_it_changes_its_mind(void)
{
	struct dh_bridge_plan plan;
	turn(&plan);
	bridge(&plan);
	dh_playout_set_stance(rig.playout, DH_STANCE_IDLE);
	CHECK_INT(dh_playout_plan_turn(rig.playout, 100 * MS, 200 * MS, &plan), -EAGAIN);
	rig_run(&rig, media_ms(1010));
	int at = rig_first(rig.viewers[0], 'i', 0);
	check_pictures(&at, 'i', rig.viewers[0]->pictures[at].index, 15,
		(rig.viewers[0]->pictures[at].sent_ticks - start) / MS);
	CHECK_INT(rig_first(rig.viewers[0], 'b', 0), -1);
	finish_after(500);
}

/* Speech does not wait for a fade, and behind it there is none. */
static void test_speech_before_the_fade(void)
{
	struct dh_bridge_plan plan;
	turn(&plan);
	bridge(&plan);
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(3000));
	CHECK_INT(started_ms("a"), 320);
	CHECK_INT(dh_playout_plan_turn(rig.playout, 100 * MS, 200 * MS, &plan), -EAGAIN);
	CHECK_INT(shown_since(1319), 'l');
	CHECK_INT(rig_first(rig.viewers[0], 'b', 0), -1);
	finish_after(500);
}

/* As in test_waits_for_the_best_picture: it starts at 1240 ms; the last five idle pictures before that are faded. */
static void approach(struct dh_bridge_plan *plan)
{
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.seam_wait_ticks = 2000 * MS;
	config.seam_fade_ticks = 200 * MS;
	rig_open_idle(&rig, &config, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(610));
	CHECK_INT(dh_playout_plan_approach(rig.playout, plan), -EAGAIN);
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(630));
	CHECK_INT(dh_playout_plan_approach(rig.playout, plan), 0);
	CHECK_INT(plan->leave_ticks, 1060 * MS);
	CHECK_INT(plan->tail_count, 1);
	CHECK_INT(plan->lead_first, 20);
	CHECK_INT(plan->skip, 6);
	CHECK_INT(plan->lead_count, 11);
}

static void test_it_fades_into_speech(void)
{
	struct dh_bridge_plan plan;
	approach(&plan);
	CHECK_INT(dh_playout_set_approach(rig.playout, rig_segment(&fade_spec), plan.leave_ticks), 0);
	rig_run(&rig, media_ms(2000));
	int at = rig_first(rig.viewers[0], 'b', 0) - 1;
	check_pictures(&at, 'i', 25, 1, 1020);
	check_pictures(&at, 'b', 0, 5, 1060);
	check_pictures(&at, 'a', 0, 15, 1240);
	CHECK_INT(started_ms("a"), 1240);
	rig_run(&rig, media_ms(4000));
	CHECK_INT(rig_first(rig.viewers[0], 'b', at), -1);
	finish_after(500);
}

/* Amid the fade, what it leads to is removed: the avatar idles on from an entry. */
static void test_nothing_comes_of_the_fade(void)
{
	struct dh_bridge_plan plan;
	approach(&plan);
	CHECK_INT(dh_playout_set_approach(rig.playout, rig_segment(&fade_spec), plan.leave_ticks), 0);
	rig_run(&rig, media_ms(1110));
	CHECK_INT(dh_playout_remove(rig.playout, "a"), 0);
	CHECK_INT(dh_playout_plan_approach(rig.playout, &plan), -EAGAIN);
	rig_run(&rig, media_ms(1300));
	int at = rig_first(rig.viewers[0], 'b', 0);
	check_pictures(&at, 'b', 0, 5, 1060);
	CHECK(rig.viewers[0]->pictures[at].tag == 'i' && rig.viewers[0]->pictures[at].kind == 'E', "no entry");
	rig_run(&rig, media_ms(4000));
	CHECK_INT(rig_first(rig.viewers[0], 'b', at), -1);
	finish_after(500);
}

static void test_the_fade_into_speech_comes_late(void)
{
	struct dh_bridge_plan plan;
	approach(&plan);
	rig_run(&rig, media_ms(1070));
	CHECK_INT(dh_playout_plan_approach(rig.playout, &plan), -EAGAIN);
	CHECK_INT(dh_playout_set_approach(rig.playout, rig_segment(&fade_spec), 1060 * MS), 0);
	rig_run(&rig, media_ms(4000));
	CHECK_INT(rig_first(rig.viewers[0], 'b', 0), -1);
	CHECK_INT(started_ms("a"), 1240);
	finish_after(500);
}

static void test_nowhere_to_leave_it(void)
{
	static const struct rig_segment fast = { "f", 'i', 'i', 1000, 100, 1, 10, 0, -1 };
	struct dh_bridge_plan plan;
	rig_open(&rig, NULL, start);
	CHECK_INT(dh_playout_set_idle(rig.playout, rig_segment(&fast)), 0);
	CHECK_INT(dh_playout_set_clip(rig.playout, DH_STANCE_LISTENING, clip('l', 'i')), 0);
	CHECK_INT(dh_playout_plan_turn(rig.playout, 100 * MS, 200 * MS, &plan), -EAGAIN);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(310));
	dh_playout_set_stance(rig.playout, DH_STANCE_LISTENING);
	int err = dh_playout_plan_turn(rig.playout, 100 * MS, 200 * MS, &plan);
	CHECK(err == -EAGAIN || plan.leave_ticks >= 420 * MS, "%d", err);
	finish_after(500);
}

static void test_what_does_not_fit(void)
{
	struct dh_segment *other = clip('x', 'x'), *again = clip('l', 'i');

	open_all();
	CHECK_INT(dh_playout_set_clip(rig.playout, DH_STANCE_THINKING, other), -EINVAL);
	CHECK_INT(dh_playout_set_clip(rig.playout, DH_STANCE_LISTENING, again), -EALREADY);
	dh_segment_free(&other);
	dh_segment_free(&again);
	finish_after(0);
}

static const struct check_test tests[] = {
	TEST(test_clips),
	TEST(test_while_something_plays),
	TEST(test_waits_for_the_best_picture),
	TEST(test_it_fades),
	TEST(test_the_fade_comes_late),
	TEST(test_it_changes_its_mind),
	TEST(test_speech_before_the_fade),
	TEST(test_it_fades_into_speech),
	TEST(test_nothing_comes_of_the_fade),
	TEST(test_the_fade_into_speech_comes_late),
	TEST(test_nowhere_to_leave_it),
	TEST(test_what_does_not_fit),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
