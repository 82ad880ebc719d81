/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preparations and their listeners; at the end with the real worker, if DH_PREPARE names
 * it. */
#include "tests/support/ingest_fixture.h"

#include <stddef.h>

/* No file is read slowly here, however busy the machine is. */
bool __wrap_dh_file_reads_slowly(off_t bytes, int64_t us);

bool __wrap_dh_file_reads_slowly(off_t bytes, int64_t us)
{
	(void)bytes;
	(void)us;
	return false;
}

static void test_late_subscriber_hears_everything(void)
{
	struct heard first, late, last;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &first, "halve 150");
	AWAIT(&first, first.units >= 75 * 3);
	listen_to(&fixture, &late, "halve 150");
	AWAIT(&late, late.units >= 75 * 3);
	CHECK_INT(first.ends, 0);
	CHECK_INT(ingest_fixture_stats(&fixture).preparations, 1);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&late, late.ends > 0);
	AWAIT(&first, first.ends > 0);
	/* Complete in memory. */
	listen_to(&fixture, &last, "halve 150");
	AWAIT(&last, last.ends > 0);
	check_good(&first, 150);
	check_good(&late, 150);
	check_good(&last, 150);
	stats = ingest_fixture_stats(&fixture);
	CHECK_INT(stats.jobs, 1);
	CHECK_INT(stats.preparations, 1);
	CHECK_INT(stats.subscriptions, 3);
	heard_clear(&first);
	heard_clear(&late);
	heard_clear(&last);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	ingest_fixture_close(&fixture);
}

/* The end says that it is incomplete, and nobody else gets what was made of it. */
static void test_a_file_that_changes_while_it_is_prepared(void)
{
	const char script[] = "halve 60";
	struct heard changed, whole;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char path[200];
	int copy;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	ingest_fixture_file(&fixture, "in", script, strlen(script));
	snprintf(path, sizeof path, "%s/in", fixture.folder);
	copy = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK(copy >= 0);
	listen_to_source(&fixture, &changed, "in", -1);
	AWAIT(&changed, changed.units > 0);
	CHECK_INT(changed.ends, 0);
	CHECK_INT(write(copy, "!", 1), 1);
	close(copy);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&changed, changed.ends > 0);
	CHECK_INT(changed.is_incomplete, 1);
	CHECK(strstr(changed.notes, "in changed while it was prepared"), "%s", changed.notes);
	CHECK_INT(changed.out_of_order, 0);
	/* The key it had was for this content. */
	listen_to_file(&fixture, &whole, "again", script, strlen(script));
	AWAIT(&whole, whole.units > 0);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&whole, whole.ends > 0);
	CHECK_INT(whole.is_incomplete, 0);
	CHECK(strcmp(whole.notes, "") == 0, "%s", whole.notes);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	heard_clear(&changed);
	heard_clear(&whole);
	ingest_fixture_close(&fixture);
}

/* Nothing of it has changed; but the worker could not know. Nobody else hears of it. */
static void test_a_file_that_is_touched_while_it_is_prepared(void)
{
	const char script[] = "doubt 60";
	struct heard touched, joining, later;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char path[200];

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	snprintf(path, sizeof path, "%s/in", fixture.folder);
	listen_to_file(&fixture, &touched, "in", script, strlen(script));
	AWAIT(&touched, touched.units > 0);
	CHECK_INT(utimensat(AT_FDCWD, path, (const struct timespec[]){ { .tv_sec = 1 }, { .tv_sec = 1 } }, 0), 0);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&touched, touched.ends > 0);
	CHECK_INT(touched.is_incomplete, 1);
	CHECK_STR(touched.notes, "[changed] in changed while it was prepared");
	/* Neither from memory nor from the cache. */
	listen_to_source(&fixture, &joining, "in", -1);
	AWAIT(&joining, joining.units > 0);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&joining, joining.ends > 0);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	heard_clear(&touched);
	heard_clear(&joining);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	listen_to_source(&fixture, &later, "in", -1);
	AWAIT(&later, later.units > 0);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&later, later.ends > 0);
	stats = ingest_fixture_stats(&fixture);
	CHECK_INT(stats.jobs, 3);
	CHECK_INT(stats.cache_entries, 0);
	heard_clear(&later);
	ingest_fixture_close(&fixture);
}

