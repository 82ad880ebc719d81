/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How playlists reach the requests. */
#ifndef DH_PLAYLIST_ENQUEUE_H
#define DH_PLAYLIST_ENQUEUE_H

#include "instance.h"
#include "playlist_player.h"

/* For dh_playlists_new. */
struct dh_player_host dh_playlist_host(struct dh_instance *instance);

#endif
