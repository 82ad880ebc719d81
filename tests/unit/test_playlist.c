/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a playlist plays, in which order. */
#include "rooms/playlist.h"
#include "tests/support/check.h"

#include <string.h>

static const char *folder_names = "a b c"; /* of the files in every folder; NULL: it cannot be read */
static const char *unreadable;             /* the one folder that cannot be read; NULL: none */

static GPtrArray *list(void *arg, const char *folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	char **parts = g_strsplit(folder_names ? folder_names : "", " ", 0);

	(void)arg;
	for (char **part = parts; *part; part++)
		if (**part)
			g_ptr_array_add(names, g_strdup(*part));
	g_strfreev(parts);
	if (!folder_names || !g_strcmp0(folder, unreadable))
		g_clear_pointer(&names, g_ptr_array_unref);
	return names;
}

static struct dh_playlist *make(const char *settings)
{
	json_t *json = json_loads(settings, 0, NULL);
	struct dh_playlist *playlist = dh_playlist_new(json, 7);

	json_decref(json);
	return playlist;
}

/* The next `count` files, "-" for none; valid until the next call. */
static const char *next(struct dh_playlist *playlist, int count)
{
	static char text[1000];
	struct dh_playlist_turn turn;

	*text = '\0';
	for (int i = 0; i < count; i++) {
		bool is_there = dh_playlist_next(playlist, list, NULL, &turn);
		g_strlcat(text, i ? " " : "", sizeof(text));
		g_strlcat(text, is_there ? turn.file : "-", sizeof(text));
		if (is_there)
			g_free(turn.file);
	}
	return text;
}

struct order_row {
	const char *name, *playlist, *names;
	int count;
	const char *files;
};

static const struct order_row order_rows[] = {
	{ "repeats", "{\"items\":[\"x\",\"y\"]}", "", 5, "x y x y x" },
	{ "once", "{\"items\":[\"x\",\"y\"],\"repeat\":false}", "", 4, "x y - -" },
	{ "a folder", "{\"items\":[\"x\",\"shows/\"]}", "a b", 4, "x shows/a shows/b x" },
	{ "the segment folder", "{\"items\":[\"./\"]}", "a b", 3, "a b a" },
	{ "an empty folder", "{\"items\":[\"shows/\",\"y\"]}", "", 2, "y y" },
	{ "nothing but an empty folder", "{\"items\":[\"shows/\"]}", "", 2, "- -" },
	{ "a folder that cannot be read", "{\"items\":[\"shows/\",\"y\"]}", NULL, 2, "y y" },
	{ "only times", "{\"items\":[\"18:00 news\"]}", "", 2, "- -" },
	{ "no time", "{\"items\":[\"24:00 x\",\"1:00 y\",\"12:60 z\"]}", "", 3, "24:00 x 1:00 y 12:60 z" },
};

static void test_order(const void *arg)
{
	const struct order_row *row = arg;
	struct dh_playlist *playlist = make(row->playlist);

	folder_names = row->names;
	CHECK_STR(next(playlist, row->count), row->files);
	dh_playlist_free(&playlist);
}

/* A new file is seen in the next round. */
static void test_folders_are_listed_again(void)
{
	struct dh_playlist *playlist = make("{\"items\":[\"shows/\"]}");

	folder_names = "a";
	CHECK_STR(next(playlist, 1), "shows/a");
	folder_names = "a b";
	CHECK_STR(next(playlist, 3), "shows/a shows/b shows/a");
	dh_playlist_free(&playlist);
}

/* Each comes once in a round, in another order, and none twice in a row. */
static void test_shuffle(void)
{
	struct dh_playlist *playlist = make("{\"items\":[\"a\",\"b\",\"c\",\"d\",\"e\"],\"shuffle\":true}");
	char before[100] = "";
	int changes = 0;

	for (int round = 0; round < 50; round++) {
		const char *files = next(playlist, 5);
		for (char c = 'a'; c <= 'e'; c++)
			CHECK(strchr(files, c), "%c lacks in %s", c, files);
		CHECK(!*before || before[strlen(before) - 1] != files[0], "%s, then %s", before, files);
		changes += strcmp(before, files) != 0;
		g_strlcpy(before, files, sizeof(before));
	}
	CHECK(changes > 40, "%d", changes);
	dh_playlist_free(&playlist);
}

