/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers are shared: jobs wait for them in turn, files and live sources have places of
 * their own, and rooms take turns. The worker is tests/support/fake_worker. */
#include "tests/support/ingest_fixture.h"

#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>

/* --- jobs wait for workers */

/* Adds a job and returns when its turn is fixed: several threads inspect files. */
static void add_job(struct ingest_fixture *fixture, struct heard *heard, const char *script)
{
	struct dh_ingest_stats stats = ingest_fixture_stats(fixture);
	uint64_t before = stats.jobs;

	listen_to(fixture, heard, script);
	AWAIT_STATS(fixture, stats, stats.jobs == before + 1);
}

static void check_waiting(struct ingest_fixture *fixture, const struct heard *heard, int count)
{
	struct dh_ingest_stats stats = ingest_fixture_stats(fixture);

	CHECK_INT(stats.workers_busy, 3);
	CHECK_INT(stats.jobs_waiting, count);
	for (int i = 0; i < count; i++)
		CHECK_INT(heard[i].heads, 0);
}

/* Three run, and hang. Each of the others begins only when one of those is abandoned. */
static void test_jobs_wait_their_turn(void)
{
	struct heard heard[7];
	struct ingest_fixture fixture;
	char script[20];

	ingest_fixture_init(&fixture);
	fixture.config.max_workers = 3;
	fixture.config.orphans_max = 0;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 4; i++) {
		snprintf(script, sizeof script, "hang %d", 20 + i);
		add_job(&fixture, &heard[i], script);
		if (i == 3) {
			check_waiting(&fixture, &heard[3], 1);
			heard_clear(&heard[0]);
		}
		AWAIT(&heard[i], heard[i].units >= (size_t)(20 + i) * 3);
	}
	for (int i = 4; i < 7; i++) {
		snprintf(script, sizeof script, "good %d", 20 + i);
		add_job(&fixture, &heard[i], script);
	}
	check_waiting(&fixture, &heard[4], 3);
	for (int i = 1; i < 4; i++)
		heard_clear(&heard[i]);
	for (int i = 4; i < 7; i++) {
		AWAIT(&heard[i], heard[i].ends + heard[i].failures > 0);
		check_good(&heard[i], 20 + i);
		heard_clear(&heard[i]);
	}
	ingest_fixture_close(&fixture);
}

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

static atomic_int starts; /* of workers, tried */

int __real_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);

int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	if (argv[1] && strcmp(argv[1], "--fork-server") == 0)
		atomic_fetch_add(&starts, 1);
	return __real_posix_spawnp(pid, file, actions, attributes, argv, envp);
}

/* As in an upgrade. All jobs outlive a start that fails: the second one is tried after the I/O
 * thread has seen the first fail. */
static void test_program_is_away_for_a_while(void)
{
	struct heard heard[WAITING];
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	char away[120];
	int before;

	ingest_fixture_init(&fixture);
	snprintf(away, sizeof away, "%s.away", fixture.worker);
	CHECK_INT(rename(fixture.worker, away), 0);
	ingest_fixture_open(&fixture);
	listen_to_many(&fixture, heard);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting == WAITING);
	before = atomic_load(&starts);
	AWAIT_STATS(&fixture, stats, atomic_load(&starts) >= before + 2);
	CHECK_INT(stats.jobs_waiting, WAITING);
	for (int i = 0; i < WAITING; i++)
		CHECK_INT(heard[i].failures, 0);
	CHECK_INT(rename(away, fixture.worker), 0);
	check_all_good(heard);
	ingest_fixture_close(&fixture);
}

/* Not dh-open: that costs whoever waits for it. */
static bool is_worker(int pid)
{
	char path[40], *name = NULL;
	bool is = false;

	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	if (g_file_get_contents(path, &name, NULL, NULL))
		is = strcmp(name, "worker\n") == 0;
	g_free(name);
	return is;
}

/* Whether it has a file of that name open. */
static bool works_at(int pid, const char *name)
{
	char path[60], target[300];

	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
		ssize_t n = readlink(path, target, sizeof target - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (g_str_has_suffix(target, name))
			return true;
	}
	return false;
}

static int killed[20], killed_count;

static void kill_it(int pid)
{
	CHECK(killed_count < 20);
	killed[killed_count++] = pid;
	kill(pid, SIGKILL);
}

