/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interruptions: what they cut, and where, under a fake clock. */
#include "tests/support/order_check.h"

#include <errno.h>

static int cut(const struct dh_cut *what, struct dh_cut_result *result)
{
	dh_playout_poll(rig.playout, rig.now);
	int err = dh_playout_begin_cut(rig.playout, what, result);
	while (!err && dh_playout_continue_cut(rig.playout))
		;
	return err;
}

static int dropped(const struct dh_cut *what)
{
	struct dh_cut_result result;
	int err = cut(what, &result);
	return err ? err : result.dropped;
}

static void open_with_viewer(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
}

static const struct rig_event *interrupted(const char *id)
{
	return rig_event(&rig, DH_EVENT_INTERRUPTED, id);
}

/* --- where: the segment starts at 120 ms */

static const struct word_row {
	const char *name;
	int word_end_ms, word_ms;
	int cut_ms, played_ms; /* expected; it is asked for at 500 ms, before the slot at 520 */
} words[] = {
	{ "at the end of the word", 640, 500, 760, 640 },
	{ "on the grid behind it", 641, 500, 780, 660 },
	{ "no later than so much later", 900, 200, 720, 600 },
	{ "a word that has ended", 400, 500, 520, 400 },
	{ "no word is known", -1, 500, 520, 400 },
	{ "no time at all", 900, 0, 520, 400 },
	{ "beyond the end", 1800, 5000, -1, 1000 },
};

static void test_words(const void *arg)
{
	const struct word_row *row = arg;
	const struct dh_cut what = { .mode = DH_CUT_WORD,
		.word_end_ticks = row->word_end_ms * MS,
		.word_ticks = row->word_ms * MS };
	struct dh_cut_result result;

	open_with_viewer();
	enqueue("a", &(struct dh_order){ 0 });
	enqueue("b", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(cut(&what, &result), 0);
	CHECK_INT(result.dropped, 2);
	CHECK_INT(interrupted("b")->media_ticks, 520 * MS);
	if (row->cut_ms > 0)
		CHECK_INT(result.cut_ticks, row->cut_ms * MS);
	rig_run(&rig, media_ms(3000));
	const struct rig_event *end = row->cut_ms > 0 ? interrupted("a") : rig_event(&rig, DH_EVENT_FINISHED, "a");
	CHECK_INT(end->media_ticks, (row->cut_ms > 0 ? row->cut_ms : 1120) * MS);
	CHECK_INT(end->played_ticks, row->played_ms * MS);
	CHECK_INT(rig_ends(&rig, "a"), 1);
	finish_after(500);
}

/* Nobody watches: it wakes for the end of the word by itself. */
static void test_words_without_viewers(void)
{
	const struct dh_cut what = { .mode = DH_CUT_WORD, .word_end_ticks = 600 * MS, .word_ticks = 500 * MS };

	rig_open_idle(&rig, NULL, start);
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(310));
	CHECK_INT(dropped(&what), 1);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(interrupted("a")->media_ticks, started_ms("a") * MS + 600 * MS);
	CHECK_INT(interrupted("a")->played_ticks, 600 * MS);
	finish_after(0);
}

/* A word of a segment that waits for its media: the time counts. */
static void test_a_word_that_does_not_come(void)
{
	static const struct rig_segment spec = { "a", 'a', 'i', 2000, 25, 1, 10, 2000, 500 };
	const struct dh_cut what = { .mode = DH_CUT_WORD, .word_end_ticks = 700 * MS, .word_ticks = 500 * MS };

	open_with_viewer();
	CHECK_INT(rig_order(&rig, &spec, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&what), 1);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, "a"), 1);
	CHECK_INT(interrupted("a")->media_ticks, 1020 * MS);
	CHECK_INT(interrupted("a")->played_ticks, 500 * MS);
	finish_after(500);
}

/* What comes after the request waits for the word, and then plays. */
static void test_what_comes_after(void)
{
	const struct dh_cut what = { .mode = DH_CUT_WORD, .word_end_ticks = 600 * MS, .word_ticks = 500 * MS };

	open_with_viewer();
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&what), 1);
	enqueue("b", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(3000));
	CHECK_INT(started_ms("b"), ended_ms(DH_EVENT_INTERRUPTED, "a"));
	CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "b"), 1);
	finish_after(500);
}

/* --- what */

static void test_to_the_end_of_the_segment(void)
{
	open_with_viewer();
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "u", 1, false);
	enqueue("c", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&(struct dh_cut){ .mode = DH_CUT_SEGMENT }), 2);
	enqueue_piece("d", "u", 2, true);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "a")->played_ticks, 1000 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "d")->reason, DH_REASON_CUT);
	CHECK_STR(starts(), "a");
	CHECK_INT(rig_event(&rig, DH_EVENT_IDLE, NULL)->media_ticks, 1120 * MS);
	finish_after(500);
}

static void test_to_the_end_of_the_utterance(void)
{
	open_with_viewer();
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "u", 1, false);
	enqueue_piece("c", "v", 0, true);
	enqueue("d", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&(struct dh_cut){ .mode = DH_CUT_UTTERANCE }), 2);
	enqueue_piece("e", "u", 2, true);
	enqueue_piece("f", "v", 1, true);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "abe");
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "f")->reason, DH_REASON_CUT);
	finish_after(500);
}

