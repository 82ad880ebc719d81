/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config_file.h"
#include "config_options.h"
#include "ingest/log.h"
#include "rooms/room_id.h"
#include "safe_file.h"

/* It contains secrets. */
#define MODE 0600

static const char head[] = "# Permanent rooms, written by janus.plugin.digitalhuman: don't edit it while Janus\n"
			   "# runs. A room here overrides one with the same id in " DH_CONFIG_FILE ";\n"
			   "# one that has nothing but an id is not created.\n\n";

struct dh_room_file {
	const struct dh_config *config;
	char *path;
	GPtrArray *rooms;
	struct dh_file_state state; /* when it was last read or written */
	bool is_unread;             /* it could not be read then, which may pass without a change */
	struct dh_file_state seen;  /* by dh_room_file_look */
	/* the latest change */
	char *changed_id;              /* NULL: there is none to undo */
	struct dh_config_room *before; /* what it had with that id; NULL: nothing */
	/* protected by lock, which is never held while the disk is asked */
	GMutex lock;
	GHashTable *ids;    /* those of the rooms that it creates */
	GHashTable *hidden; /* those of rooms that a damaged part is about */
	bool hides_all;     /* it is not known about which rooms it is */
};

static void room_free(gpointer data)
{
	struct dh_config_room *room = data;
	dh_config_room_free(&room);
}

/* Call when `rooms` are what the file says. */
static void publish(struct dh_room_file *file)
{
	GHashTable *ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), *old;

	for (guint i = 0; i < file->rooms->len; i++) {
		const struct dh_config_room *room = file->rooms->pdata[i];
		if (room->avatar && room->id)
			g_hash_table_add(ids, g_strdup(room->id));
	}
	g_mutex_lock(&file->lock);
	old = file->ids;
	file->ids = ids;
	g_mutex_unlock(&file->lock);
	g_hash_table_unref(old);
}

/* --- reading */

/* Of a damaged part: `id` (takes ownership) is that of its room; NULL: it is not known. */
static void hide(struct dh_room_file *file, char *id)
{
	g_mutex_lock(&file->lock);
	file->hides_all |= !id;
	if (id)
		g_hash_table_add(file->hidden, id);
	g_mutex_unlock(&file->lock);
}

static void hide_nothing(struct dh_room_file *file)
{
	g_mutex_lock(&file->lock);
	file->hides_all = false;
	g_hash_table_remove_all(file->hidden);
	g_mutex_unlock(&file->lock);
}

static void read_room(struct dh_room_file *file, const janus_config_container *category)
{
	struct dh_config_room *room = dh_config_room_new(category->name + strlen("room-"));
	int err = dh_config_room_read(file->config, DH_ROOMS_FILE, category, room);

	if (!err && dh_config_room_find(file->rooms, room->id))
		err = dh_option_wrong(DH_ROOMS_FILE, category->name, "id", "another room has it");
	if (err) {
		hide(file, room->id ? dh_room_id_parse(room->id, file->config->string_ids != 0) : NULL);
		dh_config_room_free(&room);
	} else {
		g_ptr_array_add(file->rooms, room);
	}
}

static void read_category(struct dh_room_file *file, const janus_config_container *category)
{
	if (category->type == janus_config_type_category && category->name &&
		g_str_has_prefix(category->name, "room-")) {
		read_room(file, category);
		return;
	}
	dh_option_wrong(DH_ROOMS_FILE, category->name ? category->name : "?", "category", "there is no such category");
	hide(file, NULL);
}

/* Logs every mistake, not only the first. */
static void read_all(struct dh_room_file *file)
{
	janus_config *parsed = NULL;

	file->state = dh_file_state(file->path);
	int err = dh_config_file_parse(file->path, &parsed);
	g_ptr_array_set_size(file->rooms, 0);
	hide_nothing(file);
	file->is_unread = err == -EIO;
	if (err && err != -ENOENT)
		hide(file, NULL);
	for (GList *l = parsed ? parsed->list : NULL; l; l = l->next)
		read_category(file, l->data);
	if (parsed)
		janus_config_destroy(parsed);
	if (dh_room_file_is_damaged(file))
		dh_log(DH_LOG_ERROR, "%s is not written either, until it is repaired: no change of rooms is permanent",
			file->path);
	publish(file);
}

/* Somebody else may have changed or repaired it. */
static void refresh(struct dh_room_file *file)
{
	const struct dh_file_state now = dh_file_state(file->path);
	bool is_changed = !dh_file_state_is_same(&file->state, &now);

	if (!is_changed && !(file->is_unread && dh_config_file_is_readable(file->path)))
		return;
	dh_log(DH_LOG_WARNING, "%s %s, and is read again", file->path,
		is_changed ? "has been changed" : "can be read by now");
	read_all(file);
}

struct dh_room_file *dh_room_file_load(const struct dh_config *config, const char *folder)
{
	struct dh_room_file *file = g_new0(struct dh_room_file, 1);

	file->config = config;
	file->path = g_build_filename(folder, DH_ROOMS_FILE, NULL);
	file->rooms = g_ptr_array_new_with_free_func(room_free);
	file->ids = g_hash_table_new(g_str_hash, g_str_equal);
	file->hidden = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&file->lock);
	dh_safe_file_clean(file->path);
	read_all(file);
	return file;
}

void dh_room_file_free(struct dh_room_file **file)
{
	if (!*file)
		return;
	g_ptr_array_free((*file)->rooms, TRUE);
	dh_config_room_free(&(*file)->before);
	g_free((*file)->changed_id);
	g_hash_table_unref((*file)->ids);
	g_hash_table_unref((*file)->hidden);
	g_mutex_clear(&(*file)->lock);
	g_free((*file)->path);
	g_free(*file);
	*file = NULL;
}

