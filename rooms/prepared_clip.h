/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An idle clip as it comes from its preparation: collected, checked, and made into segments.
 * Private to avatar.c, which says which thread may use it.
 */
#ifndef DH_PREPARED_CLIP_H
#define DH_PREPARED_CLIP_H

#include <glib.h>

#include "avatar_config.h"
#include "playout/segment.h"
#include "playout/stream.h"

struct dh_prepared_clip {
	struct dh_stream_head head;
	struct dh_unit *anchor; /* NULL: not yet */
	GBytes *frame;          /* the same; NULL: not yet */
	GBytes *picture;        /* the anchor's, I420; NULL: not yet */
	GPtrArray *units;       /* struct dh_unit, references; pictures only, since an idle avatar is silent */
};

void dh_prepared_clip_init(struct dh_prepared_clip *clip);
/* Drops what was collected. */
void dh_prepared_clip_reset(struct dh_prepared_clip *clip);
void dh_prepared_clip_clear(struct dh_prepared_clip *clip);

void dh_prepared_clip_head(struct dh_prepared_clip *clip, const struct dh_stream_head *head);
/* Takes a reference. */
void dh_prepared_clip_anchor(struct dh_prepared_clip *clip, struct dh_unit *anchor);
/* Takes references to its pictures. */
void dh_prepared_clip_units(struct dh_prepared_clip *clip, struct dh_unit *const *units, size_t count);

/* At the end: why the avatar cannot use it; NULL: it can. */
const char *dh_prepared_clip_check(const struct dh_prepared_clip *clip, const struct dh_avatar_config *config);

/* What it shows at a position, as DH_LUMA_BYTES (playout/unit.h). Only if it is usable. */
void dh_prepared_clip_look(const struct dh_prepared_clip *clip, int64_t position_ticks, uint8_t *luma);

/* A new segment, which the caller owns. -ENOMEM, -EINVAL. */
int dh_prepared_clip_segment(const struct dh_prepared_clip *clip, struct dh_segment **segment);

#endif
