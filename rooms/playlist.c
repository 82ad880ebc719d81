/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist.h"

#include <string.h>

#define TIME_LENGTH 6 /* "18:00 " */

struct dh_playlist {
	json_t *items; /* a reference */
	bool is_shuffled, repeats;
	uint32_t seed;
	uint64_t round, at; /* of the next file */
	GPtrArray *files;   /* of this round; NULL: to be listed */
	char *last;         /* of the round before; NULL: none */
	int tries;          /* to list this round in vain, although there are files */
	bool is_over;
	uint64_t numbers;     /* of turns so far */
	GQueue due, returned; /* struct dh_playlist_turn */
	int minute;           /* the last tick's; -1: none */
	char *wanted;         /* the file to go on with in this round; NULL: none */
	int64_t wanted_ms;    /* from there */
};

/* The minute of the day that `item` begins with; -1: with none. */
static int time_of(const char *item)
{
	static const char pattern[] = "00:00 ";

	for (int i = 0; i < TIME_LENGTH; i++)
		if (pattern[i] == '0' ? !g_ascii_isdigit(item[i]) : item[i] != pattern[i])
			return -1;
	int hour = (item[0] - '0') * 10 + item[1] - '0', minute = (item[3] - '0') * 10 + item[4] - '0';
	return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

static const char *path_of(const char *item)
{
	return time_of(item) < 0 ? item : item + TIME_LENGTH;
}

static bool is_item(const json_t *value)
{
	const char *item = json_string_value(value);

	if (!item || strlen(item) != json_string_length(value) || strlen(item) > DH_PLAYLIST_ITEM_MAX)
		return false;
	for (const char *at = item; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	return *path_of(item) && *path_of(item) != '/';
}

const char *dh_playlist_check(const json_t *items)
{
	size_t i;
	json_t *item;

	if (!json_is_array(items) || json_array_size(items) < 1 || json_array_size(items) > DH_PLAYLIST_ITEMS_MAX)
		return "an array of 1 to 500 items is expected";
	json_array_foreach(items, i, item)
		if (!is_item(item))
			return "files, folders (\"shows/\") or either at a time of day (\"18:00 news.mp4\"), all of "
			       "at most 1024 bytes, are expected";
	return NULL;
}

/* --- life */

struct dh_playlist *dh_playlist_new(const json_t *settings, uint32_t seed)
{
	struct dh_playlist *playlist = g_new0(struct dh_playlist, 1);

	playlist->items = json_incref(json_object_get(settings, "items"));
	playlist->is_shuffled = json_is_true(json_object_get(settings, "shuffle"));
	playlist->repeats = !json_is_false(json_object_get(settings, "repeat"));
	playlist->seed = seed;
	playlist->minute = -1;
	return playlist;
}

static void clear(GQueue *turns)
{
	struct dh_playlist_turn *turn;

	while ((turn = g_queue_pop_head(turns))) {
		g_free(turn->file);
		g_free(turn);
	}
}

void dh_playlist_free(struct dh_playlist **playlist)
{
	struct dh_playlist *old = *playlist;

	*playlist = NULL;
	if (!old)
		return;
	clear(&old->due);
	clear(&old->returned);
	if (old->files)
		g_ptr_array_unref(old->files);
	g_free(old->wanted);
	g_free(old->last);
	json_decref(old->items);
	g_free(old);
}

/* --- a round */

enum listing { LISTED, EMPTY, UNREADABLE };

static const char *prefix_of(const char *folder)
{
	return strcmp(folder, "./") ? folder : "";
}

/* Appends the files that an item stands for. */
static enum listing expand(const char *path, dh_playlist_list_fn *list, void *arg, GPtrArray *files)
{
	if (!g_str_has_suffix(path, "/")) {
		if (files->len < DH_PLAYLIST_FILES_MAX)
			g_ptr_array_add(files, g_strdup(path));
		return LISTED;
	}
	GPtrArray *names = list(arg, path);
	enum listing listing = !names ? UNREADABLE : names->len ? LISTED : EMPTY;
	for (guint i = 0; names && i < names->len && files->len < DH_PLAYLIST_FILES_MAX; i++)
		g_ptr_array_add(files, g_strconcat(prefix_of(path), names->pdata[i], NULL));
	if (names)
		g_ptr_array_unref(names);
	return listing;
}

static void shuffle(GPtrArray *files, uint32_t seed)
{
	GRand *random = g_rand_new_with_seed(seed);

	for (guint i = files->len; i > 1; i--) {
		gint other = g_rand_int_range(random, 0, (gint32)i);
		gpointer file = files->pdata[i - 1];
		files->pdata[i - 1] = files->pdata[other];
		files->pdata[other] = file;
	}
	g_rand_free(random);
}

/* What was played last is not played first. */
static void separate(GPtrArray *files, const char *last)
{
	if (last && files->len > 1 && !strcmp(files->pdata[0], last)) {
		gpointer file = files->pdata[0];
		files->pdata[0] = files->pdata[files->len - 1];
		files->pdata[files->len - 1] = file;
	}
}

static bool is_in(const char *file, const char *folder)
{
	const char *prefix = prefix_of(folder);

	return g_str_has_suffix(folder, "/") && g_str_has_prefix(file, prefix) && !strchr(file + strlen(prefix), '/');
}

/* Lists what the round is made of. Whether something lacks that is worth waiting for: the folder of the wanted file, or
 * any folder of a playlist that is played once. */
static bool list_items(struct dh_playlist *playlist, dh_playlist_list_fn *list, void *arg)
{
	bool lacks = false;
	size_t i;
	json_t *item;

	json_array_foreach(playlist->items, i, item) {
		const char *path = json_string_value(item);
		if (time_of(path) >= 0)
			continue;
		enum listing listing = expand(path, list, arg, playlist->files);
		if (listing == UNREADABLE && !playlist->repeats)
			lacks = true;
		else if (listing != LISTED && playlist->wanted && is_in(playlist->wanted, path))
			lacks = true;
	}
	return lacks;
}

/* It goes on with the wanted file, wherever that is now. */
static void find_wanted(struct dh_playlist *playlist)
{
	const GPtrArray *files = playlist->files;

	if (!playlist->wanted)
		return;
	bool is_there = playlist->at < files->len && !strcmp(files->pdata[playlist->at], playlist->wanted);
	for (guint i = 0; !is_there && i < files->len; i++) {
		is_there = !strcmp(files->pdata[i], playlist->wanted);
		if (is_there)
			playlist->at = i;
	}
	if (is_there)
		return;
	g_clear_pointer(&playlist->wanted, g_free);
	if (playlist->at >= files->len)
		playlist->at = 0;
}

/* False: it is to be tried again later. */
static bool list_round(struct dh_playlist *playlist, dh_playlist_list_fn *list, void *arg)
{
	playlist->files = g_ptr_array_new_with_free_func(g_free);
	bool lacks = list_items(playlist, list, arg);
	if (!playlist->files->len || (lacks && playlist->tries++ < DH_PLAYLIST_TRIES_MAX)) {
		g_clear_pointer(&playlist->files, g_ptr_array_unref);
		return false;
	}
	playlist->tries = 0;
	if (playlist->is_shuffled) {
		shuffle(playlist->files, playlist->seed + (uint32_t)playlist->round);
		separate(playlist->files, playlist->last);
	}
	find_wanted(playlist);
	return true;
}

static void end_round(struct dh_playlist *playlist)
{
	g_free(playlist->last);
	playlist->last = g_strdup(playlist->files->pdata[playlist->files->len - 1]);
	g_clear_pointer(&playlist->files, g_ptr_array_unref);
	playlist->at = 0;
	playlist->round++;
	playlist->is_over = !playlist->repeats;
}

static bool next_of_round(struct dh_playlist *playlist, dh_playlist_list_fn *list, void *arg,
	struct dh_playlist_turn *turn)
{
	if (playlist->files && playlist->at >= playlist->files->len)
		end_round(playlist);
	if (playlist->is_over || (!playlist->files && !list_round(playlist, list, arg)))
		return false;
	*turn = (struct dh_playlist_turn){
		.file = g_strdup(playlist->files->pdata[playlist->at]),
		.from_ms = playlist->wanted ? playlist->wanted_ms : 0,
		.is_restored = playlist->wanted != NULL,
		.round = playlist->round,
		.at = playlist->at,
	};
	g_clear_pointer(&playlist->wanted, g_free);
	playlist->at++;
	return true;
}

bool dh_playlist_next(struct dh_playlist *playlist, dh_playlist_list_fn *list, void *arg, struct dh_playlist_turn *turn)
{
	struct dh_playlist_turn *first = g_queue_pop_head(&playlist->due);

	while (first && g_str_has_suffix(first->file, "/")) { /* all files of a folder that is due */
		GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
		expand(first->file, list, arg, files);
		for (guint i = files->len; i > 0; i--) {
			struct dh_playlist_turn *one = g_memdup2(first, sizeof *first);
			one->file = g_strdup(files->pdata[i - 1]);
			g_queue_push_head(&playlist->due, one);
		}
		g_ptr_array_unref(files);
		g_free(first->file);
		g_free(first);
		first = g_queue_pop_head(&playlist->due);
	}
	if (!first)
		first = g_queue_pop_head(&playlist->returned);
	bool is_there = first || next_of_round(playlist, list, arg, turn);
	if (first)
		*turn = *first;
	if (is_there && !turn->is_again)
		turn->number = ++playlist->numbers;
	g_free(first);
	return is_there;
}

static gint by_number(gconstpointer a, gconstpointer b, gpointer arg)
{
	const struct dh_playlist_turn *first = a, *second = b;

	(void)arg;
	return first->number < second->number ? -1 : 1;
}

void dh_playlist_return(struct dh_playlist *playlist, const struct dh_playlist_turn *turn, int64_t from_ms)
{
	struct dh_playlist_turn *copy = g_memdup2(turn, sizeof *turn);

	copy->file = g_strdup(turn->file);
	copy->from_ms = from_ms;
	copy->is_again = true;
	if (turn->is_timed)
		g_queue_push_head(&playlist->due, copy);
	else
		g_queue_insert_sorted(&playlist->returned, copy, by_number, NULL);
}

/* --- times of day */

void dh_playlist_tick(struct dh_playlist *playlist, int minute)
{
	size_t i;
	json_t *item;

	if (minute == playlist->minute)
		return;
	playlist->minute = minute;
	json_array_foreach(playlist->items, i, item) {
		if (time_of(json_string_value(item)) != minute)
			continue;
		struct dh_playlist_turn *turn = g_new0(struct dh_playlist_turn, 1);
		turn->file = g_strdup(path_of(json_string_value(item)));
		turn->is_timed = true;
		g_queue_push_tail(&playlist->due, turn);
	}
}

bool dh_playlist_is_due(const struct dh_playlist *playlist)
{
	return playlist->due.length > 0;
}

bool dh_playlist_has_times(const struct dh_playlist *playlist)
{
	size_t i;
	json_t *item;

	json_array_foreach(playlist->items, i, item)
		if (time_of(json_string_value(item)) >= 0)
			return true;
	return false;
}

/* --- where it is */

json_t *dh_playlist_position(const struct dh_playlist *playlist, const struct dh_playlist_turn *turn, int64_t at_ms)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:I}", "seed", (json_int_t)playlist->seed, "round",
		(json_int_t)turn->round, "at", (json_int_t)turn->at, "file", turn->file, "at_ms", (json_int_t)at_ms);
}

static bool read_number(const json_t *position, const char *name, json_int_t most, json_int_t *number)
{
	const json_t *value = json_object_get(position, name);

	*number = json_integer_value(value);
	return json_is_integer(value) && *number >= 0 && *number <= most;
}

void dh_playlist_restore(struct dh_playlist *playlist, const json_t *position)
{
	const char *file = json_string_value(json_object_get(position, "file"));
	json_int_t seed, round, at, at_ms;

	if (!file || !read_number(position, "seed", UINT32_MAX, &seed) ||
		!read_number(position, "round", INT64_MAX / 2, &round) ||
		!read_number(position, "at", DH_PLAYLIST_FILES_MAX, &at) ||
		!read_number(position, "at_ms", 24 * 3600 * 1000, &at_ms))
		return;
	playlist->seed = (uint32_t)seed;
	playlist->round = (uint64_t)round;
	playlist->at = (uint64_t)at;
	g_free(playlist->wanted);
	playlist->wanted = g_strdup(file);
	playlist->wanted_ms = at_ms;
}
