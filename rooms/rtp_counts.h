/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DH_RTP_COUNTS_H
#define DH_RTP_COUNTS_H

#include <stdint.h>

/* What was done with the packets of one medium; copied. */
struct dh_rtp_stream_counts {
	uint64_t packets, bytes; /* sent */
	uint64_t octets;         /* of payload */
	uint64_t dropped;        /* not sent; */
	uint64_t unreachable;    /* … of these, because there was no way there */
	uint64_t refused;        /* how often the target said that nobody listens there */
	uint64_t requests;       /* for key frames */
};

void dh_rtp_stream_counts_add(struct dh_rtp_stream_counts *sum, const struct dh_rtp_stream_counts *more);

#endif
