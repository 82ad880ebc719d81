/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plays a room's playlist (rooms/playlist.h): queues its files at the lowest priority, one ahead of what plays,
 * and goes on where it was when something else has come between.
 *
 * Each has a thread, since it looks for files, which may take long.
 */
#ifndef DH_PLAYLIST_PLAYER_H
#define DH_PLAYLIST_PLAYER_H

#include <stdbool.h>

#include <jansson.h>

#include "ingest/feed.h"
#include "rooms/room.h"

struct dh_player;

/* Why a file is not enqueued. */
enum dh_player_refusal {
	DH_PLAYER_NOT_NOW, /* a limit, or what it was to be put before plays already; the next one would fare alike */
	DH_PLAYER_BAD,     /* the file can never be played */
	DH_PLAYER_MISSING, /* it is not there */
	DH_PLAYER_NO_DISK, /* what it lies on fails, or does not answer */
};

/* What it needs of the plugin. */
struct dh_player_host {
	void *arg;
	struct dh_ingest *ingest;
	char *const *folders; /* of segments; NULL: there are none */
	/* Enqueues as the request `body` says, which it takes. Returns the segment's id (g_free it); NULL: it was
	 * refused, with a text in *error (g_free it), and the reason in *refusal. The audience's `gone` is called in
	 * any case. */
	char *(*enqueue)(void *arg, struct dh_room *room, json_t *body, const struct dh_feed_audience *audience,
		char **error, enum dh_player_refusal *refusal);
};

/* Where it is, about once a second: see dh_playlist_position. Takes ownership. In the
 * player's thread. */
typedef void dh_player_moved_fn(void *arg, struct dh_player *player, json_t *position);

/* `host` must outlive it. Takes a reference to `room`, and plays the playlist in its settings. `position`: where it
 * was before; NULL: from its beginning. NULL: there is no thread for it. */
struct dh_player *dh_player_new(const struct dh_player_host *host, struct dh_room *room, const json_t *position,
	dh_player_moved_fn *moved, void *arg);

/* What waits of it leaves the queue; what plays goes on to its end. Does not wait. */
void dh_player_stop(struct dh_player *player);
/* Whether dh_player_free need not wait. */
bool dh_player_is_over(const struct dh_player *player);
/* Stops it and waits for its thread. */
void dh_player_free(struct dh_player **player);

#endif
