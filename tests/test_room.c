/* The room under a fake clock: seams, holds, cuts, joins, lateness, wraps. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "stage.h"

static const int64_t start = 1000 * DH_TICKS_PER_SECOND + 4711;
static struct stage stage;

/* 25 fps speech of 1 s with its own picture; 'i' is the anchor of all here. */
#define SPEECH(name, letter) { name, letter, 'i', 1000, 25, 1, 10, 1000, -1 }

static void check_viewers(void)
{
	for (int i = 0; i < stage.viewer_count; i++) {
		const struct stage_viewer *v = stage.viewers[i];
		CHECK(!v->wrong, "viewer %d: %s", i, v->why);
		CHECK_INT(v->broken, 0);
	}
}

/* Runs on, checks every viewer, frees. */
static void finish_after(int64_t ms)
{
	stage_run(&stage, stage.now + ms * MS);
	check_viewers();
	stage_close(&stage);
}

static int64_t media_ms(int64_t ms)
{
	return start + ms * MS;
}

/* ------------------------------------------------------------- playing */

static void test_idle_loops_and_sound_is_dtx(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(10000));
	CHECK_INT(v->pictures[0].kind, 'K');
	/* The anchor at once; for the first viewer the clip begins with an entry, from the next slot on. */
	CHECK_INT(v->picture_count, 1 + 250);
	CHECK_INT(v->pictures[1].kind, 'E');
	CHECK_INT(v->pictures[1].sent_ticks, media_ms(20));
	for (int i = 2; i < v->picture_count; i++)
		CHECK_INT(v->pictures[i].index, (v->pictures[i - 1].index + 1) % 50);
	CHECK(!strncmp(v->sound, "....,.,", 7), "%.10s", v->sound);
	/* After the tail: one real packet and one tiny one in 400 ms. */
	CHECK_INT(v->sound_ticks[30] - v->sound_ticks[28], 400 * MS);
	finish_after(0);
}

static void test_seam_puts_first_picture_on_first_sample(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(1007));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("s", 's'));
	stage_run(&stage, media_ms(3000));
	int first = stage_first(v, 's', 0);
	CHECK(first > 0);
	CHECK_INT(v->pictures[first].kind, 'E');
	CHECK_INT(v->pictures[first].sent_ticks, media_ms(1020));
	CHECK_INT(v->pictures[first].timestamp, 1020 * 90);
	const char *sound = strchr(v->sound, 's');
	CHECK(sound != NULL);
	CHECK_INT(v->sound_ticks[sound - v->sound], media_ms(1020));
	CHECK_INT(stage_event(&stage, DH_EVENT_STARTED, "s")->media_ticks, 1020 * MS);
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "s")->media_ticks, 2020 * MS);
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	CHECK_INT(stage_event(&stage, DH_EVENT_SPEAKING, NULL)->media_ticks, 1020 * MS);
	CHECK_INT(stage_event(&stage, DH_EVENT_IDLE, NULL)->media_ticks, 2020 * MS);
	CHECK_INT((int)strspn(sound, "s"), 50);
	/* Five packets of real silence after the speech, then DTX. */
	CHECK(!strncmp(sound + 50, ".....,", 6), "%.10s", sound + 50);
	CHECK_INT(dh_room_viewers(stage.room), 1);
	/* No key frame but the first. */
	for (int i = 1; i < v->picture_count; i++)
		CHECK(v->pictures[i].kind != 'K');
	finish_after(1000);
}

static void test_queue_plays_without_a_gap(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(500));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("a", 'a'));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("b", 'b'));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("c", 'c'));
	stage_run(&stage, media_ms(5000));
	CHECK_INT(stage_event(&stage, DH_EVENT_STARTED, "b")->media_ticks, stage_event(&stage, DH_EVENT_FINISHED, "a")->media_ticks);
	CHECK_INT(stage_event(&stage, DH_EVENT_STARTED, "c")->media_ticks, stage_event(&stage, DH_EVENT_FINISHED, "b")->media_ticks);
	CHECK_INT(stage_count(&stage, DH_EVENT_SPEAKING, NULL), 1);
	CHECK_INT(stage_count(&stage, DH_EVENT_IDLE, NULL), 1);
	const char *sound = strchr(v->sound, 'a');
	CHECK_INT((int)strspn(sound, "a"), 50);
	CHECK_INT((int)strspn(sound + 50, "b"), 50);
	CHECK_INT((int)strspn(sound + 100, "c"), 50);
	finish_after(0);
}

