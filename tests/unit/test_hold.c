/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is put on hold, and goes on, under a fake clock. Segments start at 120 ms and have an entry every
 * 400 ms. */
#include "tests/support/order_check.h"

#include <errno.h>

#define REGRET (300 * MS)

static void open_with_viewer(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_fades(true);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
}

static int hold(void)
{
	dh_playout_poll(rig.playout, rig.now);
	return dh_playout_hold(rig.playout, REGRET);
}

static int resume(int64_t at_ms)
{
	dh_playout_poll(rig.playout, rig.now);
	return dh_playout_resume(rig.playout, at_ms < 0 ? -1 : at_ms * MS);
}

/* The place of the first packet at or after `ms`. */
static int sound_at(int64_t ms)
{
	const struct rig_viewer *v = rig.viewers[0];
	int i = 0;
	while (i < v->sound_count && v->sound_ticks[i] < media_ms(ms))
		i++;
	return i;
}

/* The first packet of speech from then on: at `ms`, packet `index` of the segment. */
static void check_speech(int64_t from_ms, int64_t ms, int index)
{
	const struct rig_viewer *v = rig.viewers[0];
	int i = sound_at(from_ms);
	while (i < v->sound_count && v->sound_index[i] < 0)
		i++;
	CHECK(i < v->sound_count, "no speech after %d ms", (int)from_ms);
	CHECK_INT((v->sound_ticks[i] - start) / MS, ms);
	CHECK_INT(v->sound_index[i], index);
}

/* The picture of `tag` that is first shown from `from_ms` on: at `ms`, picture `index` of the segment. */
static void check_picture(char tag, int64_t from_ms, int64_t ms, int index)
{
	const struct rig_viewer *v = rig.viewers[0];
	int i = 0;
	while (i < v->picture_count && v->pictures[i].sent_ticks < media_ms(from_ms))
		i++;
	i = rig_first(v, tag, i);
	CHECK(i >= 0, "no picture of %c", tag);
	CHECK_INT((v->pictures[i].sent_ticks - start) / MS, ms);
	CHECK_INT(v->pictures[i].index, index);
}

/* Held in the slot at 820, 700 ms into the segment. */
static void hold_at_700(void)
{
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(805));
	CHECK_INT(hold(), 0);
	CHECK_INT(hold(), -EALREADY);
	CHECK(dh_playout_is_on_hold(rig.playout));
	const struct rig_event *event = rig_event(&rig, DH_EVENT_HOLDING, "a");
	CHECK_INT(event->media_ticks, 820 * MS);
	CHECK_INT(event->played_ticks, 700 * MS);
}

static void check_end(int64_t ms, int64_t played_ms)
{
	const struct rig_event *end = rig_event(&rig, DH_EVENT_FINISHED, "a");
	CHECK(end != NULL);
	CHECK_INT(end->media_ticks, ms * MS);
	CHECK_INT(end->played_ticks, played_ms * MS);
	CHECK_INT(rig_ends(&rig, "a"), 1);
	finish_after(500);
}

/* --- going on */

static void test_goes_on_at_an_entry(void)
{
	open_with_viewer();
	hold_at_700();
	rig_run(&rig, media_ms(2005));
	CHECK(!strncmp(rig.viewers[0]->sound + sound_at(800), "a~.....,", 8));
	CHECK(!dh_playout_may_regret(rig.playout));
	CHECK_INT(resume(-1), 0);
	CHECK_INT(resume(-1), -ENOENT);
	rig_run(&rig, media_ms(6000));
	check_speech(860, 2020, 20);
	check_picture('a', 860, 2020, 10);
	/* what is heard twice counts once */
	check_end(2020 + 600, 1000);
}

static void test_is_undone(void)
{
	open_with_viewer();
	hold_at_700();
	rig_run(&rig, media_ms(1105));
	CHECK(dh_playout_may_regret(rig.playout));
	CHECK_INT(resume(0), 0);
	CHECK(rig.events[rig.event_count - 1].type == DH_EVENT_RESUMING);
	rig_run(&rig, media_ms(6000));
	check_speech(860, 1120, 35);
	check_picture('a', 860, 1120 + 100, 20);
	check_end(1120 + 300, 1000);
}