static void test_what_was_interrupted_comes_again(void)
{
	struct dh_playlist *playlist = make("{\"items\":[\"x\",\"y\"]}");
	struct dh_playlist_turn turn;

	CHECK(dh_playlist_next(playlist, list, NULL, &turn));
	CHECK(!turn.is_again);
	dh_playlist_return(playlist, &turn, 1234);
	g_free(turn.file);
	CHECK(dh_playlist_next(playlist, list, NULL, &turn));
	CHECK_STR(turn.file, "x");
	CHECK_INT(turn.from_ms, 1234);
	CHECK(turn.is_again);
	g_free(turn.file);
	CHECK_STR(next(playlist, 2), "y x");
	dh_playlist_free(&playlist);
}

/* Whichever is heard of first. */
static void test_what_comes_again_keeps_its_order(void)
{
	struct dh_playlist *playlist = make("{\"items\":[\"x\",\"y\",\"z\"]}");
	struct dh_playlist_turn turns[2];

	for (int i = 0; i < 2; i++)
		CHECK(dh_playlist_next(playlist, list, NULL, &turns[i]));
	for (int i = 0; i < 2; i++) {
		dh_playlist_return(playlist, &turns[i], 0);
		g_free(turns[i].file);
	}
	CHECK_STR(next(playlist, 3), "x y z");
	dh_playlist_free(&playlist);
}

static void test_times_of_day(void)
{
	struct dh_playlist *playlist = make("{\"items\":[\"x\",\"18:00 news\",\"18:00 weather\",\"00:05 night/\"]}");
	struct dh_playlist_turn turn;

	folder_names = "a b";
	CHECK(dh_playlist_has_times(playlist));
	dh_playlist_tick(playlist, 1079);
	CHECK(!dh_playlist_is_due(playlist));
	CHECK_STR(next(playlist, 2), "x x");
	dh_playlist_tick(playlist, 1080);
	dh_playlist_tick(playlist, 1080);
	CHECK(dh_playlist_is_due(playlist));
	CHECK(dh_playlist_next(playlist, list, NULL, &turn));
	CHECK(turn.is_timed);
	CHECK_STR(turn.file, "news");
	dh_playlist_return(playlist, &turn, 10);
	g_free(turn.file);
	CHECK_STR(next(playlist, 4), "news weather x x");
	dh_playlist_tick(playlist, 5);
	CHECK_STR(next(playlist, 3), "night/a night/b x");
	dh_playlist_tick(playlist, 1080);
	CHECK_STR(next(playlist, 2), "news weather");
	dh_playlist_free(&playlist);
}

/* After a restart. */
static void test_goes_on_where_it_was(void)
{
	static const char *const playlists[] = { "{\"items\":[\"shows/\"]}",
		"{\"items\":[\"shows/\"],\"shuffle\":true}" };
	struct dh_playlist_turn turn = { 0 };

	for (int i = 0; i < 2; i++) {
		struct dh_playlist *playlist = make(playlists[i]);
		folder_names = "a b c d e f g h";
		for (int n = 0; n < 13; n++) {
			g_free(turn.file);
			CHECK(dh_playlist_next(playlist, list, NULL, &turn));
		}
		json_t *position = dh_playlist_position(playlist, &turn, 5000);
		char *rest = g_strdup(next(playlist, 10));
		dh_playlist_free(&playlist);
		playlist = make(playlists[i]);
		dh_playlist_restore(playlist, position);
		json_decref(position);
		struct dh_playlist_turn again;
		CHECK(dh_playlist_next(playlist, list, NULL, &again));
		CHECK_STR(again.file, turn.file);
		CHECK_INT(again.from_ms, 5000);
		rest[strlen("shows/a shows/b shows/c")] = 0;
		CHECK_STR(next(playlist, 3), rest);
		g_free(again.file);
		g_free(rest);
		g_free(turn.file);
		turn.file = NULL;
		dh_playlist_free(&playlist);
	}
}

struct lost_row {
	const char *name, *position, *names, *files;
};

