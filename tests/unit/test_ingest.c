/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an ingest finds, and what it may use in all: memory and descriptors. */
#include "tests/support/ingest_fixture.h"

/* --- finding */

static void test_find(void)
{
	struct ingest_fixture fixture;
	struct dh_ingest_source source;
	char *error = NULL, two[100], *folders[] = { fixture.folder, two, NULL }, *none[] = { NULL };

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	snprintf(two, sizeof two, "%s/two", fixture.folder);
	CHECK_INT(mkdir(two, 0700), 0);
	ingest_fixture_file(&fixture, "a", "good 1", 6);
	ingest_fixture_file(&fixture, "two/a", "good 22", 7);
	ingest_fixture_file(&fixture, "two/b", "good 333", 8);
	dh_ingest_source_init(&source);
	CHECK_INT(dh_ingest_find(fixture.ingest, folders, "a", &source, &error), 0);
	CHECK_INT(dh_ingest_find(fixture.ingest, folders, "b", &source, &error), 0);
	CHECK_INT(source.count, 2);
	CHECK_STR(source.folders[0], fixture.folder);
	CHECK_STR(source.folders[1], two);
	CHECK_INT(source.identities[0].size, 6);
	CHECK_INT(source.identities[1].size, 8);
	source.count = 0;
	CHECK_INT(dh_ingest_find(fixture.ingest, folders, "c", &source, &error), -ENOENT);
	CHECK_STR(error, "no such file: c");
	g_clear_pointer(&error, g_free);
	CHECK_INT(dh_ingest_find(fixture.ingest, folders, "../a", &source, &error), -EXDEV);
	g_clear_pointer(&error, g_free);
	CHECK_INT(dh_ingest_find(fixture.ingest, none, "a", &source, &error), -ENOENT);
	g_clear_pointer(&error, g_free);
	source.max_bytes = 5;
	CHECK_INT(dh_ingest_find(fixture.ingest, folders, "a", &source, &error), -EFBIG);
	g_clear_pointer(&error, g_free);
	CHECK_INT(source.count, 0);
	ingest_fixture_close(&fixture);
}

/* A program that never answers stands for one that waits for its file system. */
static void test_find_waits_no_longer_than_it_may(void)
{
	static const char script[] = "#!/bin/sh\nexec sleep 1000\n";
	struct ingest_fixture fixture;
	struct dh_ingest_source source;
	char *error = NULL, *folders[] = { fixture.folder, NULL }, mute[100];

	ingest_fixture_init(&fixture);
	ingest_fixture_file(&fixture, "mute", script, strlen(script));
	ingest_fixture_file(&fixture, "a", "good 1", 6);
	snprintf(mute, sizeof mute, "%s/mute", fixture.folder);
	CHECK_INT(chmod(mute, 0700), 0);
	fixture.config.opener_path = mute;
	fixture.config.file_open_ms = 1000;
	ingest_fixture_open(&fixture);
	dh_ingest_source_init(&source);
	CHECK_INT(dh_ingest_find(fixture.ingest, folders, "a", &source, &error), -ETIMEDOUT);
	CHECK_STR(error, "its file system does not answer within 1 s: a");
	g_free(error);
	ingest_fixture_close(&fixture);
}

/* --- what all of it may take */

static void test_memory(void)
{
	struct dh_ingest_stats stats;
	struct heard heard;
	struct ingest_fixture fixture;
	char *error = NULL;

	ingest_fixture_init(&fixture);
	fixture.config.memory_bytes = 400000; /* less than a hundred pictures */
	ingest_fixture_open(&fixture);
	CHECK_INT(dh_ingest_admit(fixture.ingest, &error), 0);
	listen_to(&fixture, &heard, "good 100");
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, 100);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
	CHECK(stats.memory.used >= (int64_t)heard.bytes && stats.memory.used < (int64_t)heard.bytes * 2);
	CHECK_INT(stats.memory.limit, 400000);
	CHECK(!dh_ingest_has_memory(fixture.ingest));
	CHECK_INT(dh_ingest_admit(fixture.ingest, &error), -ENOBUFS);
	CHECK(strstr(error, "max_media_mb"), "%s", error);
	g_clear_pointer(&error, g_free);
	/* From the cache it takes the same. */
	heard_clear(&heard);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	CHECK_INT(stats.memory.used, 0);
	CHECK_INT(dh_ingest_admit(fixture.ingest, &error), 0);
	listen_to(&fixture, &heard, "good 100");
	AWAIT(&heard, heard.ends > 0);
	CHECK(ingest_fixture_stats(&fixture).memory.used >= (int64_t)heard.bytes);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

/* Work for the cache alone gives way. */
static void test_orphans_give_way(void)
{
	struct dh_ingest_stats stats;
	struct heard heard;
	struct ingest_fixture fixture;
	char *error = NULL;

	ingest_fixture_init(&fixture);
	fixture.config.memory_bytes = 400000;
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "slow 300");
	AWAIT(&heard, heard.units > 10);
	heard_clear(&heard);
	AWAIT_STATS(&fixture, stats, !dh_ingest_has_memory(fixture.ingest) || stats.preparations == 0);
	CHECK_INT(dh_ingest_admit(fixture.ingest, &error), 0);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0 && stats.memory.used == 0);
	ingest_fixture_close(&fixture);
}

#define PAIRS 100

/* A hundred pairs wait for the only worker. */
static void test_descriptors(void)
{
	static struct heard heard[PAIRS];
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char *error = NULL;
	int before;

	ingest_fixture_init(&fixture);
	fixture.config.max_workers = fixture.config.warm_workers = 1;
	fixture.config.orphans_max = 0; /* what is not wanted any more ends at once */
	ingest_fixture_open(&fixture);
	AWAIT_STATS(&fixture, stats, stats.workers_ready == 1);
	before = count_entries("/proc/self/fd");
	for (int i = 0; i < PAIRS; i++) {
		struct dh_ingest_source source;
		char script[20];
		snprintf(script, sizeof script, "hang %d", i);
		ingest_fixture_file(&fixture, script, script, strlen(script));
		ingest_fixture_find(&fixture, &source, script);
		source.names[1] = source.names[0];
		source.folders[1] = source.folders[0];
		source.count = 2;
		heard_init(&heard[i]);
		CHECK_INT(dh_ingest_subscribe(fixture.ingest, &source, &hear, &heard[i], &heard[i].subscription), 0);
	}
	AWAIT_STATS(&fixture, stats, stats.jobs == PAIRS);
	AWAIT_STATS(&fixture, stats, stats.workers_busy == 1 && stats.reads_waiting == 0);
	CHECK(stats.descriptors.used <= 16, "%d", (int)stats.descriptors.used);
	CHECK(count_entries("/proc/self/fd") - before < 24, "%d", count_entries("/proc/self/fd") - before);
	for (int i = 0; i < PAIRS; i++)
		heard_clear(&heard[i]);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	AWAIT_STATS(&fixture, stats, stats.descriptors.used == 0);
	ingest_fixture_close(&fixture);
	/* Beyond its share. */
	ingest_fixture_init(&fixture);
	fixture.config.descriptors_max = 1;
	ingest_fixture_open(&fixture);
	CHECK_INT(dh_ingest_admit(fixture.ingest, &error), -EMFILE);
	CHECK(strstr(error, "too many files are open"), "%s", error);
	g_clear_pointer(&error, g_free);
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_find),
	TEST(test_find_waits_no_longer_than_it_may),
	TEST(test_memory),
	TEST(test_orphans_give_way),
	TEST(test_descriptors),
};

PREPARATION_MAIN(tests)
