/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which captions and markers come when, under a fake clock: each step is a slot. */
#include "tests/support/check.h"

#include <errno.h>

#include <glib.h>

#include "playout/timebase.h"
#include "rooms/screen.h"

#define MS DH_TICKS_PER_MS

/* What the screen reports, one line each: "100 + 1 text", "400 - 1", "500 ! data". */
struct told {
	GString *text;
	const struct dh_screen_play *play;
};

static void shown(void *arg, const struct dh_screen_caption *caption, int64_t at_ticks)
{
	struct told *told = arg;
	json_t *json = dh_timed_text_json(told->play->timed_text, told->play->script, &caption->caption, 0);

	g_string_append_printf(told->text, "%d + %u %s\n", (int)(at_ticks / MS), caption->number,
		json_string_value(json_object_get(json, "text")));
	json_decref(json);
}

static void ended(void *arg, const struct dh_screen_caption *caption, int64_t at_ticks)
{
	g_string_append_printf(((struct told *)arg)->text, "%d - %u\n", (int)(at_ticks / MS), caption->number);
}

static void marked(void *arg, json_t *data, int64_t at_ticks)
{
	g_string_append_printf(((struct told *)arg)->text, "%d ! %s\n", (int)(at_ticks / MS), json_string_value(data));
}

/* `steps`: times reached in ms, 0 at the end; negative: it begins again. NULL: each slot of 10 s. */
static const struct row {
	const char *name, *text, *words, *captions, *markers;
	int steps[6];
	const char *told;
} rows[] = {
	{ "sentences", "One, two. Three!", "[[\"One\",100,300],[\"two\",300,700],[\"Three\",900,1300]]", NULL, NULL,
		{ 0 }, "100 + 1 One, two.\n700 - 1\n900 + 2 Three!\n1300 - 2\n" },
	{ "a pause", "One two", "[[\"One\",0,300],[\"two\",900,1200]]", NULL, NULL, { 0 },
		"0 + 1 One\n300 - 1\n900 + 2 two\n1200 - 2\n" },
	{ "no pause", "One two", "[[\"One\",0,300],[\"two\",899,1200]]", NULL, NULL, { 0 },
		"0 + 1 One two\n1200 - 1\n" },
	{ "what was given as words", "It costs 5 dollars",
		"[[\"It\",0,100],[\"costs\",100,200],[\"five\",200,300],[\"dollars\",300,400]]", NULL, NULL, { 0 },
		"0 + 1 It costs 5 dollars\n400 - 1\n" },
	{ "words alone", NULL, "[[\"One\",0,300],[\"two\",300,600]]", NULL, NULL, { 0 }, "0 + 1 One two\n600 - 1\n" },
	{ "none of the words is in the text", "Eins zwei", "[[\"One\",0,300],[\"two\",300,600]]", NULL, NULL, { 0 },
		"0 + 1 One two\n600 - 1\n" },
	{ "given ones overlap", NULL, NULL, "[[\"A\",100,500],[\"B\",300,400]]", NULL, { 0 },
		"100 + 1 A\n300 + 2 B\n400 - 2\n500 - 1\n" },
	{ "given ones go before words", "One", "[[\"One\",0,300]]", "[[\"A\\nb\",100,200]]", NULL, { 0 },
		"100 + 1 A\nb\n200 - 1\n" },
	{ "shorter than a slot", NULL, NULL, "[[\"A\",101,103],[\"B\",104,105]]", NULL, { 0 },
		"101 + 1 A\n103 - 1\n104 + 2 B\n105 - 2\n" },
	{ "markers", NULL, NULL, NULL, "[[0,\"a\"],[100,\"b\"],[100,\"c\"]]", { 0 }, "0 ! a\n100 ! b\n100 ! c\n" },
	{ "passed over", NULL, NULL, "[[\"A\",0,100],[\"B\",100,900],[\"C\",400,500]]", "[[50,\"m\"]]", { 600, 1000 },
		"580 + 1 B\n580 ! m\n980 - 1\n" },
	{ "again", NULL, NULL, "[[\"A\",0,1000]]", "[[10,\"m\"]]", { 20, 40, 20 },
		"0 + 1 A\n10 ! m\n0 - 1\n0 + 2 A\n10 ! m\n" },
};