static const struct lost_row lost_rows[] = {
	{ "the file has moved", "{\"seed\":1,\"round\":0,\"at\":0,\"file\":\"shows/c\",\"at_ms\":9}", "a b c",
		"shows/c shows/a" },
	{ "it is gone", "{\"seed\":1,\"round\":0,\"at\":1,\"file\":\"shows/x\",\"at_ms\":9}", "a b c",
		"shows/b shows/c" },
	{ "so are others", "{\"seed\":1,\"round\":0,\"at\":9,\"file\":\"shows/x\",\"at_ms\":9}", "a b",
		"shows/a shows/b" },
	{ "no position", "{\"seed\":-1,\"round\":0,\"at\":1,\"file\":\"shows/b\",\"at_ms\":9}", "a b",
		"shows/a shows/b" },
	{ "no object", "[1]", "a b", "shows/a shows/b" },
};

static void test_lost(const void *arg)
{
	const struct lost_row *row = arg;
	struct dh_playlist *playlist = make("{\"items\":[\"shows/\"]}");
	json_t *position = json_loads(row->position, 0, NULL);

	folder_names = row->names;
	dh_playlist_restore(playlist, position);
	CHECK_STR(next(playlist, 2), row->files);
	json_decref(position);
	dh_playlist_free(&playlist);
}

/* --- a folder that is not there for a while, such as one whose file system is not mounted yet */

struct away_row {
	const char *name, *playlist, *names;
	bool has_place;
	const char *files; /* once it is there */
};

static const struct away_row away_rows[] = {
	{ "empty, at the beginning", "{\"items\":[\"shows/\"]}", "", false, "shows/a shows/b shows/c shows/a" },
	{ "unreadable, at the beginning", "{\"items\":[\"shows/\"]}", NULL, false, "shows/a shows/b shows/c shows/a" },
	{ "empty, once", "{\"items\":[\"shows/\"],\"repeat\":false}", "", false, "shows/a shows/b shows/c -" },
	{ "unreadable, once", "{\"items\":[\"shows/\"],\"repeat\":false}", NULL, false, "shows/a shows/b shows/c -" },
	{ "empty, with a place", "{\"items\":[\"shows/\"]}", "", true, "shows/b shows/c shows/a shows/b" },
	{ "unreadable, with a place", "{\"items\":[\"shows/\"]}", NULL, true, "shows/b shows/c shows/a shows/b" },
	{ "once, with a place", "{\"items\":[\"shows/\"],\"repeat\":false}", NULL, true, "shows/b shows/c - -" },
	{ "the segment folder", "{\"items\":[\"./\"],\"repeat\":false}", NULL, false, "a b c -" },
};

static void restore(struct dh_playlist *playlist, const char *text)
{
	json_t *position = json_loads(text, 0, NULL);

	dh_playlist_restore(playlist, position);
	json_decref(position);
}

static const char place[] = "{\"seed\":1,\"round\":3,\"at\":1,\"file\":\"shows/b\",\"at_ms\":9}";

static void test_away(const void *arg)
{
	const struct away_row *row = arg;
	struct dh_playlist *playlist = make(row->playlist);
	struct dh_playlist_turn turn;

	if (row->has_place)
		restore(playlist, place);
	folder_names = row->names;
	for (int i = 0; i < 3 * DH_PLAYLIST_TRIES_MAX; i++)
		CHECK_STR(next(playlist, 1), "-");
	folder_names = "a b c";
	CHECK(dh_playlist_next(playlist, list, NULL, &turn));
	CHECK_INT(turn.round, row->has_place ? 3 : 0);
	CHECK_INT(turn.from_ms, row->has_place ? 9 : 0);
	CHECK(turn.is_restored == row->has_place);
	char *files = g_strconcat(turn.file, " ", next(playlist, 3), NULL);
	CHECK_STR(files, row->files);
	g_free(files);
	g_free(turn.file);
	dh_playlist_free(&playlist);
}

/* It comes back between two rounds: none is counted that had no files. */
static void test_away_between_rounds(void)
{
	struct dh_playlist *playlist = make("{\"items\":[\"shows/\"]}");
	struct dh_playlist_turn turn;

	folder_names = "a b c";
	CHECK_STR(next(playlist, 3), "shows/a shows/b shows/c");
	folder_names = NULL;
	CHECK_STR(next(playlist, 4), "- - - -");
	folder_names = "a b c";
	CHECK(dh_playlist_next(playlist, list, NULL, &turn));
	CHECK_STR(turn.file, "shows/a");
	CHECK_INT(turn.round, 1);
	CHECK(!turn.is_restored);
	g_free(turn.file);
	dh_playlist_free(&playlist);
}

