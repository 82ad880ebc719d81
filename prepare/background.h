/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an avatar stands on: a colour or a picture. Idle clips and segments that are partly
 * transparent are laid over it.
 */
#ifndef DH_BACKGROUND_H
#define DH_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "job.h"

struct dh_background {
	bool is_set;    /* somebody asked for it: it also shows beside pictures of another shape */
	uint8_t rgb[3]; /* the colour, */
	uint8_t *i420;  /* or a picture of the avatar's size; NULL: the colour */
};

/* The default: DH_BACKGROUND. */
void dh_background_init(struct dh_background *background);

/* Takes "#rrggbb". False: it is none. */
bool dh_background_parse(struct dh_background *background, const char *text);

#endif