/* The utterance is not over between two of its pieces, either. */
static void test_between_pieces(void)
{
	open_with_viewer();
	enqueue_piece("a", "u", 0, false);
	rig_run(&rig, media_ms(1500));
	CHECK_INT(dropped(&(struct dh_cut){ .mode = DH_CUT_UTTERANCE }), 0);
	enqueue_piece("b", "u", 1, false);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(dropped(&(struct dh_cut){ .mode = DH_CUT_NOW, .utterance = "u" }), 0);
	enqueue_piece("c", "u", 2, true);
	rig_run(&rig, media_ms(3100));
	CHECK_STR(starts(), "ab");
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "c")->reason, DH_REASON_CUT);
	finish_after(500);
}

static void test_one_segment(void)
{
	open_with_viewer();
	for (const char *id = "a\0b\0c\0"; *id; id += 2)
		enqueue(id, &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "x" }), -ENOENT);
	CHECK_STR(waiting(), "bc");
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "b" }), 1);
	CHECK_STR(waiting(), "c");
	CHECK_STR(dh_segment_id(dh_playout_playing(rig.playout, NULL)), "a");
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "a", .mode = DH_CUT_SEGMENT }), 0);
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "a" }), 1);
	rig_run(&rig, media_ms(3000));
	CHECK_STR(starts(), "ac");
	CHECK_INT(ended_ms(DH_EVENT_INTERRUPTED, "a"), started_ms("c"));
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "a" }), -ENOENT);
	finish_after(500);
}

/* A piece that was cut is not waited for, and its utterance goes on. */
static void test_one_piece(void)
{
	open_with_viewer();
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "u", 1, false);
	enqueue_piece("c", "u", 2, true);
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "b", .utterance = "v" }), -ENOENT);
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "b", .utterance = "u" }), 1);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "ac");
	CHECK_INT(started_ms("c"), 1120);
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, NULL), 0);
	finish_after(500);
}

static void test_one_utterance(void)
{
	open_with_viewer();
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "v", 0, false);
	enqueue_piece("c", "u", 1, false);
	enqueue("d", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&(struct dh_cut){ .utterance = "w" }), -ENOENT);
	CHECK_INT(dropped(&(struct dh_cut){ .utterance = "u" }), 2);
	CHECK_INT(dropped(&(struct dh_cut){ .utterance = "u" }), -ENOENT);
	CHECK_STR(waiting(), "bd");
	enqueue_piece("e", "u", 2, false);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "e")->reason, DH_REASON_CUT);
	enqueue_piece("f", "v", 1, true);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "abfd");
	finish_after(500);
}

static void test_one_priority(void)
{
	open_with_viewer();
	enqueue_plain("a", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(510));
	enqueue_plain("b", DH_PRIORITY_BACKGROUND);
	enqueue_plain("c", DH_PRIORITY_NORMAL);
	CHECK_INT(dropped(&(struct dh_cut){ .has_priority = true, .priority = DH_PRIORITY_URGENT }), 0);
	CHECK_INT(dropped(&(struct dh_cut){ .has_priority = true, .priority = DH_PRIORITY_NORMAL }), 2);
	rig_run(&rig, media_ms(3000));
	CHECK_STR(starts(), "ab");
	CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "b"), 1);
	finish_after(500);
}