static const struct length_row {
	const char *name;
	struct stage_segment spec;
	enum dh_duration rule;
	int played_ms, pictures;
} lengths[] = {
	{ "same length", { "s", 's', 'i', 1000, 25, 1, 10, 1000, -1 }, DH_DURATION_SPEECH, 1000, 25 },
	{ "33 fps", { "s", 's', 'i', 1000, 33, 1, 16, 1000, -1 }, DH_DURATION_SPEECH, 1000, 33 },
	{ "29.97 fps", { "s", 's', 'i', 2000, 30000, 1001, 15, 2000, -1 }, DH_DURATION_SPEECH, 2000, 60 },
	{ "spare pictures are cut", { "s", 's', 'i', 2000, 25, 1, 10, 1000, -1 }, DH_DURATION_SPEECH, 1000, 25 },
	{ "missing pictures: the last stands", { "s", 's', 'i', 400, 25, 1, 10, 1000, -1 }, DH_DURATION_SPEECH, 1000, 10 },
	{ "longest: all pictures", { "s", 's', 'i', 2000, 25, 1, 10, 1000, -1 }, DH_DURATION_LONGEST, 2000, 50 },
	{ "longest: all sound", { "s", 's', 'i', 400, 25, 1, 10, 1000, -1 }, DH_DURATION_LONGEST, 1000, 10 },
	{ "picture only", { "s", 's', 'i', 990, 25, 1, 10, 0, -1 }, DH_DURATION_SPEECH, 1000, 25 },
	{ "sound only: the idle picture goes on", { "s", 's', 'i', 0, 25, 1, 10, 600, -1 }, DH_DURATION_SPEECH, 600, 0 },
	{ "one picture", { "s", 's', 'i', 10, 25, 1, 10, 0, -1 }, DH_DURATION_SPEECH, 40, 1 },
};

static void test_lengths(const void *arg)
{
	const struct length_row *row = arg;
	struct dh_room_config config;
	dh_room_config_init(&config);
	config.duration = row->rule;
	stage_open_idle(&stage, &config, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(200));
	stage_enqueue(&stage, &row->spec);
	stage_run(&stage, media_ms(4000));
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "s")->played_ticks, row->played_ms * MS);
	int pictures = 0, idle_meanwhile = 0;
	int64_t from = media_ms(200), until = media_ms(200 + row->played_ms);
	for (int i = 0; i < v->picture_count; i++) {
		pictures += v->pictures[i].tag == 's';
		idle_meanwhile += v->pictures[i].tag == 'i' && v->pictures[i].sent_ticks >= from && v->pictures[i].sent_ticks < until;
	}
	CHECK_INT(pictures, row->pictures);
	CHECK_INT(idle_meanwhile > 0, row->spec.video_ms == 0);
	finish_after(500);
}

static void test_picture_times_do_not_drift_at_33_fps(void)
{
	const struct stage_segment spec = { "s", 's', 'i', 60000, 33, 1, 16, 60000, -1 };
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(100));
	stage_enqueue(&stage, &spec);
	stage_run(&stage, media_ms(61000));
	int first = stage_first(v, 's', 0);
	for (int i = 0; i < 33 * 60; i++) {
		int64_t exact = (120 * 90) + (int64_t)i * 90000 / 33;
		CHECK(llabs((long long)(v->pictures[first + i].timestamp - exact)) <= 1, "picture %d", i);
	}
	finish_after(0);
}

/* -------------------------------------------------------------- underrun */

