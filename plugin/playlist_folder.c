/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist_folder.h"

#include <stdbool.h>

#include "ingest/log.h"

static bool is_beside(const char *name)
{
	static const char *const endings[] = { ".vtt", ".srt", ".txt", ".json", ".md", ".part", ".tmp" };

	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
		if (g_str_has_suffix(name, endings[i]))
			return true;
	return false;
}

GPtrArray *dh_playlist_list(struct dh_ingest *ingest, char *const *folders, const char *room, const char *folder)
{
	GPtrArray *names = NULL;
	char *error = NULL;

	if (!folders || dh_ingest_list(ingest, folders, folder, &names, &error))
		dh_log(DH_LOG_WARNING, "room %s: playlist: %s: %s", room, folder,
			error ? error : "there is no segments_folder");
	g_free(error);
	for (guint i = names ? names->len : 0; i > 0; i--)
		if (is_beside(names->pdata[i - 1]))
			g_ptr_array_remove_index(names, i - 1);
	return names;
}
