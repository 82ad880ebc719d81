/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interlaced pictures: of the two fields the first one stays, and the lines between are made
 * from it where the other field, half a picture later, shows something else.
 */
#ifndef DH_FIELDS_H
#define DH_FIELDS_H

#include <stdbool.h>

#include <libavutil/frame.h>

/* Whether the frame says that it is interlaced, in a format that can be treated. */
bool dh_fields_are_woven(const AVFrame *frame);

/* Writes the picture to `to`, of the same size and format. `before` is the frame before, or
 * NULL: what has not moved since keeps all its lines. */
void dh_fields_unweave(const AVFrame *frame, const AVFrame *before, AVFrame *to);

#endif
