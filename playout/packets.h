/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What leaves a playout for one viewer: RTP packets, and the count of them. */
#ifndef DH_PACKETS_H
#define DH_PACKETS_H

#include "unit.h"

/* Takes one complete RTP packet (RFC 3550) for the viewer whose owner is
 * `viewer_user`. The bytes are valid during the call. */
typedef void dh_packet_fn(void *arg, void *viewer_user, enum dh_media media, const uint8_t *rtp, size_t size);

/* What one viewer was sent. */
struct dh_viewer_stats {
	uint64_t packets[2], bytes[2]; /* RTP packets and their bytes, by enum dh_media */
	uint64_t pictures, anchors;    /* pictures sent, of which anchors (key frames) */
	uint64_t late_dropped;         /* units not sent because they were too late */
	uint64_t plis;                 /* PLI and FIR received */
	int64_t lateness_max_ticks;    /* largest distance of sending from the viewer's deadline */
};

#endif
