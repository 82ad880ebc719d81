/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How playlists reach the requests. */
#ifndef DH_PROGRAMME_ENQUEUE_H
#define DH_PROGRAMME_ENQUEUE_H

#include "instance.h"
#include "programme_player.h"

/* For dh_programmes_new. */
struct dh_player_host dh_programme_host(struct dh_instance *instance);

#endif
