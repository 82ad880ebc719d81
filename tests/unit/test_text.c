/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts from outside, made safe for the log. */
#include "tests/support/check.h"

#include <glib.h>

#include "ingest/log.h"
#include "ingest/text.h"

static const struct row {
	const char *name, *text, *line;
} rows[] = {
	{ "plain", "a line", "a line" },
	{ "empty", "", "" },
	{ "no ASCII", "gr\xc3\xbc\xc3\x9f\xe2\x82\xac", "gr\xc3\xbc\xc3\x9f\xe2\x82\xac" },
	{ "line breaks", "a\r\nb\tc", "a  b c" },
	{ "separators",
		"a\xe2\x80\xa8"
		"b\xe2\x80\xa9"
		"c",
		"a b c" },
	{ "escape", "\x1b[31mred", "\xef\xbf\xbd[31mred" },
	{ "delete", "a\x7f", "a\xef\xbf\xbd" },
	{ "C1",
		"a\xc2\x80"
		"b\xc2\x9b"
		"31mc\xc2\x9f",
		"a\xef\xbf\xbd"
		"b\xef\xbf\xbd"
		"31mc\xef\xbf\xbd" },
	{ "behind C1", "\xc2\xa0", "\xc2\xa0" },
	{ "not UTF-8",
		"a\xff"
		"b\x9b"
		"c",
		"a\xef\xbf\xbd"
		"b\xef\xbf\xbd"
		"c" },
	{ "half a character", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd" },
};

static void test_line(const void *arg)
{
	const struct row *row = arg;
	char *line = dh_text_line(row->text, 100);

	if (strcmp(row->name, "half a character") == 0)
		CHECK(g_utf8_validate(line, -1, NULL) && line[0] == 'a'); /* one replacement, or one for each byte */
	else
		CHECK_STR(line, row->line);
	CHECK(!dh_text_has_controls(line));
	if (g_utf8_validate(row->text, -1, NULL))
		CHECK(dh_text_has_controls(row->text) == (strcmp(row->text, row->line) != 0));
	g_free(line);
}

/* What is one character to people stays whole. */
static const struct people {
	const char *name, *text;
	int at, cut; /* code points */
} people[] = {
	{ "letters", "abcdef", 3, 3 },
	{ "nothing is cut off", "abc", 3, 3 },
	{ "nothing is left", "abc", 0, 0 },
	{ "a letter with its mark", "abe\u0301f", 3, 2 },
	{ "behind the mark", "abe\u0301f", 4, 4 },
	{ "a family", "a\U0001F468\u200D\U0001F469\u200D\U0001F467b", 3, 1 },
	{ "in front of a joiner", "a\U0001F468\u200D\U0001F469b", 2, 1 },
	{ "behind a joiner", "a\U0001F468\u200D\U0001F469b", 3, 1 },
	{ "a hand of some colour", "a\U0001F44B\U0001F3FDb", 2, 1 },
	{ "an emoji's form", "a\u2764\uFE0Fb", 2, 1 },
	{ "a flag", "a\U0001F1E9\U0001F1EAb", 2, 1 },
	{ "between flags", "a\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", 3, 3 },
	{ "the second flag", "a\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", 4, 3 },
	{ "a syllable of jamo", "a\u1112\u1161\u11ABb", 3, 1 },
	{ "nothing but marks", "\u0301\u0301\u0301\u0301", 2, 2 },
};

static void test_cut_as_people_see_it(const void *arg)
{
	const struct people *row = arg;
	const char *end = dh_text_cut(row->text, g_utf8_offset_to_pointer(row->text, row->at));

	CHECK_INT(g_utf8_pointer_to_offset(row->text, end), row->cut);
}

/* Cut at every alignment of characters of one to four bytes. */
static void test_cut(void)
{
	static const char *const characters[] = { "x", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\n" };

	for (size_t c = 0; c < G_N_ELEMENTS(characters); c++)
		for (size_t shift = 0; shift < 4; shift++)
			for (size_t max = 4; max < 60; max++) {
				GString *text = g_string_new(NULL);
				for (size_t i = 0; i < shift; i++)
					g_string_append_c(text, 'a');
				for (size_t i = 0; i < 30; i++)
					g_string_append(text, characters[c]);
				char *line = dh_text_line(text->str, max);
				CHECK(strlen(line) <= max, "%zu bytes of %zu", strlen(line), max);
				CHECK(strlen(line) + 8 > MIN(max, text->len), "%zu bytes of %zu", strlen(line), max);
				CHECK(g_utf8_validate(line, -1, NULL), "max %zu shift %zu", max, shift);
				CHECK(!dh_text_has_controls(line));
				CHECK((text->len > max) <= g_str_has_suffix(line, "\xe2\x80\xa6"), "%s", line);
				g_free(line);
				g_string_free(text, TRUE);
			}
}

static char *logged;

static void keep(enum dh_log_level level, const char *text)
{
	(void)level;
	g_free(logged);
	logged = g_strdup(text);
}

/* Whatever a line quotes. */
static void test_log(void)
{
	GString *large = g_string_new(NULL);

	for (int i = 0; i < 5000; i++)
		g_string_append(large, "\xe2\x82\xac\x1b");
	dh_log_set(keep);
	dh_log(DH_LOG_INFO, "%s: %s",
		"a\xc2\x9b"
		"b\n\x1b",
		"\xff");
	CHECK(g_utf8_validate(logged, -1, NULL) && !dh_text_has_controls(logged), "%s", logged);
	CHECK(g_str_has_prefix(logged,
		      "a\xef\xbf\xbd"
		      "b "),
		"%s", logged);
	dh_log(DH_LOG_INFO, "%s", large->str);
	CHECK(g_utf8_validate(logged, -1, NULL) && !dh_text_has_controls(logged));
	CHECK(strlen(logged) <= DH_LOG_LINE_MAX);
	dh_log_set(NULL);
	g_clear_pointer(&logged, g_free);
	g_string_free(large, TRUE);
}

static const struct check_test tests[] = {
	TABLE(test_line, rows),
	TEST(test_cut),
	TABLE(test_cut_as_people_see_it, people),
	TEST(test_log),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
