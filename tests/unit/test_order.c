/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: utterances, whose pieces play in order. */
#include "tests/support/order_check.h"

#include <errno.h>
#include <glib.h>

/* --- utterances */

static void test_pieces_play_by_index_without_a_gap(void)
{
	static const char *const ids[] = { "a", "b", "c", "d" };
	static const int arrivals[] = { 2, 0, 3, 1 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	for (int i = 0; i < 4; i++)
		enqueue_piece(ids[arrivals[i]], "u", arrivals[i], arrivals[i] == 3);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "abcd");
	for (int i = 1; i < 4; i++)
		CHECK_INT(started_ms(ids[i]), ended_ms(DH_EVENT_FINISHED, ids[i - 1]));
	CHECK_INT(rig_count(&rig, DH_EVENT_SPEAKING, NULL), 1);
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_IDLE, NULL)->media_ticks, ended_ms(DH_EVENT_FINISHED, "d") * MS);
	const char *sound = strchr(v->sound, 'a');
	CHECK_INT((int)strspn(sound, "abcd"), 200);
	int first = rig_first(v, 'a', 0), after = rig_first(v, 'i', first);
	CHECK_INT(after - first, 100); /* the avatar does not idle in between */
	finish_after(0);
}

static void test_next_piece_is_waited_for(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue_piece("a", "u", 0, false);
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(2000)); /* `a` ended at 1120 */
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 0);
	CHECK_INT(started_ms("x"), -1);
	CHECK_INT(rig_first(v, 'i', rig_first(v, 'a', 0)), -1); /* its last picture stands */
	enqueue_piece("b", "u", 1, true);
	rig_run(&rig, media_ms(5000));
	CHECK_INT(started_ms("b"), 2020);
	CHECK_INT(started_ms("x"), 3020);
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, NULL), 0);
	CHECK_INT(rig_count(&rig, DH_EVENT_SPEAKING, NULL), 1);
	finish_after(0);
}

static void test_avatar_idles_between_pieces_if_so_ordered(void)
{
	struct dh_order order = piece("u", 0, false);
	order.underrun = DH_UNDERRUN_IDLE;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue("a", &order);
	rig_run(&rig, media_ms(2000));
	CHECK(rig_first(v, 'i', rig_first(v, 'a', 0)) > 0);
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 0);
	enqueue_piece("b", "u", 1, true);
	rig_run(&rig, media_ms(4000));
	CHECK_INT(started_ms("b"), 2020);
	finish_after(0);
}

static void test_missing_piece_is_left_out_in_time(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("d", "u", 3, true);
	rig_run(&rig, media_ms(9000));
	CHECK_STR(starts(), "ad");
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, "u"), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_MISSING, "u")->index, 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_MISSING, "u")->count, 2);
	CHECK_INT(rig_event(&rig, DH_EVENT_MISSING, "u")->media_ticks, (1120 + 3000) * MS);
	CHECK_INT(started_ms("d"), 1120 + 3000);
	enqueue_piece("b", "u", 1, false);
	CHECK_INT(rig_ends(&rig, "b"), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "b")->reason, DH_REASON_LATE);
	CHECK(dh_playout_find(rig.playout, "b") == NULL);
	finish_after(0);
}

/* The first pieces, too; meanwhile the avatar idles, since nobody has spoken yet. */
static void test_first_piece_may_be_missing(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(90));
	enqueue_piece("c", "u", 2, true);
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(rig_count(&rig, DH_EVENT_SPEAKING, NULL), 0);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(starts(), "cx");
	CHECK_INT(started_ms("c"), 3100);
	CHECK_INT(rig_event(&rig, DH_EVENT_MISSING, "u")->index, 0);
	CHECK_INT(rig_event(&rig, DH_EVENT_MISSING, "u")->count, 2);
	finish_after(0);
}

/* Without `last` it is over when nothing has followed in time, and nothing was missing. */
static void test_end_without_last(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("x", 'x'));
	enqueue_piece("a", "u", 0, false);
	enqueue_plain("y", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(10000)); /* without viewers: at its deadlines only */
	CHECK_STR(starts(), "xay");
	CHECK_INT(started_ms("y"), 20 + 2000 + 3000);
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, NULL), 0);
	enqueue_piece("b", "u", 1, true);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "b")->reason, DH_REASON_LATE);
	finish_after(0);
}

