/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a receiver says of the packets it was sent: the report blocks of RTCP (RFC 3550, 6.4). Pure.
 */
#ifndef DH_RECEIVER_REPORT_H
#define DH_RECEIVER_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* As they are on the wire. */
struct dh_report_block {
	uint32_t ssrc;         /* whom it is about */
	uint8_t fraction_lost; /* in 256ths, since the report before */
	int32_t lost;          /* since it began; negative if more came than were sent, because some came twice */
	uint32_t jitter;       /* in units of the RTP clock */
	uint32_t last_sr;      /* middle of the NTP time of the last sender report, in 65536ths of a second; 0: none */
	uint32_t delay;        /* since that report, in the same unit */
	uint32_t highest;      /* the highest sequence number that has come; upper half: how often they wrapped */
};

/* Borrowed, during the call. */
typedef void dh_report_block_fn(void *arg, const struct dh_report_block *block);

/* Calls `found` for each report block of a compound packet, in sender's and receiver's reports. 0; -EINVAL: it is
 * broken somewhere, and what came before that was reported. */
int dh_receiver_report_read(const uint8_t *rtcp, size_t size, dh_report_block_fn *found, void *arg);

#endif
