/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has been heard of a text, and what requests say about segments. */
#include "tests/support/check.h"

#include "playout/timebase.h"
#include "rooms/heard.h"
#include "rooms/segment_request.h"

#include <glib.h>

/* --- what has been heard */

static const struct heard_row {
	const char *name, *text, *words;
	int64_t played_ms, duration_ms, known_ms;
	const char *heard;
} heard_rows[] = {
	{ "nothing", "Good evening.", NULL, 0, 1000, 1000, "" },
	{ "all", "Good evening.", NULL, 1000, 1000, 1000, "Good evening." },
	{ "all and more", "Good evening.", NULL, 3000, 1000, 1000, "Good evening." },
	{ "within a word", "Good evening to you", NULL, 500, 1000, 1000, "Good" },
	{ "before a word's end", "abcd fghi", NULL, 443, 999, 999, "" },
	{ "at a word's end", "abcd fghi", NULL, 444, 999, 999, "abcd" },
	{ "an empty text", "", NULL, 500, 1000, 1000, "" },
	{ "characters are not bytes", "äöüß äöüß", NULL, 500, 900, 900, "äöüß" },
	{ "ideographs are words", "你好世界", NULL, 500, 1000, 1000, "你好" },
	{ "punctuation stays with its ideograph", "你好。世界", NULL, 450, 1000, 1000, "你" },
	{ "spaces are no end", "one   two", NULL, 600, 900, 900, "one" },
	{ "not all is made yet", "one two three four five six", NULL, 400, -1, 400, "one" },
	{ "a slow speaker", "one two", NULL, 2000, -1, 4000, "one" },
	{ "words", "One, two, three.", "[[\"One\",0,300],[\"two\",400,700],[\"three\",700,1000]]", 700, 1000, 0,
		"One, two," },
	{ "within a word, by words", "One, two, three.", "[[\"One\",0,300],[\"two\",400,700],[\"three\",700,1000]]",
		699, 1000, 0, "One," },
	{ "all, by words", "One, two, three.", "[[\"One\",0,300],[\"two\",400,700]]", 1000, 1000, 0,
		"One, two, three." },
	{ "no duration, by words", "One, two", "[[\"One\",0,300],[\"two\",400,700]]", 350, -1, 350, "One," },
	{ "words alone", NULL, "[[\"One\",0,300],[\"two\",400,700],[\"three\",700,1000]]", 750, 1000, 0, "One two" },
	{ "a word that the text lacks", "One three", "[[\"One\",0,300],[\"two\",400,700],[\"three\",700,1000]]", 800,
		1200, 0, "One" },
	{ "the same word twice", "no, no, no", "[[\"no\",0,100],[\"no\",100,200],[\"no\",200,300]]", 250, 300, 0,
		"no, no," },
	{ "no words at all", "One", "[]", 100, 200, 0, "" },
	{ "none of the words is in the text", "Eins zwei", "[[\"One\",0,300],[\"two\",400,700]]", 500, 900, 0, "Eins" },
	{ "a word within another", "This is it", "[[\"is\",0,300],[\"it\",400,700]]", 350, 900, 0, "This is" },
	{ "Hangul has spaces", "안녕하세요 여러분 반갑습니다", NULL, 500, 1000, 1000, "안녕하세요" },
	{ "words in Hangul have spaces", NULL, "[[\"안녕\",0,300],[\"여러분\",400,700]]", 800, 900, 0, "안녕 여러분" },
	{ "a word within another in Hangul", "한국사람은 한국 차", "[[\"한국\",0,300],[\"차\",400,700]]", 350, 900, 0,
		"한국사람은 한국" },
	{ "ideographs join", NULL, "[[\"你\",0,300],[\"好\",400,700],[\"x\",700,800]]", 800, 900, 0, "你好 x" },
};

static void test_heard(const void *arg)
{
	const struct heard_row *row = arg;
	json_t *words = row->words ? json_loads(row->words, 0, NULL) : NULL;
	if (words)
		CHECK(!dh_script_check(words));
	struct dh_script *script = dh_script_new(row->text, words);
	char *heard = dh_script_heard(script, 0, row->played_ms, row->duration_ms, row->known_ms);
	CHECK_STR(heard, row->heard);
	g_free(heard);
	dh_script_unref(&script);
	json_decref(words);
}

