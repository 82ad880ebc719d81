/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reader of prepared streams takes for pictures of VP8: a header, and nothing of a picture behind it. */
#ifndef DH_VP8_FIXTURE_H
#define DH_VP8_FIXTURE_H

#include <stdint.h>
#include <string.h>

#include "playout/unit.h"

/* An anchor, as the initializer of an array of bytes; sides of less than 256. */
#define VP8_FIXTURE_ANCHOR(width, height) \
	{ \
		0x90, 0, 0, 0x9d, 0x01, 0x2a, width, 0, height, 0, 0, 0, 0, 0, 7, 8 \
	}

/* Bytes of the header of any other picture. */
#define VP8_FIXTURE_HEADER 9

/* The six bytes in which all flags of an inter frame are, of RFC 6386's boolean coder: nothing is set but that it
 * is kept as the last frame, and those below. */
#define VP8_FIXTURE_FLAGS     0x000000001fff
#define VP8_FIXTURE_DROPPABLE 0x000000000fff /* it is not kept */
#define VP8_FIXTURE_GOLDEN    0x000000201fff /* it becomes the golden frame, too */
#define VP8_FIXTURE_ALTERNATE 0x000000101fff
#define VP8_FIXTURE_COPIES    0x000000081fff /* the last frame becomes the golden one */
#define VP8_FIXTURE_ENTROPY   0x000000003fff /* its probabilities are kept */
#define VP8_FIXTURE_SEGMENTS  0x8000000007ef

/* Makes the first bytes those of an inter frame with these flags of the coder. */
static inline void vp8_fixture_header(uint8_t *bytes, uint64_t flags)
{
	static const uint8_t inter_frame[] = { 0xd1, 0, 0 }; /* shown; a first partition of 6 bytes */
	memcpy(bytes, inter_frame, sizeof inter_frame);
	for (int i = 0; i < 6; i++)
		bytes[sizeof inter_frame + (size_t)i] = (uint8_t)(flags >> (40 - 8 * i));
}

/* Makes the first bytes those of a picture with these flags of its unit. */
static inline void vp8_fixture_picture(uint8_t *bytes, uint32_t unit_flags)
{
	vp8_fixture_header(bytes, unit_flags & DH_UNIT_DROPPABLE ? VP8_FIXTURE_DROPPABLE : VP8_FIXTURE_FLAGS);
}

#endif
