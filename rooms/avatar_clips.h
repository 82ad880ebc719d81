/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar's clips for other stances than idle (playout/stance.h), prepared one after the other under its anchor.
 * One that cannot be prepared is left out, and the log says why.
 *
 * Belongs to its avatar, which says which thread may use it.
 */
#ifndef DH_AVATAR_CLIPS_H
#define DH_AVATAR_CLIPS_H

#include <glib.h>

#include "avatar_config.h"
#include "ingest/ingest.h"
#include "playout/segment.h"

struct dh_avatar_clips;

/* `config` and `ingest` must outlive it. */
struct dh_avatar_clips *dh_avatar_clips_new(const struct dh_avatar_config *config, struct dh_ingest *ingest);
void dh_avatar_clips_free(struct dh_avatar_clips **clips);

/* What they are prepared for; references are taken. */
struct dh_avatar_look {
	struct dh_unit *anchor;
	GBytes *picture, *frame;   /* the anchor's, see ingest/source.h */
	GBytes *background, *mark; /* may be NULL */
};
/* In the I/O thread. Calls done(arg) when all that there are have been prepared, or at once. */
void dh_avatar_clips_start(struct dh_avatar_clips *clips, const struct dh_avatar_look *look, void (*done)(void *arg),
	void *arg);
/* In the I/O thread: forgets them; `done` is not called any more. */
void dh_avatar_clips_stop(struct dh_avatar_clips *clips);

/* A new segment, which the caller owns. -ENOENT: there is no clip for that; -ENOMEM, -EINVAL. */
int dh_avatar_clips_segment(const struct dh_avatar_clips *clips, enum dh_stance stance, struct dh_segment **segment);

#endif
