/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cache of prepared segments, and prepared files. */
#include "tests/support/ingest_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "ingest/cache.h"
#include "ingest/log.h"

static struct dh_cache *asked_while_removing;
static int removals;

/* Replaces the C library's: a disk that hangs here must not delay those who only ask. */
int unlink(const char *path)
{
	int64_t bytes;
	int entries;

	if (asked_while_removing) {
		dh_cache_stats(asked_while_removing, &bytes, &entries);
		removals++;
	}
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static void store(struct dh_cache *cache, const char *key, const void *bytes, size_t size)
{
	struct dh_cache_entry *entry;

	CHECK_INT(dh_cache_begin(cache, key, &entry), 0);
	CHECK_INT(dh_cache_write(entry, bytes, size), 0);
	CHECK_INT(dh_cache_commit(&entry), 0);
}

static void test_removes_without_the_lock(void)
{
	char folder[TEMP_FOLDER_SIZE], bytes[600] = "";
	struct dh_cache *cache;
	int64_t used;
	int entries;

	CHECK_INT(temp_folder_make(folder), 0);
	cache = dh_cache_new(folder, 1000);
	removals = 0;
	asked_while_removing = cache;
	store(cache, "aa", bytes, sizeof bytes);
	store(cache, "bb", bytes, sizeof bytes);
	asked_while_removing = NULL;
	CHECK_INT(removals, 1);
	dh_cache_stats(cache, &used, &entries);
	CHECK_INT(used, 600);
	CHECK_INT(dh_cache_open(cache, "aa"), -ENOENT);
	dh_cache_remove(cache, "bb");
	dh_cache_unref(&cache);
	CHECK_INT(rmdir(folder), 0);
}

static void test_cached(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, "good 250", 250);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	prepare_once(&fixture, "good 250", 250);
	stats = ingest_fixture_stats(&fixture);
	CHECK_INT(stats.jobs, 1);
	CHECK_INT(stats.cache_hits, 1);
	CHECK_INT(stats.cache_misses, 1);
	/* The entry is found after a restart, too, but not by another version. */
	ingest_fixture_reopen(&fixture);
	prepare_once(&fixture, "good 250", 250);
	stats = ingest_fixture_stats(&fixture);
	CHECK_INT(stats.jobs, 0);
	CHECK_INT(stats.cache_hits, 1);
	ingest_fixture_how(&fixture, "2");
	ingest_fixture_reopen(&fixture);
	prepare_once(&fixture, "good 250", 250);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 1);
	ingest_fixture_close(&fixture);
}

/* The one file in the cache. */
static void cache_entry(struct ingest_fixture *fixture, char *path, size_t size)
{
	DIR *dir = opendir(fixture->cache);
	struct dirent *item;
	int n = 0;

	CHECK(dir != NULL);
	while ((item = readdir(dir)))
		if (item->d_name[0] != '.') {
			snprintf(path, size, "%s/%s", fixture->cache, item->d_name);
			n++;
		}
	closedir(dir);
	CHECK_INT(n, 1);
}

static const struct damage {
	const char *name;
	off_t at;     /* of the byte to change; -1: none */
	off_t length; /* size to cut to; -1: no cut */
} damages[] = {
	{ "head", 9, -1 },
	{ "middle", 50000, -1 },
	{ "cut", -1, 50000 },
	{ "empty", -1, 0 },
};

static atomic_int entry_lines, folder_lines; /* of the log: what is blamed */

static void watch_blame(enum dh_log_level level, const char *text)
{
	fprintf(stderr, "%d: %s\n", level, text);
	if (strstr(text, "the cache entry ") && strstr(text, " cannot be used ("))
		atomic_fetch_add(&entry_lines, 1);
	if (strstr(text, "the cache folder "))
		atomic_fetch_add(&folder_lines, 1);
}

static void test_damaged_entry(const void *arg)
{
	const struct damage *row = arg;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char path[400];
	int fd;

	ingest_fixture_init(&fixture);
	dh_log_set(watch_blame);
	atomic_store(&entry_lines, 0);
	atomic_store(&folder_lines, 0);
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, "good 100", 100);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	cache_entry(&fixture, path, sizeof path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (row->at >= 0)
		CHECK_INT(pwrite(fd, "\xee", 1, row->at), 1);
	if (row->length >= 0)
		CHECK_INT(ftruncate(fd, row->length), 0);
	close(fd);
	prepare_once(&fixture, "good 100", 100);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	/* It was replaced by a good one. */
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	prepare_once(&fixture, "good 100", 100);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	CHECK_INT(atomic_load(&entry_lines), 1);
	CHECK_INT(atomic_load(&folder_lines), 0);
	ingest_fixture_close(&fixture);
}

