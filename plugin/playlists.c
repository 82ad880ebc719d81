/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ingest/log.h"
#include "safe_file.h"

#define WRITE_US  (5 * G_USEC_PER_SEC) /* at most so often */
#define MODE      0600
#define BYTES_MAX (16 << 20)
#define KEPT_MAX  1000 /* places of rooms that are not there */

struct dh_playlists {
	struct dh_player_host host;
	char *path;
	GThread *writer;
	/* protected by lock */
	GMutex lock;
	GCond changed;
	GHashTable *players; /* by room id (owned), struct dh_player */
	GPtrArray *ended;    /* players that were stopped: their threads may still run */
	json_t *positions;   /* by room id, those that have been there longest first */
	bool is_changed, is_closed, has_failed;
	bool is_unread;      /* the file is there, but cannot be read */
	GHashTable *removed; /* ids (owned) whose places were forgotten since then */
};

/* --- the file */

/* 0; -ENOENT: there is none; or why it cannot be read. What is damaged has no positions. */
static int read_file(const char *path, json_t **positions)
{
	struct stat st;
	char *text = NULL;
	gsize size = 0;
	json_error_t error;

	*positions = NULL;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > BYTES_MAX)
		return S_ISREG(st.st_mode) ? -EFBIG : -EINVAL;
	errno = 0;
	if (!g_file_get_contents(path, &text, &size, NULL))
		return errno ? -errno : -EIO;
	*positions = json_loadb(text, size, 0, &error);
	g_free(text);
	if (!json_is_object(*positions)) {
		dh_log(DH_LOG_WARNING, "%s is damaged: playlists begin anew", path);
		json_decref(*positions);
		*positions = json_object();
	}
	return 0;
}

static void begin(struct dh_playlists *playlists)
{
	dh_safe_file_clean(playlists->path);
	int err = read_file(playlists->path, &playlists->positions);
	if (err)
		playlists->positions = json_object();
	playlists->is_unread = err && err != -ENOENT;
	if (playlists->is_unread)
		dh_log(DH_LOG_WARNING,
			"%s cannot be read: %s; playlists begin anew, and it is not written until it can be read",
			playlists->path, g_strerror(-err));
}

/* --- where they are; the lock is held */

static void moved(void *arg, struct dh_player *player, json_t *position)
{
	struct dh_playlists *playlists = arg;
	GHashTableIter iter;
	gpointer id, other;

	g_mutex_lock(&playlists->lock);
	g_hash_table_iter_init(&iter, playlists->players);
	while (g_hash_table_iter_next(&iter, &id, &other))
		if (other == player)
			json_object_set(playlists->positions, id, position);
	playlists->is_changed = true;
	g_cond_signal(&playlists->changed);
	g_mutex_unlock(&playlists->lock);
	json_decref(position);
}

/* `positions`: those of the file, which are older. */
static void merge(struct dh_playlists *playlists, json_t *positions)
{
	GHashTableIter iter;
	gpointer id;

	g_hash_table_iter_init(&iter, playlists->removed);
	while (g_hash_table_iter_next(&iter, &id, NULL))
		json_object_del(positions, id);
	json_object_update_missing(playlists->positions, positions);
}

/* Releases the lock meanwhile. Whether the file may be written: it can be read by now, or is gone. */
static bool read_again(struct dh_playlists *playlists)
{
	json_t *positions;

	g_mutex_unlock(&playlists->lock);
	int err = read_file(playlists->path, &positions);
	g_mutex_lock(&playlists->lock);
	playlists->is_unread = err && err != -ENOENT;
	if (positions)
		merge(playlists, positions);
	json_decref(positions);
	if (!playlists->is_unread)
		g_hash_table_remove_all(playlists->removed);
	return !playlists->is_unread;
}

/* Releases the lock meanwhile. */
static void write_file(struct dh_playlists *playlists)
{
	if (playlists->is_unread && !read_again(playlists))
		return;
	char *text = json_dumps(playlists->positions, JSON_INDENT(1));
	playlists->is_changed = false;
	g_mutex_unlock(&playlists->lock);
	int err = dh_safe_file_write(playlists->path, text, strlen(text), MODE);
	free(text);
	g_mutex_lock(&playlists->lock);
	if (err && !playlists->has_failed)
		dh_log(DH_LOG_WARNING, "%s cannot be written: %s; after a restart playlists begin anew",
			playlists->path, g_strerror(-err));
	playlists->has_failed = err != 0;
}

static gpointer write_all(gpointer data)
{
	struct dh_playlists *playlists = data;

	g_mutex_lock(&playlists->lock);
	while (!playlists->is_closed) {
		if (!playlists->is_changed) {
			g_cond_wait(&playlists->changed, &playlists->lock);
			continue;
		}
		write_file(playlists);
		int64_t until_us = g_get_monotonic_time() + WRITE_US;
		while (!playlists->is_closed && g_cond_wait_until(&playlists->changed, &playlists->lock, until_us))
			continue;
	}
	if (playlists->is_changed)
		write_file(playlists);
	g_mutex_unlock(&playlists->lock);
	return NULL;
}

/* --- life */

struct dh_playlists *dh_playlists_new(const struct dh_player_host *host, const char *folder)
{
	struct dh_playlists *playlists = g_new0(struct dh_playlists, 1);

