/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds bytes among those of pictures, where any single byte is frequent. Pure. */
#ifndef DH_FIND_BYTES_H
#define DH_FIND_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Where `what`, of `count` bytes, 2 or more, begins in `bytes` for the first time; NULL: nowhere. */
const uint8_t *dh_find_bytes(const uint8_t *bytes, size_t size, const void *what, size_t count);

#endif