static void test_screen(const void *arg)
{
	const struct row *row = arg;
	json_t *words = row->words ? json_loads(row->words, 0, NULL) : NULL;
	json_t *captions = row->captions ? json_loads(row->captions, 0, NULL) : NULL;
	json_t *markers = row->markers ? json_loads(row->markers, 0, NULL) : NULL;
	CHECK(!captions || !dh_captions_check(captions));
	CHECK(!markers || !dh_markers_check(markers));
	struct dh_timed_text *timed_text = dh_timed_text_new(captions, markers);
	struct dh_script *script = dh_script_new(row->text, words);
	const struct dh_screen_play play = { timed_text, script, true };
	struct told told = { g_string_new(NULL), &play };
	const struct dh_screen_out out = { &told, shown, ended, marked };
	struct dh_screen screen = { 0 };

	for (int i = 0; row->steps[0] && row->steps[i]; i++)
		dh_screen_advance(&screen, &play, row->steps[i] * MS, DH_SLOT_TICKS, &out);
	for (int ms = 20; !row->steps[0] && ms <= 10000; ms += 20)
		dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, row->told);
	g_string_free(told.text, TRUE);
	dh_script_unref(&script);
	dh_timed_text_free(&timed_text);
	json_decref(words);
	json_decref(captions);
	json_decref(markers);
}

/* Words that come while they are said. */
static void test_words_that_come(void)
{
	const struct dh_stream_word list[] = { { .from_ticks = 0, .to_ticks = 200 * MS, .text = "One" },
		{ .from_ticks = 200 * MS, .to_ticks = 400 * MS, .text = "two" },
		{ .from_ticks = 400 * MS, .to_ticks = 600 * MS, .text = "three" },
		{ .from_ticks = 700 * MS, .to_ticks = 800 * MS, .text = "late" } };
	const struct dh_stream_word *words[] = { &list[0], &list[1], &list[2], &list[3] };
	struct dh_script *script = dh_script_new("One two. Three four late.", NULL);
	struct dh_screen_play play = { NULL, script, false };
	struct told told = { g_string_new(NULL), &play };
	const struct dh_screen_out out = { &told, shown, ended, marked };
	struct dh_screen screen = { 0 };

	CHECK_INT(dh_screen_next_ticks(&screen, &play), INT64_MAX);
	dh_screen_advance(&screen, &play, 20 * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "");
	dh_script_add(&script, words, 1);
	play.script = script;
	dh_screen_advance(&screen, &play, 40 * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "20 + 1 One\n");
	dh_script_add(&script, words + 1, 1);
	dh_screen_advance(&screen, &play, 60 * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "20 + 1 One\n40 + 1 One two.\n");
	dh_script_add(&script, words + 2, 1);
	dh_screen_advance(&screen, &play, 400 * MS, DH_SLOT_TICKS, &out);
	dh_screen_advance(&screen, &play, 640 * MS, DH_SLOT_TICKS, &out);
	dh_script_add(&script, words + 3, 1);
	dh_screen_advance(&screen, &play, 900 * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "20 + 1 One\n40 + 1 One two.\n400 - 1\n");
	g_string_free(told.text, TRUE);
	dh_script_unref(&script);
}

/* The segment waits for more of itself, or the words are a little late: the caption stays, and goes on. */
static void test_words_that_are_late(void)
{
	const struct dh_stream_word list[] = { { .from_ticks = 0, .to_ticks = 200 * MS, .text = "One" },
		{ .from_ticks = 300 * MS, .to_ticks = 500 * MS, .text = "two" } };
	const struct dh_stream_word *words[] = { &list[0], &list[1] };
	struct dh_script *script = NULL;
	struct dh_screen_play play = { NULL, NULL, false };
	struct told told = { g_string_new(NULL), &play };
	const struct dh_screen_out out = { &told, shown, ended, marked };
	struct dh_screen screen = { 0 };

	dh_script_add(&script, words, 1);
	play.script = script;
	for (int ms = 20; ms <= 400; ms += 20)
		dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "0 + 1 One\n");
	dh_script_add(&script, words + 1, 1);
	play.script = script;
	for (int ms = 420; ms <= 1500; ms += 20)
		dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "0 + 1 One\n400 + 1 One two\n1100 - 1\n");
	g_string_free(told.text, TRUE);
	dh_script_unref(&script);
}

