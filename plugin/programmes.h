/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The playlists of all rooms, and where each of them is: that is kept in DH_PROGRAMMES_FILE beside the
 * configuration, so that a programme goes on there after a restart of Janus.
 */
#ifndef DH_PROGRAMMES_H
#define DH_PROGRAMMES_H

#include "programme_player.h"

#define DH_PROGRAMMES_FILE "janus.plugin.digitalhuman.programmes.json"

struct dh_programmes;

/* Reads the file in `folder`, if there is one. */
struct dh_programmes *dh_programmes_new(const struct dh_player_host *host, const char *folder);
/* Ends them all, writes the file, and waits for their threads. Then nothing follows any more. */
void dh_programmes_close(struct dh_programmes *programmes);
void dh_programmes_free(struct dh_programmes **programmes);

/* All rooms of the configuration have been added: where others were is forgotten. */
void dh_programmes_begun(struct dh_programmes *programmes);

/* --- any thread, one at a time for each room, which must be there: under the rooms' lock, or
 * before there are requests */

/* The room is new: its playlist begins, or goes on where it was. */
void dh_programmes_add(struct dh_programmes *programmes, struct dh_room *room);
/* It has another playlist, or none any more. */
void dh_programmes_change(struct dh_programmes *programmes, struct dh_room *room);
/* It is gone. */
void dh_programmes_remove(struct dh_programmes *programmes, const char *id);
/* Any thread. Where it is: see dh_programme_position. A new reference; NULL: nothing has been played. */
json_t *dh_programmes_position(struct dh_programmes *programmes, const char *id);

#endif