static void check_heard(const struct dh_script *script, int64_t played_ms, const char *expected)
{
	char *heard = dh_script_heard(script, 0, played_ms, -1, 5000);
	CHECK_STR(heard, expected);
	g_free(heard);
}

static void test_without_a_script(void)
{
	CHECK(!dh_script_new(NULL, NULL));
	CHECK(!dh_script_heard(NULL, 0, 100, 200, 200));
	CHECK(!dh_script_ref(NULL));
	struct dh_script *none = NULL;
	dh_script_unref(&none);
}

/* More time, more text, and always a beginning of it. */
static void test_heard_grows(void)
{
	static const char text[] = "Ein Satz, mit „Wörtern“ und 数字 — 1,5 Mio. — of many kinds…";
	struct dh_script *script = dh_script_new(text, NULL);
	size_t last = 0;
	for (int ms = 0; ms <= 5000; ms++) {
		char *heard = dh_script_heard(script, 0, ms, 5000, 5000);
		CHECK(!strncmp(text, heard, strlen(heard)) && g_utf8_validate(heard, -1, NULL), "%d ms", ms);
		CHECK(strlen(heard) >= last, "%d ms", ms);
		last = strlen(heard);
		g_free(heard);
	}
	CHECK_INT(last, strlen(text));
	dh_script_unref(&script);
}

static const struct words_row {
	const char *name, *words;
	int is_right;
} words_rows[] = {
	{ "none", "[]", 1 },
	{ "two at once", "[[\"a\",0,5],[\"b\",0,5]]", 1 },
	{ "no array", "{}", 0 },
	{ "no arrays", "[\"a\"]", 0 },
	{ "no end", "[[\"a\",0]]", 0 },
	{ "too much", "[[\"a\",0,1,2]]", 0 },
	{ "no word", "[[\"\",0,1]]", 0 },
	{ "a number", "[[1,0,1]]", 0 },
	{ "negative", "[[\"a\",-1,1]]", 0 },
	{ "backwards", "[[\"a\",2,1]]", 0 },
	{ "a fraction", "[[\"a\",0.5,1]]", 0 },
	{ "not in order", "[[\"a\",2,3],[\"b\",1,3]]", 0 },
	{ "a line break", "[[\"a\\nb\",2,3]]", 0 },
	{ "a day and more", "[[\"a\",0,390938000000]]", 0 },
	{ "times that overflow", "[[\"a\",9223372036854775807,9223372036854775807]]", 0 },
};

static void test_words(const void *arg)
{
	const struct words_row *row = arg;
	json_t *words = json_loads(row->words, 0, NULL);
	CHECK_INT(!dh_script_check(words), row->is_right);
	json_decref(words);
}

static json_t *many_words(int count, size_t length)
{
	json_t *words = json_array();
	char *text = g_strnfill(length, 'x');
	for (int i = 0; i < count; i++)
		json_array_append_new(words, json_pack("[s,i,i]", text, i, i));
	g_free(text);
	return words;
}

static void test_limits_of_words(void)
{
	static const struct {
		int count;
		size_t length;
		bool is_right;
	} rows[] = { { 2000, 1, true }, { 2001, 1, false }, { 1, 200, true }, { 1, 201, false } };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		json_t *words = many_words(rows[i].count, rows[i].length);
		CHECK_AT("row %zu", i);
		CHECK_INT(!dh_script_check(words), rows[i].is_right);
		json_decref(words);
	}
}

/* A word that the text spells differently is not the same word a page later; one that comes after
 * much that was not found is found. */
static void test_words_far_ahead(void)
{
	static const char said[] = "[[\"Go\",0,100],[\"two\",200,300],[\"so\",300,400]]";
	GString *text = g_string_new("Go. ");
	for (int i = 0; i < 100; i++)
		g_string_append(text, "and so on ");
	g_string_append(text, "two. three");
	json_t *words = json_loads(said, 0, NULL);
	struct dh_script *script = dh_script_new(text->str, words);
	check_heard(script, 350, "Go.");
	check_heard(script, 450, "Go. and so");
	dh_script_unref(&script);
	json_array_clear(words);
	for (int i = 0; i < 100; i++)
		json_array_append_new(words, json_pack("[s,i,i]", "unheard", i, i));
	json_array_append_new(words, json_pack("[s,i,i]", "two", 200, 300));
	script = dh_script_new(text->str, words);
	g_string_truncate(text, text->len - strlen(" three"));
	check_heard(script, 350, text->str);
	dh_script_unref(&script);
	json_decref(words);
	g_string_free(text, TRUE);
}