/* It goes on a little before where it stopped, or much later, or there. */
static void test_a_hold(void)
{
	static const struct {
		int on_ms;
		const char *told;
	} goes[] = { { 700, "680 + 3 b\n1000 - 3\n1000 + 4 c\n" }, { 760, "740 + 3 b\n1000 - 3\n1000 + 4 c\n" },
		{ 520, "500 + 3 b\n1000 - 3\n1000 + 4 c\n" },
		{ 440, "420 + 3 a\n500 - 3\n500 + 4 b\n1000 - 4\n1000 + 5 c\n" } };
	json_t *captions = json_loads("[[\"a\",0,500],[\"b\",500,1000],[\"c\",1000,5000]]", 0, NULL);
	json_t *markers = json_loads("[[510,\"m\"]]", 0, NULL);
	struct dh_timed_text *timed_text = dh_timed_text_new(captions, markers);
	const struct dh_screen_play play = { timed_text, NULL, true };

	for (size_t i = 0; i < sizeof goes / sizeof *goes; i++) {
		struct told told = { g_string_new(NULL), &play };
		const struct dh_screen_out out = { &told, shown, ended, marked };
		struct dh_screen screen = { 0 };
		for (int ms = 20; ms <= 740; ms += 20)
			dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
		CHECK_STR(told.text->str, "0 + 1 a\n500 - 1\n500 + 2 b\n510 ! m\n");
		g_string_truncate(told.text, 0);
		dh_screen_hold(&screen, 740 * MS, &out);
		CHECK_STR(told.text->str, "740 - 2\n");
		g_string_truncate(told.text, 0);
		dh_screen_advance(&screen, &play, 740 * MS, DH_SLOT_TICKS, &out);
		CHECK_STR(told.text->str, "");
		for (int ms = goes[i].on_ms; ms <= 1100; ms += 20)
			dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
		CHECK_STR(told.text->str, goes[i].told);
		g_string_free(told.text, TRUE);
	}
	dh_timed_text_free(&timed_text);
	json_decref(captions);
	json_decref(markers);
}

/* "a" and "d" have been passed when it is put on hold. It goes on before them, and only then more markers come: they
 * are reported when they are passed, those that were passed are not, and all are when it plays again. */
static void test_markers_where_it_is_heard_again(void)
{
	static const struct {
		int64_t at_ms;
		const char *data;
	} more[] = { { 470, "b" }, { 495, "e" }, { 470, "c" }, { 900, "f" } };
	json_t *markers = json_loads("[[100,\"a\"],[490,\"d\"]]", 0, NULL);
	struct dh_timed_text *timed_text = dh_timed_text_new(NULL, markers);
	const struct dh_screen_play play = { timed_text, NULL, true };
	struct told told = { g_string_new(NULL), &play };
	const struct dh_screen_out out = { &told, shown, ended, marked };
	struct dh_screen screen = { 0 };
	size_t index;

	for (int ms = 20; ms <= 500; ms += 20)
		dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
	dh_screen_hold(&screen, 500 * MS, &out);
	dh_screen_advance(&screen, &play, 460 * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "100 ! a\n490 ! d\n");
	g_string_truncate(told.text, 0);
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		json_t *data = json_string(more[i].data);
		CHECK_INT(dh_timed_text_add_marker(&timed_text, more[i].at_ms, data, &index), 0);
		dh_screen_marker_added(&screen, index);
		json_decref(data);
	}
	CHECK_INT(dh_screen_next_ticks(&screen, &play), 470 * MS);
	dh_screen_advance(&screen, &play, 480 * MS, DH_SLOT_TICKS, &out);
	CHECK_INT(dh_screen_next_ticks(&screen, &play), 495 * MS);
	for (int ms = 500; ms <= 1000; ms += 20)
		dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "470 ! b\n470 ! c\n495 ! e\n900 ! f\n");
	CHECK_INT(dh_screen_next_ticks(&screen, &play), INT64_MAX);
	g_string_truncate(told.text, 0);
	for (int ms = 20; ms <= 1000; ms += 20)
		dh_screen_advance(&screen, &play, ms * MS, DH_SLOT_TICKS, &out);
	CHECK_STR(told.text->str, "100 ! a\n470 ! b\n470 ! c\n490 ! d\n495 ! e\n900 ! f\n");
	g_string_free(told.text, TRUE);
	dh_timed_text_free(&timed_text);
	json_decref(markers);
}

static void test_long_sentences_are_divided(void)
{
	GString *text = g_string_new(NULL);
	json_t *words = json_array();
	struct dh_caption caption;

	for (int i = 0; i < 100; i++) {
		g_string_append(text, i ? " word" : "word");
		json_array_append_new(words, json_pack("[s, i, i]", "word", i * 200, i * 200 + 200));
	}
	struct dh_script *script = dh_script_new(text->str, words);
	for (size_t first = 0; dh_timed_text_caption(NULL, script, first, true, &caption); first = caption.end) {
		char *passage = dh_script_passage(script, caption.first, caption.end);
		CHECK(strlen(passage) <= 84, "%s", passage);
		CHECK(caption.to_ticks - caption.from_ticks <= 7000 * MS);
		CHECK(caption.end > first && caption.end <= 100);
		g_free(passage);
	}
	g_string_free(text, TRUE);
	json_decref(words);
	dh_script_unref(&script);
}

