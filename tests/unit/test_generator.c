/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators: how they end, that they leave nothing behind, and how much of their
 * standard error is logged. They are shell scripts under the real dh-scope. */
#include "ingest/generator.h"
#include "ingest/generator_log.h"
#include "ingest/log.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *scope, *fetch; /* dh-scope and dh-fetch, where this program was built */
static char marker[60];

static char *environment[] = { marker, NULL };
static char *command[] = { (char *)"/bin/bash", (char *)"-c", NULL, NULL };
static struct dh_generator_config config = {
	.name = (char *)"tester",
	.command = command,
	.environment = environment,
	.max_s = 60,
};

/* --- one of them, and its end */

static struct dh_io *io;
static struct run {
	struct dh_generator *generator;
	const char *user, *voice;
	bool is_text_open;
	int err, output;
	GSource *source;
	bool is_over_told; /* call dh_generator_output_over at the end of the output */
	/* I/O thread only */
	char written[1000];
	size_t length;
	bool is_at_end;
	int ends;
	enum dh_generator_output what;
	char error[500];
} run;

static void generator_ended(void *arg, const char *error, enum dh_generator_output output)
{
	(void)arg;
	run.what = output;
	run.ends++;
	g_strlcpy(run.error, error ? error : "", sizeof run.error);
	dh_generator_free(&run.generator);
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)condition;
	(void)arg;
	if (n > 0 && run.length + (size_t)n < sizeof run.written) {
		memcpy(run.written + run.length, bytes, (size_t)n);
		run.length += (size_t)n;
	}
	if (n > 0)
		return G_SOURCE_CONTINUE;
	dh_io_drop(&run.source);
	run.is_at_end = true;
	if (run.is_over_told && run.generator)
		dh_generator_output_over(run.generator);
	return G_SOURCE_REMOVE;
}

static void start_it(void *arg)
{
	int ends[2] = { -1, -1 };

	(void)arg;
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	const struct dh_generator_spec spec = { .config = &config,
		.url = config.urls ? config.urls[0] : NULL,
		.scope = scope,
		.fetch = fetch,
		.user = run.user,
		.who = "room 1: segment s-1",
		.audio = -1,
		.text = "hello",
		.is_text_open = run.is_text_open,
		.voice = run.voice,
		.scene = { .room = "1", .segment = "s-1", .metadata = "{\"a\":1}", .position_ms = -1 },
		.output = ends[1] };
	run.err = dh_generator_start(&run.generator, io, &spec, generator_ended, NULL);
	close(ends[1]);
	run.output = ends[0];
	if (run.err < 0)
		close(ends[0]);
	else
		run.source = dh_io_watch(io, run.output, G_IO_IN | G_IO_HUP, readable, NULL);
}

static void free_it(void *arg)
{
	(void)arg;
	dh_generator_free(&run.generator);
}

static void copy_run(void *arg)
{
	*(struct run *)arg = run;
}

static struct run look(void)
{
	struct run now;

	dh_io_call(io, copy_run, &now);
	return now;
}

/* Waits until it holds; a test that waits for ever is killed. */
#define AWAIT(condition) \
	do { \
		while (!(condition)) \
			usleep(2000); \
	} while (0)

static void start(const char *script)
{
	command[2] = (char *)script;
	dh_io_call(io, start_it, NULL);
	CHECK_INT(run.err, 0);
}

static void open_io(void)
{
	memset(&run, 0, sizeof run);
	run.is_over_told = true;
	CHECK_INT(dh_io_alloc(&io), 0);
}

static void drop_output(void *arg)
{
	(void)arg;
	dh_io_drop(&run.source);
	close(run.output);
}

static void close_io(void)
{
	dh_io_call(io, drop_output, NULL);
	dh_io_free(&io);
}

/* --- whoever has the marker in the environment */

static bool is_marked(const char *pid)
{
	char path[300], text[4096];
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, "/proc/%s/environ", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, sizeof text, file);
	fclose(file);
	return memmem(text, n, marker, strlen(marker)) != NULL;
}