/* --- words that come with the segment */

static const struct dh_stream_word spoken[] = {
	{ 0, 300 * DH_TICKS_PER_MS, "One" },
	{ 400 * DH_TICKS_PER_MS, 700 * DH_TICKS_PER_MS, "two" },
	{ 700 * DH_TICKS_PER_MS, 1000 * DH_TICKS_PER_MS, "three" },
};
static const struct dh_stream_word *const all_spoken[] = { &spoken[0], &spoken[1], &spoken[2] };

static void test_added_words(void)
{
	struct dh_script *bare = NULL, *text = dh_script_new("One, two, three.", NULL);
	dh_script_add(&bare, all_spoken, 1);
	dh_script_add(&text, all_spoken, 1);
	check_heard(bare, 800, "One");
	check_heard(text, 800, "One,");
	dh_script_add(&bare, all_spoken + 1, 2);
	dh_script_add(&text, all_spoken + 1, 2);
	check_heard(bare, 800, "One two");
	check_heard(text, 800, "One, two,");
	dh_script_unref(&bare);
	dh_script_unref(&text);
}

/* Whoever holds it reads on undisturbed. */
static void test_words_added_to_a_shared_script(void)
{
	struct dh_script *script = dh_script_new("One, two, three.", NULL);
	dh_script_add(&script, all_spoken, 1);
	struct dh_script *other = dh_script_ref(script);
	dh_script_add(&script, all_spoken + 1, 2);
	CHECK(script != other);
	check_heard(other, 2000, "One,");
	check_heard(script, 900, "One, two,");
	dh_script_unref(&other);
	dh_script_unref(&script);
}

/* The request knows better. */
static void test_words_of_the_request_stay(void)
{
	json_t *words = json_loads("[[\"Uno\",0,100]]", 0, NULL);
	struct dh_script *script = dh_script_new("Uno due", words);
	dh_script_add(&script, all_spoken, 3);
	check_heard(script, 2000, "Uno");
	dh_script_unref(&script);
	json_decref(words);
}

/* --- a text that is still being written */

static void check_whole(const struct dh_script *script, const char *expected)
{
	char *heard = dh_script_heard(script, 0, 1000, 1000, 1000);
	CHECK_STR(heard, expected);
	g_free(heard);
}

static void test_added_text(void)
{
	struct dh_script *script = dh_script_new("One,", NULL), *empty = dh_script_new("", NULL), *none = NULL;
	dh_script_add(&script, all_spoken, 1);
	struct dh_script *other = dh_script_ref(script);
	dh_script_add_text(&script, " two, ");
	dh_script_add_text(&script, "three.");
	dh_script_add(&script, all_spoken + 1, 2);
	check_heard(script, 900, "One, two,");
	check_whole(script, "One, two, three.");
	check_whole(other, "One,");
	dh_script_add_text(&empty, "");
	dh_script_add_text(&empty, "Two");
	dh_script_add(&empty, all_spoken, 1);
	check_whole(empty, "Two");
	dh_script_add_text(&none, "Two");
	check_whole(none, "Two");
	dh_script_unref(&script);
	dh_script_unref(&other);
	dh_script_unref(&empty);
	dh_script_unref(&none);
}

/* Words of the request stay what they are; a text that is made of words is not mixed with another. */
static void test_added_text_and_words(void)
{
	json_t *words = json_loads("[[\"Uno\",0,100]]", 0, NULL);
	struct dh_script *fixed = dh_script_new("Uno", words), *bare = NULL;
	struct dh_script *other = dh_script_ref(fixed);
	dh_script_add_text(&fixed, " due");
	dh_script_add(&fixed, all_spoken, 3);
	check_heard(fixed, 2000, "Uno");
	check_whole(fixed, "Uno due");
	dh_script_add(&bare, all_spoken, 1);
	dh_script_add_text(&bare, "Eins");
	check_whole(bare, "One");
	dh_script_unref(&fixed);
	dh_script_unref(&other);
	dh_script_unref(&bare);
	json_decref(words);
}

