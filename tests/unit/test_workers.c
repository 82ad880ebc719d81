/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers: what they do wrong, what they get, and when they do not start.
 * The worker is tests/support/fake_worker. */
#include "tests/support/ingest_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

/* --- what a worker may do */

static const struct misdeed {
	const char *script;
	int code;
	const char *text; /* part of the error */
	int pictures;     /* at least this many arrive */
	double least_ms;
} misdeeds[] = {
	{ "crash 5", DH_PREPARE_INTERNAL, "ended by signal 11", 5, 0 },
	{ "hang 5", DH_PREPARE_INTERNAL, "wrote nothing for 3000 ms", 5, 3000 },
	{ "stop 5", DH_PREPARE_INTERNAL, "wrote nothing for 3000 ms", 5, 3000 },
	{ "flood", DH_PREPARE_LIMIT, "", 100, 0 },
	{ "babble", DH_PREPARE_INTERNAL, "what dh-prepare wrote is damaged", 0, 0 },
	{ "cut 5", DH_PREPARE_INTERNAL, "in the middle", 5, 0 },
	{ "leave 0", DH_PREPARE_INTERNAL, "in the middle", 0, 0 },
	{ "leave 4", DH_PREPARE_FORMAT, "exit code 4", 0, 0 },
	{ "leave 99", DH_PREPARE_INTERNAL, "exit code 99", 0, 0 },
	{ "fail 6", DH_PREPARE_LIMIT, "the input says so", 0, 0 },
	{ "burn", DH_PREPARE_LIMIT, "more than 1 s of processor time", 0, 900 },
	{ "nonsense", DH_PREPARE_FORMAT, "exit code 4", 0, 0 },
};

static void test_misdeeds(const void *arg)
{
	const struct misdeed *row = arg;
	struct heard heard, after;
	struct ingest_fixture fixture;
	double begin;

	ingest_fixture_init(&fixture);
	/* Long enough for a worker that only has to wait for a processor. */
	fixture.config.worker_silence_ms = strstr(row->text, "wrote nothing") ? 3000 : 60000;
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
	CHECK_INT(heard.out_of_order, 0);
	/* Nothing of it is kept, and the next one is served. */
	CHECK_INT(ingest_fixture_stats(&fixture).cache_entries, 0);
	listen_to(&fixture, &after, "good 20");
	AWAIT(&after, after.ends + after.failures > 0);
	check_good(&after, 20);
	heard_clear(&heard);
	heard_clear(&after);
	ingest_fixture_close(&fixture);
}

/* Odd, but fine in the end. */
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

static void test_no_descriptor_is_inherited(void)
{
	int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec, as Janus has them */
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

/* --- workers that do not start */

static const struct start {
	const char *how, *path;
	int limit_ms;
	const char *text;
} starts[] = {
	{ "missing", "/nonexistent/dh-prepare", 30000, "cannot be started: No such file" },
	{ "exit", NULL, 30000, "exit code 1" },
	{ "mute", NULL, 3000, "not ready after 3000 ms" },
	{ "noise", NULL, 30000, "does not say that it is ready" },
	{ "protocol", NULL, 30000, "speaks protocol 3, this plugin 2" },
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
		usleep(600000);
		listen_to(&fixture, &heard, "good 3");
		AWAIT(&heard, heard.ends + heard.failures > 0);
		works = heard.ends;
		heard_clear(&heard);
	}
	ingest_fixture_close(&fixture);
}

static void test_jobs_wait_their_turn(void)
{
	struct heard heard[7];
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char script[20];

	ingest_fixture_init(&fixture);
	fixture.config.worker_silence_ms = AWAIT_S * 1000;
	fixture.config.max_workers = 3;
	fixture.config.orphans_max = 0;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 7; i++) {
		snprintf(script, sizeof script, i < 4 ? "hang %d" : "good %d", 20 + i);
		listen_to(&fixture, &heard[i], script);
		/* Several threads inspect files: add the next only once this one's turn is fixed. */
		AWAIT_STATS(&fixture, stats, stats.jobs == (uint64_t)i + 1);
	}
	/* Three of those that hang; the fourth takes the place of one that is abandoned. */
	for (int i = 0; i < 4; i++) {
		AWAIT(&heard[i], heard[i].units >= (size_t)(20 + i) * 3);
		stats = ingest_fixture_stats(&fixture);
		CHECK(stats.workers_busy <= 3, "%d", stats.workers_busy);
		CHECK_INT(heard[4].heads + heard[5].heads + heard[6].heads, 0);
		if (i == 2)
			heard_clear(&heard[0]);
	}
	for (int i = 1; i < 4; i++)
		heard_clear(&heard[i]);
	for (int i = 4; i < 7; i++) {
		AWAIT(&heard[i], heard[i].ends + heard[i].failures > 0);
		check_good(&heard[i], 20 + i);
		heard_clear(&heard[i]);
	}
	ingest_fixture_close(&fixture);
}

