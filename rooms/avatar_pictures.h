/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an avatar's clips are laid over, if that is a picture, and the disclosure mark that is laid
 * over them: prepared before the clips are, one after the other.
 *
 * Belongs to its avatar, which says which thread may use it.
 */
#ifndef DH_AVATAR_PICTURES_H
#define DH_AVATAR_PICTURES_H

#include <glib.h>

#include "avatar_config.h"
#include "ingest/ingest.h"

struct dh_avatar_pictures;

/* `config` and `ingest` must outlive it. */
struct dh_avatar_pictures *dh_avatar_pictures_new(const struct dh_avatar_config *config, struct dh_ingest *ingest);
/* They were stopped. */
void dh_avatar_pictures_free(struct dh_avatar_pictures **pictures);

/* In the I/O thread. Calls done(arg, NULL) when all that the avatar needs are there, or at once; or tells why
 * one of them cannot be prepared. */
void dh_avatar_pictures_start(struct dh_avatar_pictures *pictures, void (*done)(void *arg, const char *error),
	void *arg);
/* In the I/O thread: forgets them; `done` is not called any more. */
void dh_avatar_pictures_stop(struct dh_avatar_pictures *pictures);

/* Borrowed; NULL: the avatar has none. As in ingest/source.h. */
GBytes *dh_avatar_pictures_background(const struct dh_avatar_pictures *pictures);
GBytes *dh_avatar_pictures_mark(const struct dh_avatar_pictures *pictures);

#endif