/* Somebody else goes on. */
static void test_a_text_that_is_cut(void)
{
	struct dh_script *script = dh_script_new("One, two, three.", NULL), *none = NULL;
	struct dh_script *other = dh_script_ref(script);
	dh_script_add(&script, all_spoken, 2);
	dh_script_cut(&script, "four.");
	CHECK(!dh_script_is_cut(script));
	dh_script_cut(&script, "two, three.");
	CHECK(dh_script_is_cut(script) && !dh_script_is_cut(other));
	check_whole(script, "One,");
	check_whole(other, "One, two, three.");
	dh_script_add(&script, all_spoken + 2, 1);
	check_heard(script, 2000, "One,");
	dh_script_cut(&none, "x");
	CHECK(!none && !dh_script_is_cut(none));
	dh_script_unref(&script);
	dh_script_unref(&other);
}

/* As much as 2000 words of 200 bytes would be. */
static void test_a_text_of_words_is_limited(void)
{
	struct dh_stream_word word = { 0, 0, "" };
	const struct dh_stream_word *one[] = { &word };
	struct dh_script *script = NULL;
	memset(word.text, 'x', DH_STREAM_WORD_MAX);
	for (int i = 0; i < 2000; i++)
		dh_script_add(&script, one, 1);
	char *heard = dh_script_heard(script, 0, 1, 1, 1);
	CHECK(strlen(heard) > 60000 && strlen(heard) <= 65536, "%zu bytes", strlen(heard));
	g_free(heard);
	dh_script_unref(&script);
}

/* --- requests */

static const struct wrong_row {
	const char *body, *field; /* NULL: it is right */
} wrong_rows[] = {
	{ "{}", NULL },
	{ "{\"other\":1}", NULL },
	{ "{\"utterance\":\"u\",\"index\":0,\"last\":true}", NULL },
	{ "{\"utterance\":\"u\"}", NULL },
	{ "{\"utterance\":\"u\",\"index\":2147483647}", NULL },
	{ "{\"utterance\":\"u\",\"index\":2147483648}", "index" },
	{ "{\"utterance\":\"u\",\"index\":-1}", "index" },
	{ "{\"utterance\":\"u\",\"index\":\"1\"}", "index" },
	{ "{\"utterance\":\"u\",\"index\":1.0}", "index" },
	{ "{\"index\":1}", "index" },
	{ "{\"last\":true}", "last" },
	{ "{\"utterance\":\"u\",\"last\":1}", "last" },
	{ "{\"utterance\":\"\"}", "utterance" },
	{ "{\"utterance\":5}", "utterance" },
	{ "{\"utterance\":\"a\\nb\"}", "utterance" },
	{ "{\"utterance\":\"a\\u0000b\"}", "utterance" },
	{ "{\"segment\":\"\"}", "segment" },
	{ "{\"priority\":\"urgent\"}", NULL },
	{ "{\"priority\":\"high\"}", "priority" },
	{ "{\"priority\":1}", "priority" },
	{ "{\"before\":\"s\",\"priority\":\"normal\"}", "priority" },
	{ "{\"before\":\"s\",\"after\":\"t\"}", "after" },
	{ "{\"after\":[]}", "after" },
	{ "{\"ttl_ms\":1}", NULL },
	{ "{\"ttl_ms\":0}", "ttl_ms" },
	{ "{\"ttl_ms\":86400001}", "ttl_ms" },
	{ "{\"repeat\":1000}", NULL },
	{ "{\"repeat\":0}", "repeat" },
	{ "{\"repeat\":1001}", "repeat" },
	{ "{\"underrun\":\"skip\"}", NULL },
	{ "{\"underrun\":\"wait\"}", "underrun" },
	{ "{\"underrun\":null}", "underrun" },
	{ "{\"preroll_ms\":0}", NULL },
	{ "{\"preroll_ms\":10001}", "preroll_ms" },
	{ "{\"words\":[[\"a\",0,1]]}", NULL },
	{ "{\"words\":[[\"a\",1,0]]}", "words" },
};