/* --- what requests say */

static const struct refused {
	const char *name, *json;
	bool is_marker;
} refusals[] = {
	{ "no array", "{}", false },
	{ "no triple", "[[\"a\",1]]", false },
	{ "no text", "[[\"\",1,2]]", false },
	{ "a control character", "[[\"a\\tb\",1,2]]", false },
	{ "it ends before it begins", "[[\"a\",3,2]]", false },
	{ "out of order", "[[\"a\",3,4],[\"b\",2,5]]", false },
	{ "a negative time", "[[\"a\",-1,4]]", false },
	{ "for ever", "[[\"a\",1,9223372036854775807]]", false },
	{ "a NUL", "[[\"a\\u0000b\",1,2]]", false },
	{ "no array of markers", "\"x\"", true },
	{ "a marker without data", "[[1]]", true },
	{ "a marker without a time", "[[null,1]]", true },
	{ "markers out of order", "[[2,1],[1,1]]", true },
};

static void test_refused(const void *arg)
{
	const struct refused *row = arg;
	json_t *json = json_loads(row->json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	CHECK(json != NULL);
	CHECK(row->is_marker ? dh_markers_check(json) : dh_captions_check(json));
	json_decref(json);
}

static void test_limits(void)
{
	char *text = g_strnfill(DH_MARKER_BYTES_MAX - 2, 'x'), *caption = g_strnfill(DH_CAPTION_BYTES_MAX, 'x');
	json_t *data = json_string(text), *more = json_pack("[s]", text), *captions = json_array(),
	       *markers = json_array();

	CHECK(!dh_marker_check(data));
	CHECK(dh_marker_check(more));
	for (int i = 0; i < DH_CAPTIONS_MAX; i++)
		json_array_append_new(captions, json_pack("[s, i, i]", caption, i, i));
	CHECK(!dh_captions_check(captions));
	json_array_append_new(captions, json_pack("[s, i, i]", "a", 5000, 5000));
	CHECK(dh_captions_check(captions));
	for (int i = 0; i < DH_MARKERS_MAX; i++)
		json_array_append_new(markers, json_pack("[i, n]", i));
	CHECK(!dh_markers_check(markers));
	json_array_append_new(markers, json_pack("[i, n]", 5000));
	CHECK(dh_markers_check(markers));
	json_decref(data);
	json_decref(more);
	json_decref(captions);
	json_decref(markers);
	g_free(text);
	g_free(caption);
}

static void test_more_markers(void)
{
	json_t *given = json_loads("[[100,\"b\"],[300,\"d\"]]", 0, NULL), *data = json_string("x");
	struct dh_timed_text *timed_text = dh_timed_text_new(NULL, given), *none = NULL;
	static const int64_t at_ms[] = { 0, 100, 200, 300, 300 };
	struct dh_marker marker;

	CHECK_INT(dh_timed_text_add_marker(&timed_text, 200, data, NULL), 0);
	CHECK_INT(dh_timed_text_add_marker(&timed_text, 0, data, NULL), 0);
	CHECK_INT(dh_timed_text_add_marker(&timed_text, 300, data, NULL), 0);
	CHECK_INT(json_array_size(given), 2);
	for (size_t i = 0; i < sizeof at_ms / sizeof *at_ms; i++) {
		CHECK(dh_timed_text_marker(timed_text, i, &marker));
		CHECK_INT(marker.at_ticks, at_ms[i] * MS);
	}
	CHECK_STR(json_string_value(marker.data), "x");
	CHECK(!dh_timed_text_marker(timed_text, 5, &marker));
	for (int i = 0; i < DH_MARKERS_MAX; i++)
		CHECK_INT(dh_timed_text_add_marker(&none, i, data, NULL), 0);
	CHECK_INT(dh_timed_text_add_marker(&none, 0, data, NULL), -ENOBUFS);
	CHECK(!dh_timed_text_has_captions(none));
	dh_timed_text_free(&timed_text);
	dh_timed_text_free(&none);
	json_decref(given);
	json_decref(data);
}

static const struct check_test tests[] = {
	TABLE(test_screen, rows),
	TEST(test_words_that_come),
	TEST(test_words_that_are_late),
	TEST(test_a_hold),
	TEST(test_markers_where_it_is_heard_again),
	TEST(test_long_sentences_are_divided),
	TABLE(test_refused, refusals),
	TEST(test_limits),
	TEST(test_more_markers),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
