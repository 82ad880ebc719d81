/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators: how they end, and that they leave nothing behind. */
#include "tests/support/generator_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- ends */

static const struct ending {
	const char *name, *script, *written, *error;
} endings[] = {
	{ "well", "cat", "hello", "" },
	{ "with a code", "echo -n x; exit 3", "x", "ended with code 3" },
	{ "by a signal", "kill -SEGV $$", "", "ended by signal 11" },
	{ "kills its group", "echo -n x; trap '' TERM; kill -TERM 0; exit 0", "x", "" },
	{ "not a program", "exec /bin/bash/nothing", "", "ended with code 126" },
	{ "too late", "sleep 1000", "", "took longer than 1 s" },
	{ "too late, stopped", "kill -STOP $$", "", "took longer than 1 s" },
	{ "its output lingers", "echo -n x; sleep 1000 & exit 0", "x", "" },
	{ "its output lingers afar", "echo -n x; setsid sleep 1000 & exit 0", "x", "" },
	{ "that, and it failed", "setsid sleep 1000 & exit 4", "", "ended with code 4" },
	{ "it lingers", "echo -n x; exec >&-; sleep 1000", "x", "" },
	{ "it lingers, stopped", "echo -n x; exec >&-; kill -STOP $$", "x", "" },
	{ "it lingers, deaf", "trap '' TERM HUP INT; exec >&-; while :; do sleep 1000; done", "", "" },
	{ "its scope is killed",
		"setsid sleep 1000 & (setsid setsid sleep 1000 &); echo -n x; kill -9 $PPID; sleep 1000", "x",
		"ended by signal 9" },
	{ "its scope is killed by an orphan", "(setsid bash -c \"sleep 0.1; kill -9 $PPID; sleep 1000\" &); sleep 1000",
		"", "ended by signal 9" },
	{ "a family", "for i in 1 2 3; do (setsid bash -c 'setsid sleep 1000 & sleep 1000' &) ; done; exec >&-; exit 5",
		"", "ended with code 5" },
};

static void test_ending(const void *arg)
{
	const struct ending *row = arg;
	struct generator_run now;

	open_io();
	config.max_s = strncmp(row->name, "too late", 8) == 0 ? 1 : 60;
	/* The error says how it ended, unless it had to be killed. */
	atomic_store(&is_patient, *row->error && config.max_s > 1);
	start(row->script);
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	config.max_s = 60;
	now.written[now.length] = 0;
	CHECK_STR(now.written, row->written);
	CHECK(*row->error ? strstr(now.error, row->error) != NULL : !*now.error, "\"%s\"", now.error);
	AWAIT(count_marked() == 0);
	close_io();
}

/* --- held for longer than it may take */

static const struct held {
	const char *name, *script;
	bool is_released;
	const char *written, *error;
} holds[] = {
	{ "it finishes", "sleep 1.5; cat", false, "hello", "" },
	{ "its time goes on afterwards", "sleep 1000", true, "", "took longer than 1 s" },
};

static void start_held(void *arg)
{
	start_it(arg);
	if (run.err == 0)
		dh_generator_hold(run.generator, true);
}

static void release(void *arg)
{
	(void)arg;
	dh_generator_hold(run.generator, false);
}

static void test_held(const void *arg)
{
	const struct held *row = arg;
	struct generator_run now;

	open_io();
	config.max_s = 1;
	command[2] = (char *)row->script;
	dh_io_call(io, start_held, NULL);
	config.max_s = 60;
	CHECK_INT(run.err, 0);
	if (row->is_released) {
		usleep(1500 * 1000);
		CHECK_INT(look().ends, 0);
		dh_io_call(io, release, NULL);
	}
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	now.written[now.length] = 0;
	CHECK_STR(now.written, row->written);
	CHECK(*row->error ? strstr(now.error, row->error) != NULL : !*now.error, "\"%s\"", now.error);
	close_io();
}

/* It has none of root's privileges. */
static void test_user(void)
{
	struct generator_run now;

	if (geteuid() != 0)
		CHECK_SKIP("only root can become somebody else");
	open_io();
	run.user = "nobody";
	start("id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; nice");
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	now.written[now.length] = 0;
	CHECK_STR(now.written, "65534\n65534\n65534\nNoNewPrivs:\t1\n5\n");
	close_io();
	open_io();
	run.user = "nobody-of-that-name";
	start("id");
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	CHECK_INT(now.length, 0);
	CHECK(strstr(now.error, "the generator cannot be started: no such user"), "%s", now.error);
	close_io();
}

static void test_scene(void)
{
	struct generator_run now;

	open_io();
	run.voice = "ada";
	start("echo $DH_ROOM,$DH_SEGMENT,$DH_VOICE,$DH_METADATA,$DH_CLIP,${DH_POSITION_MS-none},${DH_THUMBNAIL-none}");
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	now.written[now.length] = 0;
	CHECK_STR(now.written, "1,s-1,ada,{\"a\":1},,none,none\n");
	close_io();
}

static int64_t used_us(void)
{
	struct rusage use;

	getrusage(RUSAGE_CHILDREN, &use);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * INT64_C(1000000) + use.ru_utime.tv_usec +
		use.ru_stime.tv_usec;
}

