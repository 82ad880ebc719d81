/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The size of a PNG or JPEG from its header: decoders refuse huge ones without
 * saying why. Pure; any bytes are safe.
 */
#ifndef DH_STILL_H
#define DH_STILL_H

#include <stddef.h>
#include <stdint.h>

/* 0, or -EBADMSG: neither of them, or cut off before the size. */
int dh_still_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height);

#endif
