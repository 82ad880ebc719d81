/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators: how much of their standard error is logged, and what is logged of their end. */
#include "ingest/generator_log.h"
#include "ingest/log.h"
#include "tests/support/generator_rig.h"

#include <pthread.h>

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

static const struct check_test tests[] = {
	TEST(test_grace),
	TEST(test_words),
	TEST(test_flood),
	TEST(test_many_words),
};

int main(int argc, char **argv)
{
	return run_generator_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
