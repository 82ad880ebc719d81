/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Feeds whose generator makes one segment at a time: who has its place, who waits for it, and what is left of one that
 * ends before its time. The generator is a shell script under the real dh-scope. Nothing ever plays. */
#include "tests/support/ingest_fixture.h"

#include "ingest/feed_private.h"

/* Its text says how many bytes it makes; a picture for each 2000. */
static char script[] = "read n; echo relay 2000; case $n in"
		       " endless) while head -c 2000 /dev/zero; do sleep .02; done;;"
		       " *) head -c $n /dev/zero;; esac";
static char *command[] = { (char *)"/bin/sh", (char *)"-c", script, NULL };
static char *one[] = { (char *)"1", NULL };
static char *two[] = { (char *)"2", NULL };

/* Much longer than what is read ahead, and what fits into pipes. */
#define LONG "600000"

static struct {
	struct ingest_fixture fixture;
	struct dh_generators *generators;
	struct dh_generator_config config;
	atomic_int feeds;
	GMutex gate;
} t;

static char *scope;

/* Waits until it holds. */
#define AWAIT_THAT(condition) \
	do { \
		double end_ = now_ms() + AWAIT_S * 1e3; \
		while (!(condition) && now_ms() < end_) \
			usleep(2000); \
		CHECK(condition); \
	} while (0)

static void has_arrived(void *arg, struct dh_feed *feed)
{
	(void)arg;
	(void)feed;
}

static void is_gone(void *arg)
{
	(void)arg;
	atomic_fetch_sub(&t.feeds, 1);
}

static void open_all(void)
{
	memset(&t, 0, sizeof t);
	t.config = (struct dh_generator_config){ .name = (char *)"tester",
		.command = command,
		.at_once = one,
		.max_s = 1000 };
	ingest_fixture_init(&t.fixture);
	ingest_fixture_open(&t.fixture);
	t.generators = dh_generators_new(t.fixture.io, scope, NULL);
}

static void close_all(void)
{
	AWAIT_THAT(atomic_load(&t.feeds) == 0);
	dh_generators_free(&t.generators);
	ingest_fixture_close(&t.fixture);
}

/* Starts to make it. */
static struct dh_feed *say(const char *text, bool is_next)
{
	const struct dh_feed_owner owner = { .name = "1", .arrived = has_arrived, .gone = is_gone };
	const struct dh_feed_context context = { .io = t.fixture.io,
		.ingest = t.fixture.ingest,
		.generators = t.generators,
		.generator_scope = scope,
		.ahead_ticks = 1000 * DH_TICKS_PER_MS };
	const struct dh_feed_speech speech = { .generator = &t.config, .text = text, .audio = -1 };
	struct dh_ingest_source source;
	struct dh_segment *segment = NULL;

	dh_ingest_source_init(&source);
	struct dh_feed *feed = dh_feed_new(&context, &owner, text, NULL, &source, &speech, NULL);
	atomic_fetch_add(&t.feeds, 1);
	CHECK_INT(dh_segment_alloc(&segment, text, feed), 0);
	dh_feed_set_segment(feed, segment);
	if (is_next)
		dh_feed_set_next(feed);
	dh_feed_start(feed, &(struct dh_feed_look){ .anchor = NULL });
	return feed;
}

static void stop(struct dh_feed *feed)
{
	struct dh_segment *segment = dh_feed_segment(feed);

	dh_feed_stop(feed);
	dh_feed_unref(&feed);
	dh_segment_free(&segment);
}

static bool is_held(struct dh_feed *feed)
{
	return atomic_load(&feed->is_held);
}

static bool wants_place(struct dh_feed *feed)
{
	return atomic_load(&feed->wants_place);
}

static bool has_end(struct dh_feed *feed, bool *is_incomplete)
{
	g_mutex_lock(&feed->lock);
	bool has = feed->arrived.has_end;
	*is_incomplete = feed->arrived.is_incomplete;
	CHECK(!feed->arrived.has_failure, "%s", feed->arrived.text);
	g_mutex_unlock(&feed->lock);
	return has;
}

/* --- the I/O thread */

static void nothing(void *arg)
{
	(void)arg;
}

/* Until all that was posted has been done. */
static void settle(void)
{
	dh_io_call(t.fixture.io, nothing, NULL);
}

