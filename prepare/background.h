/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an avatar stands on: a colour, a picture, or nothing. Idle clips and segments that are
 * partly transparent are laid over it, or keep their transparency in a matte (playout/matte.h).
 */
#ifndef DH_BACKGROUND_H
#define DH_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "job.h"

struct dh_background {
	bool is_set;    /* somebody asked for it: it also shows beside pictures of another shape */
	bool is_clear;  /* nothing; the colour is that of what is nowhere opaque */
	uint8_t rgb[3]; /* the colour, */
	uint8_t *i420;  /* or a picture of the avatar's size; NULL: the colour */
};

/* The default: DH_BACKGROUND. */
void dh_background_init(struct dh_background *background);

/* Takes "#rrggbb", or DH_BACKGROUND_CLEAR. False: it is neither. */
bool dh_background_parse(struct dh_background *background, const char *text);

/* Of pictures that show `height`. */
int dh_background_coded_height(const struct dh_background *background, int height);

#endif