/* Who interrupts a segment means those, too, that say what it has not said. */
static void test_what_says_the_rest(void)
{
	static const struct rig_segment a = { "a", 'a', 'i', 2000, 25, 1, 10, 2000, 700 }, b = SPEECH("b", 'b');
	struct dh_segment *rest = rig_segment(&b);

	open_with_viewer();
	CHECK_INT(rig_order(&rig, &a, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(310));
	dh_playout_poll(rig.playout, rig.now);
	struct dh_segment *failed = dh_playout_find(rig.playout, "a");
	CHECK_INT(dh_playout_enqueue_rest(rig.playout, rest, failed), 0);
	dh_segment_fail(failed, 4, "it broke");
	dh_playout_filled(rig.playout, failed);
	rig_run(&rig, media_ms(1200));
	CHECK_STR(starts(), "ab");
	CHECK_INT(dropped(&(struct dh_cut){ .segment = "a" }), 1);
	CHECK(interrupted("b") != NULL);
	finish_after(500);
}

/* What was to be cut at the end of a word is not said on, if it fails before that. */
static void test_no_rest_of_what_is_cut(void)
{
	static const struct rig_segment a = { "a", 'a', 'i', 2000, 25, 1, 10, 2000, 700 }, b = SPEECH("b", 'b');
	const struct dh_cut what = { .mode = DH_CUT_WORD, .word_end_ticks = 600 * MS, .word_ticks = 500 * MS };
	struct dh_segment *rest = rig_segment(&b);

	open_with_viewer();
	CHECK_INT(rig_order(&rig, &a, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(510));
	CHECK_INT(dropped(&what), 1);
	struct dh_segment *failed = dh_playout_find(rig.playout, "a");
	CHECK_INT(dh_playout_enqueue_rest(rig.playout, rest, failed), -ECANCELED);
	dh_segment_free(&rest);
	dh_segment_fail(failed, 4, "it broke");
	dh_playout_filled(rig.playout, failed);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(interrupted("a")->media_ticks, 720 * MS);
	CHECK_STR(starts(), "a");
	finish_after(500);
}

/* --- the sound */

static const char *sound_from(int64_t ms)
{
	const struct rig_viewer *v = rig.viewers[0];
	int i = 0;
	while (i < v->sound_count && v->sound_ticks[i] < media_ms(ms))
		i++;
	return v->sound + i;
}

static void test_fades(void)
{
	open_with_viewer();
	rig_fades(true);
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(190));
	CHECK_INT(dropped(&(struct dh_cut){ 0 }), 1);
	rig_run(&rig, media_ms(400));
	CHECK(!strncmp(sound_from(120), "aaaa~.....,", 11), "%.11s", sound_from(120));
	CHECK_INT(interrupted("a")->played_ticks, 80 * MS);
	CHECK_INT(interrupted("a")->media_ticks, 200 * MS);
	/* what is said next waits for it; the room speaks all the time */
	enqueue("b", &(struct dh_order){ 0 });
	enqueue("c", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dh_playout_skip(rig.playout), 0);
	rig_run(&rig, media_ms(600));
	CHECK(!strncmp(sound_from(500), "b~ccc", 5), "%.5s", sound_from(500));
	CHECK_INT(ended_ms(DH_EVENT_SKIPPED, "b"), 520);
	CHECK_INT(started_ms("c"), 540);
	enqueue_plain("d", DH_PRIORITY_URGENT);
	rig_run(&rig, media_ms(3000));
	CHECK(!strncmp(sound_from(610), "~dd", 3), "%.5s", sound_from(610));
	CHECK_INT(rig_count(&rig, DH_EVENT_SPEAKING, NULL), 2);
	/* who ends by himself does not fade */
	CHECK(!strncmp(sound_from(1620), "d.....,", 7), "%.7s", sound_from(1620));
	finish_after(500);
}

/* Nothing that has not been heard fades. */
static void test_nothing_to_fade(void)
{
	open_with_viewer();
	rig_fades(true);
	enqueue("a", &(struct dh_order){ 0 });
	dh_playout_interrupt(rig.playout);
	enqueue("b", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(1119));
	CHECK_INT(dropped(&(struct dh_cut){ 0 }), 1); /* all of it has been heard */
	rig_run(&rig, media_ms(3000));
	CHECK(!strchr(rig.viewers[0]->sound, '~'));
	finish_after(500);
}

/* --- what the playout says to the room of the sound that it sends */

static char told[RIG_LOG_MAX];
static int told_index[RIG_LOG_MAX];
static int64_t told_ticks[RIG_LOG_MAX];
static int told_count;

static void on_sound(void *arg, unsigned loudness, int64_t media_ticks, const uint8_t *payload, size_t size)
{
	(void)arg, (void)loudness;
	told[told_count] = size == 1 ? ',' : size == 3 ? '.' : (char)payload[0];
	told_index[told_count] = size > 3 ? payload[1] << 8 | payload[2] : -1;
	told_ticks[told_count++] = media_ticks;
}

/* Packet for packet what viewers get, at every cut, too. */
static void test_the_room_knows_what_it_sends(void)
{
	told_count = 0;
	rig_open_idle(&rig, NULL, start);
	rig.on_sound = on_sound;
	rig_fades(true);
	const struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue("a", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(190));
	CHECK_INT(dropped(&(struct dh_cut){ 0 }), 1);
	rig_run(&rig, media_ms(400));
	enqueue("b", &(struct dh_order){ 0 });
	rig_run(&rig, media_ms(510));
	CHECK_INT(dh_playout_hold(rig.playout, 0), 0);
	rig_run(&rig, media_ms(800));
	CHECK_INT(told_count, v->sound_count);
	for (int i = 0; i < told_count; i++) {
		CHECK_INT(told[i], v->sound[i]);
		CHECK_INT(told_index[i], v->sound_index[i]);
		CHECK_INT(told_ticks[i] / DH_TICKS_PER_AUDIO_SAMPLE, v->sound_timestamp[i]);
	}
	CHECK(strchr(told, '~') != strrchr(told, '~'), "%s", told); /* two fades */
	finish_after(500);
}

static const struct check_test tests[] = {
	TABLE(test_words, words),
	TEST(test_words_without_viewers),
	TEST(test_a_word_that_does_not_come),
	TEST(test_what_comes_after),
	TEST(test_to_the_end_of_the_segment),
	TEST(test_to_the_end_of_the_utterance),
	TEST(test_between_pieces),
	TEST(test_one_segment),
	TEST(test_one_piece),
	TEST(test_one_utterance),
	TEST(test_one_priority),
	TEST(test_what_says_the_rest),
	TEST(test_no_rest_of_what_is_cut),
	TEST(test_fades),
	TEST(test_nothing_to_fade),
	TEST(test_the_room_knows_what_it_sends),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