static void test_underrun_holds_both_and_resumes_together(void)
{
	struct stage_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(100));
	stage_enqueue(&stage, &spec);
	stage_run(&stage, media_ms(1500));
	CHECK_INT(stage_count(&stage, DH_EVENT_HELD, "s"), 1);
	CHECK_INT(stage_ends(&stage, "s"), 0);
	int pictures = v->picture_count;
	stage_run(&stage, media_ms(1900));
	CHECK_INT(v->picture_count, pictures); /* the picture stands */
	struct dh_segment *segment = dh_room_find(stage.room, "s");
	dh_room_poll(stage.room, stage.now);
	stage_fill(segment, &spec, 600);
	dh_room_filled(stage.room, segment);
	stage_run(&stage, media_ms(2000));
	CHECK_INT(stage_count(&stage, DH_EVENT_RESUMED, "s"), 0); /* less than a preroll */
	stage_fill(segment, &spec, -1);
	dh_room_filled(stage.room, segment);
	stage_run(&stage, media_ms(4000));
	CHECK_INT(stage_count(&stage, DH_EVENT_RESUMED, "s"), 1);
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	/* Sound and picture moved by the same amount: the last of each 40 and 20 ms before the end. */
	int64_t end = media_ms(0) + stage_event(&stage, DH_EVENT_FINISHED, "s")->media_ticks;
	int first = stage_first(v, 's', 0);
	CHECK_INT(v->pictures[first + 24].sent_ticks, end - 40 * MS);
	CHECK_INT(v->sound_ticks[strrchr(v->sound, 's') - v->sound], end - 20 * MS);
	finish_after(0);
}

static void test_unprepared_starts_after_a_preroll(void)
{
	struct stage_segment spec = SPEECH("s", 's');
	spec.known_ms = 100;
	stage_open_idle(&stage, NULL, start);
	stage_join(&stage, NULL);
	stage_enqueue(&stage, &spec);
	stage_run(&stage, media_ms(300));
	CHECK_INT(stage_count(&stage, DH_EVENT_STARTED, "s"), 0);
	CHECK_INT(stage_count(&stage, DH_EVENT_READY, "s"), 0);
	struct dh_segment *segment = dh_room_find(stage.room, "s");
	dh_room_poll(stage.room, stage.now);
	stage_fill(segment, &spec, 210);
	dh_room_filled(stage.room, segment);
	CHECK_INT(stage_count(&stage, DH_EVENT_READY, "s"), 1);
	stage_run(&stage, media_ms(350));
	CHECK_INT(stage_event(&stage, DH_EVENT_STARTED, "s")->media_ticks, 320 * MS);
	stage_fill(segment, &spec, -1);
	dh_room_filled(stage.room, segment);
	finish_after(2000);
}

static void test_failure_while_playing_plays_what_is_there(void)
{
	struct stage_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	stage_open_idle(&stage, NULL, start);
	stage_join(&stage, NULL);
	stage_enqueue(&stage, &spec);
	stage_run(&stage, media_ms(100));
	struct dh_segment *segment = dh_room_find(stage.room, "s");
	dh_segment_fail(segment, 4, "it broke");
	dh_room_filled(stage.room, segment);
	stage_run(&stage, media_ms(1000));
	CHECK_INT(stage_ends(&stage, "s"), 1);
	CHECK_INT(stage_event(&stage, DH_EVENT_FAILED, "s")->played_ticks, 520 * MS);
	finish_after(100);
}

static void test_failure_while_waiting_is_told_at_once(void)
{
	struct dh_segment *segment;
	stage_open_idle(&stage, NULL, start);
	CHECK_INT(dh_segment_alloc(&segment, "s", NULL), 0);
	CHECK_INT(dh_room_enqueue(stage.room, segment), 0);
	dh_segment_fail(segment, 4, "no medium");
	dh_room_filled(stage.room, segment);
	CHECK_INT(stage_count(&stage, DH_EVENT_FAILED, "s"), 1);
	CHECK(dh_room_find(stage.room, "s") == NULL);
	finish_after(100);
}

/* -------------------------------------------------------------- commands */

