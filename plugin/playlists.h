/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The playlists of all rooms, and where each of them is: that is kept in DH_PLAYLISTS_FILE beside the
 * configuration, so that a playlist goes on there after a restart of Janus.
 */
#ifndef DH_PLAYLISTS_H
#define DH_PLAYLISTS_H

#include "playlist_player.h"

#define DH_PLAYLISTS_FILE "janus.plugin.digitalhuman.playlists.json"

struct dh_playlists;

/* Reads the file in `folder`, if there is one. While it cannot be read, it is not overwritten. */
struct dh_playlists *dh_playlists_new(const struct dh_player_host *host, const char *folder);
/* Ends them all, writes the file, and waits for their threads. Then nothing follows any more. */
void dh_playlists_close(struct dh_playlists *playlists);
void dh_playlists_free(struct dh_playlists **playlists);

/* All rooms of the configuration have been added. Of others, which may be there again next time, only the newest 1000
 * places are kept. */
void dh_playlists_begun(struct dh_playlists *playlists);

/* --- any thread, one at a time for each room, which must be there: under the rooms' lock, or
 * before there are requests */

/* The room is new: its playlist begins, or goes on where it was. */
void dh_playlists_add(struct dh_playlists *playlists, struct dh_room *room);
/* It has another playlist, or none any more. */
void dh_playlists_change(struct dh_playlists *playlists, struct dh_room *room);
/* It is gone. */
void dh_playlists_remove(struct dh_playlists *playlists, const char *id);
/* Any thread. Where it is: see dh_playlist_position. A new reference; NULL: nothing has been played. */
json_t *dh_playlists_position(struct dh_playlists *playlists, const char *id);

#endif
