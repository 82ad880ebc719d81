/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a playlist plays of folders. */
#ifndef DH_PLAYLIST_FOLDER_H
#define DH_PLAYLIST_FOLDER_H

#include <stdbool.h>

#include <glib.h>

#include "ingest/ingest.h"

/* For one thread, whose functions may take long. */
struct dh_playlist_folders {
	struct dh_ingest *ingest;
	char *const *roots; /* the segment folders; NULL: there are none */
	const char *room;   /* its id, for the log */
	GHashTable *errors; /* by folder: why it cannot be read, as it was logged */
};

/* `ingest`, `roots` and `room` must outlive it. */
void dh_playlist_folders_init(struct dh_playlist_folders *folders, struct dh_ingest *ingest, char *const *roots,
	const char *room);
void dh_playlist_folders_clear(struct dh_playlist_folders *folders);

/* The names of the files of `folder` (g_ptr_array_unref it), without those that lie beside media: captions, texts, what
 * is still being written. NULL: it cannot be read, which is logged once, until it can be or the reason changes. */
GPtrArray *dh_playlist_folders_list(struct dh_playlist_folders *folders, const char *folder);

/* Whether the folder of `file` cannot be read, or has no files: the file system with it may not be mounted. */
bool dh_playlist_folders_lack(struct dh_playlist_folders *folders, const char *file);

#endif
