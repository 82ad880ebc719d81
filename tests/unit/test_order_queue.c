/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: in which order segments play. Priorities, places, expiry,
 * repetition, and how much waits. */
#include "tests/support/order_check.h"

#include <errno.h>
#include <stdlib.h>

/* --- priorities */

static void test_urgent_interrupts_when_it_is_ready(void)
{
	struct rig_segment spec = SPEECH("u", 'u');
	const struct dh_order order = { .priority = DH_PRIORITY_URGENT };
	spec.known_ms = 100;
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "s", 0, false);
	enqueue_piece("b", "s", 1, false);
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(500));
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	CHECK_STR(waiting(), "ubx");
	rig_run(&rig, media_ms(700));
	CHECK_INT(rig_ends(&rig, "a"), 0);
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, media_ms(5000));
	CHECK_STR(starts(), "aux");
	CHECK_INT(ended_ms(DH_EVENT_INTERRUPTED, "a"), 720);
	CHECK_INT(ended_ms(DH_EVENT_INTERRUPTED, "b"), 720); /* the rest of the utterance */
	CHECK_INT(rig_event(&rig, DH_EVENT_INTERRUPTED, "b")->reason, DH_REASON_PRIORITY);
	CHECK_INT(started_ms("u"), 720);
	CHECK_INT(started_ms("x"), 1720);
	CHECK_INT(rig_count(&rig, DH_EVENT_IDLE, NULL), 1);
	finish_after(0);
}

static void test_urgent_goes_between_pieces(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "s", 0, false);
	rig_run(&rig, media_ms(1500)); /* `b` is waited for */
	enqueue_plain("u", DH_PRIORITY_URGENT);
	rig_run(&rig, media_ms(1600));
	CHECK_INT(started_ms("u"), 1520);
	enqueue_piece("b", "s", 1, false);
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "b")->reason, DH_REASON_CUT);
	finish_after(1000);
}

/* Though what plays would go on for long: a missing piece is not waited for longer. */
static void test_missing_piece_of_higher_priority(void)
{
	const struct dh_order long_one = { .priority = DH_PRIORITY_BACKGROUND, .repeat = 100 };
	for (int viewers = 0; viewers < 2; viewers++) {
		rig_open_idle(&rig, NULL, start);
		if (viewers)
			rig_join(&rig, NULL);
		enqueue("b", &long_one);
		rig_run(&rig, media_ms(490));
		enqueue_piece("d", "u", 1, true);
		enqueue_plain("x", DH_PRIORITY_NORMAL);
		rig_run(&rig, media_ms(3400));
		CHECK_STR(starts(), "b");
		rig_run(&rig, media_ms(9000));
		CHECK_STR(starts(), "bdx");
		CHECK_INT(started_ms("d"), 3500);
		CHECK_INT(rig_count(&rig, DH_EVENT_MISSING, "u"), 1);
		finish_after(0);
	}
}

static void test_background_plays_while_nothing_else_does(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_plain("b", DH_PRIORITY_BACKGROUND);
	enqueue_plain("c", DH_PRIORITY_BACKGROUND);
	rig_run(&rig, media_ms(500));
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	enqueue_plain("y", DH_PRIORITY_NORMAL);
	CHECK_STR(waiting(), "xyc");
	rig_run(&rig, media_ms(5000));
	CHECK_STR(starts(), "bxyc");
	CHECK_INT(ended_ms(DH_EVENT_INTERRUPTED, "b"), 520);
	CHECK_INT(rig_ends(&rig, "b"), 1);
	finish_after(0);
}

static void test_equal_priorities_do_not_interrupt(void)
{
	rig_open_idle(&rig, NULL, start);
	for (enum dh_priority p = DH_PRIORITY_BACKGROUND; p <= DH_PRIORITY_URGENT; p++) {
		char first[] = { (char)('c' + p), 0 }, second[] = { (char)('p' + p), 0 };
		enqueue_plain(first, p);
		rig_run(&rig, rig.now + 500 * MS);
		enqueue_plain(second, p);
		rig_run(&rig, rig.now + 2500 * MS);
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, first), 1);
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, second), 1);
	}
	finish_after(0);
}

/* --- places */

static int put(const char *id, const char *before, const char *after)
{
	const struct rig_segment spec = SPEECH(id, id[0]);
	const struct dh_place place = { before, after };
	const struct dh_order order = { 0 };
	return rig_order(&rig, &spec, &order, &place);
}

static int move(const char *id, const char *before, const char *after)
{
	const struct dh_place place = { before, after };
	return dh_playout_move(rig.playout, id, &place);
}