/* --- jobs wait for workers */

#define WAITING 20

static void listen_to_many(struct ingest_fixture *fixture, struct heard *heard)
{
	char script[20];

	for (int i = 0; i < WAITING; i++) {
		snprintf(script, sizeof script, "good %d", 3 + i);
		listen_to(fixture, &heard[i], script);
	}
}

static void check_all_good(struct heard *heard)
{
	for (int i = 0; i < WAITING; i++) {
		AWAIT(&heard[i], heard[i].ends + heard[i].failures > 0);
		check_good(&heard[i], 3 + i);
		heard_clear(&heard[i]);
	}
}

/* As in an upgrade. */
static void test_program_is_away_for_a_while(void)
{
	struct heard heard[WAITING];
	struct ingest_fixture fixture;
	char away[120];

	ingest_fixture_init(&fixture);
	snprintf(away, sizeof away, "%s.away", fixture.worker);
	CHECK_INT(rename(fixture.worker, away), 0);
	ingest_fixture_open(&fixture);
	listen_to_many(&fixture, heard);
	usleep(300000);
	for (int i = 0; i < WAITING; i++)
		CHECK_INT(heard[i].failures, 0);
	CHECK_INT(rename(away, fixture.worker), 0);
	check_all_good(heard);
	ingest_fixture_close(&fixture);
}

/* Any child of this process. */
static void kill_children(void)
{
	char path[300];
	DIR *dir = opendir("/proc/self/task");
	struct dirent *item;

	while ((item = readdir(dir))) {
		int pid;
		snprintf(path, sizeof path, "/proc/self/task/%s/children", item->d_name);
		FILE *file = fopen(path, "re");
		while (file && fscanf(file, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		if (file)
			fclose(file);
	}
	closedir(dir);
}

/* As the kernel does when memory is short: it costs the workers' jobs. */
static void test_all_workers_are_killed(void)
{
	struct heard heard[WAITING], hanging;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.max_workers = 1;
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &hanging, "hang 5");
	AWAIT(&hanging, hanging.units >= 15);
	listen_to_many(&fixture, heard);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting == WAITING && stats.workers_ready == 2);
	kill_children();
	AWAIT(&hanging, hanging.failures > 0);
	CHECK(strstr(hanging.text, "ended by signal 9"), "%s", hanging.text);
	check_all_good(heard);
	heard_clear(&hanging);
	ingest_fixture_close(&fixture);
}

/* --- live sources */

/* A live source with the fake worker's script. */
static void listen_to_live(struct ingest_fixture *fixture, struct heard *heard, const char *script, int *end)
{
	int fds[2];

	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	CHECK_INT(write(fds[1], script, strlen(script)), strlen(script));
	*end = fds[1];
	listen_to_source(fixture, heard, "input", fds[0]);
}

/* Each has places of its own. */
static void test_live_sources_and_files(void)
{
	struct heard live[2], waits, file, next;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	int ends[3];

	ingest_fixture_init(&fixture);
	fixture.config.max_workers = 1;
	fixture.config.max_live = 2;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 2; i++) {
		listen_to_live(&fixture, &live[i], "hang 5", &ends[i]);
		AWAIT(&live[i], live[i].units >= 15);
	}
	listen_to_live(&fixture, &waits, "good 4", &ends[2]);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting_live == 1);
	CHECK_INT(stats.workers_live, 2);
	CHECK_INT(stats.workers.used, 0);
	/* Files pass. */
	listen_to(&fixture, &file, "good 20");
	AWAIT(&file, file.ends + file.failures > 0);
	check_good(&file, 20);
	heard_clear(&file);
	/* One that hangs has the only place for files: live sources pass. */
	listen_to(&fixture, &file, "hang 6");
	AWAIT(&file, file.units >= 18);
	listen_to(&fixture, &next, "good 21");
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting == 2);
	CHECK_INT(waits.heads, 0);
	heard_clear(&live[0]);
	AWAIT(&waits, waits.ends + waits.failures > 0);
	check_good(&waits, 4);
	CHECK_INT(next.heads, 0);
	heard_clear(&live[1]);
	heard_clear(&waits);
	heard_clear(&file);
	heard_clear(&next);
	for (int i = 0; i < 3; i++)
		close(ends[i]);
	ingest_fixture_close(&fixture);
}