/* Shuffled, what was played last is not first after such a gap, either. */
static void test_no_file_twice_in_a_row_after_a_gap(void)
{
	for (uint32_t seed = 0; seed < 50; seed++) {
		json_t *json = json_loads("{\"items\":[\"shows/\"],\"shuffle\":true}", 0, NULL);
		struct dh_playlist *playlist = dh_playlist_new(json, seed);
		folder_names = "a b";
		char *last = g_strdup(next(playlist, 2) + strlen("shows/a "));
		folder_names = "";
		CHECK_STR(next(playlist, 2), "- -");
		folder_names = "a b";
		CHECK(strcmp(next(playlist, 1), last), "%s twice, with seed %u", last, seed);
		g_free(last);
		dh_playlist_free(&playlist);
		json_decref(json);
	}
}

struct waits_row {
	const char *name, *playlist, *unreadable, *position;
	const char *files; /* what comes when it does not wait (any more) */
	bool waits;
};

static const struct waits_row waits_rows[] = {
	{ "for the folder of its place", "{\"items\":[\"x\",\"shows/\"]}", "shows/", place, "x x", true },
	{ "not for another one", "{\"items\":[\"x\",\"shows/\",\"more/\"]}", "more/", place, "shows/b shows/c", false },
	{ "not below it", "{\"items\":[\"x\",\"shows/\"]}", "shows/",
		"{\"seed\":1,\"round\":0,\"at\":9,\"file\":\"shows/old/b\",\"at_ms\":9}", "x x", false },
	{ "for any that is to be played once", "{\"items\":[\"x\",\"shows/\"],\"repeat\":false}", "shows/", "{}", "x -",
		true },
	{ "once, with a place", "{\"items\":[\"shows/\",\"more/\"],\"repeat\":false}", "more/", place,
		"shows/b shows/c", true },
	{ "not where it comes again", "{\"items\":[\"x\",\"shows/\"]}", "shows/", "{}", "x x", false },
};

/* Where there is something else to play, not for ever. */
static void test_waits(const void *arg)
{
	const struct waits_row *row = arg;
	struct dh_playlist *playlist = make(row->playlist);

	folder_names = "a b c";
	unreadable = row->unreadable;
	restore(playlist, row->position);
	for (int i = 0; row->waits && i < DH_PLAYLIST_TRIES_MAX; i++)
		CHECK_STR(next(playlist, 1), "-");
	CHECK_STR(next(playlist, 2), row->files);
	unreadable = NULL;
	dh_playlist_free(&playlist);
}

struct check_row {
	const char *items;
	bool is_right;
};

static const struct check_row check_rows[] = {
	{ "[\"a.mp4\"]", true },
	{ "[\"shows/\",\"18:00 news.mp4\",\"./\"]", true },
	{ "[]", false },
	{ "{}", false },
	{ "[\"\"]", false },
	{ "[1]", false },
	{ "[\"/etc/\"]", false },
	{ "[\"18:00 \"]", false },
	{ "[\"18:00 /etc/passwd\"]", false },
	{ "[\"a\\u0000b\"]", false },
	{ "[\"a\\nb\"]", false },
};

static void test_check(const void *arg)
{
	const struct check_row *row = arg;
	json_t *items = json_loads(row->items, JSON_ALLOW_NUL, NULL);

	CHECK((dh_playlist_check(items) == NULL) == row->is_right, "%s", row->items);
	json_decref(items);
}

static const struct check_test tests[] = {
	TABLE(test_order, order_rows),
	TEST(test_folders_are_listed_again),
	TEST(test_shuffle),
	TEST(test_what_was_interrupted_comes_again),
	TEST(test_what_comes_again_keeps_its_order),
	TEST(test_times_of_day),
	TEST(test_goes_on_where_it_was),
	TABLE(test_lost, lost_rows),
	TABLE(test_away, away_rows),
	TEST(test_away_between_rounds),
	TEST(test_no_file_twice_in_a_row_after_a_gap),
	TABLE(test_waits, waits_rows),
	TABLE(test_check, check_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
