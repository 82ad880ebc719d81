/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers: what they may do wrong, what they are given, and when they do not start. The
 * worker is tests/support/fake_worker. */
#include "tests/support/ingest_fixture.h"

#include <stdatomic.h>

#include "ingest/child.h"
#include "ingest/worker_version.h"

/* --- what a worker may do */

static const struct fault {
	const char *script;
	int code;
	const char *text; /* part of the error */
	int pictures;     /* at least this many arrive */
	double least_ms;
} faults[] = {
	{ "crash 5", DH_PREPARE_INTERNAL, "ended by signal 11", 5, 0 },
	{ "hang 5", DH_PREPARE_INTERNAL, "wrote nothing for 3000 ms", 5, 3000 },
	{ "stop 5", DH_PREPARE_INTERNAL, "wrote nothing for 3000 ms", 5, 3000 },
	{ "flood", DH_PREPARE_LIMIT, "longer than 4 MB", 100, 0 },
	{ "babble", DH_PREPARE_INTERNAL, "what dh-prepare wrote is damaged", 0, 0 },
	{ "cut 5", DH_PREPARE_INTERNAL, "in the middle", 5, 0 },
	{ "leave 0", DH_PREPARE_INTERNAL, "in the middle", 0, 0 },
	{ "leave 4", DH_PREPARE_FORMAT, "exit code 4", 0, 0 },
	{ "leave 99", DH_PREPARE_INTERNAL, "exit code 99", 0, 0 },
	{ "fail 6", DH_PREPARE_LIMIT, "the input says so", 0, 0 },
	{ "burn", DH_PREPARE_LIMIT, "more than 1 s of processor time", 0, 900 },
	{ "nonsense", DH_PREPARE_FORMAT, "exit code 4", 0, 0 },
};

#define SILENCE_MS 3000     /* the fixture sets no other limit to this */
static atomic_int silences; /* how often a timer was set to exactly that */

void __real_dh_io_timer_set(GSource *timer, int64_t ms);
void __wrap_dh_io_timer_set(GSource *timer, int64_t ms);

/* A test can say how long a limit at least is, but a busy machine breaks any most. */
void __wrap_dh_io_timer_set(GSource *timer, int64_t ms)
{
	if (ms == SILENCE_MS)
		atomic_fetch_add(&silences, 1);
	__real_dh_io_timer_set(timer, ms);
}

static void test_faults(const void *arg)
{
	const struct fault *row = arg;
	struct heard heard, after;
	struct ingest_fixture fixture;
	double begin;

	ingest_fixture_init(&fixture);
	if (strstr(row->text, "wrote nothing"))
		fixture.config.worker_silence_ms = SILENCE_MS;
	atomic_store(&silences, 0);
	fixture.config.worker_cpu_s = strcmp(row->script, "burn") == 0 ? 1 : 60;
	fixture.config.max_segment_bytes = 4 << 20;
	ingest_fixture_open(&fixture);
	begin = now_ms();
	listen_to(&fixture, &heard, row->script);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	begin = now_ms() - begin;
	CHECK_INT(heard.ends, 0);
	CHECK_INT(heard.code, row->code);
	CHECK(strstr(heard.text, row->text), "\"%s\"", heard.text);
	CHECK((int)heard.units >= row->pictures * 3, "%zu units", heard.units);
	CHECK(begin >= row->least_ms, "after %.0f ms", begin);
	CHECK(atomic_load(&silences) > 0 || row->least_ms < SILENCE_MS);
	CHECK_INT(heard.out_of_order, 0);
	/* None of it is kept, and the next job is served. */
	CHECK_INT(ingest_fixture_stats(&fixture).cache_entries, 0);
	listen_to(&fixture, &after, "good 20");
	AWAIT(&after, after.ends + after.failures > 0);
	check_good(&after, 20);
	heard_clear(&heard);
	heard_clear(&after);
	ingest_fixture_close(&fixture);
}

/* Odd, but all right in the end. */
static const struct oddity {
	const char *script;
	int pictures, is_cached;
} oddities[] = {
	{ "good 250", 250, 1 },
	{ "late_exit 3", 5, 0 },
	{ "linger 5", 5, 0 },
	{ "breed 0", 10, 1 },
	{ "breed 1", 10, 1 },
};

