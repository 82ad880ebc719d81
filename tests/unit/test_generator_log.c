/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators: how much of their standard error is logged, and what is logged of their end. */
#include "ingest/generator_log.h"
#include "ingest/log.h"
#include "tests/support/generator_rig.h"
#include "tests/support/temp_folder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>

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

/* The log's clock: how far it is ahead; where it stands, or 0. */
static _Atomic gint64 later_us, frozen_us;

gint64 __real_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void);

gint64 __wrap_g_get_monotonic_time(void)
{
	gint64 us = atomic_load(&frozen_us);

	return us ? us : __real_g_get_monotonic_time() + atomic_load(&later_us);
}

/* A generator whose output has ended keeps its grace period when it is freed, and its end
 * is logged. */
static void test_grace(void)
{
	char folder[TEMP_FOLDER_SIZE];
	CHECK_INT(temp_folder_make(folder), 0);
	char *sign = g_build_filename(folder, "freed", NULL);
	char *script =
		g_strdup_printf("echo; exec >&-; until [ -e '%s' ]; do sleep 0.01; done; echo late words >&2; exit 6",
			sign);

	begin_log();
	open_io();
	atomic_store(&is_patient, true);
	start(script);
	AWAIT(look().is_at_end);
	dh_io_call(io, free_it, NULL);
	CHECK(g_file_set_contents(sign, "", 0, NULL));
	AWAIT(has_logged("after its output: the generator ended with code 6"));
	CHECK(has_logged("room 1: segment s-1: tester: late words\n"));
	CHECK_INT(look().ends, 0);
	close_io();
	unlink(sign);
	rmdir(folder);
	g_free(script);
	g_free(sign);
	end_log();
}

/* It gets no longer than that. */
static void test_end_of_grace(void)
{
	begin_log();
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

/* All of them within a second. */
static void test_words(void)
{
	begin_log();
	open_io();
	atomic_store(&frozen_us, g_get_monotonic_time());
	start("printf 'one\\ntwo \\033[31m\\302\\233 \\377 red\\r\\n\\n' >&2; "
	      "head -c 5000 /dev/zero | tr '\\0' y >&2; exit 1");
	AWAIT(look().ends > 0);
	atomic_store(&frozen_us, 0);
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

/* --- over a long time: this many in total */

struct words {
	struct dh_generator_log *log;
	int fd;
};

static void alloc_words(void *arg)
{
	struct words *words = arg;

	CHECK_INT(dh_generator_log_alloc(&words->log, io, "tester", false, &words->fd), 0);
}

static void free_words(void *arg)
{
	dh_generator_log_free(&((struct words *)arg)->log);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void test_many_words(void)
{
	static const char twenty[] = "word\nword\nword\nword\nword\nword\nword\nword\nword\nword\n"
				     "word\nword\nword\nword\nword\nword\nword\nword\nword\nword\n";
	struct words words;

	begin_log();
	CHECK_INT(dh_io_alloc(&io), 0);
	dh_io_call(io, alloc_words, &words);
	for (int i = 1; i <= 13; i++) {
		int left = 1;
		atomic_fetch_add(&later_us, G_USEC_PER_SEC);
		CHECK_INT(write(words.fd, twenty, sizeof twenty - 1), sizeof twenty - 1);
		AWAIT((ioctl(words.fd, FIONREAD, &left), left == 0));
		dh_io_call(io, nothing, NULL); /* it has dealt with what it has read */
		pthread_mutex_lock(&log_lock);
		int lines = count_lines(logged->str, "tester: word");
		pthread_mutex_unlock(&log_lock);
		CHECK_INT(lines, MIN(i * DH_GENERATOR_LINES_PER_S, DH_GENERATOR_LINES));
	}
	close(words.fd);
	dh_io_call(io, free_words, &words);
	dh_io_free(&io);
	atomic_store(&later_us, 0);
	end_log();
}

static const struct check_test tests[] = {
	TEST(test_grace),
	TEST(test_end_of_grace),
	TEST(test_words),
	TEST(test_flood),
	TEST(test_many_words),
};

int main(int argc, char **argv)
{
	return run_generator_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