static void test_wrong_fields(void)
{
	for (size_t i = 0; i < sizeof wrong_rows / sizeof *wrong_rows; i++) {
		const struct wrong_row *row = &wrong_rows[i];
		json_t *body = json_loads(row->body, JSON_ALLOW_NUL, NULL);
		struct dh_segment_request request;
		char *wrong = dh_segment_request_read(&request, body), named[40];
		CHECK(!wrong == !row->field, "%s: %s", row->body, wrong);
		snprintf(named, sizeof named, "Invalid \"%s\"", row->field ? row->field : "");
		CHECK(!wrong || g_str_has_prefix(wrong, named), "%s: %s", row->body, wrong);
		g_free(wrong);
		json_decref(body);
	}
	char utterance[DH_UTTERANCE_MAX + 2];
	memset(utterance, 'u', sizeof utterance);
	utterance[sizeof utterance - 1] = 0;
	json_t *body = json_pack("{s:s}", "utterance", utterance);
	struct dh_segment_request request;
	char *wrong = dh_segment_request_read(&request, body);
	CHECK(wrong != NULL);
	g_free(wrong);
	json_decref(body);
}

static void test_fields(void)
{
	json_t *body = json_loads("{\"segment\":\"s\",\"utterance\":\"u\",\"index\":3,\"last\":true,"
				  "\"priority\":\"background\",\"ttl_ms\":5,\"repeat\":4,\"underrun\":\"idle\","
				  "\"preroll_ms\":70,\"text\":\"Hi\",\"words\":[]}",
		0, NULL);
	struct dh_segment_request request;
	CHECK(!dh_segment_request_read(&request, body));
	CHECK_STR(request.id, "s");
	CHECK_STR(request.order.utterance, "u");
	CHECK_INT(request.order.index, 3);
	CHECK(request.order.is_last && request.has_underrun);
	CHECK_INT(request.order.priority, DH_PRIORITY_BACKGROUND);
	CHECK_INT(request.order.ttl_ticks, 5 * DH_TICKS_PER_MS);
	CHECK_INT(request.order.repeat, 4);
	CHECK_INT(request.order.underrun, DH_UNDERRUN_IDLE);
	CHECK_INT(request.preroll_ms, 70);
	CHECK_STR(request.text, "Hi");
	CHECK(json_is_array(request.words));
	json_decref(body);
	body = json_object();
	CHECK(!dh_segment_request_read(&request, body));
	CHECK(!request.id && !request.has_underrun && !request.order.is_last && !request.text);
	CHECK_INT(request.order.index, -1);
	CHECK_INT(request.preroll_ms, -1);
	json_decref(body);
}

static char *content_of(const char *text)
{
	json_t *body = json_loads(text, 0, NULL);
	char *content = dh_segment_request_content(body);
	json_decref(body);
	return content;
}

static void test_content(void)
{
	char *one = content_of("{\"request\":\"say\",\"id\":1,\"text\":\"a\",\"segment\":\"s\",\"secret\":\"x\"}");
	char *same = content_of("{\"segment\":\"s\",\"text\":\"a\",\"request\":\"say\",\"id\":\"1\",\"secret\":\"y\"}");
	char *other = content_of("{\"segment\":\"s\",\"text\":\"b\",\"request\":\"say\",\"id\":1}");
	CHECK_STR(one, same);
	CHECK(strcmp(one, other) != 0);
	CHECK(!strstr(one, "secret"));
	free(one);
	free(same);
	free(other);
}

/* --- where words are: "One" at 100 to 300 ms, "two." to 500, "Three" at 700 to 900, "four" to 1000 */

static const struct place_row {
	const char *name;
	int at_ms, end_ms, word_ms, sentence_ms; /* -1: not known */
} places[] = {
	{ "before the first", 50, 50, 50, 50 },
	{ "as it begins", 100, 100, 100, 100 },
	{ "within a word", 150, 300, 100, 100 },
	{ "where two touch", 300, 300, 300, 100 },
	{ "within the second", 499, 500, 300, 100 },
	{ "between sentences", 600, 600, 600, 600 },
	{ "in the next sentence", 950, 1000, 900, 700 },
	{ "behind the last", 1100, 1100, 1100, 1100 },
};

