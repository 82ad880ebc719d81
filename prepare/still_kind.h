/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by still.c and still_tiff.c. Pure; any bytes are safe. */
#ifndef DH_STILL_KIND_H
#define DH_STILL_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first directory of a TIFF, which is also what EXIF is. */
struct dh_tiff {
	uint32_t width, height, orientation; /* 0: not stated */
	bool is_cut;                         /* parts of the picture or of the directory are missing */
};

/* False: it is none. */
bool dh_tiff_read(struct dh_tiff *tiff, const uint8_t *bytes, size_t size);

#endif