static void test_interrupt_idles_within_a_slot_at_the_most_similar_entry(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(100));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("a", 'a'));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("b", 'b'));
	stage_run(&stage, media_ms(507));
	dh_room_poll(stage.room, stage.now);
	int before = v->picture_count;
	CHECK_INT(dh_room_interrupt(stage.room), 2);
	stage_run(&stage, media_ms(530));
	const struct stage_picture *cut = &v->pictures[stage_first(v, 'i', before)];
	CHECK_INT(cut->kind, 'E');
	CHECK_INT(cut->sent_ticks, media_ms(520));
	/* `a` began at 120; its picture 10 looks like the idle picture 40, an entry. */
	CHECK_INT(cut->index, 40);
	CHECK_INT(stage_event(&stage, DH_EVENT_INTERRUPTED, "a")->played_ticks, 400 * MS);
	CHECK_INT(stage_event(&stage, DH_EVENT_INTERRUPTED, "b")->played_ticks, 0);
	CHECK_INT(stage_event(&stage, DH_EVENT_IDLE, NULL)->media_ticks, 520 * MS);
	finish_after(1000);
}

static void test_skip_goes_on_with_the_next(void)
{
	stage_open_idle(&stage, NULL, start);
	stage_join(&stage, NULL);
	CHECK_INT(dh_room_skip(stage.room), -ENOENT);
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("a", 'a'));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("b", 'b'));
	stage_run(&stage, media_ms(310));
	CHECK_INT(dh_room_remove(stage.room, "a"), -EBUSY);
	CHECK_INT(dh_room_skip(stage.room), 0);
	stage_run(&stage, media_ms(2000));
	CHECK_INT(stage_event(&stage, DH_EVENT_STARTED, "b")->media_ticks, stage_event(&stage, DH_EVENT_SKIPPED, "a")->media_ticks);
	CHECK_INT(stage_count(&stage, DH_EVENT_IDLE, NULL), 1);
	finish_after(100);
}

static void test_remove_and_refusals(void)
{
	struct dh_room_config config;
	dh_room_config_init(&config);
	config.max_queue = 2;
	stage_open_idle(&stage, &config, start);
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("a", 'a'));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("b", 'b'));
	struct dh_segment *spare = stage_segment(&(struct stage_segment)SPEECH("b", 'b'));
	CHECK_INT(dh_room_enqueue(stage.room, spare), -EEXIST);
	dh_segment_free(&spare);
	spare = stage_segment(&(struct stage_segment)SPEECH("c", 'c'));
	CHECK_INT(dh_room_enqueue(stage.room, spare), -ENOBUFS);
	dh_segment_free(&spare);
	CHECK_INT(dh_room_remove(stage.room, "x"), -ENOENT);
	CHECK_INT(dh_room_remove(stage.room, "b"), 0);
	CHECK_INT(stage_count(&stage, DH_EVENT_REMOVED, "b"), 1);
	CHECK(dh_room_find(stage.room, "b") == NULL);
	finish_after(2000);
}

/* --------------------------------------------------------------- viewers */

static void test_join_gets_the_anchor_at_once(void)
{
	stage_open_idle(&stage, NULL, start);
	stage_join(&stage, NULL);
	stage_run(&stage, media_ms(100));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("s", 's'));
	stage_run(&stage, media_ms(333));
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(1000));
	CHECK_INT(v->pictures[0].kind, 'K');
	CHECK_INT(v->pictures[0].sent_ticks, media_ms(333));
	CHECK_INT(v->pictures[0].timestamp, 333 * 90);
	/* The segment began at 120; its next entry is picture 10. */
	CHECK_INT(v->pictures[1].index, 10);
	CHECK_INT(v->pictures[1].tag, 's');
	finish_after(1000);
}