/* Of two files the one that changed is named, and once. */
static const struct two_row {
	const char *name, *script, *changed;
} twos[] = {
	{ "the first", "halve 60", "one" },
	{ "the second", "halve 60", "two" },
	{ "the first, as the worker noticed", "doubt 60", "one" },
	{ "the second, as the worker noticed", "doubt_second 60", "two" },
};

static void test_two_files(const void *arg)
{
	const struct two_row *row = arg;
	struct dh_ingest_source source;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct heard heard;
	char path[200], note[200];

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	ingest_fixture_file(&fixture, "one", row->script, strlen(row->script));
	ingest_fixture_file(&fixture, "two", "sound", 5);
	ingest_fixture_find(&fixture, &source, "one");
	source.names[1] = "two";
	source.folders[1] = source.folders[0];
	source.count = 2;
	heard_init(&heard);
	CHECK_INT(dh_ingest_subscribe(fixture.ingest, &source, &hear, &heard, &heard.subscription), 0);
	AWAIT(&heard, heard.units > 0);
	snprintf(path, sizeof path, "%s/%s", fixture.folder, row->changed);
	CHECK_INT(truncate(path, 3), 0);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	CHECK_INT(heard.is_incomplete, 1);
	snprintf(note, sizeof note, "[changed] %s changed while it was prepared", row->changed);
	CHECK_STR(heard.notes, note);
	heard_clear(&heard);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	CHECK_INT(stats.cache_entries, 0);
	ingest_fixture_close(&fixture);
}

/* Everybody hears of a file by the name that they know it by, whoever shares its contents. */
static void test_names(void)
{
	struct heard one, two;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char path[200];

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	snprintf(path, sizeof path, "%s/sub", fixture.folder);
	CHECK_INT(mkdir(path, 0700), 0);
	/* from the cache */
	listen_to_file(&fixture, &one, "one", "mend 5", 6);
	AWAIT(&one, one.ends + one.failures > 0);
	CHECK_STR(one.notes, "[damaged] one: 1 damaged packet skipped");
	heard_clear(&one);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0 && stats.cache_entries == 1);
	listen_to_file(&fixture, &two, "sub/two", "mend 5", 6);
	AWAIT(&two, two.ends + two.failures > 0);
	CHECK_INT(ingest_fixture_stats(&fixture).cache_hits, 1);
	CHECK_STR(two.notes, "[damaged] two: 1 damaged packet skipped");
	heard_clear(&two);
	/* from one worker, which has changed, too */
	listen_to_file(&fixture, &one, "one", "halve 60", 8);
	AWAIT(&one, one.units > 0);
	listen_to_file(&fixture, &two, "sub/two", "halve 60", 8);
	AWAIT(&two, two.units > 0);
	snprintf(path, sizeof path, "%s/one", fixture.folder);
	CHECK_INT(truncate(path, 7), 0);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&one, one.ends + one.failures > 0);
	AWAIT(&two, two.ends + two.failures > 0);
	CHECK_STR(one.notes, "[changed] one changed while it was prepared");
	CHECK_STR(two.notes, "[changed] two changed while it was prepared");
	heard_clear(&one);
	heard_clear(&two);
	/* and where that fails */
	listen_to_file(&fixture, &one, "one", "blame 4", 7);
	listen_to_file(&fixture, &two, "sub/two", "blame 4", 7);
	AWAIT_STATS(&fixture, stats, stats.subscriptions == 2 && stats.preparations == 1 && stats.workers_busy == 1);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&one, one.failures > 0);
	AWAIT(&two, two.failures > 0);
	CHECK_STR(one.text, "one is no good");
	CHECK_STR(two.text, "sub/two is no good");
	heard_clear(&one);
	heard_clear(&two);
	ingest_fixture_close(&fixture);
}

static void *unsubscribe_thread(void *arg)
{
	struct heard *heard = arg;

	dh_ingest_unsubscribe(&heard->subscription);
	heard->failures = heard->ends = 1; /* anything heard from now on counts as out of order */
	return NULL;
}

static void test_silence_after_unsubscribe(void)
{
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 20; i++) {
		struct heard heard;
		pthread_t thread;
		char script[20];
		snprintf(script, sizeof script, "good %d", 300 + i);
		listen_to(&fixture, &heard, script);
		usleep((useconds_t)i * 1500);
		CHECK_INT(pthread_create(&thread, NULL, unsubscribe_thread, &heard), 0);
		pthread_join(thread, NULL);
		usleep(5000);
		CHECK_INT(heard.out_of_order, 0);
		heard_clear(&heard);
	}
	ingest_fixture_close(&fixture);
}

