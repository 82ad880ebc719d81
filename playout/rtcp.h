/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RTCP of a sender (RFC 3550, RFC 4585, RFC 5104): its reports, and requests for key frames. Pure.
 */
#ifndef DH_RTCP_H
#define DH_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DH_RTCP_CNAME_MAX  32
#define DH_RTCP_REPORT_MAX (28 + 14 + DH_RTCP_CNAME_MAX) /* bytes; a BYE is shorter */

struct dh_sender_report {
	uint32_t ssrc;
	uint64_t ntp;             /* 32.32 bits, since 1900 … */
	uint32_t rtp_timestamp;   /* … and the same moment in the clock of the medium */
	uint32_t packets, octets; /* sent so far; octets of payload */
	const char *cname;        /* 1 to DH_RTCP_CNAME_MAX bytes: what belongs together has the same */
};

/* NTP's form of a time since 1970. */
uint64_t dh_ntp_from_us(int64_t unix_us);

/* A compound packet: SR, and SDES with the CNAME. Returns its size. */
size_t dh_rtcp_write_report(const struct dh_sender_report *report, uint8_t out[DH_RTCP_REPORT_MAX]);
/* The same: an empty RR, SDES and BYE. */
size_t dh_rtcp_write_bye(uint32_t ssrc, const char *cname, uint8_t out[DH_RTCP_REPORT_MAX]);

/* Whether a compound packet, as it came, asks for a key frame (PLI, FIR, or FIR of RFC 2032), of whomever. What is
 * broken asks for nothing from there on. */
bool dh_rtcp_asks_key_frame(const uint8_t *rtcp, size_t size);

#endif