	playlists->host = *host;
	playlists->path = g_build_filename(folder, DH_PLAYLISTS_FILE, NULL);
	g_mutex_init(&playlists->lock);
	g_cond_init(&playlists->changed);
	playlists->players = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	playlists->removed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	playlists->ended = g_ptr_array_new();
	begin(playlists);
	playlists->writer = g_thread_new("dh playlists", write_all, playlists);
	return playlists;
}

/* The lock is held. */
static void stop(struct dh_playlists *playlists, const char *id)
{
	struct dh_player *player = g_hash_table_lookup(playlists->players, id);

	if (!player)
		return;
	g_hash_table_remove(playlists->players, id);
	dh_player_stop(player);
	g_ptr_array_add(playlists->ended, player);
}

/* The lock is held. Frees those whose threads have ended. */
static void reap(struct dh_playlists *playlists)
{
	for (guint i = playlists->ended->len; i > 0; i--) {
		struct dh_player *player = playlists->ended->pdata[i - 1];
		if (!dh_player_is_over(player))
			continue;
		g_ptr_array_remove_index_fast(playlists->ended, i - 1);
		dh_player_free(&player);
	}
}

void dh_playlists_begun(struct dh_playlists *playlists)
{
	const char *id;
	json_t *position;
	void *next;

	g_mutex_lock(&playlists->lock);
	size_t size = json_object_size(playlists->positions), kept = 0;
	json_object_foreach(playlists->positions, id, position)
		kept += !g_hash_table_contains(playlists->players, id);
	json_object_foreach_safe(playlists->positions, next, id, position)
	{
		if (kept > KEPT_MAX && !g_hash_table_contains(playlists->players, id)) {
			json_object_del(playlists->positions, id);
			kept--;
		}
	}
	playlists->is_changed = playlists->is_changed || json_object_size(playlists->positions) < size;
	g_cond_signal(&playlists->changed);
	g_mutex_unlock(&playlists->lock);
}

/* NULL: none is left. */
static struct dh_player *take_ended(struct dh_playlists *playlists)
{
	g_mutex_lock(&playlists->lock);
	struct dh_player *player = playlists->ended->len ? g_ptr_array_remove_index_fast(playlists->ended, 0) : NULL;
	g_mutex_unlock(&playlists->lock);
	return player;
}

void dh_playlists_close(struct dh_playlists *playlists)
{
	struct dh_player *ended;
	GHashTableIter iter;
	gpointer id, player;

	g_mutex_lock(&playlists->lock);
	playlists->is_closed = true;
	g_cond_signal(&playlists->changed);
	g_hash_table_iter_init(&iter, playlists->players);
	while (g_hash_table_iter_next(&iter, &id, &player)) {
		dh_player_stop(player);
		g_ptr_array_add(playlists->ended, player);
	}
	g_hash_table_remove_all(playlists->players);
	g_mutex_unlock(&playlists->lock);
	while ((ended = take_ended(playlists)))
		dh_player_free(&ended);
	g_thread_join(g_steal_pointer(&playlists->writer));
}

void dh_playlists_free(struct dh_playlists **out)
{
	struct dh_playlists *playlists = *out;

	*out = NULL;
	if (!playlists)
		return;
	if (playlists->writer)
		dh_playlists_close(playlists);
	g_hash_table_unref(playlists->players);
	g_hash_table_unref(playlists->removed);
	g_ptr_array_unref(playlists->ended);
	json_decref(playlists->positions);
	g_cond_clear(&playlists->changed);
	g_mutex_clear(&playlists->lock);
	g_free(playlists->path);
	g_free(playlists);
}

/* --- any thread */

/* The lock is held. */
static void start(struct dh_playlists *playlists, struct dh_room *room)
{
	const char *id = dh_room_facts(room)->id;
	struct dh_settings *settings = dh_room_settings(room);
	struct dh_player *player = NULL;

	if (settings->playlist && !playlists->is_closed) {
		player = dh_player_new(&playlists->host, room, json_object_get(playlists->positions, id), moved,
			playlists);
		if (!player)
			dh_log(DH_LOG_ERROR, "room %s: there is no thread for its playlist", id);
	}
	if (player)
		g_hash_table_insert(playlists->players, g_strdup(id), player);
	dh_settings_unref(&settings);
}

void dh_playlists_add(struct dh_playlists *playlists, struct dh_room *room)
{
	g_mutex_lock(&playlists->lock);
	reap(playlists);
	start(playlists, room);
	g_mutex_unlock(&playlists->lock);
}

/* The lock is held. */
static void forget(struct dh_playlists *playlists, const char *id)
{
	bool was_there = json_object_del(playlists->positions, id) == 0;

	if (playlists->is_unread)
		g_hash_table_add(playlists->removed, g_strdup(id));
	playlists->is_changed = playlists->is_changed || was_there || playlists->is_unread;
	g_cond_signal(&playlists->changed);
}

void dh_playlists_remove(struct dh_playlists *playlists, const char *id)
{
	g_mutex_lock(&playlists->lock);
	reap(playlists);
	stop(playlists, id);
	if (!playlists->is_closed)
		forget(playlists, id);
	g_mutex_unlock(&playlists->lock);
}

void dh_playlists_change(struct dh_playlists *playlists, struct dh_room *room)
{
	dh_playlists_remove(playlists, dh_room_facts(room)->id);
	dh_playlists_add(playlists, room);
}

json_t *dh_playlists_position(struct dh_playlists *playlists, const char *id)
{
	g_mutex_lock(&playlists->lock);
	json_t *position = json_incref(json_object_get(playlists->positions, id));
	g_mutex_unlock(&playlists->lock);
	return position;
}
