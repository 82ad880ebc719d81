/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large files, which are encoded while they are being hashed. */
#include "tests/support/ingest_fixture.h"

#define LARGE_BYTES (12 << 20)
/* Until a file's identity can stand for its contents. */
#define SETTLE_US 2200000

/* No file is read slowly here, however busy the machine is. */
bool __wrap_dh_file_reads_slowly(off_t bytes, int64_t us);

bool __wrap_dh_file_reads_slowly(off_t bytes, int64_t us)
{
	(void)bytes;
	(void)us;
	return false;
}

/* The worker stops itself half-way, until it is woken. */
static void put_large(struct ingest_fixture *fixture, const char *name)
{
	char *bytes = g_malloc0(LARGE_BYTES);

	snprintf(bytes, 20, "halve 150");
	ingest_fixture_file(fixture, name, bytes, LARGE_BYTES);
	g_free(bytes);
}

static void begin(struct ingest_fixture *fixture)
{
	ingest_fixture_init(fixture);
	ingest_fixture_open(fixture);
	put_large(fixture, "in");
}

/* What has been encoded gets its place in the cache once the hash is known; and where the
 * cache has it already, it takes over from the worker. */
static void test_cache(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct heard heard;

	begin(&fixture);
	listen_to_source(&fixture, &heard, "in", -1);
	AWAIT(&heard, heard.units >= 75 * 3);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&heard, heard.ends > 0);
	check_good(&heard, 150);
	heard_clear(&heard);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	CHECK_INT(stats.jobs, 1);
	CHECK_INT(stats.cache_hits, 0);
	ingest_fixture_reopen(&fixture);
	listen_to_source(&fixture, &heard, "in", -1);
	AWAIT(&heard, heard.ends > 0); /* nobody wakes the worker */
	check_good(&heard, 150);
	stats = ingest_fixture_stats(&fixture);
	CHECK(stats.jobs <= 1); /* one, if it had begun before the hash was known */
	CHECK_INT(stats.cache_hits, 1);
	CHECK_INT(stats.cache_entries, 1);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

/* The hash is remembered: now the cache is asked first. */
static void test_remembered(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct heard heard, again;

	begin(&fixture);
	usleep(SETTLE_US);
	listen_to_source(&fixture, &heard, "in", -1);
	listen_to_source(&fixture, &again, "in", -1); /* shares the worker, too */
	AWAIT(&heard, heard.units > 0);
	AWAIT(&again, again.units > 0);
	AWAIT_AWAKE(&fixture, stats, stats.cache_entries == 1);
	AWAIT(&heard, heard.ends > 0);
	AWAIT(&again, again.ends > 0);
	check_good(&heard, 150);
	check_good(&again, 150);
	heard_clear(&heard);
	heard_clear(&again);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	listen_to_source(&fixture, &heard, "in", -1);
	AWAIT(&heard, heard.ends > 0);
	check_good(&heard, 150);
	stats = ingest_fixture_stats(&fixture);
	CHECK_INT(stats.jobs, 1);
	CHECK_INT(stats.cache_hits, 1);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

static void test_changed(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct heard heard;
	char path[200];
	int file;

	begin(&fixture);
	snprintf(path, sizeof path, "%s/in", fixture.folder);
	file = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(file >= 0);
	listen_to_source(&fixture, &heard, "in", -1);
	AWAIT(&heard, heard.units > 0);
	CHECK_INT(pwrite(file, "!", 1, LARGE_BYTES - 1), 1);
	close(file);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&heard, heard.ends > 0);
	CHECK_INT(heard.is_incomplete, 1);
	CHECK(strstr(heard.notes, "in changed while it was prepared"), "%s", heard.notes);
	CHECK_INT(ingest_fixture_stats(&fixture).cache_entries, 0);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

/* Whatever is under way ends with the ingest. */
static void test_left(void)
{
	struct ingest_fixture fixture;
	struct heard heard;

	begin(&fixture);
	listen_to_source(&fixture, &heard, "in", -1);
	AWAIT(&heard, heard.units > 0);
	heard_clear(&heard);
	listen_to_source(&fixture, &heard, "in", -1);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_cache),
	TEST(test_remembered),
	TEST(test_changed),
	TEST(test_left),
};

PREPARATION_MAIN(tests)
