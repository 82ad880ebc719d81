/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "programme.h"

#include <string.h>

#define TIME_LENGTH 6 /* "18:00 " */

struct dh_programme {
	json_t *items; /* a reference */
	bool is_shuffled, repeats;
	uint32_t seed;
	uint64_t round, at; /* of the next file */
	GPtrArray *files;   /* of this round; NULL: to be listed */
	bool is_over;
	uint64_t numbers;     /* of turns so far */
	GQueue due, returned; /* struct dh_programme_turn */
	int minute;           /* the last tick's; -1: none */
	char *wanted;         /* the file to go on with in this round, … */
	int64_t wanted_ms;    /* … from there; NULL: none */
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

	if (!item || strlen(item) != json_string_length(value) || strlen(item) > DH_PROGRAMME_ITEM_MAX)
		return false;
	for (const char *at = item; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	return *path_of(item) && *path_of(item) != '/';
}

const char *dh_programme_check(const json_t *items)
{
	size_t i;
	json_t *item;

	if (!json_is_array(items) || json_array_size(items) < 1 || json_array_size(items) > DH_PROGRAMME_ITEMS_MAX)
		return "an array of 1 to 500 items is expected";
	json_array_foreach(items, i, item)
		if (!is_item(item))
			return "files, folders (\"shows/\") or either at a time of day (\"18:00 news.mp4\"), all of "
			       "at most 1024 bytes, are expected";
	return NULL;
}

/* --- life */

struct dh_programme *dh_programme_new(const json_t *playlist, uint32_t seed)
{
	struct dh_programme *programme = g_new0(struct dh_programme, 1);