static void pass_gate(void *arg)
{
	(void)arg;
	g_mutex_lock(&t.gate);
	g_mutex_unlock(&t.gate);
}

/* What is posted between these is done at once, and no timer in between. */
static void shut_gate(void)
{
	g_mutex_lock(&t.gate);
	dh_io_post(t.fixture.io, pass_gate, NULL);
}

static void open_gate(void)
{
	g_mutex_unlock(&t.gate);
	settle();
}

static void set_tried(void *arg)
{
	((struct dh_feed *)arg)->place_wait.tried = 1;
}

static void set_untried(void *arg)
{
	((struct dh_feed *)arg)->place_wait.tried = 0;
}

/* --- in a line */

/* Three who want the one place. */
struct line {
	struct dh_place_wait waits[3];
	int took[3];
	atomic_int given[3];
};

static void is_given(void *arg, int place)
{
	atomic_store((atomic_int *)arg, place);
}

/* The third comes right after the first has left. */
static void leave_and_come(void *arg)
{
	struct line *line = arg;

	line->took[0] = dh_generators_take(t.generators, &line->waits[0]);
	line->took[1] = dh_generators_take(t.generators, &line->waits[1]);
	dh_generators_leave(t.generators, &line->waits[0], 0, DH_PLACE_LEFT);
	line->took[2] = dh_generators_take(t.generators, &line->waits[2]);
}

static void leave_second(void *arg)
{
	dh_generators_leave(t.generators, &((struct line *)arg)->waits[1], 0, DH_PLACE_DID);
}

static void leave_third(void *arg)
{
	dh_generators_leave(t.generators, &((struct line *)arg)->waits[2], 0, DH_PLACE_DID);
}

static void test_nobody_overtakes_those_who_wait(void)
{
	struct line line = { 0 };

	open_all();
	for (int i = 0; i < 3; i++) {
		atomic_init(&line.given[i], -1);
		line.waits[i] = (struct dh_place_wait){ .config = &t.config,
			.given = is_given,
			.wanted = nothing,
			.arg = &line.given[i] };
	}
	dh_io_call(t.fixture.io, leave_and_come, &line);
	CHECK_INT(line.took[0], 0);
	CHECK_INT(line.took[1], -EINPROGRESS);
	CHECK_INT(line.took[2], -EINPROGRESS);
	AWAIT_THAT(atomic_load(&line.given[1]) == 0);
	settle();
	CHECK_INT(atomic_load(&line.given[2]), -1);
	dh_io_call(t.fixture.io, leave_second, &line);
	AWAIT_THAT(atomic_load(&line.given[2]) == 0);
	dh_io_call(t.fixture.io, leave_third, &line);
	close_all();
}

/* --- waiting */

/* It is made ahead of its turn and held; then comes what is to play before it. */
static void test_what_is_next_does_not_wait_for_what_is_later(void)
{
	bool is_incomplete;

	open_all();
	struct dh_feed *later = say(LONG, false);
	AWAIT_THAT(is_held(later));
	struct dh_feed *next = say("20000", true);
	AWAIT_THAT(has_end(next, &is_incomplete));
	CHECK(!is_incomplete);
	AWAIT_THAT(has_end(later, &is_incomplete));
	CHECK(!is_incomplete); /* nothing of it is lost */
	stop(later);
	stop(next);
	close_all();
}

/* Two rooms: neither plays, and the one waits before the other has come so far as to be held. */
static void test_nobody_keeps_a_place_that_is_waited_for(void)
{
	bool is_incomplete;

	open_all();
	struct dh_feed *first = say(LONG, true), *second = say(LONG, true);
	AWAIT_THAT(has_end(first, &is_incomplete));
	AWAIT_THAT(is_held(second)); /* nobody waits any more */
	stop(first);
	stop(second);
	close_all();
}