static int count_marked(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(folder)))
		n += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_marked(entry->d_name);
	closedir(folder);
	return n;
}

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
	struct run now;

	open_io();
	config.max_s = strncmp(row->name, "too late", 8) == 0 ? 1 : 60;
	start(row->script);
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	config.max_s = 60;
	now.written[now.length] = 0;
	CHECK_STR(now.written, row->written);
	CHECK(*row->error ? strstr(now.error, row->error) != NULL : !*now.error, "\"%s\"", now.error);
	AWAIT(count_marked() == 0);
	close_io();
}

/* It has none of root's privileges. */
static void test_user(void)
{
	struct run now;

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
	CHECK(strstr(now.error, "code 126"), "%s", now.error);
	close_io();
}

static void test_scene(void)
{
	struct run now;

	open_io();
	run.voice = "ada";
	start("echo $DH_ROOM,$DH_SEGMENT,$DH_VOICE,$DH_METADATA,$DH_CLIP,${DH_POSITION_MS-none}");
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	now.written[now.length] = 0;
	CHECK_STR(now.written, "1,s-1,ada,{\"a\":1},,none\n");
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
	struct run now;

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
	start("echo; sleep 0.3; exit 0");
	AWAIT(look().length > 0);
	dh_io_call(io, add_more, much);
	AWAIT((now = look(), now.ends > 0 && now.is_at_end));
	CHECK_STR(now.error, "");
	close_io();
	g_free(much);
}

static void test_memory(void)
{
	struct run now;

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
} survivors[] = {
	{ "alone", "echo; sleep 1000" },
	{ "stopped", "echo; kill -STOP $$" },
	{ "another session", "setsid sleep 1000 & echo; wait" },
	{ "orphans", "(setsid setsid sleep 1000 &); (sleep 1000 &); echo; sleep 1000" },
	{ "deaf", "trap '' TERM HUP INT; (trap '' TERM; setsid sleep 1000 &) ; echo; while :; do sleep 1000; done" },
	{ "fruitful", "echo; while :; do (setsid sleep 1000 &); done" },
	{ "its scope stopped", "echo; kill -STOP $PPID; sleep 1000" },
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
	CHECK(count_marked() > 0);
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
	{ "its scope stopped for good", "setsid sleep 1000 & echo; while :; do kill -STOP $PPID; done" },
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
	CHECK(count_marked() > 0);
	kill(gateway, SIGKILL);
	waitpid(gateway, NULL, 0);
	AWAIT(count_marked() == 0);
}

/* --- the log */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static GString *logged; /* lines; protected by log_lock */

static void keep(enum dh_log_level level, const char *text)
{
	(void)level;
	pthread_mutex_lock(&log_lock);
	g_string_append_printf(logged, "%s\n", text);
	pthread_mutex_unlock(&log_lock);
}

static bool has_logged(const char *text)
{
	bool has;

	pthread_mutex_lock(&log_lock);
	has = strstr(logged->str, text) != NULL;
	pthread_mutex_unlock(&log_lock);
	return has;
}

static void begin_log(void)
{
	logged = g_string_new(NULL);
	dh_log_set(keep);
}

static void end_log(void)
{
	dh_log_set(NULL);
	g_string_free(logged, TRUE);
}

/* A generator whose output has ended keeps its grace period when it is freed, and its end
 * is logged. */
static void test_grace(void)
{
	begin_log();
	open_io();
	start("echo; exec >&-; sleep 0.3; echo late words >&2; exit 6");
	AWAIT(look().is_at_end);
	dh_io_call(io, free_it, NULL);
	AWAIT(has_logged("after its output: the generator ended with code 6"));
	CHECK(has_logged("room 1: segment s-1: tester: late words\n"));
	CHECK_INT(look().ends, 0);
	close_io();
	/* It gets no longer than that. */
	open_io();
	start("echo; exec >&-; sleep 1000");
	AWAIT(look().is_at_end);
	dh_io_call(io, free_it, NULL);
	AWAIT(has_logged("1000 ms after its output had ended"));
	AWAIT(count_marked() == 0);
	close_io();
	end_log();
}

