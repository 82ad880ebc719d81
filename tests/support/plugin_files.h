/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a plugin needs to play, in a folder of its own: a configuration, an avatar's idle
 * clip, and segments. Some segments are prepared, so no process is started for them;
 * others are scripts for tests/support/fake_worker. */
#ifndef DH_PLUGIN_FILES_H
#define DH_PLUGIN_FILES_H

#include "tests/support/temp_folder.h"

#define FILES_SECRET    "sesame-1704" /* of rooms; must not be in the log */
#define FILES_ADMIN_KEY "admin-sesame-1704"
#define FILES_PIN       "4711"
#define FILES_AVATAR    "demo"
#define FILES_GENERATOR "echo"

struct plugin_files {
	char folder[TEMP_FOLDER_SIZE];
};

/* Rooms 1 (open, with a generator), 2 (with a secret), 3 (with secret and PIN), and 9,
 * whose avatar's idle clip the worker has to prepare. `worker`: the program; NULL: there
 * is neither a worker nor a generator, and no process is ever started. `general`: more
 * lines for that category (may be NULL). 0, or -1 with errno. */
int plugin_files_make(struct plugin_files *files, const char *worker, const char *general);
void plugin_files_clear(struct plugin_files *files);

/* Writes a file in the folder. 0, or -1 with errno. */
int plugin_files_file(const struct plugin_files *files, const char *name, const void *bytes, size_t size);

/* Writes a prepared segment of so many pictures, 25 a second, with sound. 0, or -1 with errno. */
int plugin_files_prepare(const struct plugin_files *files, const char *name, int pictures);
/* The same of pictures of `size` bytes each, without sound: all that counts as a segment's bytes. */
int plugin_files_prepare_mute(const struct plugin_files *files, const char *name, int pictures, size_t size);

/* Names of segments, NULL at the end. Prepared ones: */
extern const char *const plugin_files_prepared[];
/* … those for tests/support/fake_worker, good ones and ones that fail; */
extern const char *const plugin_files_scripted[];
/* … and half a second of picture and sound for dh-prepare. */
#define FILES_PICTURE "face.y4m"
#define FILES_SOUND   "voice.wav"

#endif
