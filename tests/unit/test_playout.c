/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: what it plays. Seams, lengths, holds, cuts. */
#include "tests/support/playout_rig_check.h"

#include <errno.h>
#include <stdlib.h>

/* --- playing */

static void test_idle_loops_and_sound_is_dtx(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(10000));
	CHECK_INT(v->pictures[0].kind, 'K');
	/* The anchor comes at once; for the first viewer the clip begins with an entry,
	 * from the next slot on. */
	CHECK_INT(v->picture_count, 1 + 250);
	CHECK_INT(v->pictures[1].kind, 'E');
	CHECK_INT(v->pictures[1].sent_ticks, media_ms(20));
	for (int i = 2; i < v->picture_count; i++)
		CHECK_INT(v->pictures[i].index, (v->pictures[i - 1].index + 1) % 50);
	CHECK(!strncmp(v->sound, "....,.,", 7), "%.10s", v->sound);
	/* After the tail: one real packet and one tiny one every 400 ms. */
	CHECK_INT(v->sound_ticks[30] - v->sound_ticks[28], 400 * MS);
	finish_after(0);
}

/* What generators hear of it: index 25 of the clip's 50 pictures is at 1 s of its 2. */
static void test_where_the_idle_clip_will_be(void)
{
	int64_t length = 0;
	rig_open_idle(&rig, NULL, start);
	rig_run(&rig, media_ms(100));
	CHECK_INT(dh_playout_idle_at(rig.playout, media_ms(100), &length), -1); /* nobody watches */
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(7000));
	CHECK_INT(dh_playout_idle_at(rig.playout, media_ms(7000), &length) / (40 * MS),
		v->pictures[v->picture_count - 1].index);
	CHECK_INT(length, 2000 * MS);
	CHECK_INT(dh_playout_idle_at(rig.playout, media_ms(9000), &length),
		dh_playout_idle_at(rig.playout, media_ms(7000), &length));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(7500));
	CHECK_INT(dh_playout_idle_at(rig.playout, media_ms(7500), &length), -1);
	finish_after(0);
}

static void test_seam_puts_first_picture_on_first_sample(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1007));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(3000));
	int first = rig_first(v, 's', 0);
	CHECK(first > 0);
	CHECK_INT(v->pictures[first].kind, 'E');
	CHECK_INT(v->pictures[first].sent_ticks, media_ms(1020));
	CHECK_INT(v->pictures[first].timestamp, 1020 * 90);
	const char *sound = strchr(v->sound, 's');
	CHECK(sound != NULL);
	CHECK_INT(v->sound_ticks[sound - v->sound], media_ms(1020));
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "s")->media_ticks, 1020 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks, 2020 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_SPEAKING, NULL)->media_ticks, 1020 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_IDLE, NULL)->media_ticks, 2020 * MS);
	CHECK_INT((int)strspn(sound, "s"), 50);
	/* Five packets of real silence after the speech, then DTX. */
	CHECK(!strncmp(sound + 50, ".....,", 6), "%.10s", sound + 50);
	CHECK_INT(dh_playout_viewers(rig.playout), 1);
	/* No key frame but the first. */
	for (int i = 1; i < v->picture_count; i++)
		CHECK(v->pictures[i].kind != 'K');
	finish_after(1000);
}

static void test_queue_plays_without_a_gap(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("b", 'b'));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("c", 'c'));
	rig_run(&rig, media_ms(5000));
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "b")->media_ticks,
		rig_event(&rig, DH_EVENT_FINISHED, "a")->media_ticks);
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "c")->media_ticks,
		rig_event(&rig, DH_EVENT_FINISHED, "b")->media_ticks);
	CHECK_INT(rig_count(&rig, DH_EVENT_SPEAKING, NULL), 1);
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
	const char *sound = strchr(v->sound, 'a');
	CHECK_INT((int)strspn(sound, "a"), 50);
	CHECK_INT((int)strspn(sound + 50, "b"), 50);
	CHECK_INT((int)strspn(sound + 100, "c"), 50);
	finish_after(0);
}

