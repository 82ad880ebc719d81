/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test program in C: a table of tests, one line for each, an exit status.
 *
 *     static void test_wraps(void)
 *     {
 *             CHECK(next(65535) == 0);
 *             CHECK_INT(next(7), 8);
 *     }
 *
 *     static void test_length(const void *arg)
 *     {
 *             const struct row *row = arg;
 *             CHECK_INT(length(row->text), row->length);
 *     }
 *
 *     static const struct row { const char *name; const char *text; int length; } lengths[] = {
 *             { "empty", "", 0 },
 *             { "one",   "a", 1 },
 *     };
 *
 *     static const struct check_test tests[] = {
 *             TEST(test_wraps),
 *             TABLE(test_length, lengths),
 *     };
 *
 *     int main(int argc, char **argv)
 *     {
 *             return CHECK_MAIN(argc, argv, tests);
 *     }
 *
 * Every row of a table is a test of its own; a row's first member is its name.
 * A failed check ends its test, from whatever depth of calls (what the test
 * held is then not freed); the others go on. Arguments of the program choose
 * the tests whose names contain one of them. Checks are for the main thread.
 */
#ifndef DH_CHECK_H
#define DH_CHECK_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A program one of whose tests runs longer than this is killed by SIGALRM. */
#define CHECK_SECONDS 900

struct check_test {
	const char *name;
	void (*run)(void);                /* either this */
	void (*run_row)(const void *row); /* or this for each row */
	const void *rows;
	size_t count, row_size;
};

/* clang-format off */
#define TEST(function) { #function, function, NULL, NULL, 1, 0 }
#define TABLE(function, table) { #function, NULL, function, table, sizeof(table) / sizeof *(table), sizeof *(table) }
/* clang-format on */

/* Fails where `condition` is false; a printf format and its arguments may follow. */
#define CHECK(condition, ...) \
	do { \
		if (!(condition)) \
			check_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
	} while (0)

/* Two integers, two strings, two runs of bytes that should be equal. */
#define CHECK_INT(got, expected) check_int(__FILE__, __LINE__, #got, (intmax_t)(got), (intmax_t)(expected))
#define CHECK_STR(got, expected) check_str(__FILE__, __LINE__, #got, got, expected)
#define CHECK_BYTES(got, got_size, expected, expected_size) \
	check_bytes(__FILE__, __LINE__, #got, got, got_size, expected, expected_size)

/* Says where in a loop the test is; printed when a check fails. */
#define CHECK_AT(...) snprintf(check_state.at, sizeof check_state.at, __VA_ARGS__)

/* Ends this test as neither passed nor failed. */
#define CHECK_SKIP(...) check_skip(__VA_ARGS__)

#define CHECK_MAIN(argc, argv, tests) check_main(argc, argv, tests, sizeof(tests) / sizeof *(tests))

struct check_state {
	jmp_buf end;
	char name[200];
	char at[200];
	unsigned passed, failed, skipped;
};
extern struct check_state check_state;

/* For the macros. */
__attribute__((format(printf, 4, 5), noreturn)) void check_fail(const char *file, int line, const char *what,
	const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void check_skip(const char *format, ...);
void check_int(const char *file, int line, const char *what, intmax_t got, intmax_t expected);
void check_str(const char *file, int line, const char *what, const char *got, const char *expected);
void check_bytes(const char *file, int line, const char *what, const void *got, size_t got_size, const void *expected,
	size_t expected_size);

/* The program's exit status: 0 when no test failed and at least one passed;
 * 77 (as automake has it) when all were skipped. */
int check_main(int argc, char **argv, const struct check_test *tests, size_t count);

#endif
