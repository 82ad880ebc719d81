/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a playlist plays, in which order. */
#include "rooms/playlist.h"
#include "tests/support/check.h"

#include <string.h>

static const char *folder_names = "a b c"; /* of the files in every folder; NULL: it cannot be read */

static GPtrArray *list(void *arg, const char *folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	char **parts = g_strsplit(folder_names ? folder_names : "", " ", 0);

	(void)arg;
	(void)folder;
	for (char **part = parts; *part; part++)
		if (**part)
			g_ptr_array_add(names, g_strdup(*part));
	g_strfreev(parts);
	if (!folder_names)
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
	TABLE(test_check, check_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
