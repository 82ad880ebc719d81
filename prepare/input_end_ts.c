/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MPEG-TS: packets of one size, and tables among them that say what streams there are. Another
 * file begins where the tables no longer have the picture and sound of the first. In M2TS, as cameras and
 * Blu-ray have it, the time stands in front of each packet. */
#include "input_end_private.h"

#include <libavutil/crc.h>

#define HEADER      4
#define PID_PAT     0
#define PID_SI_MAX  0x1f
#define PID_NULL    0x1fff
#define TABLE_PAT   0
#define TABLE_PMT   2
#define CRC_BYTES   4
#define PAT_HEAD    8
#define PMT_HEAD    12
#define STREAM_HEAD 5
/* So many in a row are no accident. */
#define PACKETS_SURE 5

/* Bytes in front of a packet. */
static unsigned prefix_of(const struct dh_input_end *end)
{
	return end->kind == DH_CONTAINER_M2TS ? DH_END_M2TS_PREFIX : 0;
}

static unsigned pid_of(const uint8_t *packet)
{
	return (unsigned)dh_end_big_endian(packet + 1, 2) & 0x1fff;
}

/* The table that begins in the packet, if it ends there and is intact. */
static const uint8_t *table_of(const uint8_t *packet, uint8_t id, unsigned *size)
{
	unsigned at = HEADER;
	if (!(packet[1] & 0x40) || !(packet[3] & 0x10))
		return NULL;
	if (packet[3] & 0x20)
		at += 1u + packet[4];
	if (at >= DH_END_TS_PACKET)
		return NULL;
	at += 1u + packet[at];
	if (at + 3 > DH_END_TS_PACKET || packet[at] != id)
		return NULL;
	*size = 3 + ((unsigned)dh_end_big_endian(packet + at + 1, 2) & 0xfff);
	bool is_whole = *size >= PAT_HEAD + CRC_BYTES && at + *size <= DH_END_TS_PACKET;
	if (!is_whole || av_crc(av_crc_get_table(AV_CRC_32_IEEE), UINT32_MAX, packet + at, *size) != 0)
		return NULL;
	return packet[at + 5] & 1 ? packet + at : NULL; /* it is valid now */
}

static void take_programs(struct dh_input_end *end)
{
	unsigned size;
	const uint8_t *table = table_of(end->header + prefix_of(end), TABLE_PAT, &size);
	for (unsigned at = PAT_HEAD; table && at + 4 + CRC_BYTES <= size; at += 4)
		if (dh_end_big_endian(table + at, 2) != 0) { /* the first one */
			end->pmt_pid = (uint16_t)(dh_end_big_endian(table + at + 2, 2) & 0x1fff);
			return;
		}
}

/* What a private stream holds: a registered name, or one of DVB's descriptors. 0: something else. */
static uint32_t kind_of_private(const uint8_t *text, unsigned size)
{
	for (unsigned at = 0; at + 2 <= size && at + 2 + text[at + 1] <= size; at += 2u + text[at + 1]) {
		if (text[at] == 0x05 && text[at + 1] >= 4)
			return (uint32_t)dh_end_big_endian(text + at + 2, 4);
		if (text[at] == 0x6a || text[at] == 0x7a || text[at] == 0x7b || text[at] == 0x7c || text[at] == 0x7f)
			return text[at];
	}
	return 0;
}

static bool is_any(uint8_t type, const char *types)
{
	return type && strchr(types, type);
}

/* Notes a stream that may be played. */
static void take_stream(struct dh_ts_streams *streams, uint8_t type, uint16_t pid, const uint8_t *text, unsigned size)
{
	bool is_video = is_any(type, "\x01\x02\x10\x1b\x24\x42\xd1\xea");
	uint32_t kind = type == 0x06 ? kind_of_private(text, size) : type;
	if (!is_video && type != 0x06 && !is_any(type, "\x03\x04\x0f\x11\x81\x82\x87"))
		return;
	if (kind && streams->count < DH_END_TS_STREAMS)
		streams->of[streams->count++] = (struct dh_ts_stream){ pid, is_video, kind };
}

