/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VP8 pictures as RTP payloads (RFC 7741).
 *
 * Pure: bytes of a picture and its numbers in, payloads out through a callback.
 * Allocates nothing and copies nothing of the picture.
 *
 * Every payload has the full descriptor, with a picture ID of 15 bits, TL0PICIDX and
 * TID: libwebrtc ignores the last two unless all three are present, and a connection
 * must never mix forms.
 *
 *      0 1 2 3 4 5 6 7
 *     |X|R|N|S|R| PID |   S: the picture begins here. PID 0 throughout: the
 *     |I|L|T|K| RSV   |   picture is cut by size, not by VP8 partition
 *     |M| picture ID  |
 *     |  picture ID   |
 *     |   TL0PICIDX   |
 *     |TID|Y| KEYIDX  |   KEYIDX 0, K is not set
 */
#ifndef DH_VP8_H
#define DH_VP8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For an MTU of 1200 bytes of RTP, 12 of them header. */
#define DH_VP8_PAYLOAD_MAX     1188
#define DH_VP8_DESCRIPTOR_SIZE 6
#define DH_VP8_DATA_MAX        (DH_VP8_PAYLOAD_MAX - DH_VP8_DESCRIPTOR_SIZE)

/* A picture's numbers, for one viewer (see continuity.h). */
struct dh_vp8_picture {
	uint16_t picture_id; /* 15 bits are used */
	uint8_t tl0picidx;
	uint8_t tid;              /* temporal layer: 0, or 1 for pictures that refer to the one before them */
	uint8_t is_layer_sync;    /* Y: refers to pictures of layer 0 only; 0 in layer 0 */
	uint8_t is_non_reference; /* N: no picture refers to this one */
};

/* One payload: the descriptor, then `size` (1 to DH_VP8_DATA_MAX) bytes of the
 * picture at `data`. `marker` is the RTP marker bit: the picture's last packet.
 * Descriptor and data are valid during the call. */
typedef void dh_vp8_payload_fn(void *arg, const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE], const uint8_t *data,
	size_t size, bool marker);

/* Whether a payload begins a picture. */
static inline bool dh_vp8_begins(const uint8_t *payload)
{
	return (payload[0] & 0x10) != 0;
}

/* How many packets a picture of `size` bytes takes; 0 if `size` is 0. */
size_t dh_vp8_packets(size_t size);

/* Splits a picture of `size` bytes into as few payloads as possible, whose sizes differ
 * by at most one byte. Emits up to `count` of them in order, starting at number
 * `first`. Returns how many it emitted. */
size_t dh_vp8_packetise(const uint8_t *frame, size_t size, const struct dh_vp8_picture *picture, size_t first,
	size_t count, dh_vp8_payload_fn *emit, void *arg);

#endif