static void test_own_anchor_is_sent_before_and_the_avatars_after(void)
{
	const struct stage_segment own = { "o", 'o', 'x', 1000, 25, 1, 10, 1000, -1 };
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(100));
	stage_enqueue(&stage, &own);
	stage_run(&stage, media_ms(600));
	struct stage_viewer *late = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(2000));
	int first = stage_first(v, 'o', 0);
	CHECK_INT(v->pictures[first - 1].kind, 'K');
	CHECK_INT(v->pictures[first - 1].tag, 'x');
	CHECK_INT(v->pictures[first].timestamp - v->pictures[first - 1].timestamp, 90);
	int back = stage_first(v, 'i', first);
	CHECK_INT(v->pictures[back - 1].kind, 'K');
	CHECK_INT(v->pictures[back - 1].tag, 'i');
	CHECK_INT(late->pictures[0].tag, 'x');
	finish_after(500);
}

static void test_pli_waits_for_an_entry_and_backs_off(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	struct stage_viewer *other = stage_join(&stage, NULL);
	int64_t keys[8];
	int count = 0;
	for (int ms = 2010; ms < 12000; ms += 50) {
		stage_run(&stage, media_ms(ms));
		dh_room_viewer_pli(stage.room, v->viewer, stage.now);
	}
	for (int i = 1; i < v->picture_count; i++) {
		if (v->pictures[i].kind != 'K')
			continue;
		CHECK_INT(v->pictures[i + 1].kind, 'E');
		CHECK_INT(v->pictures[i + 1].timestamp - v->pictures[i].timestamp, 90);
		CHECK(count < 8);
		keys[count++] = v->pictures[i].sent_ticks;
	}
	/* At most 1, 2, 4, 4 s apart (then the next entry, 400 ms at most). */
	CHECK(count >= 4, "%d", count);
	CHECK(keys[0] - media_ms(2010) <= 400 * MS);
	CHECK(keys[1] - keys[0] >= 1000 * MS && keys[1] - keys[0] <= 2400 * MS);
	CHECK(keys[2] - keys[1] >= 2000 * MS && keys[2] - keys[1] <= 4400 * MS);
	CHECK(keys[3] - keys[2] >= 4000 * MS);
	for (int i = 1; i < other->picture_count; i++)
		CHECK(other->pictures[i].kind != 'K');
	finish_after(100);
}

static void test_pause_and_resume(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(500));
	dh_room_viewer_pause(stage.room, v->viewer, 1);
	int pictures = v->picture_count, sounds = v->sound_count;
	stage_run(&stage, media_ms(900));
	CHECK_INT(v->picture_count, pictures);
	CHECK_INT(v->sound_count, sounds);
	dh_room_viewer_pause(stage.room, v->viewer, 0);
	stage_run(&stage, media_ms(1500));
	CHECK_INT(v->pictures[pictures].kind, 'E');
	finish_after(100);
}

static void test_groups_have_constant_offsets(void)
{
	stage_open_idle(&stage, NULL, start);
	for (int i = 0; i < 50; i++)
		stage_join(&stage, NULL);
	stage_run(&stage, media_ms(300));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("s", 's'));
	stage_run(&stage, media_ms(2000));
	int with_offset = 0;
	for (int i = 0; i < stage.viewer_count; i++) {
		const struct stage_viewer *v = stage.viewers[i];
		int64_t offset = v->pictures[1].sent_ticks - start - v->pictures[1].timestamp * 8LL;
		CHECK(offset >= 0 && offset < 10 * MS);
		CHECK_INT(offset % MS, 0);
		with_offset += offset > 0;
		for (int p = 1; p < v->picture_count; p++)
			CHECK(llabs((long long)(v->pictures[p].sent_ticks - start - v->pictures[p].timestamp * 8LL - offset)) < 9);
		for (int s = 5; s < v->sound_count; s++)
			CHECK_INT((v->sound_ticks[s] - start - offset) % DH_SLOT_TICKS, 0);
	}
	CHECK(with_offset >= 25, "%d", with_offset);
	finish_after(500);
}

