/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of permanent rooms, DH_ROOMS_FILE beside the operator's own file, which is
 * never written. It adds to, overrides or removes rooms of that file: a room here takes
 * precedence over one with the same id there.
 *
 * Written as a whole or not at all (safe_file.h). Before each change it is read again
 * if somebody else has changed it, so that their changes are not lost; running rooms
 * stay as they are until the plugin restarts. Any thread; all but dh_room_file_has, dh_room_file_hides and
 * dh_room_file_names one at a time, since they may wait for the disk.
 */
#ifndef DH_ROOM_FILE_H
#define DH_ROOM_FILE_H

#include <stdbool.h>

#include "config.h"

#define DH_ROOMS_FILE "janus.plugin.digitalhuman.rooms.jcfg"

struct dh_room_file;

/* Reads the file if there is one. A damaged file (there is a mistake in it, or it cannot be read) is logged, and not
 * written until it is repaired. `config` must outlive it. */
struct dh_room_file *dh_room_file_load(const struct dh_config *config, const char *folder);
void dh_room_file_free(struct dh_room_file **file);

/* Its rooms, struct dh_config_room, valid until the next change. One without an avatar
 * removes that of the operator's file. */
const GPtrArray *dh_room_file_rooms(const struct dh_room_file *file);
/* Whether it creates a room with this id, as of the latest change. Waits for nothing. */
bool dh_room_file_has(struct dh_room_file *file, const char *id);

/* Whether it is damaged where it may say something of the room with this id, so that nobody knows what: of any room,
 * if it cannot be said of which. Waits for nothing. */
bool dh_room_file_hides(struct dh_room_file *file, const char *id);
/* Whether it creates a room with this id, or would but for a mistake in it. Waits for nothing. */
bool dh_room_file_names(struct dh_room_file *file, const char *id);
bool dh_room_file_is_damaged(const struct dh_room_file *file);
/* Reads it again if somebody else has changed it, once it is as it was at the call before: then they are likely to be
 * done with it. Whether it is. What could not be read is read again as soon as it can be. */
bool dh_room_file_look(struct dh_room_file *file);

/* Stores `room` in place of one with the same id. Takes ownership, also on failure.
 * Negative errno: it could not be written, nothing has changed. -EBADMSG: the file is
 * damaged; -ENOBUFS: it creates max_rooms already; -EACCES, -ENOSPC, -EROFS; -EIO:
 * anything else. */
int dh_room_file_put(struct dh_room_file *file, struct dh_config_room *room);

/* Takes the latest dh_room_file_put back: what it had of that room before, or nothing, is there again. If somebody else
 * has written the file since, it stays as they want it. Errors as above. */
int dh_room_file_undo(struct dh_room_file *file);

/* The room will be gone after a restart, even if the operator's file has it. Errors as
 * above. */
int dh_room_file_remove(struct dh_room_file *file, const char *id);

#endif
