/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the bytes of a picture file say: PNG, JPEG, GIF, WebP, BMP and TIFF. Decoders refuse
 * huge pictures without saying why, show half a picture as if it were a whole one, and not all
 * of them heed how a camera was held. Pure; any bytes are safe.
 */
#ifndef DH_STILL_H
#define DH_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0, or -EBADMSG: none of these, or cut off before the size. */
int dh_still_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height);

/* Whether one of these ends before its last line. */
bool dh_still_is_cut(const uint8_t *bytes, size_t size);

/* How EXIF says that it is to be shown, 1 to 8; 1, as it is stored, if nothing does. */
int dh_still_orientation(const uint8_t *bytes, size_t size);

#endif