/* As soon as that: nobody hears it. */
static void test_is_undone_at_once(void)
{
	open_with_viewer();
	hold_at_700();
	CHECK_INT(resume(-1), 0);
	rig_run(&rig, media_ms(6000));
	CHECK(!strchr(rig.viewers[0]->sound, '~'));
	check_speech(815, 820, 35);
	check_end(1120, 1000);
}

static const struct at_row {
	const char *name;
	int at_ms;
	int picture, speech_ms, speech; /* expected: the first picture at 2020; the first sound */
	int end_ms;
} places[] = {
	{ "in the middle", 630, 10, 2020 + 220, 31, 2020 + 600 },
	{ "at an entry", 400, 10, 2020, 20, 2020 + 600 },
	{ "before it", 390, 0, 2020 + 380, 19, 2020 + 1000 },
	{ "the beginning", 0, 0, 2020, 0, 2020 + 1000 },
	{ "not behind it", 900, 10, 2020 + 300, 35, 2020 + 600 },
};

static void test_goes_on_at_a_word(const void *arg)
{
	const struct at_row *row = arg;

	open_with_viewer();
	hold_at_700();
	rig_run(&rig, media_ms(2005));
	CHECK_INT(resume(row->at_ms), 0);
	rig_run(&rig, media_ms(6000));
	check_picture('a', 860, 2020, row->picture);
	check_speech(860, row->speech_ms, row->speech);
	check_end(row->end_ms, 1000);
}

/* Once more, before it has come as far as it was. */
static void test_again_and_again(void)
{
	open_with_viewer();
	hold_at_700();
	rig_run(&rig, media_ms(2005));
	CHECK_INT(resume(-1), 0);
	rig_run(&rig, media_ms(2105)); /* 500 ms into the segment */
	CHECK_INT(hold(), 0);
	CHECK_INT(rig_event(&rig, DH_EVENT_HOLDING, "a")->played_ticks, 700 * MS);
	rig_run(&rig, media_ms(3005));
	CHECK_INT(resume(-1), 0);
	rig_run(&rig, media_ms(6000));
	check_speech(2160, 3020, 20);
	check_end(3020 + 600, 1000);
}

static void test_without_viewers(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_run(&rig, media_ms(100));
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(805));
	CHECK_INT(hold(), 0);
	CHECK_INT(dh_playout_deadline_ticks(rig.playout), INT64_MAX);
	rig_run(&rig, media_ms(60005));
	CHECK_INT(resume(-1), 0);
	rig_run(&rig, media_ms(70000));
	struct dh_playout_counts counts;
	dh_playout_get_counts(rig.playout, &counts);
	CHECK_INT(counts.held_ticks, 0);
	check_end(60020 + 600, 1000);
}

/* Sound alone stays where it was. */
static void test_without_pictures(void)
{
	static const struct rig_segment spec = { "a", 'a', 'i', 0, 25, 1, 10, 1000, -1 };

	open_with_viewer();
	CHECK_INT(rig_order(&rig, &spec, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(805));
	CHECK_INT(hold(), 0);
	rig_run(&rig, media_ms(2005));
	CHECK_INT(resume(-1), 0);
	rig_run(&rig, media_ms(6000));
	check_speech(860, 2020, 35);
	check_end(2020 + 300, 1000);
}

/* --- what else happens meanwhile */

static void test_nothing_starts(void)
{
	open_with_viewer();
	CHECK_INT(hold(), -ENOENT);
	hold_at_700();
	enqueue("b", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(4000));
	CHECK_STR(starts(), "a");
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 0);
	CHECK_INT(dh_playout_skip(rig.playout), 0);
	CHECK(!dh_playout_is_on_hold(rig.playout));
	CHECK_INT(rig_event(&rig, DH_EVENT_SKIPPED, "a")->played_ticks, 700 * MS);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "ab");
	finish_after(500);
}

static void test_is_discarded(void)
{
	open_with_viewer();
	hold_at_700();
	enqueue("b", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(2000));
	CHECK_INT(dh_playout_interrupt(rig.playout), 2);
	const struct rig_event *end = rig_event(&rig, DH_EVENT_INTERRUPTED, "a");
	CHECK_INT(end->played_ticks, 700 * MS);
	CHECK_INT(rig_ends(&rig, "a"), 1);
	CHECK_INT(resume(-1), -ENOENT);
	finish_after(500);
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
}

