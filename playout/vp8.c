/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vp8.h"

/* RFC 7741, 4.2 */
#define HAS_EXTENSION   0x80u
#define NON_REFERENCE   0x20u
#define PICTURE_BEGINS  0x10u
#define HAS_PICTURE_ID  0x80u
#define HAS_TL0PICIDX   0x40u
#define HAS_TID         0x20u
#define LONG_PICTURE_ID 0x80u
#define LAYER_SYNC      0x20u

static void write_descriptor(uint8_t out[DH_VP8_DESCRIPTOR_SIZE], const struct dh_vp8_picture *picture)
{
	out[0] = (uint8_t)(HAS_EXTENSION | (picture->is_non_reference ? NON_REFERENCE : 0));
	out[1] = HAS_PICTURE_ID | HAS_TL0PICIDX | HAS_TID;
	out[2] = (uint8_t)(LONG_PICTURE_ID | (picture->picture_id >> 8 & 0x7fu));
	out[3] = (uint8_t)picture->picture_id;
	out[4] = picture->tl0picidx;
	out[5] = (uint8_t)((picture->tid & 0x3u) << 6 | (picture->is_layer_sync ? LAYER_SYNC : 0));
}

size_t dh_vp8_packets(size_t size)
{
	return size / DH_VP8_DATA_MAX + (size % DH_VP8_DATA_MAX != 0);
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t dh_vp8_packetise(const uint8_t *frame, size_t size, const struct dh_vp8_picture *picture, size_t first,
	size_t count, dh_vp8_payload_fn *emit, void *arg)
{
	uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE];
	size_t packets = dh_vp8_packets(size);
	if (first >= packets)
		return 0;
	/* The first `longer` payloads are a byte longer than the others. */
	size_t part = size / packets, longer = size % packets, end = first + min(count, packets - first);
	frame += first * part + min(first, longer);
	write_descriptor(descriptor, picture);
	for (size_t i = first; i < end; i++) {
		size_t length = part + (i < longer);
		if (i == 0)
			descriptor[0] |= PICTURE_BEGINS;
		else
			descriptor[0] &= (uint8_t)~PICTURE_BEGINS;
		emit(arg, descriptor, frame, length, i + 1 == packets);
		frame += length;
	}
	return end - first;
}
