/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/check.h"

#include <stdarg.h>

struct check_state check_state;

void check_fail(const char *file, int line, const char *what, const char *format, ...)
{
	va_list args;
	printf("FAIL %s: %s:%d: %s", check_state.name, file, line, what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(check_state.at[0] ? " (%s)\n" : "\n", check_state.at);
	check_state.failed++;
	longjmp(check_state.end, 1);
}

void check_skip(const char *format, ...)
{
	va_list args;
	printf("skip %s: ", check_state.name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	check_state.skipped++;
	longjmp(check_state.end, 1);
}

void check_int(const char *file, int line, const char *what, intmax_t got, intmax_t expected)
{
	if (got != expected)
		check_fail(file, line, what, " is %" PRIdMAX ", expected %" PRIdMAX, got, expected);
}

void check_str(const char *file, int line, const char *what, const char *got, const char *expected)
{
	if (!got || !expected ? got != expected : strcmp(got, expected) != 0)
		check_fail(file, line, what, " is \"%s\", expected \"%s\"", got ? got : "(null)",
			expected ? expected : "(null)");
}

void check_bytes(const char *file, int line, const char *what, const void *got, size_t got_size, const void *expected,
	size_t expected_size)
{
	const uint8_t *a = got, *b = expected;
	if (got_size != expected_size)
		check_fail(file, line, what, " has %zu bytes, expected %zu", got_size, expected_size);
	for (size_t i = 0; i < got_size; i++) {
		if (a[i] != b[i])
			check_fail(file, line, what, " has 0x%02x at byte %zu, expected 0x%02x", a[i], i, b[i]);
	}
}

static void check_one(const struct check_test *test, const void *row)
{
	check_state.at[0] = '\0';
	alarm(CHECK_SECONDS);
	if (setjmp(check_state.end) != 0)
		return;
	if (test->run)
		test->run();
	else
		test->run_row(row);
	check_state.passed++;
	printf("ok %s\n", check_state.name);
}

static int check_is_chosen(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strstr(check_state.name, argv[i]))
			return 1;
	}
	return argc < 2;
}

int check_main(int argc, char **argv, const struct check_test *tests, size_t count)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < tests[i].count; n++) {
			const void *row = tests[i].rows ? (const char *)tests[i].rows + n * tests[i].row_size : NULL;
			snprintf(check_state.name, sizeof check_state.name, "%s%s%s", tests[i].name, row ? ": " : "",
				row ? *(const char *const *)row : "");
			if (check_is_chosen(argc, argv))
				check_one(&tests[i], row);
		}
	}
	printf("%u passed, %u failed", check_state.passed, check_state.failed);
	printf(check_state.skipped ? ", %u skipped\n" : "\n", check_state.skipped);
	if (check_state.failed == 0 && check_state.passed == 0 && check_state.skipped > 0)
		return 77;
	return check_state.failed > 0 || check_state.passed == 0;
}