static void test_last_piece_that_never_comes(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("c", "u", 2, true);
	CHECK_INT(dh_playout_remove(rig.playout, "c"), 0);
	rig_run(&rig, media_ms(10000));
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, "u"), 1); /* 1 and 2, of which 2 was removed */
	CHECK_INT(rig_event(&rig, DH_EVENT_IDLE, NULL)->media_ticks, (20 + 1000 + 3000) * MS);
	finish_after(0);
}

static void test_a_piece_without_an_index_follows_the_highest(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("b", "u", 1, false);
	enqueue_piece("c", "u", -1, true);
	enqueue_piece("a", "u", 0, false);
	rig_run(&rig, media_ms(10000));
	CHECK_STR(starts(), "abc");
	finish_after(0);
}

static void test_a_removed_or_failed_piece_is_not_waited_for(void)
{
	struct rig_segment spec = SPEECH("c", 'c');
	const struct dh_order order = piece("u", 2, false);
	spec.known_ms = 100;
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "u", 1, false);
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	enqueue_piece("d", "u", 3, true);
	CHECK_INT(dh_playout_remove(rig.playout, "b"), 0);
	dh_segment_fail(dh_playout_find(rig.playout, "c"), 1, "broken");
	dh_playout_filled(rig.playout, dh_playout_find(rig.playout, "c"));
	rig_run(&rig, media_ms(5000));
	CHECK_STR(starts(), "ad");
	CHECK_INT(started_ms("d"), ended_ms(DH_EVENT_FINISHED, "a"));
	CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, NULL), 0);
	finish_after(0);
}

/* One that fails is said on by another segment, in its place, before the next piece. */
static void test_rest_of_a_piece(void)
{
	static const struct {
		int known_ms, fails_ms; /* of `b` */
		const char *starts;
	} rows[] = {
		{ 500, 2000, "abrc" }, /* while it plays */
		{ 500, 500, "arc" },   /* while `a` does */
	};
	for (size_t i = 0; i < 2; i++) {
		struct rig_segment spec = SPEECH("b", 'b');
		struct rig_segment said = SPEECH("r", 'r');
		const struct dh_order order = piece("u", 1, false);
		spec.known_ms = rows[i].known_ms;
		said.known_ms = 100;
		rig_open_idle(&rig, NULL, start);
		enqueue_piece("c", "u", 2, true);
		CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
		enqueue_piece("a", "u", 0, false);
		enqueue_plain("x", DH_PRIORITY_NORMAL);
		rig_run(&rig, media_ms(rows[i].fails_ms));
		struct dh_segment *failed = dh_playout_find(rig.playout, "b");
		CHECK_INT(dh_playout_enqueue_rest(rig.playout, rig_segment(&said), failed), 0);
		dh_segment_fail(failed, 1, "broken");
		dh_playout_filled(rig.playout, failed);
		rig_run(&rig, media_ms(rows[i].fails_ms + 1000)); /* it is waited for */
		rig_arrive(&rig, &said, -1);
		rig_run(&rig, media_ms(9000));
		CHECK(g_str_has_prefix(starts(), rows[i].starts), "%s", starts());
		CHECK_INT(started_ms("c"), ended_ms(DH_EVENT_FINISHED, "r"));
		CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, NULL), 0);
		CHECK_INT(rig_count(&rig, DH_EVENT_FAILED, "b"), 1);
		CHECK(started_ms("x") >= ended_ms(DH_EVENT_FINISHED, "c"), "%s", starts());
		finish_after(0);
	}
}

/* One that says all of it in place of one that has not begun: it is as old, and repeated as often. The
 * full queue is no reason to refuse it. */
static void test_rest_of_one_that_has_not_begun(void)
{
	static const struct {
		int64_t ttl_ms, ready_ms;
		int expired, finished;
	} rows[] = { { 3000, 2000, 0, 1 }, { 3000, 4000, 1, 0 }, { 0, 4000, 0, 1 } };
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.max_queue = 1;
	for (size_t i = 0; i < 3; i++) {
		struct rig_segment spec = SPEECH("b", 'b'), said = SPEECH("r", 'r');
		const struct dh_order order = { .ttl_ticks = rows[i].ttl_ms * MS, .repeat = 2 };
		spec.known_ms = said.known_ms = 0;
		CHECK_AT("row %zu", i);
		rig_open_idle(&rig, &config, start);
		CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
		rig_run(&rig, media_ms(1000));
		struct dh_segment *failed = dh_playout_find(rig.playout, "b");
		CHECK_INT(dh_playout_enqueue_rest(rig.playout, rig_segment(&said), failed), 0);
		dh_segment_fail(failed, 1, "broken");
		dh_playout_filled(rig.playout, failed);
		rig_run(&rig, media_ms(rows[i].ready_ms));
		rig_arrive(&rig, &said, -1);
		rig_run(&rig, media_ms(9000));
		CHECK_INT(rig_count(&rig, DH_EVENT_REMOVED, "r"), rows[i].expired);
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "r"), rows[i].finished);
		if (rows[i].finished)
			CHECK_INT(ended_ms(DH_EVENT_FINISHED, "r") - started_ms("r"), 2000);
		finish_after(0);
	}
}

