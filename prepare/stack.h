/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts a picture and its matte one above the other, as playout/matte.h has it, in I420 of the coded
 * height. Pure.
 */
#ifndef DH_STACK_H
#define DH_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "placement.h"

/* From RGBA of width x height that is not multiplied by its alpha. */
void dh_stack_rgba(const uint8_t *rgba, int stride, int width, int height, uint8_t *i420);

/* The picture is there already, opaque, at `rect`; beside that is nothing. */
void dh_stack_opaque(uint8_t *i420, int width, int height, const struct dh_rect *rect);

/* What a matte says where the picture is that opaque, 0 to 255. */
uint8_t dh_stack_matte(unsigned alpha);

/* A row of a matte as alpha, 0 to 255. */
void dh_stack_alpha(const uint8_t *matte, int width, uint8_t *alpha);

/* The thumbnail, DH_LUMA_SIDE x DH_LUMA_SIDE means of the luma: of a picture with its matte what
 * it looks like on the default background. `coded_height` is I420's. */
void dh_stack_thumbnail(const uint8_t *i420, int width, int coded_height, bool has_matte, uint8_t *luma);

/* The same, for every pixel that is shown. */
void dh_stack_luma(const uint8_t *i420, int width, int coded_height, bool has_matte, uint8_t *out);

#endif