static void kill_if_idle(int pid)
{
	if (is_worker(pid) && !works_at(pid, "/hang 5"))
		kill_it(pid);
}

static void kill_if_busy(int pid)
{
	if (is_worker(pid) && works_at(pid, "/hang 5"))
		kill_it(pid);
}

/* Until the I/O thread knows that they are gone. */
static void await_killed(void)
{
	double end = now_ms() + AWAIT_S * 1e3;

	for (int i = 0; i < killed_count; i++) {
		while (kill(killed[i], 0) == 0 && now_ms() < end)
			usleep(1000);
		CHECK(kill(killed[i], 0) < 0);
	}
}

/* As the kernel does when memory is short: it costs the one job that a killed worker had, and no other. */
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
	killed_count = 0;
	/* The idle ones first, or one of them might get the next job before its turn to die. */
	each_child(kill_if_idle);
	CHECK(killed_count >= 2, "%d killed", killed_count);
	await_killed();
	int idle = killed_count;
	each_child(kill_if_busy);
	CHECK_INT(killed_count - idle, 1);
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

/* Files and live sources have places of their own. */
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
	/* Files are not held up. */
	listen_to(&fixture, &file, "good 20");
	AWAIT(&file, file.ends + file.failures > 0);
	check_good(&file, 20);
	heard_clear(&file);
	/* A hanging file occupies the only place for files: live sources are not held up. */
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

/* A source that is opened only when it has its worker. */
struct late {
	struct heard heard;           /* must be first: it is the listener's argument */
	const char *script;           /* NULL: it cannot be opened */
	atomic_int opened, no_places; /* how often it heard that there is none */
	struct dh_live_wait wait;
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

static void hear_no_place(void *arg, const struct dh_live_wait *wait)
{
	struct late *late = arg;

	pthread_mutex_lock(&late->heard.lock);
	late->wait = *wait;
	atomic_fetch_add(&late->no_places, 1);
	pthread_cond_broadcast(&late->heard.change);
	pthread_mutex_unlock(&late->heard.lock);
}

static void listen_late(struct ingest_fixture *fixture, struct late *late, const char *script, const void *owner,
	bool is_next)
{
	struct dh_ingest_listener listener = hear;
	struct dh_ingest_source source;

	listener.open = open_late;
	listener.no_place = hear_no_place;
	heard_init(&late->heard);
	late->script = script;
	atomic_init(&late->opened, 0);
	atomic_init(&late->no_places, 0);
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

/* One room queues a lot: another room's next sentence does not wait for all of it. */
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
	/* Only then come the segments further ahead. */
	AWAIT(&many[0].heard, many[0].heard.units >= 18);
	for (int i = 1; i < 5; i++)
		CHECK_INT(atomic_load(&many[i].opened), 0);
	for (int i = 0; i < 5; i++)
		heard_clear(&many[i].heard);
	heard_clear(&promoted.heard);
	heard_clear(&other.heard);
	ingest_fixture_close(&fixture);
}

/* Media that one room will play later leave workers for what others play next, and for its own. */
static void test_rooms_have_shares(void)
{
	static const char rooms[3];
	struct late many[6], others[2], next;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 4;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 6; i++)
		listen_late(&fixture, &many[i], "hang 5", &rooms[0], false);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting + stats.workers_live == 6 && stats.workers_live >= 2);
	for (int i = 0; i < 2; i++)
		listen_late(&fixture, &others[i], "hang 6", &rooms[1], false);
	AWAIT(&others[0].heard, others[0].heard.units >= 18);
	listen_late(&fixture, &next, "good 7", &rooms[2], true);
	AWAIT(&next.heard, next.heard.ends > 0);
	CHECK_INT(atomic_load(&many[0].opened) + atomic_load(&many[1].opened), 2);
	for (int i = 2; i < 6; i++)
		CHECK_INT(atomic_load(&many[i].opened), 0);
	CHECK_INT(atomic_load(&others[1].opened), 0);
	/* Its own turn comes without an end of another one. */
	dh_ingest_set_next(others[1].heard.subscription);
	AWAIT(&others[1].heard, others[1].heard.units >= 18);
	for (int i = 0; i < 6; i++)
		heard_clear(&many[i].heard);
	for (int i = 0; i < 2; i++)
		heard_clear(&others[i].heard);
	heard_clear(&next.heard);
	ingest_fixture_close(&fixture);
}