const GPtrArray *dh_room_file_rooms(const struct dh_room_file *file)
{
	return file->rooms;
}

bool dh_room_file_has(struct dh_room_file *file, const char *id)
{
	g_mutex_lock(&file->lock);
	bool has = g_hash_table_contains(file->ids, id);
	g_mutex_unlock(&file->lock);
	return has;
}

bool dh_room_file_hides(struct dh_room_file *file, const char *id)
{
	g_mutex_lock(&file->lock);
	bool hides = file->hides_all || g_hash_table_contains(file->hidden, id);
	g_mutex_unlock(&file->lock);
	return hides;
}

bool dh_room_file_names(struct dh_room_file *file, const char *id)
{
	g_mutex_lock(&file->lock);
	bool names = g_hash_table_contains(file->ids, id) || g_hash_table_contains(file->hidden, id);
	g_mutex_unlock(&file->lock);
	return names;
}

bool dh_room_file_is_damaged(const struct dh_room_file *file)
{
	return file->hides_all || g_hash_table_size(file->hidden) > 0;
}

bool dh_room_file_look(struct dh_room_file *file)
{
	const struct dh_file_state now = dh_file_state(file->path);
	bool is_quiet = dh_file_state_is_same(&file->seen, &now);

	file->seen = now;
	if (is_quiet)
		refresh(file);
	return is_quiet;
}

/* --- writing */

static int write_all(struct dh_room_file *file)
{
	GString *text = g_string_new(head);
	struct stat st;
	mode_t mode = stat(file->path, &st) == 0 ? st.st_mode & 0777 : MODE;

	for (guint i = 0; i < file->rooms->len; i++)
		dh_config_room_write(file->rooms->pdata[i], text);
	int err = dh_safe_file_write(file->path, text->str, text->len, mode);
	g_string_free(text, TRUE);
	if (err)
		dh_log(DH_LOG_ERROR, "%s cannot be written: %s", file->path, g_strerror(-err));
	else
		file->state = dh_file_state(file->path);
	return err == 0 || err == -EACCES || err == -ENOSPC || err == -EROFS ? err : -EIO;
}

/* Categories are numbered, because an id may be any string. */
static char *free_name(const GPtrArray *rooms)
{
	guint number = 0;

	for (guint i = 0; i < rooms->len; i++) {
		const struct dh_config_room *room = rooms->pdata[i];
		number = MAX(number, (guint)g_ascii_strtoull(room->name, NULL, 10));
	}
	return g_strdup_printf("%u", number + 1);
}

static int index_of(const GPtrArray *rooms, const char *id)
{
	guint i = 0;

	while (i < rooms->len && strcmp(((const struct dh_config_room *)rooms->pdata[i])->id, id))
		i++;
	return (int)i;
}

/* How many rooms it creates; others record that one of the operator's is not. */
static int created(const GPtrArray *rooms)
{
	int count = 0;

	for (guint i = 0; i < rooms->len; i++)
		count += ((const struct dh_config_room *)rooms->pdata[i])->avatar != NULL;
	return count;
}

/* Takes ownership of both. */
static void note_change(struct dh_room_file *file, char *id, struct dh_config_room *old)
{
	g_free(file->changed_id);
	file->changed_id = id;
	dh_config_room_free(&file->before);
	file->before = old;
	publish(file);
}

/* Puts `room` (takes ownership; NULL: nothing) in place of the one with `id`, or at the
 * end. */
static int replace(struct dh_room_file *file, const char *id, struct dh_config_room *room)
{
	GPtrArray *rooms = file->rooms;
	int at = index_of(rooms, id);
	struct dh_config_room *old = at < (int)rooms->len ? g_ptr_array_steal_index(rooms, (guint)at) : NULL;
	/* The file also holds rooms that were destroyed, but not permanently. */
	bool is_more = room && room->avatar && !(old && old->avatar);
	bool is_full = is_more && created(rooms) >= file->config->max_rooms;

	if (room)
		g_ptr_array_insert(rooms, at, room);
	int err = dh_room_file_is_damaged(file) ? -EBADMSG : is_full ? -ENOBUFS : write_all(file);
	if (!err) {
		note_change(file, g_strdup(id), old);
		return 0;
	}
	if (room)
		g_ptr_array_steal_index(rooms, (guint)at);
	dh_config_room_free(&room);
	if (old)
		g_ptr_array_insert(rooms, at, old);
	return err;
}

int dh_room_file_put(struct dh_room_file *file, struct dh_config_room *room)
{
	refresh(file);
	g_free(room->name);
	room->name = free_name(file->rooms);
	return replace(file, room->id, room);
}

int dh_room_file_undo(struct dh_room_file *file)
{
	const struct dh_file_state now = dh_file_state(file->path);
	struct dh_config_room *before = file->before;
	char *id = file->changed_id;

	if (!id || !dh_file_state_is_same(&file->state, &now))
		return 0;
	file->before = NULL;
	file->changed_id = NULL;
	int err = replace(file, id, before);
	g_free(id);
	return err;
}

int dh_room_file_remove(struct dh_room_file *file, const char *id)
{
	if (dh_config_room_find(file->config->rooms, id)) {
		struct dh_config_room *grave = dh_config_room_new("");
		grave->id = g_strdup(id);
		return dh_room_file_put(file, grave);
	}
	refresh(file);
	return replace(file, id, NULL);
}