static void leave_at_head(void *arg, const struct dh_stream_head *head)
{
	struct heard *heard = arg;

	(void)head;
	dh_ingest_unsubscribe(&heard->subscription);
	pthread_mutex_lock(&heard->lock);
	heard->heads++;
	pthread_cond_broadcast(&heard->change);
	pthread_mutex_unlock(&heard->lock);
}

/* Anything after it in the same bytes, even a note, reaches nobody. */
static const char *const left_behind[] = { "good 100", "tell" };

static void test_unsubscribe_from_a_listener(const void *arg)
{
	const char *script = *(const char *const *)arg;
	struct dh_ingest_listener listener = hear;
	struct dh_ingest_source source;
	struct heard heard;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	listener.head = leave_at_head;
	heard_init(&heard);
	dh_ingest_source_init(&source);
	source.count = 1;
	source.names[0] = "in";
	source.folders[0] = fixture.folder;
	ingest_fixture_file(&fixture, "in", script, strlen(script));
	CHECK_INT(dh_ingest_subscribe(fixture.ingest, &source, &listener, &heard, &heard.subscription), 0);
	AWAIT(&heard, heard.heads > 0);
	usleep(50000);
	CHECK_INT(heard.heads + heard.anchors + (int)heard.units + heard.ends + heard.failures, 1);
	CHECK_INT(strlen(heard.notes), 0);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

static const struct wrong {
	const char *name;
	enum dh_ingest_kind kind;
	size_t field; /* an int of struct dh_ingest_source */
	int value;
} wrongs[] = {
#define FIELD(name) offsetof(struct dh_ingest_source, name)
	{ "no file", DH_INGEST_SEGMENT, FIELD(count), 0 },
	{ "three files", DH_INGEST_SEGMENT, FIELD(count), 3 },
	{ "two portraits", DH_INGEST_PORTRAIT, FIELD(count), 2 },
	{ "odd width", DH_INGEST_SEGMENT, FIELD(width), 511 },
	{ "no width", DH_INGEST_SEGMENT, FIELD(width), 0 },
	{ "too high", DH_INGEST_SEGMENT, FIELD(height), 2306 },
	{ "kbps", DH_INGEST_SEGMENT, FIELD(kbps), 49 },
	{ "a second quality that is no lower", DH_INGEST_SEGMENT, FIELD(kbps_2), 800 },
	{ "a third quality alone", DH_INGEST_SEGMENT, FIELD(kbps_3), 100 },
	{ "entry", DH_INGEST_SEGMENT, FIELD(entry_ms), 39 },
	{ "fps", DH_INGEST_SEGMENT, FIELD(fps_max), 61 },
	{ "no pipe", DH_INGEST_SEGMENT, FIELD(fds), 1000000 },
	{ "half a bridge", DH_INGEST_BRIDGE, FIELD(count), 1 },
	{ "a bridge without an anchor", DH_INGEST_BRIDGE, FIELD(count), 2 },
};

static void test_wrong_sources(const void *arg)
{
	const struct wrong *row = arg;
	struct dh_subscription *subscription = NULL;
	struct dh_ingest_source source;
	struct ingest_fixture fixture;
	int is_count = row->field == FIELD(count);

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	dh_ingest_source_init(&source);
	source.kind = row->kind;
	source.count = 1;
	memcpy((char *)&source + row->field, &row->value, sizeof row->value);
	for (int i = 0; i < (is_count ? MIN(source.count, 2) : 1); i++)
		source.names[i] = "input";
	CHECK_INT(dh_ingest_subscribe(fixture.ingest, &source, &hear, NULL, &subscription), -EINVAL);
	CHECK(!subscription);
	ingest_fixture_close(&fixture);
}

/* --- live sources */

static void test_live(void)
{
	struct dh_ingest_stats stats;
	struct heard heard;
	struct ingest_fixture fixture;
	int ends[2];

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	CHECK_INT(write(ends[1], "slow 1000", 9), 9);
	listen_to_source(&fixture, &heard, "pipe", ends[0]);
	AWAIT(&heard, heard.units >= 30);
	/* When the last listener leaves, it ends, and nothing is kept. */
	heard_clear(&heard);
	AWAIT_STATS(&fixture, stats, stats.workers_busy == 0 && stats.preparations == 0);
	CHECK_INT(stats.cache_entries, 0);
	close(ends[1]);
	ingest_fixture_close(&fixture);
}

/* --- ends */

static void test_free_with_everything_in_flight(void)
{
	for (int round = 0; round < 8; round++) {
		struct heard heard[6];
		struct ingest_fixture fixture;
		char script[20];
		ingest_fixture_init(&fixture);
		ingest_fixture_open(&fixture);
		for (int i = 0; i < 6; i++) {
			snprintf(script, sizeof script, i % 2 ? "slow %d" : "hang %d", 100 + i);
			listen_to(&fixture, &heard[i], script);
		}
		usleep((useconds_t)round * 15000);
		for (int i = 0; i < 6; i++)
			heard_clear(&heard[i]);
		ingest_fixture_close(&fixture);
	}
}

/* Listeners that come, listen for a while and go, each in a thread of its own. */
static const char *const scripts[] = { "good 40", "slow 30", "crash 3", "fail 4", "hang 2", "good 500" };

struct crowd {
	struct ingest_fixture *fixture;
	unsigned seed;
	int out_of_order;
};

static void *crowd_thread(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < 40; i++) {
		const char *script = scripts[(unsigned)rand_r(&crowd->seed) % G_N_ELEMENTS(scripts)];
		struct dh_ingest_source source;
		struct heard heard;
		heard_init(&heard);
		dh_ingest_source_init(&source);
		source.count = 1;
		source.names[0] = script;
		source.folders[0] = crowd->fixture->folder;
		if (dh_ingest_subscribe(crowd->fixture->ingest, &source, &hear, &heard, &heard.subscription) < 0)
			crowd->out_of_order += 1000;
		usleep((useconds_t)rand_r(&crowd->seed) % 40000);
		dh_ingest_unsubscribe(&heard.subscription);
		crowd->out_of_order += heard.out_of_order;
		heard_clear(&heard);
	}
	return NULL;
}

