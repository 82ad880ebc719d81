/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "programmes.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/log.h"
#include "safe_file.h"

#define WRITE_US  (5 * G_USEC_PER_SEC) /* at most so often */
#define MODE      0600
#define BYTES_MAX (16 << 20)

struct dh_programmes {
	struct dh_player_host host;
	char *path;
	GThread *writer;
	/* protected by lock */
	GMutex lock;
	GCond changed;
	GHashTable *players; /* by room id (owned), struct dh_player */
	GPtrArray *ended;    /* players that were stopped: their threads may still run */
	json_t *positions;   /* by room id */
	bool is_changed, is_closed, has_failed;
};

/* --- where they are; the lock is held */

static void moved(void *arg, struct dh_player *player, json_t *position)
{
	struct dh_programmes *programmes = arg;
	GHashTableIter iter;
	gpointer id, other;

	g_mutex_lock(&programmes->lock);
	g_hash_table_iter_init(&iter, programmes->players);
	while (g_hash_table_iter_next(&iter, &id, &other))
		if (other == player)
			json_object_set(programmes->positions, id, position);
	programmes->is_changed = true;
	g_cond_signal(&programmes->changed);
	g_mutex_unlock(&programmes->lock);
	json_decref(position);
}

/* Releases the lock meanwhile. */
static void write_file(struct dh_programmes *programmes)
{
	char *text = json_dumps(programmes->positions, JSON_INDENT(1));

	programmes->is_changed = false;
	g_mutex_unlock(&programmes->lock);
	int err = dh_safe_file_write(programmes->path, text, strlen(text), MODE);
	free(text);
	g_mutex_lock(&programmes->lock);
	if (err && !programmes->has_failed)
		dh_log(DH_LOG_WARNING, "%s cannot be written: %s; after a restart programmes begin anew",
			programmes->path, g_strerror(-err));
	programmes->has_failed = err != 0;
}

static gpointer write_all(gpointer data)
{
	struct dh_programmes *programmes = data;

	g_mutex_lock(&programmes->lock);
	while (!programmes->is_closed) {
		if (!programmes->is_changed) {
			g_cond_wait(&programmes->changed, &programmes->lock);
			continue;
		}
		write_file(programmes);
		int64_t until_us = g_get_monotonic_time() + WRITE_US;
		while (!programmes->is_closed && g_cond_wait_until(&programmes->changed, &programmes->lock, until_us))
			continue;
	}
	if (programmes->is_changed)
		write_file(programmes);
	g_mutex_unlock(&programmes->lock);
	return NULL;
}

static json_t *read_file(const char *path)
{
	json_error_t error;
	char *text = NULL;
	gsize size = 0;
	json_t *positions = NULL;

	dh_safe_file_clean(path);
	if (g_file_test(path, G_FILE_TEST_IS_REGULAR) && g_file_get_contents(path, &text, &size, NULL) &&
		size <= BYTES_MAX) {
		positions = json_loadb(text, size, 0, &error);
		if (!json_is_object(positions))
			dh_log(DH_LOG_WARNING, "%s is damaged: programmes begin anew", path);
	}
	g_free(text);
	if (json_is_object(positions))
		return positions;
	json_decref(positions);
	return json_object();
}

/* --- life */

struct dh_programmes *dh_programmes_new(const struct dh_player_host *host, const char *folder)
{
	struct dh_programmes *programmes = g_new0(struct dh_programmes, 1);

	programmes->host = *host;
	programmes->path = g_build_filename(folder, DH_PROGRAMMES_FILE, NULL);
	g_mutex_init(&programmes->lock);
	g_cond_init(&programmes->changed);
	programmes->players = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	programmes->ended = g_ptr_array_new();
	programmes->positions = read_file(programmes->path);
	programmes->writer = g_thread_new("dh programmes", write_all, programmes);
	return programmes;
}

/* The lock is held. */
static void stop(struct dh_programmes *programmes, const char *id)
{
	struct dh_player *player = g_hash_table_lookup(programmes->players, id);

	if (!player)
		return;
	g_hash_table_remove(programmes->players, id);
	dh_player_stop(player);
	g_ptr_array_add(programmes->ended, player);
}