/* What has been interrupted is not said on. */
static void test_no_rest_of_an_utterance_that_is_over(void)
{
	struct dh_segment *rest = NULL, *late = NULL;
	const struct dh_order order = piece("u", 1, false);
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "u", 0, false);
	rig_run(&rig, media_ms(300));
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_INT(dh_segment_alloc(&rest, "r", NULL), 0);
	CHECK_INT(dh_segment_alloc(&late, "b", NULL), 0);
	dh_segment_set_order(late, &order);
	CHECK_INT(dh_playout_enqueue_rest(rig.playout, rest, late), -ECANCELED);
	dh_segment_free(&rest);
	dh_segment_free(&late);
	finish_after(0);
}

static void test_refused_pieces(void)
{
	const struct rig_segment spec = SPEECH("z", 'z');
	const struct dh_order again = piece("u", 2, false), beyond = piece("u", 5, false), early = piece("u", 1, true);
	const struct dh_place place = { .before = "x" };
	struct dh_order other = piece("u", 3, false);
	rig_open_idle(&rig, NULL, start);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("x", 'x'));
	enqueue_piece("c", "u", 2, false);
	CHECK_INT(rig_order(&rig, &spec, &again, NULL), -EALREADY);
	CHECK_INT(rig_order(&rig, &spec, &early, NULL), -ERANGE);
	CHECK_INT(rig_order(&rig, &spec, &other, &place), -EINVAL);
	enqueue_piece("e", "u", 4, true);
	CHECK_INT(rig_order(&rig, &spec, &beyond, NULL), -ERANGE);
	CHECK_STR(waiting(), "xce");
	CHECK_INT(rig_count(&rig, DH_EVENT_QUEUED, NULL), 3);
	finish_after(0);
}

static void test_utterances_take_turns(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("b", "u", 1, true);
	enqueue_piece("p", "v", 0, false);
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("q", "v", 1, true);
	CHECK_STR(waiting(), "abpq");
	rig_run(&rig, media_ms(10000));
	CHECK_STR(starts(), "abpq");
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
	finish_after(0);
}

static void test_interrupt_ends_utterances_for_good(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "u", 1, false);
	rig_run(&rig, media_ms(500));
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_interrupt(rig.playout), 2);
	enqueue_piece("c", "u", 2, true);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "c")->reason, DH_REASON_CUT);
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(3000));
	CHECK_STR(starts(), "ax");
	CHECK_INT(started_ms("x"), 520);
	finish_after(0);
}

static void test_remove_an_utterance(void)
{
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(dh_playout_remove_utterance(rig.playout, "u"), -ENOENT);
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("c", "u", 2, false);
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(500));
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_remove_utterance(rig.playout, "u"), 1);
	CHECK_INT(dh_playout_remove_utterance(rig.playout, "u"), -ENOENT);
	enqueue_piece("b", "u", 1, false);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "b")->reason, DH_REASON_CUT);
	rig_run(&rig, media_ms(5000));
	CHECK_STR(starts(), "ax");
	CHECK_INT(ended_ms(DH_EVENT_FINISHED, "a"), 1020); /* what plays is played to its end */
	CHECK_INT(started_ms("x"), 1020);
	finish_after(0);
}

static const struct check_test tests[] = {
	TEST(test_pieces_play_by_index_without_a_gap),
	TEST(test_next_piece_is_waited_for),
	TEST(test_avatar_idles_between_pieces_if_so_ordered),
	TEST(test_missing_piece_is_left_out_in_time),
	TEST(test_first_piece_may_be_missing),
	TEST(test_end_without_last),
	TEST(test_last_piece_that_never_comes),
	TEST(test_a_piece_without_an_index_follows_the_highest),
	TEST(test_a_removed_or_failed_piece_is_not_waited_for),
	TEST(test_rest_of_a_piece),
	TEST(test_rest_of_one_that_has_not_begun),
	TEST(test_no_rest_of_an_utterance_that_is_over),
	TEST(test_refused_pieces),
	TEST(test_utterances_take_turns),
	TEST(test_interrupt_ends_utterances_for_good),
	TEST(test_remove_an_utterance),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