static void test_what_is_urgent_goes_before(void)
{
	open_with_viewer();
	hold_at_700();
	enqueue_plain("u", DH_PRIORITY_URGENT);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "au");
	CHECK_INT(rig_event(&rig, DH_EVENT_INTERRUPTED, "a")->reason, DH_REASON_PRIORITY);
	CHECK(!dh_playout_is_on_hold(rig.playout));
	finish_after(500);
}

/* The next piece does not start, and is not missed. */
static void test_between_pieces(void)
{
	open_with_viewer();
	enqueue_piece("a", "u", 0, false);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(hold(), 0);
	CHECK_INT(rig_count(&rig, DH_EVENT_HOLDING, NULL), 1);
	rig_run(&rig, media_ms(3000));
	enqueue_piece("c", "u", 2, true);
	rig_run(&rig, media_ms(20000));
	CHECK_INT(resume(-1), 0);
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, NULL), 0);
	rig_run(&rig, media_ms(21000));
	enqueue_piece("b", "u", 1, false);
	rig_run(&rig, media_ms(25000));
	CHECK_STR(starts(), "abc");
	CHECK_INT(started_ms("b"), 21020);
	finish_after(500);
}

/* An underrun is over when somebody asks for the hold, and what comes meanwhile is there then. */
static void test_amid_an_underrun(void)
{
	static const struct rig_segment spec = { "a", 'a', 'i', 1000, 25, 1, 10, 1000, 500 };

	open_with_viewer();
	CHECK_INT(rig_order(&rig, &spec, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(1005));
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, NULL), 1);
	CHECK_INT(hold(), 0);
	CHECK_INT(rig_event(&rig, DH_EVENT_RESUMED, "a")->media_ticks, 1020 * MS);
	rig_run(&rig, media_ms(2005));
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, media_ms(3005));
	CHECK_INT(resume(-1), 0);
	rig_run(&rig, media_ms(6000));
	check_speech(1020, 3020, 20);
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, NULL), 1);
	check_end(3020 + 600, 1000);
}

/* --- a segment that is made for hours */

static const struct long_row {
	const char *name;
	int repeat;
	int video_ms;
	int speech; /* expected: the first packet from 75 s on, after a hold at 70 s that goes back to 5.2 s */
	int64_t kept_ms;
} long_rows[] = {
	/* entries are 400 ms apart */
	{ "goes back a minute at most", 0, 110000, 480, 9600 },
	{ "sound alone", 0, 0, 499, 9980 },
	{ "sound under the last picture", 0, 4000, 499, 9980 },
	{ "is to be repeated: goes back all the way", 2, 110000, 260, 0 },
};

static void test_goes_back_a_minute(const void *arg)
{
	const struct long_row *row = arg;
	const struct rig_segment spec = { "a", 'a', 'i', row->video_ms, 25, 1, 10, 110000, -1 };
	const struct dh_order order = { .source = 1, .repeat = row->repeat };
	open_with_viewer();
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	rig_run(&rig, media_ms(70105));
	const struct dh_segment *playing = dh_playout_playing(rig.playout, NULL);
	CHECK_INT(dh_ms_from_ticks(dh_segment_kept_ticks(playing)), row->kept_ms);
	CHECK_INT(hold(), 0);
	rig_run(&rig, media_ms(75005));
	CHECK_INT(resume(5200), 0);
	rig_run(&rig, media_ms(76500));
	check_speech(75005, 75020, row->speech);
	CHECK_INT(rig.viewers[0]->broken, 0);
	rig_close(&rig);
}

static const struct check_test tests[] = {
	TABLE(test_goes_back_a_minute, long_rows),
	TEST(test_goes_on_at_an_entry),
	TEST(test_is_undone),
	TEST(test_is_undone_at_once),
	TABLE(test_goes_on_at_a_word, places),
	TEST(test_again_and_again),
	TEST(test_without_viewers),
	TEST(test_without_pictures),
	TEST(test_nothing_starts),
	TEST(test_is_discarded),
	TEST(test_what_is_urgent_goes_before),
	TEST(test_between_pieces),
	TEST(test_amid_an_underrun),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
