/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nut_end.h"

#include <string.h>

#include <libavutil/crc.h>

#include "find_bytes.h"

#define CODE_BYTES 8
/* `used`, once the start code has come: in its length, in its body,
 * in the checksum of its header. */
#define IN_LENGTH   (CODE_BYTES)
#define IN_BODY     (CODE_BYTES + 1)
#define IN_CHECKSUM (IN_BODY + 1) /* four bytes, each of which adds one */
/* A longer packet has a checksum of its header, too. */
#define SHORT_BYTES 4096

static const uint8_t file_id[] = "nut/multimedia container";
static const uint8_t index_code[CODE_BYTES] = { 'N', 'X', 0xdd, 0x67, 0x2f, 0x23, 0xe6, 0x4e };

/* Returns how many bytes were looked at. */
static size_t search(struct dh_nut_end *end, const uint8_t *bytes, size_t size)
{
	if (end->used == 0 && size >= CODE_BYTES) {
		/* a picture is full of its first byte */
		const uint8_t *first = dh_find_bytes(bytes, size, index_code, CODE_BYTES);
		size_t before = first ? (size_t)(first - bytes) : size - (CODE_BYTES - 1);
		if (before > 0)
			return before;
	}
	/* No proper prefix of the code has its first byte a second time. */
	if (*bytes == index_code[end->used])
		end->used++;
	else
		end->used = *bytes == index_code[0];
	end->left = 0;
	return 1;
}

static void take_length(struct dh_nut_end *end, uint8_t byte)
{
	if (end->left > UINT64_MAX >> 8) {
		end->used = 0;
		return;
	}
	end->left = end->left << 7 | (byte & 0x7f);
	if (byte & 0x80)
		return;
	end->used = end->left <= 4 ? 0 : end->left > SHORT_BYTES ? IN_CHECKSUM : IN_BODY;
	end->crc = 0;
}

/* The checksum at its end makes that of the whole zero. */
static size_t take_body(struct dh_nut_end *end, const uint8_t *bytes, size_t size)
{
	size_t count = size < end->left ? size : (size_t)end->left;

	end->crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE), end->crc, bytes, count);
	end->left -= count;
	if (end->left > 0)
		return count;
	end->used = 0;
	end->is_complete = end->crc == 0;
	return count;
}

void dh_nut_end_push(struct dh_nut_end *end, const uint8_t *bytes, size_t size)
{
	while (size > 0 && !end->is_other) {
		size_t step = 1;
		end->is_complete = false;
		if (end->at < sizeof file_id - 1)
			end->is_other = *bytes != file_id[end->at];
		else if (end->used == IN_BODY)
			step = take_body(end, bytes, size);
		else if (end->used >= IN_CHECKSUM)
			end->used = end->used < IN_CHECKSUM + 3 ? end->used + 1 : IN_BODY;
		else if (end->used == IN_LENGTH)
			take_length(end, *bytes);
		else
			step = search(end, bytes, size);
		end->at += step;
		bytes += step;
		size -= step;
	}
}