static void test_oddities(const void *arg)
{
	const struct oddity *row = arg;
	struct dh_ingest_stats stats;
	struct heard heard;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, row->script);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, row->pictures);
	AWAIT_STATS(&fixture, stats, stats.workers_busy == 0 && stats.cache_entries == row->is_cached);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

/* --- what a worker is given */

static void test_confined(void)
{
	struct heard heard;
	struct ingest_fixture fixture;
	char expected[100];
	int is_root = geteuid() == 0;

	ingest_fixture_init(&fixture);
	fixture.config.worker_nice = 10;
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "tell");
	AWAIT(&heard, heard.ends + heard.failures > 0);
	snprintf(expected, sizeof expected, "uid %d gid %d nice 10 group 1", is_root ? 65534 : (int)getuid(),
		is_root ? 65534 : (int)getgid());
	CHECK(strstr(heard.notes, expected), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"kind\":\"segment\""), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"names\":[\"tell\"]"), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"anchor\":false"), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"max_ms\":600000"), "%s", heard.notes);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

struct answer {
	struct dh_io *io;
	struct dh_workers_config config;
	struct dh_worker_version *asking;
	int err;
	bool is_in, is_seen;
	char text[100];
};

static void version_told(void *arg, const char *text, const char *error)
{
	struct answer *answer = arg;

	g_strlcpy(answer->text, text ? text : error, sizeof answer->text);
	dh_worker_version_free(&answer->asking);
	answer->is_in = true;
}

static void ask_version(void *arg)
{
	struct answer *answer = arg;

	answer->err = dh_worker_version_ask(&answer->asking, answer->io, &answer->config, version_told, answer);
}

static void look_at_answer(void *arg)
{
	struct answer *answer = arg;

	answer->is_seen = answer->is_in;
}

static void test_the_version_is_asked_confined(void)
{
	int is_root = geteuid() == 0;
	struct ingest_fixture fixture;
	struct answer answer = { 0 };
	char expected[100];

	ingest_fixture_init(&fixture);
	ingest_fixture_how(&fixture, "confined");
	CHECK_INT(dh_io_alloc(&fixture.io), 0);
	answer.io = fixture.io;
	answer.config = (struct dh_workers_config){ .path = fixture.worker, .user = "nobody", .nice = 10 };
	dh_io_call(fixture.io, ask_version, &answer);
	CHECK_INT(answer.err, 0);
	do {
		usleep(2000);
		dh_io_call(fixture.io, look_at_answer, &answer);
	} while (!answer.is_seen);
	snprintf(expected, sizeof expected, "fake worker uid %d nice 10 group 1 privileges 0",
		is_root ? 65534 : (int)getuid());
	CHECK_STR(answer.text, expected);
	ingest_fixture_close(&fixture);
}

static void test_no_descriptor_is_inherited(void)
{
	int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec, like Janus's own */
	struct heard heard;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "count_fds 1");
	AWAIT(&heard, heard.ends + heard.failures > 0);
	CHECK_STR(heard.notes, "open 0");
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
	close(leaked);
}

static void test_memory_limit(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	CHECK_SKIP("a sanitizer's shadow memory has no limit");
#endif
	struct heard heard;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.worker_memory_mb = 64;
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "eat 100");
	AWAIT(&heard, heard.ends + heard.failures > 0);
	CHECK_INT(heard.code, DH_PREPARE_MEMORY);
	heard_clear(&heard);
	listen_to(&fixture, &heard, "eat 30");
	AWAIT(&heard, heard.ends + heard.failures > 0);
	CHECK_INT(heard.ends, 1);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
}

/* --- workers that nobody waits for any more */

/* At any moment between the start of the server and its answers. No process is left, which
 * ingest_fixture_close sees. */
static void test_closed_at_any_time(void)
{
	for (int i = 0; i < 40; i++) {
		struct ingest_fixture fixture;
		ingest_fixture_init(&fixture);
		fixture.config.warm_workers = 8;
		ingest_fixture_open(&fixture);
		usleep((useconds_t)i * 250);
		ingest_fixture_close(&fixture);
	}
}