/* The lock is held. Frees those whose threads have ended. */
static void reap(struct dh_programmes *programmes)
{
	for (guint i = programmes->ended->len; i > 0; i--) {
		struct dh_player *player = programmes->ended->pdata[i - 1];
		if (!dh_player_is_over(player))
			continue;
		g_ptr_array_remove_index_fast(programmes->ended, i - 1);
		dh_player_free(&player);
	}
}

void dh_programmes_begun(struct dh_programmes *programmes)
{
	const char *id;
	json_t *position;
	void *next;

	g_mutex_lock(&programmes->lock);
	json_object_foreach_safe(programmes->positions, next, id, position)
	{
		if (!g_hash_table_contains(programmes->players, id))
			json_object_del(programmes->positions, id);
	}
	g_mutex_unlock(&programmes->lock);
}

void dh_programmes_close(struct dh_programmes *programmes)
{
	GHashTableIter iter;
	gpointer id, player;

	g_mutex_lock(&programmes->lock);
	programmes->is_closed = true;
	g_cond_signal(&programmes->changed);
	g_hash_table_iter_init(&iter, programmes->players);
	while (g_hash_table_iter_next(&iter, &id, &player)) {
		dh_player_stop(player);
		g_ptr_array_add(programmes->ended, player);
	}
	g_hash_table_remove_all(programmes->players);
	g_mutex_unlock(&programmes->lock);
	while (programmes->ended->len) {
		player = g_ptr_array_remove_index_fast(programmes->ended, 0);
		dh_player_free((struct dh_player **)&player);
	}
	g_thread_join(g_steal_pointer(&programmes->writer));
}

void dh_programmes_free(struct dh_programmes **out)
{
	struct dh_programmes *programmes = *out;

	*out = NULL;
	if (!programmes)
		return;
	if (programmes->writer)
		dh_programmes_close(programmes);
	g_hash_table_unref(programmes->players);
	g_ptr_array_unref(programmes->ended);
	json_decref(programmes->positions);
	g_cond_clear(&programmes->changed);
	g_mutex_clear(&programmes->lock);
	g_free(programmes->path);
	g_free(programmes);
}

/* --- any thread */

/* The lock is held. */
static void start(struct dh_programmes *programmes, struct dh_room *room)
{
	const char *id = dh_room_facts(room)->id;
	struct dh_settings *settings = dh_room_settings(room);
	struct dh_player *player = NULL;

	if (settings->playlist && !programmes->is_closed) {
		player = dh_player_new(&programmes->host, room, json_object_get(programmes->positions, id), moved,
			programmes);
		if (!player)
			dh_log(DH_LOG_ERROR, "room %s: there is no thread for its playlist", id);
	}
	if (player)
		g_hash_table_insert(programmes->players, g_strdup(id), player);
	dh_settings_unref(&settings);
}

void dh_programmes_add(struct dh_programmes *programmes, struct dh_room *room)
{
	g_mutex_lock(&programmes->lock);
	reap(programmes);
	start(programmes, room);
	g_mutex_unlock(&programmes->lock);
}

void dh_programmes_remove(struct dh_programmes *programmes, const char *id)
{
	g_mutex_lock(&programmes->lock);
	reap(programmes);
	stop(programmes, id);
	if (!programmes->is_closed)
		programmes->is_changed = json_object_del(programmes->positions, id) == 0 || programmes->is_changed;
	g_cond_signal(&programmes->changed);
	g_mutex_unlock(&programmes->lock);
}

void dh_programmes_change(struct dh_programmes *programmes, struct dh_room *room)
{
	dh_programmes_remove(programmes, dh_room_facts(room)->id);
	dh_programmes_add(programmes, room);
}

json_t *dh_programmes_position(struct dh_programmes *programmes, const char *id)
{
	g_mutex_lock(&programmes->lock);
	json_t *position = json_incref(json_object_get(programmes->positions, id));
	g_mutex_unlock(&programmes->lock);
	return position;
}
