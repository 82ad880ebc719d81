/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a segment's units get from a preparation to its room, and where they are freed: never
 * so many at once that somebody waits for it. The test is the room. */
#include "tests/support/ingest_fixture.h"

#include "ingest/feed_private.h"

#define PICTURES 1000
#define UNITS    (3 * PICTURES)
#define SCRIPT   "good 1000"

static struct ingest_fixture fixture;
static atomic_int arrivals, gone;
static atomic_int freed; /* units, in the I/O thread */
static _Thread_local bool is_counted;

void __real_dh_unit_unref(struct dh_unit **unit);
void __wrap_dh_unit_unref(struct dh_unit **unit);

void __wrap_dh_unit_unref(struct dh_unit **unit)
{
	if (*unit && is_counted && atomic_load(&(*unit)->refs) == 1)
		atomic_fetch_add(&freed, 1);
	__real_dh_unit_unref(unit);
}

static void count_here(void *arg)
{
	(void)arg;
	is_counted = true;
}

static void has_arrived(void *arg, struct dh_feed *feed)
{
	(void)arg;
	(void)feed;
	atomic_fetch_add(&arrivals, 1);
}

static void is_gone(void *arg)
{
	(void)arg;
	atomic_fetch_add(&gone, 1);
}

static void open_all(void)
{
	arrivals = gone = freed = 0;
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, SCRIPT, PICTURES);
}

static bool has_end(struct dh_feed *feed)
{
	g_mutex_lock(&feed->lock);
	bool has = feed->arrived.has_end;
	g_mutex_unlock(&feed->lock);
	return has;
}

/* A feed of a segment that is in the cache, all of which has arrived. */
static struct dh_feed *full_feed(struct dh_segment **segment)
{
	const struct dh_feed_context context = { .io = fixture.io, .ingest = fixture.ingest };
	const struct dh_feed_owner owner = { .name = "1", .arrived = has_arrived, .gone = is_gone };
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	source.count = 1;
	source.names[0] = SCRIPT;
	source.folders[0] = fixture.folder;
	struct dh_feed *feed = dh_feed_new(&context, &owner, SCRIPT, NULL, &source, NULL, NULL);
	CHECK_INT(dh_segment_alloc(segment, "s-1", feed), 0);
	dh_feed_set_segment(feed, *segment);
	dh_feed_start(feed, &(struct dh_feed_look){ .anchor = NULL });
	while (!has_end(feed))
		usleep(1000);
	CHECK_INT(atomic_load(&arrivals), 1);
	return feed;
}

static size_t count_units(const struct dh_segment *segment)
{
	return dh_segment_count(segment, DH_AUDIO) + dh_segment_count(segment, DH_VIDEO);
}

static void close_all(struct dh_feed *feed)
{
	dh_feed_stop(feed);
	dh_feed_unref(&feed);
	while (!atomic_load(&gone))
		usleep(1000);
	ingest_fixture_close(&fixture);
}

/* --- filling */

static void test_a_segment_is_filled_bit_by_bit(void)
{
	struct dh_segment *segment = NULL;
	size_t before = 0;
	bool is_more;

	open_all();
	struct dh_feed *feed = full_feed(&segment);
	do {
		is_more = dh_feed_fill(feed);
		size_t now = count_units(segment);
		CHECK(now - before <= 256, "%zu units in one step", now - before);
		before = now;
		/* Its length is known when it is ready. */
		CHECK_INT(dh_segment_is_partial(segment), is_more);
		CHECK_INT(dh_segment_is_complete(segment), !is_more);
	} while (is_more);
	CHECK_INT(before, UNITS);
	CHECK(!dh_feed_fill(feed)); /* nothing new */
	close_all(feed);
	dh_segment_free(&segment);
}

/* Its owner is woken for another reason, before the anchor has come. */
static void test_a_head_alone_is_left_for_later(void)
{
	struct dh_segment *segment = NULL;

	open_all();
	struct dh_feed *feed = full_feed(&segment);
	const struct dh_feed_batch all = feed->arrived;
	feed->arrived = (struct dh_feed_batch){ .has_head = true, .head = all.head };
	CHECK(!dh_feed_fill(feed));
	CHECK(!dh_segment_is_open(segment));
	CHECK(feed->arrived.has_head);
	feed->arrived = all;
	while (dh_feed_fill(feed))
		;
	CHECK_INT(count_units(segment), UNITS);
	close_all(feed);
	dh_segment_free(&segment);
}

/* It ends amid that. */
static void test_a_segment_that_ends_is_filled_no_more(void)
{
	struct dh_segment *segment = NULL;

	open_all();
	struct dh_feed *feed = full_feed(&segment);
	CHECK(dh_feed_fill(feed));
	dh_feed_set_segment(feed, NULL);
	CHECK(!dh_feed_fill(feed));
	CHECK(!dh_feed_fill(feed));
	close_all(feed);
	dh_segment_free(&segment);
}

/* --- freeing: a few at a time would do no harm */

static void check_freed(void)
{
	ingest_fixture_reopen(&fixture); /* waits until everything is freed */
	CHECK(atomic_load(&freed) <= 256, "%d units in the I/O thread", freed);
}

static void test_the_io_thread_frees_no_preparation(void)
{
	struct heard heard;

	open_all();
	listen_to(&fixture, &heard, SCRIPT);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	dh_io_call(fixture.io, count_here, NULL);
	heard_clear(&heard);
	check_freed();
	ingest_fixture_close(&fixture);
}

static void test_the_io_thread_frees_no_feed(void)
{
	struct dh_segment *segment = NULL;

	open_all();
	struct dh_feed *feed = full_feed(&segment);
	dh_io_call(fixture.io, count_here, NULL);
	dh_feed_stop(feed);
	dh_feed_unref(&feed); /* the last reference is the I/O thread's */
	while (!atomic_load(&gone))
		usleep(1000);
	check_freed();
	ingest_fixture_close(&fixture);
	dh_segment_free(&segment);
}

static const struct check_test tests[] = {
	TEST(test_a_segment_is_filled_bit_by_bit),
	TEST(test_a_head_alone_is_left_for_later),
	TEST(test_a_segment_that_ends_is_filled_no_more),
	TEST(test_the_io_thread_frees_no_preparation),
	TEST(test_the_io_thread_frees_no_feed),
};

PREPARATION_MAIN(tests)