/* A room that has its share hears so while others still get places, until there are none. The log hears of either,
 * once. */
static void test_no_place_is_told_once(void)
{
	static const char rooms[2];
	struct late many[5], other, last, ahead;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 4;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 5; i++)
		listen_late(&fixture, &many[i], "hang 5", &rooms[0], true);
	for (int i = 3; i < 5; i++) {
		AWAIT(&many[i].heard, atomic_load(&many[i].no_places) > 0);
		CHECK(many[i].wait.is_share);
		CHECK_INT(many[i].wait.limit, 3);
	}
	listen_late(&fixture, &other, "hang 6", &rooms[1], true);
	AWAIT(&other.heard, other.heard.units >= 18);
	listen_late(&fixture, &last, "good 7", &rooms[1], true);
	AWAIT(&last.heard, atomic_load(&last.no_places) > 0);
	CHECK(!last.wait.is_share);
	CHECK_INT(last.wait.limit, 4);
	listen_late(&fixture, &ahead, "good 8", &rooms[1], false);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting == 4);
	heard_clear(&other.heard);
	AWAIT(&last.heard, last.heard.ends > 0);
	AWAIT(&ahead.heard, ahead.heard.ends > 0);
	for (int i = 0; i < 5; i++)
		CHECK_INT(atomic_load(&many[i].no_places), i >= 3);
	CHECK_INT(atomic_load(&other.no_places) + atomic_load(&ahead.no_places), 0);
	CHECK_INT(atomic_load(&last.no_places), 1);
	CHECK_INT(many[3].wait.is_for_log + many[4].wait.is_for_log, 1);
	CHECK(last.wait.is_for_log);
	for (int i = 0; i < 5; i++)
		heard_clear(&many[i].heard);
	heard_clear(&last.heard);
	heard_clear(&ahead.heard);
	ingest_fixture_close(&fixture);
}

/* Where neither its room nor the gateway has another place, it is its room's share that goes on when others end. */
static void test_share_and_no_place(void)
{
	static const char rooms[2];
	struct late many[4], other;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 4;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 3; i++)
		listen_late(&fixture, &many[i], "hang 5", &rooms[0], true);
	listen_late(&fixture, &other, "hang 6", &rooms[1], true);
	AWAIT_STATS(&fixture, stats, stats.workers_live == 4);
	listen_late(&fixture, &many[3], "good 7", &rooms[0], true);
	AWAIT(&many[3].heard, atomic_load(&many[3].no_places) > 0);
	CHECK(many[3].wait.is_share);
	CHECK_INT(many[3].wait.limit, 3);
	heard_clear(&other.heard);
	AWAIT_STATS(&fixture, stats, stats.workers_live == 3);
	CHECK_INT(stats.jobs_waiting, 1);
	heard_clear(&many[0].heard);
	AWAIT(&many[3].heard, many[3].heard.ends > 0);
	for (int i = 1; i < 4; i++)
		heard_clear(&many[i].heard);
	ingest_fixture_close(&fixture);
}

/* Everybody who waits hears of it; the log, as often as it is to. */
static void test_log_hears_again(void)
{
	struct ingest_fixture fixture;
	struct late first, waits[3];

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 1;
	fixture.config.wait_log_ms = 0;
	ingest_fixture_open(&fixture);
	listen_late(&fixture, &first, "hang 5", NULL, true);
	AWAIT(&first.heard, first.heard.units >= 15);
	for (int i = 0; i < 3; i++) {
		listen_late(&fixture, &waits[i], "good 6", NULL, true);
		AWAIT(&waits[i].heard, atomic_load(&waits[i].no_places) > 0);
		CHECK(waits[i].wait.is_for_log);
		heard_clear(&waits[i].heard);
	}
	heard_clear(&first.heard);
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_jobs_wait_their_turn),
	TEST(test_program_is_away_for_a_while),
	TEST(test_all_workers_are_killed),
	TEST(test_live_sources_and_files),
	TEST(test_opened_with_a_worker),
	TEST(test_rooms_take_turns),
	TEST(test_rooms_have_shares),
	TEST(test_no_place_is_told_once),
	TEST(test_share_and_no_place),
	TEST(test_log_hears_again),
};

PREPARATION_MAIN(tests)