/* What it interrupts would be made for ever. */
static void test_what_is_urgent_gets_the_place_of_what_it_interrupts(void)
{
	bool is_incomplete;

	open_all();
	struct dh_feed *playing = say("endless", true);
	AWAIT_THAT(is_held(playing));
	struct dh_feed *elsewhere = say("20000", true);
	AWAIT_THAT(wants_place(elsewhere));
	struct dh_feed *urgent = say("20001", true);
	dh_feed_make_way(urgent, playing); /* nothing: that one does not wait */
	AWAIT_THAT(wants_place(urgent));
	dh_feed_make_way(playing, urgent);
	AWAIT_THAT(has_end(urgent, &is_incomplete));
	CHECK(!is_incomplete);
	AWAIT_THAT(has_end(elsewhere, &is_incomplete));
	CHECK(!is_incomplete);
	CHECK(urgent->asked_us < elsewhere->asked_us);
	AWAIT_THAT(has_end(playing, &is_incomplete));
	CHECK(is_incomplete);
	stop(playing);
	stop(urgent);
	stop(elsewhere);
	close_all();
}

/* It has been there, and waits for another place. */
static void test_what_plays_does_not_give_way_to_what_was_there(void)
{
	bool is_incomplete;

	open_all();
	struct dh_feed *playing = say("endless", true);
	AWAIT_THAT(is_held(playing));
	struct dh_feed *urgent = say("20001", true);
	AWAIT_THAT(wants_place(urgent));
	shut_gate();
	dh_io_post(t.fixture.io, set_tried, urgent);
	dh_feed_make_way(playing, urgent);
	dh_io_post(t.fixture.io, set_untried, urgent);
	open_gate();
	CHECK(!playing->has_given_way);
	dh_feed_make_way(playing, urgent); /* that was not the only chance */
	AWAIT_THAT(has_end(urgent, &is_incomplete));
	CHECK(playing->has_given_way);
	stop(playing);
	stop(urgent);
	close_all();
}

static void test_what_plays_does_not_give_way_to_what_has_another_place(void)
{
	open_all();
	t.config.at_once = two;
	struct dh_feed *playing = say("endless", true), *elsewhere = say("endless", true);
	AWAIT_THAT(is_held(playing) && is_held(elsewhere));
	struct dh_feed *urgent = say("endless", true);
	AWAIT_THAT(wants_place(urgent));
	shut_gate();
	stop(elsewhere);
	dh_feed_make_way(playing, urgent); /* it is about to get that one's */
	open_gate();
	CHECK(!playing->has_given_way);
	AWAIT_THAT(!wants_place(urgent));
	atomic_store(&urgent->wants_place, true); /* as was read before it got it */
	dh_feed_make_way(playing, urgent);
	settle();
	CHECK(!playing->has_given_way);
	stop(playing);
	stop(urgent);
	close_all();
}

/* --- leaving */

static void test_what_is_stopped_wants_no_place(void)
{
	open_all();
	struct dh_feed *playing = say("endless", true);
	AWAIT_THAT(is_held(playing));
	struct dh_feed *waits = say("20000", true);
	struct dh_segment *segment = dh_feed_segment(waits);
	AWAIT_THAT(wants_place(waits));
	dh_feed_stop(waits);
	settle();
	CHECK(!wants_place(waits));
	dh_feed_unref(&waits);
	dh_segment_free(&segment);
	stop(playing);
	close_all();
}

/* Nobody would read it on. */
static void test_nothing_is_left_of_one_that_would_have_been_cached(void)
{
	struct dh_ingest_stats stats;

	open_all();
	t.config.cache = 1;
	struct dh_feed *feed = say(LONG, true);
	AWAIT_THAT(is_held(feed));
	stop(feed);
	AWAIT_STATS(&t.fixture, stats, stats.preparations == 0 && stats.workers_busy == 0);
	CHECK_INT(stats.cache_entries, 0);
	close_all();
}

static const struct check_test tests[] = {
	TEST(test_nobody_overtakes_those_who_wait),
	TEST(test_what_is_next_does_not_wait_for_what_is_later),
	TEST(test_nobody_keeps_a_place_that_is_waited_for),
	TEST(test_what_is_urgent_gets_the_place_of_what_it_interrupts),
	TEST(test_what_plays_does_not_give_way_to_what_was_there),
	TEST(test_what_plays_does_not_give_way_to_what_has_another_place),
	TEST(test_what_is_stopped_wants_no_place),
	TEST(test_nothing_is_left_of_one_that_would_have_been_cached),
};

int main(int argc, char **argv)
{
	char *folder = g_path_get_dirname(argv[0]);

	scope = g_build_filename(folder, "..", "..", "dh-scope", NULL);
	int status = find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
	g_free(scope);
	g_free(folder);
	return status;
}
