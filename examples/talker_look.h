/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The people that dh-talker can draw. */
#ifndef DH_TALKER_LOOK_H
#define DH_TALKER_LOOK_H

#include <stdint.h>

enum dh_hair { DH_HAIR_BOB, DH_HAIR_SHORT, DH_HAIR_CURLS };
enum dh_clothes { DH_CLOTHES_BLAZER, DH_CLOTHES_SWEATER, DH_CLOTHES_BLOUSE };

/* All colours are 0xRRGGBB. */
struct dh_look {
	const char *name;
	const char *about;         /* one line for --help */
	const char *voice_variant; /* the timbre of espeak-ng that fits */
	int pitch;                 /* 0 to 99 */

	uint32_t skin_light, skin, skin_shade, skin_deep, blush;
	uint32_t lip_upper, lip_lower, lip_light;
	uint32_t hair_dark, hair, hair_light, brow;
	uint32_t iris_dark, iris, iris_light;
	uint32_t clothes_dark, clothes, clothes_light, shirt;
	uint32_t wall_light, wall, wall_dark, wall_glow;

	enum dh_hair hair_style;
	enum dh_clothes clothes_style;
	double jaw;       /* half width of the jaw, canvas units */
	double brow_size; /* thickness of the eyebrows, 1: slim */
	double lip_size;  /* fullness of the lips */
	double lashes;    /* 0 to 1 */
	double shoulders; /* half width of the shoulders, canvas units */
	int glasses, beard, earrings;
};

/* Finds a look by name; NULL finds the first. NULL when there is none. */
const struct dh_look *dh_look_find(const char *name);
/* The looks, one by one; NULL beyond the last. */
const struct dh_look *dh_look_at(unsigned index);

#endif