static void test_crowd(void)
{
	struct dh_ingest_stats stats;
	struct crowd crowd[6];
	pthread_t threads[6];
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.worker_silence_ms = 300;
	fixture.config.cache_bytes = 500000;
	ingest_fixture_open(&fixture);
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++)
		ingest_fixture_file(&fixture, scripts[i], scripts[i], strlen(scripts[i]));
	for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++) {
		crowd[i] = (struct crowd){ .fixture = &fixture, .seed = i + 1 };
		CHECK_INT(pthread_create(&threads[i], NULL, crowd_thread, &crowd[i]), 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
		pthread_join(threads[i], NULL);
		CHECK_INT(crowd[i].out_of_order, 0);
	}
	AWAIT_STATS(&fixture, stats, stats.preparations == 0 && stats.workers_busy == 0);
	CHECK_INT(stats.subscriptions, 0);
	CHECK(stats.cache_bytes <= 500000);
	ingest_fixture_close(&fixture);
}

/* --- the real one */

/* Ten seconds made by DH_TALKER, or the file that DH_TEST_CLIP names. */
static void get_clip(struct ingest_fixture *fixture, char **bytes, gsize *size)
{
	const char *talker = getenv("DH_TALKER"), *clip = getenv("DH_TEST_CLIP");
	char *path = g_build_filename(fixture->folder, "clip.nut", NULL);
	char *argv[] = { (char *)talker, "--marks", "-o", path, NULL };
	int is_made = !clip && g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, NULL, NULL);

	CHECK(clip || is_made);
	CHECK(g_file_get_contents(clip ? clip : path, bytes, size, NULL));
	g_free(path);
}

static int is_program(const char *path)
{
	return path && access(path, X_OK) == 0;
}

static void open_real(struct ingest_fixture *fixture)
{
	struct dh_ingest_stats stats;

	if (!is_program(getenv("DH_PREPARE")) || (!is_program(getenv("DH_TALKER")) && !getenv("DH_TEST_CLIP")))
		CHECK_SKIP("DH_PREPARE and DH_TALKER name no programs");
	ingest_fixture_init(fixture);
	fixture->config.worker_path = getenv("DH_PREPARE");
	ingest_fixture_open(fixture);
	AWAIT_STATS(fixture, stats, stats.workers_ready == 2);
}

