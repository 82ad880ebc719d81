/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of a subtitle cue. */
#include "tests/support/check.h"

#include "prepare/cue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- cleaning */

static const struct clean_row {
	const char *name, *event, *text;
} clean_rows[] = {
	{ "plain", "Hello, world.", "Hello, world." },
	{ "nothing", "", "" },
	{ "an override", "{\\i1}Hello{\\i0} you", "Hello you" },
	{ "several in one", "{\\an8\\c&H00FF&}Hello", "Hello" },
	{ "a comment", "Hello{aside}", "Hello" },
	{ "a brace that does not end", "Hello {you", "Hello {you" },
	{ "line breaks", "Hello\\Nyou\\nthere\\hnow", "Hello you there now" },
	{ "a backslash", "C:\\dir", "C:\\dir" },
	{ "FFmpeg's backslash",
		"C:\\\xe2\x81\xa0"
		"new",
		"C:\\new" },
	{ "escaped braces", "\\{not a tag\\}", "{not a tag}" },
	{ "a tag", "<b>Hello</b> <v Anna>you", "Hello you" },
	{ "no tag", "1 < 2 > 0, <3", "1 < 2 > 0, <3" },
	{ "a tag that does not end", "Hello <b", "Hello <b" },
	{ "a drawing", "{\\p1}m 0 0 l 100 0{\\p0}Hello", "Hello" },
	{ "control characters", "Hello\r\n\tyou\x01", "Hello   you " },
	{ "not UTF-8",
		"gr\xfc\xdf"
		"e",
		"gr  e" },
	{ "cut off", "Hello\xe2\x82", "Hello  " },
	{ "an escape at the end", "Hello\\", "Hello\\" },
	{ "more than a byte",
		"Gr\xc3\xbc\xc3\x9f"
		"e \xf0\x9f\x98\x80",
		"Gr\xc3\xbc\xc3\x9f"
		"e \xf0\x9f\x98\x80" },
};

static void test_clean(const void *arg)
{
	const struct clean_row *row = arg;
	char *text = strdup(row->event); /* exactly its size, for the sanitizers */
	dh_cue_clean(text);
	CHECK_STR(text, row->text);
	free(text);
}

/* --- words */

static const struct words_row {
	const char *name, *text, *words; /* with | between them */
	int length;
} words_rows[] = {
	{ "none", "", "", 0 },
	{ "spaces", "   ", "", 0 },
	{ "one", "Hello", "Hello", 5 },
	{ "two", "  Hello,  you ", "Hello,|you", 10 },
	{ "a no-break space", "Hello\xc2\xa0you", "Hello|you", 9 },
	{ "ideographs", "你好世界", "你|好|世|界", 4 },
	{ "punctuation stays", "你好。世界！", "你|好。|世|界！", 6 },
	{ "both", "Ja 你好ok", "Ja|你|好|ok", 7 },
	{ "kana", "こんにちは", "こ|ん|に|ち|は", 5 },
	{ "characters are not bytes", "äöü ß", "äöü|ß", 5 },
};

static void test_words(const void *arg)
{
	const struct words_row *row = arg;
	const char *at = row->text;
	char words[200] = "";
	struct dh_cue_word word;
	while (dh_cue_next(&at, &word)) {
		size_t used = strlen(words);
		snprintf(words + used, sizeof words - used, "%s%.*s", used ? "|" : "", (int)word.size, word.text);
	}
	CHECK_STR(words, row->words);
	CHECK_INT(dh_cue_length(row->text), row->length);
}

static const struct check_test tests[] = {
	TABLE(test_clean, clean_rows),
	TABLE(test_words, words_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
