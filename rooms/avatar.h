/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar: a size and an idle clip, prepared once and shared by its rooms.
 *
 * It is prepared when the first room joins. While that fails it is tried again,
 * less and less often, as long as it has rooms. Once the state is DH_AVATAR_READY
 * the result never changes, and any thread may read it.
 */
#ifndef DH_AVATAR_H
#define DH_AVATAR_H

#include <stdbool.h>

#include <glib.h>

#include "playout/segment.h"
#include "ingest/ingest.h"

/* As in the configuration, which owns the texts. */
struct dh_avatar_config {
	char *name;
	int64_t width, height;
	char *idle, *portrait; /* paths; at least one of them */
	int64_t pingpong;
	int64_t kbps, entry_ms;
};

struct dh_avatar;

/* A room's functions. `changed` is called after each attempt to prepare the clip,
 * from any thread, with no lock held. */
struct dh_avatar_listener {
	void (*changed)(void *arg);
	void *(*ref)(void *arg); /* returns `arg` */
	void (*unref)(void *arg);
};

/* A failed avatar stays failed until an attempt succeeds. */
enum dh_avatar_state { DH_AVATAR_PREPARING, DH_AVATAR_READY, DH_AVATAR_FAILED };

/* `config` must outlive it. */
struct dh_avatar *dh_avatar_new(const struct dh_avatar_config *config, struct dh_io *io, struct dh_ingest *ingest);

/* All rooms have left it. Waits for the I/O thread, so it must not be called
 * there. A pointer to NULL is allowed. */
void dh_avatar_free(struct dh_avatar **avatar);

const struct dh_avatar_config *dh_avatar_get_config(const struct dh_avatar *avatar);

/* The room `arg` joins: `listener`, which outlives it, is called with `arg`, at
 * once if the clip is ready. A failed avatar is tried again at once. Takes a
 * reference to `arg` and drops it when the room leaves. */
void dh_avatar_join(struct dh_avatar *avatar, const struct dh_avatar_listener *listener, void *arg);
void dh_avatar_leave(struct dh_avatar *avatar, void *arg);

/* Any thread; does not wait. */
enum dh_avatar_state dh_avatar_state(const struct dh_avatar *avatar);

/* A copy of the reason for the last failure, NULL if there was none. */
char *dh_avatar_error(struct dh_avatar *avatar);

/* The anchor's picture, borrowed; NULL unless the avatar is ready. */
GBytes *dh_avatar_picture(const struct dh_avatar *avatar);

/* The idle clip as a new segment, which the caller owns. -EAGAIN unless the avatar
 * is ready; -ENOMEM, -EINVAL. */
int dh_avatar_clip(const struct dh_avatar *avatar, struct dh_segment **clip);

#endif