/* While it waits, so does its scope. */
static void test_idle(void)
{
	int64_t before_us = used_us();

	open_io();
	start("sleep 2");
	AWAIT(look().ends > 0);
	CHECK(used_us() - before_us < 1000000, "%" PRId64, used_us() - before_us);
	close_io();
}

static void add_more(void *arg)
{
	dh_generator_add_text(run.generator, arg, false);
}

static void add_last(void *arg)
{
	dh_generator_add_text(run.generator, arg, true);
}

/* More than its socket holds, while it does not read. */
static void test_open_text(void)
{
	char *much = g_strnfill(1000000, 'x');
	struct generator_run now;

	open_io();
	run.is_text_open = true;
	start("read -N 5 first; echo $first; sleep 0.3; wc -c");
	AWAIT(look().length > 0);
	dh_io_call(io, add_more, much);
	dh_io_call(io, add_last, (char *)"end");
	dh_io_call(io, add_more, (char *)"it has ended");
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	now.written[now.length] = 0;
	CHECK_STR(now.written, "hello\n1000003\n");
	CHECK_STR(now.error, "");
	close_io();
	/* It may end without reading all of it. */
	open_io();
	run.is_text_open = true;
	start("echo; read -N 100; exit 0");
	AWAIT(look().length > 0);
	dh_io_call(io, add_more, much);
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	CHECK_STR(now.error, "");
	close_io();
	g_free(much);
}

static void test_memory(void)
{
	struct generator_run now;

	open_io();
	config.memory_mb = 50;
	start("ulimit -d");
	config.memory_mb = 0;
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	now.written[now.length] = 0;
	CHECK_STR(now.written, "51200\n");
	close_io();
}

/* --- freed while it runs: nothing is left, whatever it made of itself */

static const struct survivor {
	const char *name, *script;
	bool stops; /* one of them */
} survivors[] = {
	{ "alone", "echo; sleep 1000", false },
	{ "stopped", "echo; kill -STOP $$", true },
	{ "another session", "setsid sleep 1000 & echo; wait", false },
	{ "orphans", "(setsid setsid sleep 1000 &); (sleep 1000 &); echo; sleep 1000", false },
	{ "deaf", "trap '' TERM HUP INT; (trap '' TERM; setsid sleep 1000 &) ; echo; while :; do sleep 1000; done",
		false },
	{ "fruitful", "echo; while :; do (setsid sleep 1000 &); done", false },
	{ "its scope stopped", "echo; kill -STOP $PPID; sleep 1000", true },
};

static void await_start(void)
{
	AWAIT(look().length > 0);
}

static void test_freed(const void *arg)
{
	const struct survivor *row = arg;

	open_io();
	start(row->script);
	await_start();
	AWAIT(count_marked() > 0);
	dh_io_call(io, free_it, NULL);
	AWAIT(count_marked() == 0);
	CHECK_INT(look().ends, 0);
	close_io();
}

/* The same at shutdown: only dh_io_free waits for the processes. */
static void test_end_of_all(const void *arg)
{
	const struct survivor *row = arg;

	open_io();
	start(row->script);
	await_start();
	dh_io_call(io, free_it, NULL);
	close_io();
	AWAIT(count_marked() == 0);
}

/* Its scope does not come to kill anything. */
static const struct survivor deaf_scopes[] = {
	{ "its scope stopped for good", "setsid sleep 1000 & echo; while :; do kill -STOP $PPID; done", false },
};

/* The gateway is killed. */
static void test_gateway_dies(const void *arg)
{
	const struct survivor *row = arg;
	int ready[2];
	char byte;
	pid_t gateway;

	CHECK_INT(pipe(ready), 0);
	gateway = fork();
	if (gateway == 0) {
		/* No CHECK here: this is another process. It has a session of its own, as a daemon
		 * has: when it dies, the kernel wakes what is stopped in it. */
		setsid();
		memset(&run, 0, sizeof run);
		command[2] = (char *)row->script;
		if (dh_io_alloc(&io) < 0)
			_exit(1);
		dh_io_call(io, start_it, NULL);
		while (look().length == 0)
			usleep(1000);
		if (write(ready[1], "y", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	/* The kernel wakes only what is stopped by then. */
	AWAIT(row->stops ? count_stopped() > 0 : count_marked() > 0);
	kill(gateway, SIGKILL);
	waitpid(gateway, NULL, 0);
	AWAIT(count_marked() == 0);
}

static void test_absent(void)
{
	static char *absent[] = { (char *)"/nonexistent/speak", NULL };

	open_io();
	config.command = absent;
	dh_io_call(io, start_it, NULL);
	config.command = command;
	CHECK_INT(run.err, 0);
	AWAIT(look().ends > 0);
	CHECK_STR(look().error, "the generator cannot be started: /nonexistent/speak: No such file or directory");
	close_io();
}

static const struct check_test tests[] = {
	TABLE(test_ending, endings),
	TABLE(test_held, holds),
	TEST(test_user),
	TEST(test_scene),
	TEST(test_idle),
	TEST(test_open_text),
	TEST(test_memory),
	TABLE(test_freed, survivors),
	TABLE(test_end_of_all, survivors),
	TABLE(test_freed, deaf_scopes),
	TABLE(test_end_of_all, deaf_scopes),
	TABLE(test_gateway_dies, survivors),
	TEST(test_absent),
};

int main(int argc, char **argv)
{
	return run_generator_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
