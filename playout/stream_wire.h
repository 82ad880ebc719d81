/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to the stream's reader and writer: the records of stream.h as bytes, and
 * what both sides check in the same way. */
#ifndef DH_STREAM_WIRE_H
#define DH_STREAM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

#define DH_WIRE_TYPE(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define DH_WIRE_HEAD    DH_WIRE_TYPE('D', 'H', 'S', '1')
#define DH_WIRE_ANCHOR  DH_WIRE_TYPE('A', 'N', 'C', 'H')
#define DH_WIRE_PICTURE DH_WIRE_TYPE('P', 'I', 'C', 'T')
#define DH_WIRE_MARK    DH_WIRE_TYPE('M', 'A', 'R', 'K')
#define DH_WIRE_VIDEO   DH_WIRE_TYPE('V', 'I', 'D', 'E')
#define DH_WIRE_LOWER   DH_WIRE_TYPE('L', 'O', 'W', 'R')
#define DH_WIRE_AUDIO   DH_WIRE_TYPE('A', 'U', 'D', 'I')
#define DH_WIRE_LEAD    DH_WIRE_TYPE('L', 'E', 'A', 'D')
#define DH_WIRE_FADE    DH_WIRE_TYPE('F', 'A', 'D', 'E')
#define DH_WIRE_WORD    DH_WIRE_TYPE('W', 'O', 'R', 'D')
#define DH_WIRE_NOTE    DH_WIRE_TYPE('N', 'O', 'T', 'E')
#define DH_WIRE_END     DH_WIRE_TYPE('E', 'N', 'D', 'S')
#define DH_WIRE_FAILURE DH_WIRE_TYPE('F', 'A', 'I', 'L')

/* Bytes around a body, and the fixed part of each kind of body. */
#define DH_WIRE_PREFIX        8u /* type, length */
#define DH_WIRE_CHECKSUM      4u
#define DH_WIRE_HEAD_FIXED    20u
#define DH_WIRE_MARK_FIXED    1u
#define DH_WIRE_VIDEO_FIXED   (16u + DH_LUMA_BYTES)
#define DH_WIRE_AUDIO_FIXED   8u
#define DH_WIRE_LEAD_FIXED    12u
#define DH_WIRE_WORD_FIXED    16u
#define DH_WIRE_HEAD_STATED   8u /* behind the text, or missing; before version 3: always missing */
#define DH_WIRE_HEAD_KBPS     4u /* for each of the qualities, behind that; before version 5: missing */
#define DH_WIRE_END_FIXED     20u
#define DH_WIRE_END_FIXED_1   16u /* version 1: no flags */
#define DH_WIRE_FAILURE_FIXED 4u

#define DH_WIRE_FLAG_VIDEO 1u
#define DH_WIRE_FLAG_AUDIO 2u
#define DH_WIRE_FLAG_MATTE 4u /* only with video; before version 3: never */
#define DH_WIRE_FLAG_MARK  8u /* only with video; before version 4: never */

#define DH_WIRE_FLAG_INCOMPLETE 1u

/* The version of a stream with only one quality: what reads no newer one can read it. */
#define DH_WIRE_VERSION_PLAIN 4u

/* What a line of JSON begins with, and no type of a record. */
#define DH_WIRE_LINE '{'

/* A VP8 key frame's header (RFC 6386, 9.1). */
#define DH_WIRE_KEY_FRAME_MIN 10u

static inline uint16_t dh_wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t dh_wire_get32(const uint8_t *p)
{
	return dh_wire_get16(p) | (uint32_t)dh_wire_get16(p + 2) << 16;
}

static inline int64_t dh_wire_get64(const uint8_t *p)
{
	return (int64_t)(dh_wire_get32(p) | (uint64_t)dh_wire_get32(p + 4) << 32);
}

/* The time of an audio unit, which has its loudness in the byte behind. */
static inline int64_t dh_wire_get56(const uint8_t *p)
{
	return (int64_t)(dh_wire_get32(p) | (uint64_t)dh_wire_get16(p + 4) << 32 | (uint64_t)p[6] << 48);
}

static inline uint8_t *dh_wire_put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	return p + 2;
}

static inline uint8_t *dh_wire_put32(uint8_t *p, uint32_t value)
{
	return dh_wire_put16(dh_wire_put16(p, (uint16_t)value), (uint16_t)(value >> 16));
}

static inline uint8_t *dh_wire_put64(uint8_t *p, int64_t value)
{
	return dh_wire_put32(dh_wire_put32(p, (uint32_t)value), (uint32_t)((uint64_t)value >> 32));
}

static inline uint8_t *dh_wire_put56(uint8_t *p, int64_t value)
{
	p = dh_wire_put16(dh_wire_put32(p, (uint32_t)value), (uint16_t)((uint64_t)value >> 32));
	*p = (uint8_t)((uint64_t)value >> 48);
	return p + 1;
}

static inline bool dh_wire_side_is_valid(int64_t side)
{
	return side >= DH_STREAM_SIDE_MIN && side <= DH_STREAM_SIDE_MAX && side % 2 == 0;
}

/* 0/1 (unknown), or both positive. */
static inline bool dh_wire_rate_is_valid(int64_t num, int64_t den)
{
	return num >= 0 && num <= UINT32_MAX && den > 0 && den <= UINT32_MAX && (num > 0 || den == 1);
}

/* No entry is droppable: it is what later pictures refer to. */
static inline bool dh_wire_flags_are_valid(uint32_t flags)
{
	return flags == 0 || flags == DH_UNIT_ENTRY || flags == DH_UNIT_DROPPABLE;
}

static inline bool dh_wire_word_is_valid(int64_t from_ticks, int64_t to_ticks)
{
	return from_ticks >= 0 && to_ticks >= from_ticks && to_ticks <= DH_STREAM_TICKS_MAX;
}

/* A shown key frame; a hidden one would give a new viewer no picture. */
static inline bool dh_wire_is_key_frame(const uint8_t *p, size_t size)
{
	return size >= DH_WIRE_KEY_FRAME_MIN && (p[0] & 0x01) == 0 && (p[0] & 0x10) != 0 && p[3] == 0x9d &&
		p[4] == 0x01 && p[5] == 0x2a;
}

/* Bytes of the character at `p`; 0 when it is not UTF-8 (overlong, a surrogate,
 * beyond U+10FFFF, cut off at `size`) or a control character, which has no
 * place in a log or on a terminal. `size` is at least 1. */
static inline size_t dh_wire_character(const uint8_t *p, size_t size)
{
	uint32_t code;
	size_t length;
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (size < length)
		return 0;
	code = p[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < 0xa0 || (length == 3 && code < 0x800) || (code >= 0xd800 && code <= 0xdfff) ||
		(length == 4 && code < 0x10000) || code > 0x10ffff)
		return 0;
	return length;
}

#endif
