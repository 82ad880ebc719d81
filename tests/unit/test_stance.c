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
	TEST(test_what_does_not_fit),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