static void test_late_wake_sends_what_is_young_and_skips_to_an_entry(void)
{
	stage_open_idle(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(200));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("s", 's'));
	stage_run(&stage, media_ms(300));
	int before = v->picture_count;
	stage_stall(&stage, 100 * MS);
	CHECK_INT(v->picture_count, before + 2); /* 320 and 360 (340..400 has one more at 400) */
	stage_run(&stage, media_ms(450));
	before = v->picture_count;
	int sounds = v->sound_count;
	stage_stall(&stage, 400 * MS); /* at 850: what was due before 700 is gone */
	for (int i = before; i < v->picture_count; i++)
		CHECK(v->pictures[i].timestamp >= 700 * 90, "picture at %u ms", v->pictures[i].timestamp / 90);
	CHECK_INT(v->sound_count - sounds, 8);
	struct dh_viewer_stats stats;
	dh_room_viewer_stats(v->viewer, &stats);
	CHECK(stats.late_dropped > 0);
	stage_run(&stage, media_ms(2000));
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	finish_after(0);
}

/* ------------------------------------------------------------------ time */

static void test_quiet_room_wakes_at_edges_only(void)
{
	stage_open_idle(&stage, NULL, start);
	CHECK_INT(dh_room_deadline_ticks(stage.room), INT64_MAX);
	stage_run(&stage, media_ms(3600 * 1000));
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("a", 'a'));
	CHECK_INT(dh_room_deadline_ticks(stage.room), media_ms(3600 * 1000 + 20));
	stage_run(&stage, media_ms(3600 * 1000 + 20));
	stage_stall(&stage, 0);
	CHECK_INT(dh_room_deadline_ticks(stage.room), media_ms(3601 * 1000 + 20));
	stage_run(&stage, media_ms(3605 * 1000));
	CHECK_INT(stage_ends(&stage, "a"), 1);
	CHECK_INT(dh_room_deadline_ticks(stage.room), INT64_MAX);
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "a")->played_ticks, 1000 * MS);
	CHECK_INT(stage_event(&stage, DH_EVENT_IDLE, NULL)->media_ticks, (3601 * 1000 + 20) * MS);
	/* Someone comes: all is as if they had been here all the time. */
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_run(&stage, media_ms(3606 * 1000));
	CHECK_INT(v->picture_count, 1 + 25);
	finish_after(0);
}