/* A source that is opened when it has its worker. */
struct late {
	struct heard heard; /* the first member: it is the listener's argument */
	const char *script; /* NULL: it cannot be opened */
	atomic_int opened;
};

static int open_late(void *arg, int *fd, char **error)
{
	struct late *late = arg;
	int fds[2];

	atomic_fetch_add(&late->opened, 1);
	if (!late->script) {
		*error = g_strdup("it does not want to");
		return -EPERM;
	}
	if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], late->script, strlen(late->script)) < 0)
		return -errno;
	close(fds[1]);
	*fd = fds[0];
	return 0;
}

static void listen_late(struct ingest_fixture *fixture, struct late *late, const char *script, const void *owner,
	bool is_next)
{
	struct dh_ingest_listener listener = hear;
	struct dh_ingest_source source;

	listener.open = open_late;
	heard_init(&late->heard);
	late->script = script;
	atomic_init(&late->opened, 0);
	dh_ingest_source_init(&source);
	source.count = 1;
	source.names[0] = "live";
	source.is_opened_late = true;
	source.owner = owner;
	source.is_next = is_next;
	CHECK_INT(dh_ingest_subscribe(fixture->ingest, &source, &listener, late, &late->heard.subscription), 0);
}

static void test_opened_with_a_worker(void)
{
	struct late first, second, refuses, leaves;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 1;
	ingest_fixture_open(&fixture);
	listen_late(&fixture, &first, "hang 5", NULL, false);
	AWAIT(&first.heard, first.heard.units >= 15);
	listen_late(&fixture, &second, "good 6", NULL, false);
	listen_late(&fixture, &refuses, NULL, NULL, false);
	listen_late(&fixture, &leaves, "good 7", NULL, false);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting == 3);
	CHECK_INT(atomic_load(&second.opened), 0);
	heard_clear(&leaves.heard);
	heard_clear(&first.heard);
	AWAIT(&second.heard, second.heard.ends + second.heard.failures > 0);
	check_good(&second.heard, 6);
	AWAIT(&refuses.heard, refuses.heard.failures > 0);
	CHECK_INT(refuses.heard.code, DH_PREPARE_INPUT);
	CHECK_STR(refuses.heard.text, "it does not want to");
	CHECK_INT(atomic_load(&first.opened) + atomic_load(&second.opened) + atomic_load(&refuses.opened), 3);
	CHECK_INT(atomic_load(&leaves.opened), 0);
	heard_clear(&second.heard);
	heard_clear(&refuses.heard);
	ingest_fixture_close(&fixture);
}

/* One room queues a lot: another's next sentence does not wait for all of it. */
static void test_rooms_take_turns(void)
{
	static const char rooms[3];
	struct late busy, many[5], promoted, other;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 1;
	ingest_fixture_open(&fixture);
	listen_late(&fixture, &busy, "hang 5", &rooms[0], true);
	AWAIT(&busy.heard, busy.heard.units >= 15);
	for (int i = 0; i < 5; i++)
		listen_late(&fixture, &many[i], "hang 6", &rooms[0], false);
	listen_late(&fixture, &promoted, "good 7", &rooms[1], false);
	listen_late(&fixture, &other, "good 8", &rooms[2], true);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting == 7);
	dh_ingest_set_next(promoted.heard.subscription);
	heard_clear(&busy.heard);
	AWAIT(&other.heard, other.heard.ends > 0);
	AWAIT(&promoted.heard, promoted.heard.ends > 0);
	/* Only then come the ones further ahead. */
	AWAIT(&many[0].heard, many[0].heard.units >= 18);
	for (int i = 1; i < 5; i++)
		CHECK_INT(atomic_load(&many[i].opened), 0);
	for (int i = 0; i < 5; i++)
		heard_clear(&many[i].heard);
	heard_clear(&promoted.heard);
	heard_clear(&other.heard);
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TABLE(test_misdeeds, misdeeds),
	TABLE(test_oddities, oddities),
	TEST(test_confined),
	TEST(test_no_descriptor_is_inherited),
	TEST(test_memory_limit),
	TABLE(test_starts, starts),
	TEST(test_jobs_wait_their_turn),
	TEST(test_program_is_away_for_a_while),
	TEST(test_all_workers_are_killed),
	TEST(test_live_sources_and_files),
	TEST(test_opened_with_a_worker),
	TEST(test_rooms_take_turns),
};

PREPARATION_MAIN(tests)
