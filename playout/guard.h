/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guard of anchored video: checks that a frame leaves a decoder's golden frame,
 * alternate frame, entropy and loop-filter state as the anchor set them. Whoever encodes a frame
 * and whoever reads a prepared stream asks it. Pure.
 */
#ifndef DH_GUARD_H
#define DH_GUARD_H

#include "vp8_header.h"

/* NULL if `frame` may follow `anchor`, else what is wrong with it, for "a frame …"
 * (a constant text). */
const char *dh_guard_check(const struct dh_vp8_header *anchor, const struct dh_vp8_header *frame);

/* NULL if `frame`, which is droppable or not, is one that others refer to only if they may, else as above. */
const char *dh_guard_check_layer(const struct dh_vp8_header *frame, bool is_droppable);

/* NULL if `anchor` may be an anchor, else as above. */
const char *dh_guard_check_anchor(const struct dh_vp8_header *anchor);

#endif
