/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From any decoder's output to I420 of the avatar's size: BT.601, limited range, turned as the
 * input says, deinterlaced, of standard dynamic range. The aspect ratio is kept. Transparent
 * pictures are laid over the background; beside opaque ones there are black bars, or the
 * background if somebody has set one. If that is nothing, I420 is of the coded height
 * (playout/matte.h), and the matte says what is there.
 */
#ifndef DH_PICTURE_H
#define DH_PICTURE_H

#include <stdint.h>

#include <libavutil/frame.h>

#include "background.h"
#include "fault.h"
#include "mark.h"
#include "placement.h"

struct dh_picture;

/* `background` and `mark` must outlive it; their pictures, if any, are for this size. `mark` may be NULL. */
int dh_picture_alloc(struct dh_picture **picture, int width, int height, const struct dh_background *background,
	const struct dh_mark *mark, struct dh_fault *fault);
void dh_picture_free(struct dh_picture **picture);

/* Writes one picture to `i420`. Fails with DH_PREPARE_FORMAT if the pixel format
 * cannot be converted. */
int dh_picture_convert(struct dh_picture *picture, const AVFrame *frame, const struct dh_turn *turn, uint8_t *i420,
	struct dh_fault *fault);

/* The same, but at `rect`, whose numbers may be odd; the background is nothing. */
int dh_picture_place(struct dh_picture *picture, const AVFrame *frame, const struct dh_turn *turn,
	const struct dh_rect *rect, uint8_t *i420, struct dh_fault *fault);

#endif