static const struct length_row {
	const char *name;
	struct rig_segment spec;
	enum dh_duration rule;
	int played_ms, pictures;
} lengths[] = {
	{ "same length", { "s", 's', 'i', 1000, 25, 1, 10, 1000, -1 }, DH_DURATION_SPEECH, 1000, 25 },
	{ "33 fps", { "s", 's', 'i', 1000, 33, 1, 16, 1000, -1 }, DH_DURATION_SPEECH, 1000, 33 },
	{ "29.97 fps", { "s", 's', 'i', 2000, 30000, 1001, 15, 2000, -1 }, DH_DURATION_SPEECH, 2000, 60 },
	{ "spare pictures are cut", { "s", 's', 'i', 2000, 25, 1, 10, 1000, -1 }, DH_DURATION_SPEECH, 1000, 25 },
	{ "missing pictures: the last stands", { "s", 's', 'i', 400, 25, 1, 10, 1000, -1 }, DH_DURATION_SPEECH, 1000,
		10 },
	{ "longest: all pictures", { "s", 's', 'i', 2000, 25, 1, 10, 1000, -1 }, DH_DURATION_LONGEST, 2000, 50 },
	{ "longest: all sound", { "s", 's', 'i', 400, 25, 1, 10, 1000, -1 }, DH_DURATION_LONGEST, 1000, 10 },
	{ "picture only", { "s", 's', 'i', 990, 25, 1, 10, 0, -1 }, DH_DURATION_SPEECH, 1000, 25 },
	{ "sound only: the idle picture goes on", { "s", 's', 'i', 0, 25, 1, 10, 600, -1 }, DH_DURATION_SPEECH, 600,
		0 },
	{ "one picture", { "s", 's', 'i', 10, 25, 1, 10, 0, -1 }, DH_DURATION_SPEECH, 40, 1 },
};

static void test_lengths(const void *arg)
{
	const struct length_row *row = arg;
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.duration = row->rule;
	rig_open_idle(&rig, &config, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(200));
	rig_enqueue(&rig, &row->spec);
	rig_run(&rig, media_ms(4000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, row->played_ms * MS);
	int pictures = 0, idle_meanwhile = 0;
	int64_t from = media_ms(200), until = media_ms(200 + row->played_ms);
	for (int i = 0; i < v->picture_count; i++) {
		pictures += v->pictures[i].tag == 's';
		idle_meanwhile += v->pictures[i].tag == 'i' && v->pictures[i].sent_ticks >= from &&
			v->pictures[i].sent_ticks < until;
	}
	CHECK_INT(pictures, row->pictures);
	CHECK_INT(idle_meanwhile > 0, row->spec.video_ms == 0);
	finish_after(500);
}

static void test_picture_times_do_not_drift_at_33_fps(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 60000, 33, 1, 16, 60000, -1 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(61000));
	int first = rig_first(v, 's', 0);
	for (int i = 0; i < 33 * 60; i++) {
		int64_t exact = (120 * 90) + (int64_t)i * 90000 / 33;
		CHECK(llabs((long long)(v->pictures[first + i].timestamp - exact)) <= 1, "picture %d", i);
	}
	finish_after(0);
}

/* --- underrun */

static void test_underrun_holds_both_and_resumes_together(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1500));
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, "s"), 1);
	CHECK_INT(rig_ends(&rig, "s"), 0);
	int pictures = v->picture_count;
	rig_run(&rig, media_ms(1900));
	CHECK_INT(v->picture_count, pictures); /* the picture stands */
	struct dh_segment *segment = dh_playout_find(rig.playout, "s");
	dh_playout_poll(rig.playout, rig.now);
	rig_fill(segment, &spec, 600);
	dh_playout_filled(rig.playout, segment);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(rig_count(&rig, DH_EVENT_RESUMED, "s"), 0); /* less than the preroll */
	rig_fill(segment, &spec, -1);
	dh_playout_filled(rig.playout, segment);
	rig_run(&rig, media_ms(4000));
	CHECK_INT(rig_count(&rig, DH_EVENT_RESUMED, "s"), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	/* Sound and picture are delayed equally: the last ones are 20 and 40 ms before
	 * the end. */
	int64_t end = media_ms(0) + rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks;
	int first = rig_first(v, 's', 0);
	CHECK_INT(v->pictures[first + 24].sent_ticks, end - 40 * MS);
	CHECK_INT(v->sound_ticks[strrchr(v->sound, 's') - v->sound], end - 20 * MS);
	finish_after(0);
}

static void test_incomplete_segment_starts_after_a_preroll(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	spec.known_ms = 100;
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(300));
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "s"), 0);
	CHECK_INT(rig_count(&rig, DH_EVENT_READY, "s"), 0);
	struct dh_segment *segment = dh_playout_find(rig.playout, "s");
	dh_playout_poll(rig.playout, rig.now);
	rig_fill(segment, &spec, 210);
	dh_playout_filled(rig.playout, segment);
	CHECK_INT(rig_count(&rig, DH_EVENT_READY, "s"), 1);
	rig_run(&rig, media_ms(350));
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "s")->media_ticks, 320 * MS);
	rig_fill(segment, &spec, -1);
	dh_playout_filled(rig.playout, segment);
	finish_after(2000);
}

