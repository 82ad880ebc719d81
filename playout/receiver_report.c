/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver_report.h"

#include <errno.h>
#include <stdbool.h>

#define HEADER_SIZE 4
#define BLOCK_SIZE  24
#define TYPE_SR     200
#define TYPE_RR     201
/* From the beginning of a packet to its first report block. */
#define BLOCKS_SR 28
#define BLOCKS_RR 8

static uint32_t read_32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct dh_report_block read_block(const uint8_t *at)
{
	int32_t lost = (int32_t)(read_32(at + 4) & 0xffffff);

	return (struct dh_report_block){
		.ssrc = read_32(at),
		.fraction_lost = at[4],
		.lost = lost & 0x800000 ? lost - 0x1000000 : lost,
		.jitter = read_32(at + 12),
		.last_sr = read_32(at + 16),
		.delay = read_32(at + 20),
		.highest = read_32(at + 8),
	};
}

int dh_receiver_report_read(const uint8_t *rtcp, size_t size, dh_report_block_fn *found, void *arg)
{
	while (size) {
		if (size < HEADER_SIZE || rtcp[0] >> 6 != 2)
			return -EINVAL;
		size_t length = ((size_t)(rtcp[2] << 8 | rtcp[3]) + 1) * 4, count = rtcp[0] & 0x1f;
		size_t at = rtcp[1] == TYPE_SR ? BLOCKS_SR : BLOCKS_RR;
		bool reports = rtcp[1] == TYPE_SR || rtcp[1] == TYPE_RR;
		if (length > size || (reports && at + count * BLOCK_SIZE > length))
			return -EINVAL;
		for (size_t i = 0; reports && i < count; i++) {
			const struct dh_report_block block = read_block(rtcp + at + i * BLOCK_SIZE);
			found(arg, &block);
		}
		rtcp += length;
		size -= length;
	}
	return 0;
}
