/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of permanent rooms, DH_ROOMS_FILE beside the operator's own file,
 * which is never written. It says what is added to that, changed or taken away:
 * a room in it goes before one of the same id there.
 *
 * Written as a whole or not at all (safe_file.h). Before each change it is read
 * again, if somebody else has changed it meanwhile: their changes are not lost,
 * though the rooms that run stay as they are until the plugin starts again. Any
 * thread, one at a time.
 */
#ifndef DH_ROOM_FILE_H
#define DH_ROOM_FILE_H

#include <stdbool.h>

#include "config.h"

#define DH_ROOMS_FILE "janus.plugin.digitalhuman.rooms.jcfg"

struct dh_room_file;

/* Reads it, where it exists. One that cannot be read as a whole is logged, and not
 * written until it can be. `config` outlives it. */
struct dh_room_file *dh_room_file_load(const struct dh_config *config, const char *folder);
void dh_room_file_free(struct dh_room_file **file);

/* What it holds: struct dh_config_room, valid until the next change; one without an avatar takes away
 * what the operator's file has. */
const GPtrArray *dh_room_file_rooms(const struct dh_room_file *file);
bool dh_room_file_has(const struct dh_room_file *file, const char *id);

/* Takes ownership of `room`, in place of one of its id. Negative errno: it could not be
 * written, nothing has changed. -EBADMSG: what is there cannot be read;
 * -ENOBUFS: it holds max_rooms already. */
int dh_room_file_put(struct dh_room_file *file, struct dh_config_room *room);

/* The room is not there when the plugin starts again, also where the operator's
 * file has it. Errors as above. */
int dh_room_file_remove(struct dh_room_file *file, const char *id);

#endif
