/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets of Opus, put together to one that lasts longer (RFC 6716, 3.2.5: code 3).
 *
 * Nothing is encoded again: a decoder gives the same samples. Each packet has one frame, and all
 * have the same configuration and number of channels, which are in the first byte. Pure; allocates
 * nothing.
 */
#ifndef DH_OPUS_JOIN_H
#define DH_OPUS_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DH_OPUS_JOIN_MAX        3    /* packets: 60 ms */
#define DH_OPUS_JOINED_SIZE_MAX 1188 /* bytes, as of a picture's payload: one RTP packet of 1200 */

/* Zero it. */
struct dh_opus_join {
	/* private */
	int count;
	size_t size; /* of the frames */
	struct {
		const uint8_t *packet;
		size_t size;
	} at[DH_OPUS_JOIN_MAX];
};

/* `packet` is borrowed until the join is written. False, and nothing is changed: it cannot be put
 * behind those before it. The first one always can be. */
bool dh_opus_join_add(struct dh_opus_join *join, const uint8_t *packet, size_t size);

/* Of two packets or more. `out` has space for DH_OPUS_JOINED_SIZE_MAX bytes. Returns the size. */
size_t dh_opus_join_write(const struct dh_opus_join *join, uint8_t *out);

#endif