static void test_places(const void *arg)
{
	const struct place_row *row = arg;
	json_t *words = json_pack("[[s,i,i],[s,i,i],[s,i,i],[s,i,i]]", "One", 100, 300, "two", 300, 500, "Three", 700,
		900, "four", 900, 1000);
	struct dh_script *script = dh_script_new("One \"two.\" Three four", words);

	CHECK_INT(dh_script_word_end(script, row->at_ms * DH_TICKS_PER_MS), row->end_ms * DH_TICKS_PER_MS);
	CHECK_INT(dh_script_begin(script, row->at_ms * DH_TICKS_PER_MS, false), row->word_ms * DH_TICKS_PER_MS);
	CHECK_INT(dh_script_begin(script, row->at_ms * DH_TICKS_PER_MS, true), row->sentence_ms * DH_TICKS_PER_MS);
	dh_script_unref(&script);
	json_decref(words);
}

static const struct lacks_row {
	const char *name, *text, *words;
	int at_ms, sentence_ms;
} lacks[] = {
	{ "a sentence begins with what the text has otherwise", "Hello. 12 apples are here.",
		"[[\"Hello\",0,300],[\"twelve\",400,700],[\"apples\",700,1000]]", 800, 400 },
	{ "and with more of it", "Hello. 21 apples are here.",
		"[[\"Hello\",0,300],[\"twenty\",400,600],[\"one\",600,700],[\"apples\",700,1000]]", 800, 400 },
	{ "a sentence ends with it", "I have 12. Apples are here.",
		"[[\"I\",0,100],[\"have\",100,400],[\"twelve\",400,700],[\"Apples\",700,900],[\"are\",900,999]]", 950,
		700 },
	{ "within it", "Hello. 12 apples are here.", "[[\"Hello\",0,300],[\"twelve\",400,700],[\"apples\",700,1000]]",
		500, 400 },
	{ "it is in the middle", "Hello. I have 12 apples.",
		"[[\"Hello\",0,300],[\"I\",400,500],[\"have\",500,600],[\"twelve\",600,700],[\"apples\",700,1000]]",
		800, 400 },
	{ "nothing is in the text", "Eins. Zwei.", "[[\"One\",100,300],[\"two\",400,700]]", 500, 100 },
};

static void test_sentences_that_the_text_has_otherwise(const void *arg)
{
	const struct lacks_row *row = arg;
	json_t *words = json_loads(row->words, 0, NULL);
	struct dh_script *script = dh_script_new(row->text, words);

	CHECK_INT(dh_script_begin(script, row->at_ms * DH_TICKS_PER_MS, true), row->sentence_ms * DH_TICKS_PER_MS);
	dh_script_unref(&script);
	json_decref(words);
}

static void test_places_without_words(void)
{
	struct dh_script *script = dh_script_new("One two.", NULL);

	CHECK_INT(dh_script_word_end(script, 0), -1);
	CHECK_INT(dh_script_begin(script, 0, true), -1);
	CHECK_INT(dh_script_word_end(NULL, 0), -1);
	CHECK_INT(dh_script_begin(NULL, 0, false), -1);
	dh_script_unref(&script);
}

static const struct check_test tests[] = {
	TABLE(test_places, places),
	TABLE(test_sentences_that_the_text_has_otherwise, lacks),
	TEST(test_places_without_words),
	TABLE(test_heard, heard_rows),
	TEST(test_without_a_script),
	TEST(test_heard_grows),
	TABLE(test_words, words_rows),
	TEST(test_limits_of_words),
	TEST(test_words_far_ahead),
	TEST(test_added_words),
	TEST(test_words_added_to_a_shared_script),
	TEST(test_words_of_the_request_stay),
	TEST(test_added_text),
	TEST(test_added_text_and_words),
	TEST(test_a_text_that_is_cut),
	TEST(test_a_text_of_words_is_limited),
	TEST(test_wrong_fields),
	TEST(test_fields),
	TEST(test_content),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
