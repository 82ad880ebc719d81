/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a playlist plays of a folder. */
#ifndef DH_PLAYLIST_FOLDER_H
#define DH_PLAYLIST_FOLDER_H

#include <glib.h>

#include "ingest/ingest.h"

/* `folders`: of segments; NULL: there are none. The names of the files of `folder`, which is in one of them
 * (g_ptr_array_unref it), without those that lie beside media: captions, texts, what is still being written. NULL: it
 * cannot be read, which is logged with the room's id. May take long. */
GPtrArray *dh_playlist_list(struct dh_ingest *ingest, char *const *folders, const char *room, const char *folder);

#endif