static void test_quiet_hold_resumes_now(void)
{
	struct stage_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	stage_open_idle(&stage, NULL, start);
	stage_enqueue(&stage, &spec);
	stage_run(&stage, media_ms(60000));
	CHECK_INT(stage_count(&stage, DH_EVENT_HELD, "s"), 1);
	dh_room_poll(stage.room, stage.now);
	struct dh_segment *segment = dh_room_find(stage.room, "s");
	stage_fill(segment, &spec, -1);
	dh_room_filled(stage.room, segment);
	stage_run(&stage, media_ms(70000));
	CHECK_INT(stage_event(&stage, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	CHECK(stage_event(&stage, DH_EVENT_FINISHED, "s")->media_ticks >= 60500 * MS);
	CHECK(stage_event(&stage, DH_EVENT_FINISHED, "s")->media_ticks <= 60540 * MS);
	finish_after(0);
}

static void test_no_idle_clip_nothing_starts(void)
{
	stage_open(&stage, NULL, start);
	struct stage_viewer *v = stage_join(&stage, NULL);
	stage_enqueue(&stage, &(struct stage_segment)SPEECH("a", 'a'));
	stage_run(&stage, media_ms(1000));
	CHECK_INT(stage_count(&stage, DH_EVENT_STARTED, NULL), 0);
	CHECK_INT(v->picture_count, 0);
	const struct stage_segment idle = { "idle", 'i', 'i', 2000, 25, 1, 10, 0, -1 };
	CHECK_INT(dh_room_set_idle(stage.room, stage_segment(&idle)), 0);
	stage_run(&stage, media_ms(1100));
	CHECK_INT(v->pictures[0].kind, 'K');
	CHECK_INT(stage_count(&stage, DH_EVENT_STARTED, "a"), 1);
	finish_after(1500);
}

/* Random orders for an hour of media: each segment ends exactly once, every
 * picture that left could be decoded, no numbering broke. */
static void test_random_orders(void)
{
	static const struct { int video_ms, num, den, audio_ms; char anchor; } kinds[] = {
		{ 1000, 25, 1, 1000, 'i' }, { 700, 33, 1, 720, 'i' }, { 3000, 30000, 1001, 2000, 'x' },
		{ 0, 25, 1, 900, 'i' }, { 500, 25, 1, 0, 'i' }, { 40, 25, 1, 40, 'y' } };
	int made = 0;
	srand(7);
	stage_open_idle(&stage, NULL, start);
	for (int step = 0; step < 3000; step++) {
		int k = rand() % 6;
		char id[20];
		stage_run(&stage, stage.now + (rand() % 1200) * MS + rand() % 720);
		if (rand() % 30 == 0)
			stage_stall(&stage, (rand() % 2000) * MS);
		dh_room_poll(stage.room, stage.now);
		switch (rand() % 8) {
		case 0: case 1: case 2: case 3:
			snprintf(id, sizeof id, "s%d", made);
			struct stage_segment spec = { id, (char)('a' + made % 8), kinds[k].anchor, kinds[k].video_ms, kinds[k].num,
				kinds[k].den, 1 + rand() % 20, kinds[k].audio_ms, -1 };
			made += dh_room_waiting(stage.room, 20) == NULL;
			if (!dh_room_waiting(stage.room, 20))
				stage_enqueue(&stage, &spec);
			break;
		case 4: dh_room_skip(stage.room); break;
		case 5:
			if (dh_room_waiting(stage.room, 0))
				CHECK_INT(dh_room_remove(stage.room, dh_segment_id(dh_room_waiting(stage.room, 0))), 0);
			break;
		case 6:
			if (rand() % 4 == 0)
				dh_room_interrupt(stage.room);
			break;
		case 7:
			if (stage.viewer_count < 40)
				stage_join(&stage, NULL);
			else
				dh_room_viewer_pli(stage.room, stage.viewers[rand() % 40]->viewer, stage.now);
			break;
		}
	}
	int ends = 0;
	dh_room_interrupt(stage.room);
	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		ends += stage_count(&stage, (enum dh_event_type)type, NULL);
	CHECK(stage.event_count < STAGE_LOG_MAX * 2, "%d", stage.event_count);
	if (stage.event_count < STAGE_LOG_MAX)
		CHECK_INT(ends, made);
	for (int i = 0; i < made && stage.event_count < STAGE_LOG_MAX; i++) {
		char id[20];
		snprintf(id, sizeof id, "s%d", i);
		CHECK_INT(stage_ends(&stage, id), 1);
	}
	finish_after(100);
}

static const struct check_test tests[] = {
	TEST(test_idle_loops_and_sound_is_dtx),
	TEST(test_seam_puts_first_picture_on_first_sample),
	TEST(test_queue_plays_without_a_gap),
	TABLE(test_lengths, lengths),
	TEST(test_picture_times_do_not_drift_at_33_fps),
	TEST(test_underrun_holds_both_and_resumes_together),
	TEST(test_unprepared_starts_after_a_preroll),
	TEST(test_failure_while_playing_plays_what_is_there),
	TEST(test_failure_while_waiting_is_told_at_once),
	TEST(test_interrupt_idles_within_a_slot_at_the_most_similar_entry),
	TEST(test_skip_goes_on_with_the_next),
	TEST(test_remove_and_refusals),
	TEST(test_join_gets_the_anchor_at_once),
	TEST(test_own_anchor_is_sent_before_and_the_avatars_after),
	TEST(test_pli_waits_for_an_entry_and_backs_off),
	TEST(test_pause_and_resume),
	TEST(test_groups_have_constant_offsets),
	TEST(test_late_wake_sends_what_is_young_and_skips_to_an_entry),
	TEST(test_quiet_room_wakes_at_edges_only),
	TEST(test_quiet_hold_resumes_now),
	TEST(test_no_idle_clip_nothing_starts),
	TEST(test_random_orders),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