/* Prepares a file of these bytes, for an avatar if there is one. */
static void listen_to_clip(struct ingest_fixture *fixture, struct heard *heard, enum dh_ingest_kind kind,
	GBytes *anchor, const char *bytes, gsize size)
{
	struct dh_ingest_source source;

	heard_init(heard);
	dh_ingest_source_init(&source);
	source.kind = kind;
	source.count = 1;
	source.names[0] = "clip";
	source.folders[0] = fixture->folder;
	ingest_fixture_file(fixture, "clip", bytes, size);
	source.anchor = anchor;
	heard->since_ms = now_ms();
	CHECK_INT(dh_ingest_subscribe(fixture->ingest, &source, &hear, heard, &heard->subscription), 0);
	AWAIT(heard, heard->ends + heard->failures > 0);
}

static void test_real_worker(void)
{
	struct dh_ingest_stats stats;
	struct heard idle, heard;
	struct ingest_fixture fixture;
	char *bytes;
	gsize size;

	open_real(&fixture);
	get_clip(&fixture, &bytes, &size);
	listen_to_clip(&fixture, &idle, DH_INGEST_IDLE, NULL, bytes, size);
	CHECK(idle.failures == 0, "%s", idle.text);
	CHECK_INT(idle.pictures, 1);
	AWAIT_STATS(&fixture, stats, stats.workers_ready == 2 && stats.workers_busy == 0);
	for (int i = 0; i < 2; i++) {
		listen_to_clip(&fixture, &heard, DH_INGEST_SEGMENT, idle.picture, bytes, size);
		CHECK(heard.failures == 0, "%s", heard.text);
		CHECK_INT(heard.out_of_order, 0);
		CHECK_INT(heard.anchors, 1);
		CHECK(heard.units > 100, "%zu", heard.units); /* at least two seconds */
		printf("   %s: first unit after %.1f ms, all %zu after %.1f ms\n", i ? "cached" : "encoded",
			heard.first_unit_ms, heard.units, heard.end_ms);
		heard_clear(&heard);
		AWAIT_STATS(&fixture, stats, stats.cache_entries == 2 && stats.workers_busy == 0);
	}
	CHECK_INT(ingest_fixture_stats(&fixture).cache_hits, 1);
	heard_clear(&idle);
	g_free(bytes);
	ingest_fixture_close(&fixture);
}

/* The worker itself says what is wrong with its input. */
static void test_real_worker_refuses(void)
{
	struct heard heard;
	struct ingest_fixture fixture;

	open_real(&fixture);
	listen_to_clip(&fixture, &heard, DH_INGEST_SEGMENT, NULL, "this is text", 12);
	CHECK_INT(heard.code, DH_PREPARE_FORMAT);
	CHECK(strstr(heard.text, "clip"), "%s", heard.text);
	CHECK(!strstr(heard.text, "exit code"), "%s", heard.text);
	heard_clear(&heard);
	listen_to_clip(&fixture, &heard, DH_INGEST_SEGMENT, NULL, "", 0);
	CHECK_INT(heard.failures, 1);
	CHECK(!strstr(heard.text, "exit code"), "%s", heard.text);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

static void stand_still(void *arg)
{
	usleep(*(useconds_t *)arg);
}

/* If the whole process pauses for a while, the workers were not silent. */
static void test_stopped_for_a_while(void)
{
	struct ingest_fixture fixture;
	struct heard heard;
	useconds_t us;

	ingest_fixture_init(&fixture);
	fixture.config.worker_silence_ms = 3000;
	us = (useconds_t)fixture.config.worker_silence_ms * 1000 + 200000;
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "slow 100");
	AWAIT(&heard, heard.units > 0);
	dh_io_call(fixture.io, stand_still, &us);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, 100);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_stopped_for_a_while),
	TEST(test_late_subscriber_hears_everything),
	TEST(test_a_file_that_changes_while_it_is_prepared),
	TEST(test_a_file_that_is_touched_while_it_is_prepared),
	TABLE(test_two_files, twos),
	TEST(test_names),
	TEST(test_silence_after_unsubscribe),
	TABLE(test_unsubscribe_from_a_listener, left_behind),
	TABLE(test_wrong_sources, wrongs),
	TEST(test_live),
	TEST(test_free_with_everything_in_flight),
	TEST(test_crowd),
	TEST(test_real_worker),
	TEST(test_real_worker_refuses),
};

PREPARATION_MAIN(tests)
