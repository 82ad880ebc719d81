/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist_folder.h"

#include "ingest/log.h"

static bool is_beside(const char *name)
{
	static const char *const endings[] = { ".vtt", ".srt", ".txt", ".json", ".md", ".part", ".tmp" };

	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
		if (g_str_has_suffix(name, endings[i]))
			return true;
	return false;
}

void dh_playlist_folders_init(struct dh_playlist_folders *folders, struct dh_ingest *ingest, char *const *roots,
	const char *room)
{
	*folders = (struct dh_playlist_folders){ ingest, roots, room,
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free) };
}

void dh_playlist_folders_clear(struct dh_playlist_folders *folders)
{
	g_clear_pointer(&folders->errors, g_hash_table_unref);
}

static void note_error(struct dh_playlist_folders *folders, const char *folder, const char *error)
{
	if (!g_strcmp0(g_hash_table_lookup(folders->errors, folder), error))
		return;
	g_hash_table_insert(folders->errors, g_strdup(folder), g_strdup(error));
	dh_log(DH_LOG_WARNING, "room %s: playlist: %s: %s", folders->room, folder, error);
}

GPtrArray *dh_playlist_folders_list(struct dh_playlist_folders *folders, const char *folder)
{
	GPtrArray *names = NULL;
	char *error = NULL;

	if (!folders->roots || dh_ingest_list(folders->ingest, folders->roots, folder, &names, &error))
		note_error(folders, folder, error ? error : "there is no segments_folder");
	else
		g_hash_table_remove(folders->errors, folder);
	g_free(error);
	for (guint i = names ? names->len : 0; i > 0; i--)
		if (is_beside(names->pdata[i - 1]))
			g_ptr_array_remove_index(names, i - 1);
	return names;
}

bool dh_playlist_folders_lack(struct dh_playlist_folders *folders, const char *file)
{
	char *path = g_path_get_dirname(file), *folder = g_strconcat(path, "/", NULL);
	GPtrArray *names = dh_playlist_folders_list(folders, folder);
	bool lack = !names || !names->len;

	if (names)
		g_ptr_array_unref(names);
	g_free(folder);
	g_free(path);
	return lack;
}