/* --- workers that get no processor */

/* As if each process waited for one so many times. */
static atomic_int starved_looks;
bool __real_dh_child_is_runnable(const struct dh_child *child, int64_t *used_us);
bool __wrap_dh_child_is_runnable(const struct dh_child *child, int64_t *used_us);

bool __wrap_dh_child_is_runnable(const struct dh_child *child, int64_t *used_us)
{
	if (atomic_fetch_sub(&starved_looks, 1) <= 0)
		return __real_dh_child_is_runnable(child, used_us);
	*used_us = 1000;
	return true;
}

/* They are late, and would be as late if others were started in their place. */
static const struct starving {
	const char *how, *script;
	int start_ms, silence_ms;
} starving[] = {
	{ "late", "good 3", 200, AWAIT_S * 1000 },
	{ "", "late 3", AWAIT_S * 1000, 200 },
};

static void test_starving(const void *arg)
{
	const struct starving *row = arg;
	struct ingest_fixture fixture;
	struct heard heard;

	atomic_store(&starved_looks, INT_MAX);
	ingest_fixture_init(&fixture);
	ingest_fixture_how(&fixture, row->how);
	fixture.config.warm_workers = 0;
	fixture.config.worker_start_ms = row->start_ms;
	fixture.config.worker_silence_ms = row->silence_ms;
	fixture.config.worker_wait_ms = 0;
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, row->script);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, 3);
	heard_clear(&heard);
	ingest_fixture_close(&fixture);
	atomic_store(&starved_looks, 0);
}

/* --- workers that do not start */

static const struct start {
	const char *how, *path;
	int limit_ms;
	const char *text;
} starts[] = {
	{ "missing", "/nonexistent/dh-prepare", AWAIT_S * 1000, "cannot be started: No such file" },
	{ "exit", NULL, AWAIT_S * 1000, "exit code 1" },
	{ "mute", NULL, 3000, "not ready after 3000 ms" },
	{ "noise", NULL, AWAIT_S * 1000, "did not report that it is ready" },
	{ "older", NULL, AWAIT_S * 1000, ", this plugin " G_STRINGIFY(DH_PREPARE_PROTOCOL) ": install both" },
	{ "newer", NULL, AWAIT_S * 1000, ", this plugin " G_STRINGIFY(DH_PREPARE_PROTOCOL) ": install both" },
};

static void test_starts(const void *arg)
{
	const struct start *row = arg;
	struct heard heard;
	struct ingest_fixture fixture;
	double end;

	ingest_fixture_init(&fixture);
	ingest_fixture_how(&fixture, row->how);
	if (row->path)
		fixture.config.worker_path = row->path;
	fixture.config.worker_start_ms = row->limit_ms;
	fixture.config.worker_wait_ms = 300;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 3; i++) {
		listen_to(&fixture, &heard, "good 3");
		AWAIT(&heard, heard.ends + heard.failures > 0);
		CHECK_INT(heard.code, DH_PREPARE_INTERNAL);
		CHECK(strstr(heard.text, row->text), "\"%s\"", heard.text);
		heard_clear(&heard);
	}
	/* It works again at once; a worker that started before may still fail. */
	ingest_fixture_how(&fixture, "");
	end = now_ms() + AWAIT_S * 1e3;
	for (int works = row->path != NULL; !works;) {
		CHECK(now_ms() < end, "%s", heard.text);
		usleep(20000);
		listen_to(&fixture, &heard, "good 3");
		AWAIT(&heard, heard.ends + heard.failures > 0);
		works = heard.ends;
		heard_clear(&heard);
	}
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TABLE(test_faults, faults),
	TABLE(test_oddities, oddities),
	TEST(test_confined),
	TEST(test_the_version_is_asked_confined),
	TEST(test_no_descriptor_is_inherited),
	TEST(test_memory_limit),
	TEST(test_closed_at_any_time),
	TABLE(test_starving, starving),
	TABLE(test_starts, starts),
};

PREPARATION_MAIN(tests)
