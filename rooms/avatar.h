/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar: a size and an idle clip, prepared once and shared by its rooms.
 *
 * Preparation starts when the first room joins. A failed one is retried, less and less
 * often, as long as the avatar has rooms. Once the state is DH_AVATAR_READY the result
 * never changes, and any thread may read it.
 */
#ifndef DH_AVATAR_H
#define DH_AVATAR_H

#include <stdbool.h>

#include <glib.h>

#include "playout/segment.h"
#include "ingest/ingest.h"
#include "avatar_config.h"

struct dh_avatar;

/* A room's functions. `changed` is called with no lock held: after each attempt to
 * prepare the clip in the I/O thread, and from dh_avatar_join. */
struct dh_avatar_listener {
	void (*changed)(void *arg);
	void *(*ref)(void *arg); /* returns `arg` */
	void (*unref)(void *arg);
};

/* A failed avatar stays failed until an attempt succeeds. */
enum dh_avatar_state { DH_AVATAR_PREPARING, DH_AVATAR_READY, DH_AVATAR_FAILED };

/* `config` must outlive it. */
struct dh_avatar *dh_avatar_new(const struct dh_avatar_config *config, struct dh_io *io, struct dh_ingest *ingest);

/* Call it after all rooms have left. Waits for the I/O thread, so do not call it there.
 * *avatar may be NULL. */
void dh_avatar_free(struct dh_avatar **avatar);

const struct dh_avatar_config *dh_avatar_get_config(const struct dh_avatar *avatar);

/* Adds the room `arg`. `listener` must outlive the membership; it is called with `arg`,
 * at once if the clip is ready. A failed avatar is retried at once. Takes a reference
 * to `arg`, which dh_avatar_leave drops. */
void dh_avatar_join(struct dh_avatar *avatar, const struct dh_avatar_listener *listener, void *arg);
void dh_avatar_leave(struct dh_avatar *avatar, void *arg);

/* Any thread; does not wait. */
enum dh_avatar_state dh_avatar_state(const struct dh_avatar *avatar);

/* Why the last attempt failed, NULL if it did not. The caller frees it (g_free). */
char *dh_avatar_error(struct dh_avatar *avatar);

/* The anchor's picture, borrowed; NULL unless the avatar is ready. */
GBytes *dh_avatar_picture(const struct dh_avatar *avatar);
/* That picture, as it was coded; likewise. */
GBytes *dh_avatar_frame(const struct dh_avatar *avatar);

/* What the clip shows at a position, as DH_LUMA_BYTES (playout/unit.h). Only if it is ready. */
void dh_avatar_look(const void *avatar, int64_t position_ticks, uint8_t *luma);

/* What the avatar stands on, I420 of its size, borrowed; NULL unless it is a picture and the
 * avatar is ready. */
GBytes *dh_avatar_background(const struct dh_avatar *avatar);

/* The disclosure mark in its corner (ingest/source.h), borrowed; NULL unless it has one and is ready. */
GBytes *dh_avatar_mark(const struct dh_avatar *avatar);

/* The idle clip as a new segment, which the caller owns. -EAGAIN unless the avatar
 * is ready; -ENOMEM, -EINVAL. */
int dh_avatar_clip(const struct dh_avatar *avatar, struct dh_segment **clip);
/* The same of its clip for another stance; -ENOENT: it has none. */
int dh_avatar_stance_clip(const struct dh_avatar *avatar, enum dh_stance stance, struct dh_segment **clip);

#endif
