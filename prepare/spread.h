/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gives the transparent part of a picture colours: those of the nearest opaque part go on into it.
 * So neither halved chroma nor the noise of coding brings a foreign colour to an edge.
 */
#ifndef DH_SPREAD_H
#define DH_SPREAD_H

#include <stdint.h>

struct dh_spread;

/* For RGBA of this size. NULL: out of memory. */
struct dh_spread *dh_spread_new(int width, int height);
void dh_spread_free(struct dh_spread **spread);

/* `rgba` has colours multiplied by their alpha; afterwards it has not. `rgb`: the colour if all of
 * it is transparent. */
void dh_spread_run(struct dh_spread *spread, uint8_t *rgba, int stride, const uint8_t *rgb);

#endif