static void test_failure_while_playing_ends_after_what_is_there(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(100));
	struct dh_segment *segment = dh_playout_find(rig.playout, "s");
	dh_segment_fail(segment, 4, "it broke");
	dh_playout_filled(rig.playout, segment);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(rig_ends(&rig, "s"), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_FAILED, "s")->played_ticks, 520 * MS);
	finish_after(100);
}

static void test_failure_while_waiting_is_reported_at_once(void)
{
	struct dh_segment *segment;
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(dh_segment_alloc(&segment, "s", NULL), 0);
	CHECK_INT(dh_playout_enqueue(rig.playout, segment), 0);
	dh_segment_fail(segment, 4, "no medium");
	dh_playout_filled(rig.playout, segment);
	CHECK_INT(rig_count(&rig, DH_EVENT_FAILED, "s"), 1);
	CHECK(dh_playout_find(rig.playout, "s") == NULL);
	finish_after(100);
}

static void test_error_is_cut_at_a_character(void)
{
	for (int before = 0; before < 4; before++) {
		char text[4000];
		struct dh_segment *segment;
		memset(text, 'x', (size_t)before);
		for (int i = 0; i < 400; i++)
			memcpy(text + before + 3 * i, "\xe2\x82\xac", 4); /* the euro sign */
		CHECK_INT(dh_segment_alloc(&segment, "s", NULL), 0);
		dh_segment_fail(segment, 4, text);
		const char *error = dh_segment_error(segment, NULL);
		CHECK_INT(strlen(error), before + (DH_STREAM_TEXT_MAX - (size_t)before) / 3 * 3);
		CHECK(!strncmp(error, text, strlen(error)));
		dh_segment_free(&segment);
	}
}

/* --- how much was played */

static int sounds_of(const struct rig_viewer *v, char tag)
{
	int count = 0;
	for (int i = 0; i < v->sound_count && i < RIG_LOG_MAX; i++)
		count += v->sound[i] == tag;
	return count;
}

/* 6 s from 120 ms on; nothing runs between 1 s and 6 s. */
static void test_played_is_what_was_sent(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 6000, 25, 1, 10, 6000, -1 };
	int64_t played;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1000));
	rig_stall(&rig, 5000 * MS);
	CHECK(dh_playout_playing(rig.playout, &played) != NULL);
	/* 120 to 1000, and what is at most 150 ms late: 5860 to 6000. */
	CHECK_INT(played, (45 + 8) * DH_SLOT_TICKS);
	CHECK_INT(played, sounds_of(v, 's') * DH_SLOT_TICKS);
	rig_run(&rig, media_ms(7000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks, 6120 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, (45 + 8 + 5) * DH_SLOT_TICKS);
	CHECK_INT(sounds_of(v, 's'), 45 + 8 + 5);
	finish_after(0);
}

/* Viewers with offsets can still be sent a little more. */
static void test_played_is_what_was_sent_to_anybody(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 2000, 25, 1, 10, 2000, -1 };
	int most = 0;
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 50; i++)
		rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1005));
	rig_stall(&rig, 1000 * MS);
	rig_run(&rig, media_ms(3000));
	for (int i = 0; i < 50; i++)
		most = sounds_of(rig.viewers[i], 's') > most ? sounds_of(rig.viewers[i], 's') : most;
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, most * DH_SLOT_TICKS);
	CHECK(most < 65, "%d", most);
	finish_after(0);
}

/* Without viewers, a room that is woken whenever it asks plays everything. */
static void test_played_without_viewers(void)
{
	const struct rig_segment long_one = { "b", 'b', 'i', 6000, 25, 1, 10, 6000, -1 };
	rig_open_idle(&rig, NULL, start);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	rig_enqueue(&rig, &long_one);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("c", 'c'));
	rig_run(&rig, media_ms(500));
	rig_stall(&rig, 2520 * MS); /* it asked to be woken at 1020: `b` misses 1020 to 2860 */
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "a")->played_ticks, 1000 * MS);
	rig_run(&rig, media_ms(10000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "b")->media_ticks, 7020 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "b")->played_ticks, (7020 - 2880) * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "c")->played_ticks, 1000 * MS);
	finish_after(0);
}

