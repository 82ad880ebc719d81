/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Child processes. The I/O thread waits for none of them. */
#include "ingest/child.h"
#include "ingest/io.h"
#include "tests/support/check.h"
#include "tests/support/held.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct dh_io *io;
static struct dh_child *child;
static int exits, last_status;
static pid_t child_pid; /* of the last one spawned */

static void exited(void *arg, int status)
{
	(void)arg;
	exits++;
	last_status = status;
}

/* The child of this thread, which has at most one. */
static pid_t newest_child(void)
{
	char path[64];
	pid_t pid = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)gettid());
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &pid) == 1)
		;
	if (file)
		fclose(file);
	return pid;
}

/* --- what the I/O thread does that could take long */

static atomic_int looks, waits; /* whether a process has ended; until it has, or for a time */
static atomic_int reaped;       /* by waitpid */
static _Thread_local bool is_io_thread;

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __real_usleep(useconds_t us);
int __wrap_usleep(useconds_t us);
void __real_g_usleep(gulong us);
void __wrap_g_usleep(gulong us);

static void count(atomic_int *what)
{
	if (is_io_thread)
		atomic_fetch_add(what, 1);
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	count(options & WNOHANG ? &looks : &waits);
	return __real_waitid(type, id, info, options);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	count(options & WNOHANG ? &looks : &waits);
	pid_t found = __real_waitpid(pid, status, options);
	if (is_io_thread && found > 0)
		atomic_fetch_add(&reaped, 1);
	return found;
}

static atomic_bool has_no_pidfds;

long __real_syscall(long number, long a, long b, long c, long d);
long __wrap_syscall(long number, long a, long b, long c, long d);

long __wrap_syscall(long number, long a, long b, long c, long d)
{
	if (number == SYS_pidfd_open && atomic_load(&has_no_pidfds)) {
		errno = EMFILE;
		return -1;
	}
	return __real_syscall(number, a, b, c, d);
}

static _Atomic int64_t later_us; /* than it is */

gint64 __real_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void);

gint64 __wrap_g_get_monotonic_time(void)
{
	return __real_g_get_monotonic_time() + atomic_load(&later_us);
}

int __wrap_usleep(useconds_t us)
{
	count(&waits);
	return __real_usleep(us);
}

void __wrap_g_usleep(gulong us)
{
	count(&waits);
	__real_g_usleep(us);
}

/* --- children */

static void spawn(void *arg)
{
	char *const argv[] = { (char *)"/bin/sh", (char *)"-c", arg, NULL };
	const struct dh_child_spec spec = { .argv = argv, .fds = { -1, -1, -1, -1, -1 } };
	int err = dh_child_spawn(&child, io, &spec, exited, NULL);

	child_pid = err < 0 ? -1 : newest_child();
}

static void kill_it(void *arg)
{
	(void)arg;
	dh_child_kill(child);
}

static void free_it(void *arg)
{
	(void)arg;
	dh_child_free(&child);
}

static void disown_it(void *arg)
{
	(void)arg;
	dh_child_disown(&child);
}

static void mark_thread(void *arg)
{
	(void)arg;
	is_io_thread = true;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void get_exits(void *arg)
{
	*(int *)arg = exits;
}

static int count_exits(void)
{
	int n = 0;

	dh_io_call(io, get_exits, &n);
	return n;
}

static void await_exit(int n)
{
	while (count_exits() < n)
		usleep(2000);
	CHECK_INT(count_exits(), n);
}

static void open_io(void)
{
	exits = 0;
	child = NULL;
	CHECK_INT(dh_io_alloc(&io), 0);
	dh_io_call(io, mark_thread, NULL);
}

static void test_exit_and_kill(void)
{
	open_io();
	dh_io_call(io, spawn, (char *)"exit 7");
	await_exit(1);
	CHECK(WIFEXITED(last_status) && WEXITSTATUS(last_status) == 7, "%d", last_status);
	dh_io_call(io, free_it, NULL);
	dh_io_call(io, spawn, (char *)"kill -STOP $$");
	dh_io_call(io, kill_it, NULL);
	await_exit(2);
	CHECK(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGKILL, "%d", last_status);
	dh_io_call(io, free_it, NULL);
	dh_io_free(&io);
}

struct use {
	bool is_runnable;
	int64_t used_us;
};

static void look_at_use(void *arg)
{
	struct use *use = arg;
	use->is_runnable = dh_child_is_runnable(child, &use->used_us);
}

/* A child that computes differs from one that waits, and from one that is stopped. */
static void test_runnable(void)
{
	static const char *const waiting[] = { "exec sleep 1000", "kill -STOP $$" };
	struct use use = { 0 };

	open_io();
	dh_io_call(io, spawn, (char *)"while :; do :; done");
	while (!use.is_runnable || use.used_us < 50000)
		dh_io_call(io, look_at_use, &use);
	dh_io_call(io, kill_it, NULL);
	await_exit(1);
	dh_io_call(io, look_at_use, &use);
	CHECK(!use.is_runnable);
	dh_io_call(io, free_it, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(waiting); i++) {
		dh_io_call(io, spawn, (char *)waiting[i]);
		int calm = 0;
		while (calm < 50) { /* it starts first */
			dh_io_call(io, look_at_use, &use);
			calm = use.is_runnable ? 0 : calm + 1;
			usleep(2000);
		}
		CHECK(use.used_us < 1000000, "%" PRId64, use.used_us);
		dh_io_call(io, free_it, NULL);
	}
	dh_io_free(&io);
}

static bool is_zombie(pid_t pid)
{
	char path[64], text[200] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof text, file))
		text[0] = 0;
	fclose(file);
	return strstr(text, ") Z") != NULL;
}

