/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read of WebVTT and SubRip files. */
#include "tests/support/check.h"

#include <stdlib.h>

#include <glib.h>

#include "rooms/timed_text.h"
#include "rooms/webvtt.h"

static const struct row {
	const char *name, *text, *captions; /* as JSON; NULL: none */
} rows[] = {
	{ "WebVTT", "WEBVTT\n\n00:01.000 --> 00:02.500\nHello\n\n01:00:00.000 --> 01:00:01.000\nthere\n",
		"[[\"Hello\",1000,2500],[\"there\",3600000,3601000]]" },
	{ "SubRip",
		"1\r\n00:00:01,000 --> 00:00:02,000\r\nOne\r\ntwo\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nthree",
		"[[\"One\\ntwo\",1000,2000],[\"three\",3000,4000]]" },
	{ "a byte order mark", "\xef\xbb\xbfWEBVTT\n\n00:00.000 --> 00:01.000\na", "[[\"a\",0,1000]]" },
	{ "settings, identifiers, notes and styles",
		"WEBVTT - title\n\nNOTE nothing\n\nSTYLE\n::cue { color: red }\n\nid\n"
		"00:00.000 --> 00:01.000 align:start\na\n",
		"[[\"a\",0,1000]]" },
	{ "tags and entities", "WEBVTT\n\n00:00.000 --> 00:01.000\n<v Anna>1 < 2 <b>&amp;</b> &lt;3<00:00.500> x</v>\n",
		"[[\"1 < 2 & <3 x\",0,1000]]" },
	{ "out of order", "00:00:03,000 --> 00:00:04,000\nb\n\n00:00:01,000 --> 00:00:02,000\na\n",
		"[[\"a\",1000,2000],[\"b\",3000,4000]]" },
	{ "no line between", "00:01.000 --> 00:02.000\na\n00:02.000 --> 00:03.000\nb\n",
		"[[\"a\",1000,2000],[\"b\",2000,3000]]" },
	{ "an empty cue", "00:01.000 --> 00:02.000\n<i></i>\n\n00:02.000 --> 00:03.000\nb\n", "[[\"b\",2000,3000]]" },
	{ "a tab, and no UTF-8", "00:01.000 --> 00:02.000\na\tb \xff\n", "[[\"a b \\ufffd\",1000,2000]]" },
	{ "nothing", "", NULL },
	{ "a picture", "\x89PNG\r\n\x1a\n", NULL },
	{ "it ends before it begins", "00:02.000 --> 00:01.000\na\n", NULL },
	{ "no minutes", "2.000 --> 3.000\na\n", NULL },
	{ "too many minutes", "60:00.000 --> 61:00.000\na\n", NULL },
	{ "for ever", "99999999999:00:00.000 --> 99999999999:00:01.000\na\n", NULL },
	{ "half a time", "00:01.0 --> 00:02.000\na\n", NULL },
	{ "no time", "a --> b\nc\n", NULL },
};

static void test_captions(const void *arg)
{
	const struct row *row = arg;
	json_t *captions = dh_webvtt_captions(row->text, strlen(row->text));
	json_t *expected = row->captions ? json_loads(row->captions, 0, NULL) : NULL;
	char *text = captions ? json_dumps(captions, 0) : NULL;

	CHECK(json_equal(captions, expected) || captions == expected, "%s", text ? text : "none");
	CHECK(!captions || !dh_captions_check(captions));
	free(text);
	json_decref(captions);
	json_decref(expected);
}

static void test_limits(void)
{
	GString *text = g_string_new("WEBVTT\n\n");

	for (int i = 0; i < 1100; i++)
		g_string_append_printf(text, "00:%02d:%02d.000 --> 00:59:59.000\n%s%d\n\n", i / 60, i % 60, "ä", i);
	g_string_append(text, "");
	json_t *captions = dh_webvtt_captions(text->str, text->len);
	CHECK_INT(json_array_size(captions), DH_CAPTIONS_MAX);
	CHECK(!dh_captions_check(captions));
	json_decref(captions);
	g_string_assign(text, "00:00.000 --> 00:01.000\n");
	for (int i = 0; i < 700; i++)
		g_string_append(text, "€");
	captions = dh_webvtt_captions(text->str, text->len);
	CHECK(!dh_captions_check(captions));
	CHECK_INT(json_string_length(json_array_get(json_array_get(captions, 0), 0)), 999);
	json_decref(captions);
	g_string_free(text, TRUE);
}

/* Bytes at random, and pieces of files: whatever comes out is right. */
static void test_anything(void)
{
	static const char *const pieces[] = { "WEBVTT\n", "\n", "00:01.000", " --> ", "00:02.000\n", "<b>", "&amp;",
		"&", "<", "a\n", "\xff", "\xe2\x82", ":", "\t", "99:99:99,999", "--", "\r\n" };
	GRand *random = g_rand_new_with_seed(1704);

	for (int i = 0; i < 20000; i++) {
		GString *text = g_string_new(NULL);
		for (int n = g_rand_int_range(random, 0, 30); n > 0; n--) {
			if (g_rand_int_range(random, 0, 10) == 0)
				g_string_append_c(text, (char)g_rand_int_range(random, 0, 256));
			else
				g_string_append(text, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
		}
		char *exact = g_memdup2(text->str, MAX(text->len, 1));
		json_t *captions = dh_webvtt_captions(exact, text->len);
		CHECK(!captions || !dh_captions_check(captions), "%s", text->str);
		json_decref(captions);
		g_free(exact);
		g_string_free(text, TRUE);
	}
	g_rand_free(random);
}

static const struct check_test tests[] = {
	TABLE(test_captions, rows),
	TEST(test_limits),
	TEST(test_anything),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