	programme->items = json_incref(json_object_get(playlist, "items"));
	programme->is_shuffled = json_is_true(json_object_get(playlist, "shuffle"));
	programme->repeats = !json_is_false(json_object_get(playlist, "repeat"));
	programme->seed = seed;
	programme->minute = -1;
	return programme;
}

static void clear(GQueue *turns)
{
	struct dh_programme_turn *turn;

	while ((turn = g_queue_pop_head(turns))) {
		g_free(turn->file);
		g_free(turn);
	}
}

void dh_programme_free(struct dh_programme **programme)
{
	struct dh_programme *old = *programme;

	*programme = NULL;
	if (!old)
		return;
	clear(&old->due);
	clear(&old->returned);
	if (old->files)
		g_ptr_array_unref(old->files);
	g_free(old->wanted);
	json_decref(old->items);
	g_free(old);
}

/* --- a round */

/* What an item stands for: takes ownership of nothing; appends copies. */
static void expand(const char *path, dh_programme_list_fn *list, void *arg, GPtrArray *files)
{
	if (!g_str_has_suffix(path, "/")) {
		if (files->len < DH_PROGRAMME_FILES_MAX)
			g_ptr_array_add(files, g_strdup(path));
		return;
	}
	GPtrArray *names = list(arg, path);
	const char *folder = strcmp(path, "./") ? path : "";
	for (guint i = 0; names && i < names->len && files->len < DH_PROGRAMME_FILES_MAX; i++)
		g_ptr_array_add(files, g_strconcat(folder, names->pdata[i], NULL));
	if (names)
		g_ptr_array_unref(names);
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

/* It goes on with the wanted file, wherever that is now. */
static void find_wanted(struct dh_programme *programme)
{
	const GPtrArray *files = programme->files;

	if (!programme->wanted)
		return;
	bool is_there = programme->at < files->len && !strcmp(files->pdata[programme->at], programme->wanted);
	for (guint i = 0; !is_there && i < files->len; i++) {
		is_there = !strcmp(files->pdata[i], programme->wanted);
		if (is_there)
			programme->at = i;
	}
	if (is_there)
		return;
	g_clear_pointer(&programme->wanted, g_free);
	if (programme->at >= files->len)
		programme->at = 0;
}

static void list_round(struct dh_programme *programme, dh_programme_list_fn *list, void *arg, const char *last)
{
	size_t i;
	json_t *item;

	programme->files = g_ptr_array_new_with_free_func(g_free);
	json_array_foreach(programme->items, i, item)
		if (time_of(json_string_value(item)) < 0)
			expand(json_string_value(item), list, arg, programme->files);
	if (programme->is_shuffled) {
		shuffle(programme->files, programme->seed + (uint32_t)programme->round);
		separate(programme->files, last);
	}
	find_wanted(programme);
}

static bool next_of_round(struct dh_programme *programme, dh_programme_list_fn *list, void *arg,
	struct dh_programme_turn *turn)
{
	if (programme->files && programme->at >= programme->files->len) {
		char *last = programme->files->len ? g_strdup(programme->files->pdata[programme->files->len - 1]) :
						     NULL;
		g_clear_pointer(&programme->files, g_ptr_array_unref);
		programme->at = 0;
		programme->round++;
		programme->is_over = !programme->repeats;
		if (!programme->is_over)
			list_round(programme, list, arg, last);
		g_free(last);
	}
	if (programme->is_over)
		return false;
	if (!programme->files)
		list_round(programme, list, arg, NULL);
	if (programme->at >= programme->files->len)
		return false;
	*turn = (struct dh_programme_turn){
		.file = g_strdup(programme->files->pdata[programme->at]),
		.from_ms = programme->wanted ? programme->wanted_ms : 0,
		.round = programme->round,
		.at = programme->at,
	};
	g_clear_pointer(&programme->wanted, g_free);
	programme->at++;
	return true;
}

bool dh_programme_next(struct dh_programme *programme, dh_programme_list_fn *list, void *arg,
	struct dh_programme_turn *turn)
{
	struct dh_programme_turn *first = g_queue_pop_head(&programme->due);

	while (first && g_str_has_suffix(first->file, "/")) { /* all files of a folder that is due */
		GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
		expand(first->file, list, arg, files);
		for (guint i = files->len; i > 0; i--) {
			struct dh_programme_turn *one = g_memdup2(first, sizeof *first);
			one->file = g_strdup(files->pdata[i - 1]);
			g_queue_push_head(&programme->due, one);
		}
		g_ptr_array_unref(files);
		g_free(first->file);
		g_free(first);
		first = g_queue_pop_head(&programme->due);
	}
	if (!first)
		first = g_queue_pop_head(&programme->returned);
	bool is_there = first || next_of_round(programme, list, arg, turn);
	if (first)
		*turn = *first;
	if (is_there && !turn->is_again)
		turn->number = ++programme->numbers;
	g_free(first);
	return is_there;
}

static gint by_number(gconstpointer a, gconstpointer b, gpointer arg)
{
	const struct dh_programme_turn *first = a, *second = b;

	(void)arg;
	return first->number < second->number ? -1 : 1;
}

void dh_programme_return(struct dh_programme *programme, const struct dh_programme_turn *turn, int64_t from_ms)
{
	struct dh_programme_turn *copy = g_memdup2(turn, sizeof *turn);

	copy->file = g_strdup(turn->file);
	copy->from_ms = from_ms;
	copy->is_again = true;
	if (turn->is_timed)
		g_queue_push_head(&programme->due, copy);
	else
		g_queue_insert_sorted(&programme->returned, copy, by_number, NULL);
}

/* --- times of day */

void dh_programme_tick(struct dh_programme *programme, int minute)
{
	size_t i;
	json_t *item;

	if (minute == programme->minute)
		return;
	programme->minute = minute;
	json_array_foreach(programme->items, i, item) {
		if (time_of(json_string_value(item)) != minute)
			continue;
		struct dh_programme_turn *turn = g_new0(struct dh_programme_turn, 1);
		turn->file = g_strdup(path_of(json_string_value(item)));
		turn->is_timed = true;
		g_queue_push_tail(&programme->due, turn);
	}
}

bool dh_programme_is_due(const struct dh_programme *programme)
{
	return programme->due.length > 0;
}

bool dh_programme_has_times(const struct dh_programme *programme)
{
	size_t i;
	json_t *item;

	json_array_foreach(programme->items, i, item)
		if (time_of(json_string_value(item)) >= 0)
			return true;
	return false;
}

/* --- where it is */

json_t *dh_programme_position(const struct dh_programme *programme, const struct dh_programme_turn *turn, int64_t at_ms)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:I}", "seed", (json_int_t)programme->seed, "round",
		(json_int_t)turn->round, "at", (json_int_t)turn->at, "file", turn->file, "at_ms", (json_int_t)at_ms);
}

static bool read_number(const json_t *position, const char *name, json_int_t most, json_int_t *number)
{
	const json_t *value = json_object_get(position, name);

	*number = json_integer_value(value);
	return json_is_integer(value) && *number >= 0 && *number <= most;
}

void dh_programme_restore(struct dh_programme *programme, const json_t *position)
{
	const char *file = json_string_value(json_object_get(position, "file"));
	json_int_t seed, round, at, at_ms;

	if (!file || !read_number(position, "seed", UINT32_MAX, &seed) ||
		!read_number(position, "round", INT64_MAX / 2, &round) ||
		!read_number(position, "at", DH_PROGRAMME_FILES_MAX, &at) ||
		!read_number(position, "at_ms", 24 * 3600 * 1000, &at_ms))
		return;
	programme->seed = (uint32_t)seed;
	programme->round = (uint64_t)round;
	programme->at = (uint64_t)at;
	g_free(programme->wanted);
	programme->wanted = g_strdup(file);
	programme->wanted_ms = at_ms;
}