/* Freed, or killed but not yet reapable: meanwhile the thread serves others. */
static const struct held {
	const char *name;
	void (*end)(void *);
	int exits;
} helds[] = {
	{ "freed", free_it, 0 },
	{ "killed", kill_it, 1 },
};

static void test_held(const void *arg)
{
	const struct held *row = arg;
	int let_go = -1;
	pid_t pid, tracer;

	if (!can_hold())
		CHECK_SKIP("processes cannot be traced here");
	open_io();
	dh_io_call(io, spawn, (char *)"exec sleep 1000");
	pid = child_pid;
	CHECK(pid > 0);
	tracer = hold(&pid, 1, &let_go);
	CHECK(tracer > 0);
	atomic_store(&waits, 0);
	dh_io_call(io, row->end, NULL);
	while (!is_zombie(pid))
		usleep(1000);
	atomic_store(&looks, 0);
	while (atomic_load(&looks) < 4)
		dh_io_call(io, nothing, NULL);
	CHECK_INT(count_exits(), 0);
	CHECK(is_zombie(pid));
	CHECK_INT(atomic_load(&waits), 0);
	release_held(tracer, let_go);
	while (kill(pid, 0) == 0)
		usleep(2000);
	await_exit(row->exits);
	if (row->exits)
		dh_io_call(io, free_it, NULL);
	dh_io_free(&io);
}

/* The thread ends although a process does not; the process is left behind. */
static void test_end_beside_a_held_process(void)
{
	int let_go = -1;
	pid_t pid, tracer;

	if (!can_hold())
		CHECK_SKIP("processes cannot be traced here");
	open_io();
	dh_io_call(io, spawn, (char *)"exec sleep 1000");
	pid = child_pid;
	tracer = hold(&pid, 1, &let_go);
	CHECK(tracer > 0);
	dh_io_call(io, free_it, NULL);
	int64_t begin_us = g_get_monotonic_time();
	dh_io_free(&io);
	begin_us = g_get_monotonic_time() - begin_us;
	CHECK(begin_us >= DH_IO_LEFT_MS * 1000, "%d us", (int)begin_us);
	release_held(tracer, let_go);
	waitpid(pid, NULL, 0);
}

/* It goes on when the thread has ended, and ends by itself. */
static void test_disowned(void)
{
	int status = 0;

	open_io();
	dh_io_call(io, spawn, (char *)"kill -STOP $$; exit 7");
	pid_t pid = child_pid;
	dh_io_call(io, disown_it, NULL);
	CHECK(!child, "it is kept");
	dh_io_free(&io);
	CHECK_INT(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status), "%d", status);
	kill(pid, SIGCONT);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7, "%d", status);
	CHECK_INT(exits, 0);
}

static void sleep_300_ms(void *arg)
{
	(void)arg;
	g_usleep(300000);
}

static void test_longest_turn(void)
{
	open_io();
	dh_io_call(io, nothing, NULL);
	dh_io_call(io, sleep_300_ms, NULL);
	dh_io_call(io, nothing, NULL);
	/* whoever else asks */
	for (int i = 0; i < 2; i++)
		CHECK(dh_io_longest_turn_us(io) >= 300000);
	/* until the next window is over, even if nothing happens in it */
	atomic_store(&later_us, DH_IO_WINDOW_S * G_USEC_PER_SEC);
	CHECK(dh_io_longest_turn_us(io) >= 300000);
	atomic_store(&later_us, 2 * DH_IO_WINDOW_S * G_USEC_PER_SEC);
	CHECK(dh_io_longest_turn_us(io) < 300000);
	atomic_store(&later_us, 0);
	dh_io_free(&io);
}