static bool take_all_streams(struct dh_ts_streams *streams, const uint8_t *packet)
{
	unsigned size;
	const uint8_t *table = table_of(packet, TABLE_PMT, &size);
	if (!table || size < PMT_HEAD + CRC_BYTES)
		return false;
	unsigned at = PMT_HEAD + ((unsigned)dh_end_big_endian(table + 10, 2) & 0xfff);
	while (at + STREAM_HEAD + CRC_BYTES <= size) {
		unsigned length = (unsigned)dh_end_big_endian(table + at + 3, 2) & 0xfff;
		if (at + STREAM_HEAD + length + CRC_BYTES > size)
			return false;
		take_stream(streams, table[at], (uint16_t)(dh_end_big_endian(table + at + 1, 2) & 0x1fff),
			table + at + STREAM_HEAD, length);
		at += STREAM_HEAD + length;
	}
	return streams->count > 0;
}

static const struct dh_ts_stream *first_of(const struct dh_ts_streams *streams, bool is_video)
{
	for (unsigned i = 0; i < streams->count; i++)
		if (streams->of[i].is_video == is_video)
			return &streams->of[i];
	return NULL;
}

/* Whether the first picture or sound, which is played, is no longer there, or there is one now. */
static bool is_other(const struct dh_ts_streams *before, const struct dh_ts_streams *now, bool is_video)
{
	const struct dh_ts_stream *old = first_of(before, is_video);
	if (!old)
		return first_of(now, is_video) != NULL;
	for (unsigned i = 0; i < now->count; i++)
		if (now->of[i].pid == old->pid && now->of[i].kind == old->kind)
			return false;
	return true;
}

static bool begins_another(struct dh_input_end *end)
{
	struct dh_ts_streams now = { 0 };
	if (!take_all_streams(&now, end->header + prefix_of(end)))
		return false;
	if (end->streams.count == 0) {
		end->streams = now;
		return false;
	}
	return is_other(&end->streams, &now, true) || is_other(&end->streams, &now, false);
}

/* Looks for the next packet among the bytes of what was none. */
static void find_sync(struct dh_input_end *end)
{
	unsigned prefix = prefix_of(end), at = prefix + 1;
	if (end->good_at == 0) { /* it only begins like one, as a GIF does */
		end->is_done = true;
		end->in_tables = false;
		return;
	}
	while (at < end->used && end->header[at] != DH_END_TS_SYNC)
		at++;
	end->used -= at - prefix;
	memmove(end->header, end->header + at - prefix, end->used);
	end->need = prefix + HEADER;
	end->in_tables = false;
	end->in_a_row = 0;
	end->is_damaged = true;
}

static void take_header(struct dh_input_end *end)
{
	unsigned prefix = prefix_of(end), pid = pid_of(end->header + prefix), whole = prefix + DH_END_TS_PACKET;
	uint64_t start = end->at - HEADER - prefix;
	bool is_table = pid <= PID_SI_MAX || pid == PID_NULL || (end->pmt_pid && pid == end->pmt_pid);
	if (++end->in_a_row >= PACKETS_SURE)
		end->good_at = start + whole;
	if (!is_table) {
		end->in_tables = false;
		dh_end_next(end, DH_END_TS_PACKET - HEADER, prefix + HEADER);
		return;
	}
	/* what is held back must fit */
	if (!end->in_tables || start + whole - end->tables_at > DH_INPUT_END_HELD_MAX)
		end->tables_at = start;
	end->in_tables = true;
	end->need = whole;
}

void dh_end_take_ts(struct dh_input_end *end)
{
	unsigned prefix = prefix_of(end);
	if (end->header[prefix] != DH_END_TS_SYNC) {
		find_sync(end);
		return;
	}
	if (end->used == prefix + HEADER) {
		take_header(end);
		return;
	}
	unsigned pid = pid_of(end->header + prefix);
	if (pid == PID_PAT)
		take_programs(end);
	if (pid == end->pmt_pid && begins_another(end)) {
		end->is_next = true;
		end->used = (unsigned)(end->at - end->tables_at);
		return;
	}
	dh_end_next(end, 0, prefix + HEADER);
}