/* --- its words */

static int count_lines(const char *text, const char *what)
{
	int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void test_words(void)
{
	begin_log();
	open_io();
	start("printf 'one\\ntwo \\033[31m\\302\\233 \\377 red\\r\\n\\n' >&2; "
	      "head -c 5000 /dev/zero | tr '\\0' y >&2; exit 1");
	AWAIT(look().ends > 0);
	close_io();
	CHECK(has_logged("room 1: segment s-1: tester: one\n"), "%s", logged->str);
	CHECK(has_logged("tester: two "));
	for (const char *at = logged->str; *at; at = g_utf8_next_char(at))
		CHECK(*at == '\n' || !g_unichar_iscntrl(g_utf8_get_char(at)), "%s", at);
	CHECK(g_utf8_validate(logged->str, -1, NULL));
	CHECK_INT(count_lines(logged->str, "tester: yyy"), 1);
	CHECK(has_logged("yyy…"));
	CHECK(has_logged("4600 bytes of its standard error are left out, 0 whole lines"));
	end_log();
}

/* 10 MB and more, in lines of equal length, as fast as they come. */
static void test_flood(void)
{
	char notice[100];
	int lines, seconds;
	int64_t begin_us = g_get_monotonic_time();

	begin_log();
	open_io();
	start("yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678"
	      " | head -n 131072 >&2");
	AWAIT(look().ends > 0);
	close_io();
	seconds = (int)((g_get_monotonic_time() - begin_us) / G_USEC_PER_SEC) + 1;
	lines = count_lines(logged->str, "tester: 0123");
	CHECK(lines > 0 && lines <= DH_GENERATOR_LINES && lines <= seconds * DH_GENERATOR_LINES_PER_S, "%d in %d s",
		lines, seconds);
	if (seconds <= 1) {
		snprintf(notice, sizeof notice, "%d bytes of its standard error are left out, %d whole lines",
			(131072 - lines) * 82, 131072 - lines);
		CHECK(has_logged(notice), "%s", logged->str);
	}
	CHECK(logged->len < 100 * 1024, "%zu", logged->len);
	CHECK(has_logged("left out"));
	end_log();
}

/* Over a long time: this many in total. */
static void test_many_words(void)
{
	begin_log();
	open_io();
	start("for i in {1..13}; do yes word | head -n 20 >&2; sleep 1.01; done");
	AWAIT(look().ends > 0);
	close_io();
	CHECK_INT(count_lines(logged->str, "tester: word"), DH_GENERATOR_LINES);
	end_log();
}

static void test_absent(void)
{
	static char *absent[] = { (char *)"/nonexistent/speak", NULL };

	open_io();
	config.command = absent;
	dh_io_call(io, start_it, NULL);
	config.command = command;
	CHECK_INT(run.err, -ENOENT);
	dh_io_free(&io);
}

static const struct check_test tests[] = {
	TABLE(test_ending, endings),
	TEST(test_user),
	TEST(test_scene),
	TEST(test_open_text),
	TEST(test_memory),
	TABLE(test_freed, survivors),
	TABLE(test_end_of_all, survivors),
	TABLE(test_freed, deaf_scopes),
	TABLE(test_end_of_all, deaf_scopes),
	TABLE(test_gateway_dies, survivors),
	TEST(test_grace),
	TEST(test_words),
	TEST(test_flood),
	TEST(test_many_words),
	TEST(test_absent),
};

int main(int argc, char **argv)
{
	char *program = g_file_read_link("/proc/self/exe", NULL);
	char *folder = g_path_get_dirname(program);
	int status;

	snprintf(marker, sizeof marker, "DH_TEST_MARKER=%d-%" PRId64, (int)getpid(), g_get_monotonic_time());
	scope = g_build_filename(folder, "..", "..", "dh-scope", NULL);
	fetch = g_build_filename(folder, "..", "..", "dh-fetch", NULL);
	status = CHECK_MAIN(argc, argv, tests);
	g_free(scope);
	g_free(fetch);
	g_free(folder);
	g_free(program);
	return status;
}