static void test_cache_is_bounded(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char script[20];

	ingest_fixture_init(&fixture);
	fixture.config.cache_bytes = 1200000; /* for two of them */
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 4; i++) {
		int64_t before = ingest_fixture_stats(&fixture).cache_bytes;
		snprintf(script, sizeof script, "good %d", 100 + i);
		prepare_once(&fixture, script, 100 + i);
		/* Each has a different size. */
		AWAIT_STATS(&fixture, stats, stats.cache_bytes != before);
		CHECK_INT(stats.cache_entries, MIN(i + 1, 2));
		/* The first is used again and again, so it stays. */
		prepare_once(&fixture, "good 100", 100);
	}
	stats = ingest_fixture_stats(&fixture);
	CHECK_INT(stats.jobs, 4);
	CHECK(stats.cache_bytes > 0 && stats.cache_bytes <= 1200000);
	AWAIT_STATS(&fixture, stats, count_entries(fixture.cache) == 2 + 2); /* files are removed without the lock */
	/* Larger than the whole cache: played, not kept. */
	prepare_once(&fixture, "good 400", 400);
	/* A loader thread removes the part that was written. */
	AWAIT_STATS(&fixture, stats, count_entries(fixture.cache) == 2 + 2);
	ingest_fixture_close(&fixture);
}

/* The folder cannot exist: its parent is a file. */
static void test_without_a_cache(void)
{
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_file(&fixture, "cache", "x", 1);
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, "good 100", 100);
	prepare_once(&fixture, "good 100", 100);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	ingest_fixture_close(&fixture);
}

static void test_cache_folder_vanishes(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, "good 100", 100);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	remove_folder(fixture.cache);
	prepare_once(&fixture, "good 100", 100);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1 && stats.jobs == 2);
	ingest_fixture_close(&fixture);
}

/* Writing fails in the middle of an entry. */
static void test_full_disk(void)
{
	struct rlimit limit, tight;
	struct ingest_fixture fixture;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	tight = limit;
	tight.rlim_cur = 100000;
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	ingest_fixture_stats(&fixture);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &tight), 0);
	prepare_once(&fixture, "good 100", 100);
	prepare_once(&fixture, "good 100", 100);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	dh_ingest_free(&fixture.ingest);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_INT(count_entries(fixture.cache), 2);
	ingest_fixture_close(&fixture);
}

static void test_no_version_no_cache(void)
{
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_how(&fixture, "ashamed");
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, "good 10", 10);
	prepare_once(&fixture, "good 10", 10);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	ingest_fixture_close(&fixture);
}

/* --- prepared files */

static void test_prepared_file(void)
{
	struct dh_ingest_stats stats;
	struct heard heard, other;
	struct ingest_fixture fixture;
	char path[400], *bytes;
	gsize size;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	prepare_once(&fixture, "good 250", 250);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	cache_entry(&fixture, path, sizeof path);
	CHECK(g_file_get_contents(path, &bytes, &size, NULL));
	listen_to_file(&fixture, &heard, "a.dhs", bytes, size);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, 250);
	listen_to_file(&fixture, &other, "b.dhs", bytes, size - 10);
	AWAIT(&other, other.ends + other.failures > 0);
	CHECK_INT(other.code, DH_PREPARE_FORMAT);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 1);
	heard_clear(&heard);
	heard_clear(&other);
	g_free(bytes);
	ingest_fixture_close(&fixture);
}

static void test_goes_on_for_the_cache(void)
{
	struct dh_ingest_stats stats;
	struct heard heard[3];
	struct ingest_fixture fixture;
	char script[20];

	ingest_fixture_init(&fixture);
	fixture.config.orphans_max = 2;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 3; i++) {
		snprintf(script, sizeof script, "halve %d", 150 + i);
		listen_to(&fixture, &heard[i], script);
		AWAIT(&heard[i], heard[i].units > 0);
	}
	for (int i = 0; i < 3; i++)
		heard_clear(&heard[i]);
	CHECK_INT(ingest_fixture_stats(&fixture).preparations, 2);
	AWAIT_AWAKE(&fixture, stats, stats.preparations == 0 && stats.workers_busy == 0);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 2);
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_cached),
	TABLE(test_damaged_entry, damages),
	TEST(test_cache_is_bounded),
	TEST(test_without_a_cache),
	TEST(test_cache_folder_vanishes),
	TEST(test_full_disk),
	TEST(test_no_version_no_cache),
	TEST(test_prepared_file),
	TEST(test_goes_on_for_the_cache),
	TEST(test_removes_without_the_lock),
};

PREPARATION_MAIN(tests)
