#include "room_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ingest/log.h"

/* Secrets are in it. */
#define MODE 0600

static const char head[] =
	"# Permanent rooms, written by janus.plugin.digitalhuman: don't edit it while Janus\n"
	"# runs. A room here goes before one of the same id in " DH_CONFIG_FILE ";\n"
	"# one that has nothing but an id is not created.\n\n";

struct dh_room_file {
	const struct dh_config *config;
	char *path;
	GPtrArray *rooms;
	gboolean is_damaged;
};

static void room_free(gpointer data)
{
	dh_config_room_free(data);
}

static gboolean read_room(struct dh_room_file *file, const janus_config_container *category)
{
	struct dh_config_room *room = dh_config_room_new(category->name + strlen("room-"));

	if (dh_config_room_read(file->config, DH_ROOMS_FILE, category, room) < 0 || dh_config_room_find(file->rooms, room->id)) {
		dh_config_room_free(room);
		return FALSE;
	}
	g_ptr_array_add(file->rooms, room);
	return TRUE;
}

static gboolean read_all(struct dh_room_file *file)
{
	janus_config *parsed = janus_config_parse(file->path);
	gboolean is_right = parsed != NULL;

	for (GList *l = parsed ? parsed->list : NULL; l; l = l->next) {
		const janus_config_container *category = l->data;
		if (category->type != janus_config_type_category || !category->name ||
				!g_str_has_prefix(category->name, "room-") || !read_room(file, category))
			is_right = FALSE;
	}
	if (parsed)
		janus_config_destroy(parsed);
	return is_right;
}

struct dh_room_file *dh_room_file_load(const struct dh_config *config, const char *folder)
{
	struct dh_room_file *file = g_new0(struct dh_room_file, 1);

	file->config = config;
	file->path = g_build_filename(folder, DH_ROOMS_FILE, NULL);
	file->rooms = g_ptr_array_new_with_free_func(room_free);
	file->is_damaged = g_file_test(file->path, G_FILE_TEST_EXISTS) && !read_all(file);
	if (file->is_damaged)
		dh_log(DH_LOG_ERROR, "%s cannot be read as a whole: it is not written either, "
			"no change of rooms is permanent", file->path);
	return file;
}

void dh_room_file_free(struct dh_room_file *file)
{
	if (!file)
		return;
	g_ptr_array_free(file->rooms, TRUE);
	g_free(file->path);
	g_free(file);
}

const GPtrArray *dh_room_file_rooms(const struct dh_room_file *file)
{
	return file->rooms;
}

gboolean dh_room_file_has(const struct dh_room_file *file, const char *id)
{
	const struct dh_config_room *room = dh_config_room_find(file->rooms, id);

	return room && room->avatar;
}

/* --- writing */

static int write_all(const struct dh_room_file *file)
{
	GString *text = g_string_new(head);
	GError *error = NULL;
	struct stat st;
	int mode = stat(file->path, &st) == 0 ? (int)(st.st_mode & 0777) : MODE, result = 0;

	for (guint i = 0; i < file->rooms->len; i++)
		dh_config_room_write(file->rooms->pdata[i], text);
	if (!g_file_set_contents_full(file->path, text->str, (gssize)text->len,
			G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, mode, &error)) {
		dh_log(DH_LOG_ERROR, "permanent rooms: %s", error->message);
		result = error->code == G_FILE_ERROR_ACCES ? -EACCES : error->code == G_FILE_ERROR_NOSPC ? -ENOSPC :
			error->code == G_FILE_ERROR_ROFS ? -EROFS : -EIO;
		g_error_free(error);
	}
	g_string_free(text, TRUE);
	return result;
}

/* Categories are numbered: an id may be any text. */
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

/* `room` (NULL: nothing) in place of what has `id`, or behind all others. */
static int replace(struct dh_room_file *file, const char *id, struct dh_config_room *room)
{
	GPtrArray *rooms = file->rooms;
	int at = index_of(rooms, id);
	/* Rooms that were destroyed for now are in it, too. */
	gboolean is_full = room && room->avatar && at >= file->config->max_rooms;
	struct dh_config_room *old = at < (int)rooms->len ? g_ptr_array_steal_index(rooms, (guint)at) : NULL;

	if (room)
		g_ptr_array_insert(rooms, at, room);
	int error = file->is_damaged ? -EBADMSG : is_full ? -ENOBUFS : write_all(file);
	if (!error) {
		dh_config_room_free(old);
		return 0;
	}
	if (room)
		dh_config_room_free(g_ptr_array_steal_index(rooms, (guint)at));
	if (old)
		g_ptr_array_insert(rooms, at, old);
	return error;
}

int dh_room_file_put(struct dh_room_file *file, struct dh_config_room *room)
{
	g_free(room->name);
	room->name = free_name(file->rooms);
	return replace(file, room->id, room);
}

int dh_room_file_remove(struct dh_room_file *file, const char *id)
{
	if (!dh_config_room_find(file->config->rooms, id))
		return replace(file, id, NULL);
	struct dh_config_room *grave = dh_config_room_new("");
	grave->id = g_strdup(id);
	return dh_room_file_put(file, grave);
}
