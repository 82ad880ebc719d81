/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks for the index that ends a NUT. A NUT without one has no end. Pure; any bytes are
 * safe.
 */
#ifndef DH_NUT_END_H
#define DH_NUT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise it. Read `is_complete`; the rest is private. */
struct dh_nut_end {
	bool is_complete; /* the index was the last that came */
	bool is_other;    /* it is no NUT */
	uint64_t at;      /* bytes so far */
	unsigned used;    /* bytes of the index's start code; beyond that, see nut_end.c */
	uint64_t left;    /* bytes of the index still to come */
	uint32_t crc;     /* of those that have come */
};

/* Takes the next bytes of the input. */
void dh_nut_end_push(struct dh_nut_end *end, const uint8_t *bytes, size_t size);

#endif
