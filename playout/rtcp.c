/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtcp.h"

#include <string.h>

#define HEADER_SIZE   4
#define SR_SIZE       28
#define FEEDBACK_SIZE 12 /* the least of PLI and FIR */
#define TYPE_FIR_2032 192
#define TYPE_SR       200
#define TYPE_RR       201
#define TYPE_SDES     202
#define TYPE_BYE      203
#define TYPE_PSFB     206
#define FORMAT_PLI    1
#define FORMAT_FIR    4
#define ITEM_CNAME    1
/* From 1900 to 1970. */
#define NTP_EPOCH_S UINT64_C(2208988800)

static uint8_t *put_32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
	return at + 4;
}

static uint8_t *put_header(uint8_t *at, int count, int type, size_t size)
{
	return put_32(at, 0x80000000U | (uint32_t)count << 24 | (uint32_t)type << 16 | (uint32_t)(size / 4 - 1));
}

uint64_t dh_ntp_from_us(int64_t unix_us)
{
	uint64_t us = (uint64_t)unix_us;

	return (us / 1000000 + NTP_EPOCH_S) << 32 | (us % 1000000 << 32) / 1000000;
}

/* Ended by one to four zeros. */
static uint8_t *put_cname(uint8_t *at, uint32_t ssrc, const char *cname)
{
	size_t length = strnlen(cname, DH_RTCP_CNAME_MAX), size = (HEADER_SIZE + 4 + 2 + length + 1 + 3) / 4 * 4;

	memset(at, 0, size);
	put_32(put_header(at, 1, TYPE_SDES, size), ssrc);
	at[8] = ITEM_CNAME;
	at[9] = (uint8_t)length;
	memcpy(at + 10, cname, length);
	return at + size;
}

size_t dh_rtcp_write_report(const struct dh_sender_report *report, uint8_t out[DH_RTCP_REPORT_MAX])
{
	uint8_t *at = put_header(out, 0, TYPE_SR, SR_SIZE);

	at = put_32(at, report->ssrc);
	at = put_32(at, (uint32_t)(report->ntp >> 32));
	at = put_32(at, (uint32_t)report->ntp);
	at = put_32(at, report->rtp_timestamp);
	at = put_32(at, report->packets);
	at = put_32(at, report->octets);
	return (size_t)(put_cname(at, report->ssrc, report->cname) - out);
}

size_t dh_rtcp_write_bye(uint32_t ssrc, const char *cname, uint8_t out[DH_RTCP_REPORT_MAX])
{
	uint8_t *at = put_32(put_header(out, 0, TYPE_RR, 8), ssrc);

	at = put_cname(at, ssrc, cname);
	return (size_t)(put_32(put_header(at, 1, TYPE_BYE, 8), ssrc) - out);
}

bool dh_rtcp_asks_key_frame(const uint8_t *rtcp, size_t size)
{
	while (size >= HEADER_SIZE && rtcp[0] >> 6 == 2) {
		size_t length = ((size_t)(rtcp[2] << 8 | rtcp[3]) + 1) * 4;
		int format = rtcp[0] & 0x1f;
		if (length > size)
			return false;
		if (rtcp[1] == TYPE_PSFB && length >= FEEDBACK_SIZE && (format == FORMAT_PLI || format == FORMAT_FIR))
			return true;
		if (rtcp[1] == TYPE_FIR_2032)
			return true;
		rtcp += length;
		size -= length;
	}
	return false;
}