static void try_to_spawn(void *arg)
{
	char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)"exec sleep 1000", NULL };
	const struct dh_child_spec spec = { .argv = argv, .fds = { -1, -1, -1, -1, -1 } };

	*(int *)arg = dh_child_spawn(&child, io, &spec, exited, NULL);
}

/* It is killed and reaped all the same, and the I/O thread waits for nothing meanwhile. */
static void test_no_pidfd(void)
{
	int err = 0;

	open_io();
	atomic_store(&reaped, 0);
	atomic_store(&waits, 0);
	atomic_store(&has_no_pidfds, true);
	dh_io_call(io, try_to_spawn, &err);
	atomic_store(&has_no_pidfds, false);
	CHECK_INT(err, -EMFILE);
	int end = 3000;
	while (atomic_load(&reaped) == 0 && end-- > 0)
		__real_usleep(10000);
	CHECK_INT(atomic_load(&reaped), 1);
	CHECK_INT(atomic_load(&waits), 0);
	dh_io_free(&io);
}

static void fork_and_adopt(void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(100);
		for (;;)
			pause();
	}
	*(int *)arg = pid < 0 ? -errno : dh_child_adopt(&child, io, pid, exited, NULL);
}

/* The same where somebody else has made it. */
static void test_adopted_without_a_pidfd(void)
{
	int err = 0;

	open_io();
	atomic_store(&reaped, 0);
	atomic_store(&waits, 0);
	atomic_store(&has_no_pidfds, true);
	dh_io_call(io, fork_and_adopt, &err);
	atomic_store(&has_no_pidfds, false);
	CHECK_INT(err, -EMFILE);
	int end = 3000;
	while (atomic_load(&reaped) == 0 && end-- > 0)
		__real_usleep(10000);
	CHECK_INT(atomic_load(&reaped), 1);
	CHECK_INT(atomic_load(&waits), 0);
	dh_io_free(&io);
}

static void adopt(void *arg)
{
	int *pid = arg;

	*pid = dh_child_adopt(&child, io, *pid, exited, NULL);
}

/* A program that somebody else watches, named by mistake: it is left alone. */
static void test_adopted_by_mistake(void)
{
	char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)"exec sleep 1000", NULL };
	const struct dh_child_spec spec = { .argv = argv, .fds = { -1, -1, -1, -1, -1 } };
	pid_t pid = 0;
	int status = 0, pidfd, err;

	open_io();
	pidfd = dh_child_start(&pid, io, &spec);
	CHECK(pidfd >= 0);
	close(pidfd);
	err = pid;
	dh_io_call(io, adopt, &err);
	CHECK_INT(err, -EACCES);
	CHECK(!child);
	CHECK_INT(kill(pid, SIGTERM), 0);
	while (!is_zombie(pid) && kill(pid, 0) == 0)
		__real_usleep(1000);
	dh_io_free(&io); /* what it is to reap, it has reaped by then */
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "%d", status);
}

static atomic_int group_kills;

int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);

int __wrap_kill(pid_t pid, int number)
{
	if (pid < 0)
		atomic_fetch_add(&group_kills, 1);
	return __real_kill(pid, number);
}

static void reap_and_kill(void *arg)
{
	spawn(arg);
	waitpid(child_pid, NULL, 0);
	dh_child_kill(child);
}

/* Its id may then belong to somebody else. */
static void test_reaped_by_someone_else(void)
{
	open_io();
	atomic_store(&group_kills, 0);
	dh_io_call(io, reap_and_kill, (char *)"exit 7");
	await_exit(1);
	CHECK_INT(last_status, -1);
	CHECK_INT(atomic_load(&group_kills), 0);
	dh_io_call(io, free_it, NULL);
	dh_io_free(&io);
}

static const struct check_test tests[] = {
	TEST(test_exit_and_kill),
	TEST(test_runnable),
	TABLE(test_held, helds),
	TEST(test_end_beside_a_held_process),
	TEST(test_disowned),
	TEST(test_longest_turn),
	TEST(test_no_pidfd),
	TEST(test_adopted_without_a_pidfd),
	TEST(test_adopted_by_mistake),
	TEST(test_reaped_by_someone_else),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