static void test_insert_and_move(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_plain("a", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(100));
	enqueue_plain("b", DH_PRIORITY_NORMAL);
	enqueue_plain("c", DH_PRIORITY_NORMAL);
	CHECK_INT(put("d", "b", NULL), 0);
	CHECK_INT(put("e", NULL, "b"), 0);
	CHECK_INT(put("f", NULL, "a"), 0); /* `a` plays */
	CHECK_STR(waiting(), "fdbec");
	CHECK_INT(put("g", "a", NULL), -EBUSY);
	CHECK_INT(put("g", "nobody", NULL), -ENXIO);
	CHECK_INT(put("g", "b", "c"), -EINVAL);
	CHECK_INT(move("c", "f", NULL), 0);
	CHECK_STR(waiting(), "cfdbe");
	CHECK_INT(move("c", NULL, "e"), 0);
	CHECK_STR(waiting(), "fdbec");
	CHECK_INT(move("d", NULL, "d"), 0);
	CHECK_INT(move("d", "b", NULL), 0);
	CHECK_INT(move("d", NULL, "f"), 0);
	CHECK_STR(waiting(), "fdbec");
	CHECK_INT(move("a", NULL, "b"), -EBUSY);
	CHECK_INT(move("nobody", NULL, "b"), -ENOENT);
	CHECK_INT(move("b", NULL, "nobody"), -ENXIO);
	CHECK_INT(move("b", NULL, NULL), -EINVAL);
	rig_run(&rig, media_ms(10000));
	CHECK_STR(starts(), "afdbec");
	finish_after(0);
}

static void test_place_gives_the_priority(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_plain("a", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(100));
	enqueue_plain("b", DH_PRIORITY_BACKGROUND);
	enqueue_plain("c", DH_PRIORITY_NORMAL);
	CHECK_INT(put("d", "b", NULL), 0); /* background, too */
	enqueue_plain("e", DH_PRIORITY_NORMAL);
	CHECK_STR(waiting(), "cedb");
	CHECK_INT(move("b", NULL, "a"), 0);
	CHECK_STR(waiting(), "bced");
	rig_run(&rig, media_ms(10000));
	CHECK_STR(starts(), "abced");
	finish_after(0);
}

static void test_utterances_move_as_a_whole(void)
{
	rig_open_idle(&rig, NULL, start);
	enqueue_plain("x", DH_PRIORITY_NORMAL);
	rig_run(&rig, media_ms(100));
	enqueue_piece("a", "u", 0, false);
	enqueue_piece("b", "u", 1, true);
	enqueue_plain("y", DH_PRIORITY_NORMAL);
	enqueue_piece("p", "v", 0, false);
	CHECK_INT(move("y", "b", NULL), 0); /* before all of it */
	CHECK_STR(waiting(), "yabp");
	CHECK_INT(move("p", NULL, "a"), 0);
	CHECK_STR(waiting(), "yabp");
	CHECK_INT(move("b", "y", NULL), 0);
	CHECK_STR(waiting(), "abyp");
	enqueue_piece("q", "v", 1, true);
	CHECK_STR(waiting(), "abypq");
	rig_run(&rig, media_ms(1500)); /* `a` plays */
	CHECK_INT(move("b", NULL, "y"), -EBUSY);
	CHECK_INT(move("y", "b", NULL), -EBUSY);
	CHECK_INT(move("p", NULL, "a"), 0);
	CHECK_STR(waiting(), "bpqy");
	rig_run(&rig, media_ms(10000));
	CHECK_STR(starts(), "xabpqy");
	finish_after(0);
}

/* --- expiry and repetition */

static void test_expiry(void)
{
	struct dh_order order = piece("u", 1, false);
	rig_open_idle(&rig, NULL, start);
	enqueue_piece("a", "u", 0, false);
	order.ttl_ticks = 500 * MS;
	enqueue("b", &order);
	enqueue_piece("c", "u", 2, true);
	order = (struct dh_order){ .ttl_ticks = 5000 * MS };
	enqueue("x", &order);
	rig_run(&rig, media_ms(10000));
	CHECK_STR(starts(), "acx");
	CHECK_INT(rig_event(&rig, DH_EVENT_REMOVED, "b")->reason, DH_REASON_EXPIRED);
	CHECK_INT(ended_ms(DH_EVENT_REMOVED, "b"), 520);
	CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "x"), 1); /* it had started */
	CHECK_INT(started_ms("c"), ended_ms(DH_EVENT_FINISHED, "a"));
	finish_after(0);
}

static void test_repetition(void)
{
	const struct dh_order order = { .repeat = 3 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	enqueue("a", &order);
	rig_run(&rig, media_ms(5000));
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "a"), 1);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "a")->played_ticks, 3000 * MS);
	CHECK_INT((int)strspn(strchr(v->sound, 'a'), "a"), 150);
	enqueue("b", &order);
	rig_run(&rig, media_ms(6500));
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_skip(rig.playout), 0); /* all of it */
	rig_run(&rig, media_ms(9000));
	CHECK_INT(rig_event(&rig, DH_EVENT_SKIPPED, "b")->played_ticks, 1500 * MS);
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "b"), 1);
	finish_after(0);
}

/* --- marks of the queue */