static void test_hold_is_not_played(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1500));
	rig_stall(&rig, 3000 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_HELD, "s")->played_ticks, 500 * MS);
	rig_fill(dh_playout_find(rig.playout, "s"), &spec, -1);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(rig_event(&rig, DH_EVENT_RESUMED, "s")->played_ticks, 500 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	finish_after(0);
}

/* --- commands */

static void test_interrupt_idles_within_a_slot_at_the_most_similar_entry(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("b", 'b'));
	rig_run(&rig, media_ms(507));
	dh_playout_poll(rig.playout, rig.now);
	int before = v->picture_count;
	CHECK_INT(dh_playout_interrupt(rig.playout), 2);
	rig_run(&rig, media_ms(530));
	const struct rig_picture *cut = &v->pictures[rig_first(v, 'i', before)];
	CHECK_INT(cut->kind, 'E');
	CHECK_INT(cut->sent_ticks, media_ms(520));
	/* `a` began at 120; its picture 10 looks like idle picture 40, which is an entry. */
	CHECK_INT(cut->index, 40);
	CHECK_INT(rig_event(&rig, DH_EVENT_INTERRUPTED, "a")->played_ticks, 400 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_INTERRUPTED, "b")->played_ticks, 0);
	CHECK_INT(rig_event(&rig, DH_EVENT_IDLE, NULL)->media_ticks, 520 * MS);
	finish_after(1000);
}

static void test_skip_goes_on_with_the_next(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	CHECK_INT(dh_playout_skip(rig.playout), -ENOENT);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("b", 'b'));
	rig_run(&rig, media_ms(310));
	CHECK_INT(dh_playout_remove(rig.playout, "a"), -EBUSY);
	CHECK_INT(dh_playout_skip(rig.playout), 0);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "b")->media_ticks,
		rig_event(&rig, DH_EVENT_SKIPPED, "a")->media_ticks);
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
	finish_after(100);
}

static void test_remove_and_refusals(void)
{
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.max_queue = 2;
	rig_open_idle(&rig, &config, start);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("b", 'b'));
	struct dh_segment *spare = rig_segment(&(struct rig_segment)SPEECH("b", 'b'));
	CHECK_INT(dh_playout_enqueue(rig.playout, spare), -EEXIST);
	dh_segment_free(&spare);
	spare = rig_segment(&(struct rig_segment)SPEECH("c", 'c'));
	CHECK_INT(dh_playout_enqueue(rig.playout, spare), -ENOBUFS);
	dh_segment_free(&spare);
	CHECK_INT(dh_playout_remove(rig.playout, "x"), -ENOENT);
	CHECK_INT(dh_playout_remove(rig.playout, "b"), 0);
	CHECK_INT(rig_count(&rig, DH_EVENT_REMOVED, "b"), 1);
	CHECK(dh_playout_find(rig.playout, "b") == NULL);
	finish_after(2000);
}

static void test_nothing_starts_without_an_idle_clip(void)
{
	rig_open(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	rig_run(&rig, media_ms(1000));
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, NULL), 0);
	CHECK_INT(v->picture_count, 0);
	const struct rig_segment idle = { "idle", 'i', 'i', 2000, 25, 1, 10, 0, -1 };
	CHECK_INT(dh_playout_set_idle(rig.playout, rig_segment(&idle)), 0);
	rig_run(&rig, media_ms(1100));
	CHECK_INT(v->pictures[0].kind, 'K');
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "a"), 1);
	finish_after(1500);
}

static const struct check_test tests[] = {
	TEST(test_idle_loops_and_sound_is_dtx),
	TEST(test_where_the_idle_clip_will_be),
	TEST(test_seam_puts_first_picture_on_first_sample),
	TEST(test_queue_plays_without_a_gap),
	TABLE(test_lengths, lengths),
	TEST(test_picture_times_do_not_drift_at_33_fps),
	TEST(test_underrun_holds_both_and_resumes_together),
	TEST(test_incomplete_segment_starts_after_a_preroll),
	TEST(test_failure_while_playing_ends_after_what_is_there),
	TEST(test_failure_while_waiting_is_reported_at_once),
	TEST(test_error_is_cut_at_a_character),
	TEST(test_played_is_what_was_sent),
	TEST(test_played_is_what_was_sent_to_anybody),
	TEST(test_played_without_viewers),
	TEST(test_hold_is_not_played),
	TEST(test_interrupt_idles_within_a_slot_at_the_most_similar_entry),
	TEST(test_skip_goes_on_with_the_next),
	TEST(test_remove_and_refusals),
	TEST(test_nothing_starts_without_an_idle_clip),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