static void test_water_marks(void)
{
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.low_water_ticks = 1500 * MS;
	config.high_water_ticks = 3000 * MS;
	for (int viewers = 0; viewers < 2; viewers++) {
		rig_open_idle(&rig, &config, start);
		if (viewers)
			rig_join(&rig, NULL);
		rig_run(&rig, media_ms(100));
		for (int i = 0; i < 4; i++)
			enqueue_plain((const char *[]){ "a", "b", "c", "d" }[i], DH_PRIORITY_NORMAL);
		rig_run(&rig, media_ms(8000));
		CHECK_INT(rig_count(&rig, DH_EVENT_HIGH_WATER, NULL), 1);
		CHECK_INT(rig_event(&rig, DH_EVENT_HIGH_WATER, NULL)->media_ticks, 120 * MS);
		CHECK_INT(rig_count(&rig, DH_EVENT_LOW_WATER, NULL), 1);
		CHECK_INT(rig_event(&rig, DH_EVENT_LOW_WATER, NULL)->media_ticks, (120 + 2500) * MS);
		enqueue_plain("e", DH_PRIORITY_NORMAL); /* never above the low mark */
		rig_run(&rig, media_ms(10000));
		CHECK_INT(rig_count(&rig, DH_EVENT_LOW_WATER, NULL), 1);
		finish_after(0);
	}
}

/* --- how much may wait */

/* What is there decides, not what would be there: as with one that is still prepared, of which nothing is known. */
static void test_limit_of_media(void)
{
	static const struct {
		int64_t limit_ms; /* of media */
		int fits;         /* segments of 1 s that wait */
	} rows[] = { { 1000, 2 }, { 1980, 2 }, { 2000, 3 }, { 2020, 3 } };
	struct dh_playout_config config;
	const struct dh_order plain = { 0 }, repeated = { .repeat = 3 };
	struct rig_segment unknown = SPEECH("u", 'u');
	unknown.known_ms = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		dh_playout_config_init(&config);
		config.max_queue_ticks = rows[i].limit_ms * MS;
		CHECK_AT("row %zu", i);
		rig_open_idle(&rig, &config, start);
		enqueue("p", &repeated); /* what plays does not wait */
		rig_run(&rig, media_ms(100));
		for (int n = 0; n < 4; n++) {
			struct rig_segment spec = SPEECH("a", 'a');
			spec.id = (const char *[]){ "a", "b", "c", "d" }[n];
			CHECK_INT(rig_order(&rig, &spec, &plain, NULL), n < rows[i].fits ? 0 : -ENOBUFS);
		}
		CHECK_INT(rig_order(&rig, &unknown, &plain, NULL), -ENOBUFS);
		rig_run(&rig, media_ms(3500)); /* one of them plays */
		CHECK_INT(rig_order(&rig, &unknown, &plain, NULL), 0);
		CHECK_INT(dh_playout_interrupt(rig.playout), rows[i].fits + 1);
		enqueue("r", &repeated);
		rig_run(&rig, rig.now + 100 * MS);
		enqueue("s", &repeated); /* all of its 3 s wait */
		CHECK_INT(rig_order(&rig, &unknown, &plain, NULL), -ENOBUFS);
		finish_after(0);
	}
}

/* 25 pictures of 900 bytes, and 50 packets of sound. */
static void test_limit_of_bytes(void)
{
	struct dh_playout_config config;
	const struct dh_order plain = { 0 };
	const struct rig_segment specs[] = { SPEECH("p", 'p'), SPEECH("a", 'a'), SPEECH("b", 'b'), SPEECH("c", 'c') };
	rig_sizes(900, 0);
	struct dh_segment *one = rig_segment(&specs[0]);
	size_t bytes = dh_segment_bytes(one);
	dh_segment_free(&one);
	CHECK(bytes > 25 * 900 && bytes < 25 * 1100, "%zu", bytes);
	for (int more = 0; more < 2; more++) {
		dh_playout_config_init(&config);
		config.max_queue_bytes = 2 * bytes - (more ? 1 : 0);
		CHECK_AT("%zu bytes", config.max_queue_bytes);
		rig_open_idle(&rig, &config, start);
		rig_sizes(900, 0);
		rig_enqueue(&rig, &specs[0]);
		rig_run(&rig, media_ms(100));
		for (int n = 1; n < 3; n++)
			CHECK_INT(rig_order(&rig, &specs[n], &plain, NULL), 0);
		CHECK_INT(rig_order(&rig, &specs[3], &plain, NULL), more ? -ENOBUFS : 0);
		rig_run(&rig, media_ms(1500)); /* `a` plays */
		if (more)
			CHECK_INT(rig_order(&rig, &specs[3], &plain, NULL), 0);
		finish_after(0);
	}
}

static const struct check_test tests[] = {
	TEST(test_urgent_interrupts_when_it_is_ready),
	TEST(test_urgent_goes_between_pieces),
	TEST(test_missing_piece_of_higher_priority),
	TEST(test_background_plays_while_nothing_else_does),
	TEST(test_equal_priorities_do_not_interrupt),
	TEST(test_insert_and_move),
	TEST(test_place_gives_the_priority),
	TEST(test_utterances_move_as_a_whole),
	TEST(test_expiry),
	TEST(test_repetition),
	TEST(test_water_marks),
	TEST(test_limit_of_media),
	TEST(test_limit_of_bytes),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
