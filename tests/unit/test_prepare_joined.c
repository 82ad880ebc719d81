/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where one of several files that were joined ends and the next begins, and what is left over. */
#include <string.h>

#include "tests/support/check.h"
#include "prepare/input_end.h"

#define EBML \
	"\x1a\x45\xdf\xa3\x84" \
	"head"
#define WAV \
	"RIFF\x1e\0\0\0WAVEfmt \4\0\0\0" \
	"0123" \
	"data\4\0\0\0" \
	"0123"
/* One of 96 bytes, and its data of 8, or of 5. */
#define GUID "\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a"
#define W64_HEAD \
	"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0\x60\0\0\0\0\0\0\0wave" GUID "fmt " GUID "\x1a\0\0\0\0\0\0\0" \
	"0i\0\0\0\0\0\0"
#define W64_DATA(size) "data" GUID size "\0\0\0\0\0\0\0"
#define W64            W64_HEAD W64_DATA("\x20") "01234567"
#define PAGE(flags) \
	"OggS\0" flags "granule-seripagecrcs" \
	"\1\4" \
	"0123"
#define FLV \
	"FLV\1\5\0\0\0\x09\0\0\0\0" \
	"\x08\0\0\4timesid" \
	"body\0\0\0\x0f"
#define IVF \
	"DKIF\0\0\x20\0" \
	"VP80sizesizerateratecoun" \
	"\2\0\0\0" \
	"pts pts " \
	"01"
#define S(text) text, sizeof(text) - 1

/* A second file begins at `at`; 0: none does. */
static const struct join_row {
	const char *name, *bytes;
	size_t size, at;
	bool is_left; /* something else does */
} join_rows[] = {
	{ "WAV", S(WAV WAV), 36, 0 },
	{ "WAV, odd and filled up",
		S("RIFF\x1e\0\0\0WAVEdata\3\0\0\0"
		  "012\0" WAV),
		24, 0 },
	{ "WAV, odd",
		S("RIFF\x1e\0\0\0WAVEdata\3\0\0\0"
		  "012" WAV),
		23, 0 },
	{ "WAV with a list",
		S("RIFF\x1e\0\0\0WAVEdata\4\0\0\0"
		  "0123LIST\4\0\0\0"
		  "abcd" WAV),
		36, 0 },
	{ "WAV of unknown size",
		S("RIFF\0\0\0\0WAVEdata\0\0\0\0"
		  "RIFFRIFRIFF" WAV),
		31, 0 },
	{ "WAV and noise", S(WAV "\1\2\3\4\5\6\7\x8\x9"), 0, true },
	{ "Matroska", S(EBML "\x18\x53\x80\x67\x83\xec\x81x" EBML "\x18\x53\x80\x67\xff"), 17, 0 },
	{ "live WebM", S(EBML "\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xe7\x81x" EBML), 22, 0 },
	{ "Ogg", S(PAGE("\2") PAGE("\0") PAGE("\4") PAGE("\2") PAGE("\0")), 96, 0 },
	{ "Ogg of two streams", S(PAGE("\2") PAGE("\2") PAGE("\0") PAGE("\4")), 0, 0 },
	{ "FLV", S(FLV FLV), 32, 0 },
	{ "AVI", S("RIFF\x0e\0\0\0AVI 0123456789RIFF\x08\0\0\0AVIX0123RIFF\x08\0\0\0AVI 0123"), 38, 0 },
	{ "AIFF",
		S("FORM\0\0\0\x0a"
		  "AIFF012345FORM\0\0\0\x0a"
		  "AIFF012345"),
		18, 0 },
	{ "AU", S(".snd\0\0\0\x10\0\0\0\4abcd0123.snd\0\0\0\x10\0\0\0\4"), 20, 0 },
	{ "CAF",
		S("caff\0\1\0\0data\0\0\0\0\0\0\0\4"
		  "0123caff\0\1\0\0desc"),
		24, 0 },
	{ "MP4",
		S("\0\0\0\x0c"
		  "ftypisom\0\0\0\x08moov\0\0\0\x0cmdat0123\0\0\0\x0c"
		  "ftypisom\0\0\0\x08moov"),
		32, 0 },
	{ "MP4 and a WAV",
		S("\0\0\0\x08"
		  "ftyp\0\0\0\x08moov\0\0\0\x0cmdat0123" WAV),
		0, true },
	{ "Matroska and noise", S(EBML "\x18\x53\x80\x67\x83\xec\x81x\1\2\3\4\5\6\7\x8\x9"), 0, true },
	{ "NUT", S("nut/multimedia container\0nnut/nut/multimedia containenut/multimedia container"), 53, 0 },
	{ "FLAC",
		S("fLaC\0\0\0\x22"
		  "fLfLaCfLaC\x80\0\0\x22"),
		14, 0 },
	{ "Y4M", S("YUV4MPEG2 W2 H2\nFRAME\n012345YUV4MPEG2 W2 H2\n"), 28, 0 },
	{ "AMR", S("#!AMR\n0123456789#!AMR\n"), 16, 0 },
	{ "IVF", S(IVF IVF), 46, 0 },
	{ "W64", S(W64 W64), 104, 0 },
	{ "W64, filled up", S(W64_HEAD W64_DATA("\x1d") "01234\0\0\0" W64), 104, 0 },
	{ "W64, not filled up", S(W64_HEAD W64_DATA("\x1d") "01234" W64), 101, 0 },
	{ "W64 with a list",
		S(W64 "levl" GUID "\x1c\0\0\0\0\0\0\0"
		      "0123\0\0\0\0" W64),
		136, 0 },
	{ "W64 of unknown size", S(W64_HEAD W64_DATA("\0") "riffriff" W64), 104, 0 },
	{ "W64 and noise", S(W64 "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\1\2\3\4\5\6\7\x8\x9"), 0, true },
	{ "Ogg and a WAV", S(PAGE("\2") PAGE("\4") WAV), 0, true },
	{ "Ogg with noise within", S(PAGE("\2") PAGE("\0") WAV), 0, false },
	{ "FLV and noise", S(FLV "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe"), 0, true },
	{ "AVI and a WAV", S("RIFF\x0e\0\0\0AVI 0123456789" WAV), 0, true },
	{ "FLV and a WAV", S(FLV WAV), 0, true },
	{ "CAF and a WAV",
		S("caff\0\1\0\0data\0\0\0\0\0\0\0\4"
		  "0123" WAV),
		0, true },
	{ "AIFF and a WAV",
		S("FORM\0\0\0\x0a"
		  "AIFF012345" WAV),
		0, true },
	{ "Matroska and a WAV", S(EBML "\x18\x53\x80\x67\x83\xec\x81x" WAV), 0, true },
	{ "AVI and noise", S("RIFF\x0e\0\0\0AVI 0123456789abcdefghij"), 0, true },
};

/* --- MPEG-TS */

/* The checksum of tables: neither reflected nor inverted. */
static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < size; i++) {
		crc ^= (uint32_t)bytes[i] << 24;
		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
	}
	return crc;
}

/* A packet with a table in it; `body` is what stands between its head of 5 bytes behind the size and
 * the checksum. */
static void put_table(uint8_t packet[188], unsigned pid, uint8_t id, const char *body, size_t size)
{
	uint8_t *table = packet + 5;
	memset(packet, 0xff, 188);
	memcpy(packet, (uint8_t[]){ 0x47, (uint8_t)(0x40 | pid >> 8), (uint8_t)pid, 0x10, 0 }, 5);
	memcpy(table, (uint8_t[]){ id, 0xb0, (uint8_t)(5 + size + 4), 0, 1, 0xc1, 0, 0 }, 8);
	memcpy(table + 8, body, size);
	uint32_t crc = checksum(table, 8 + size);
	for (int i = 0; i < 4; i++)
		table[8 + size + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* Packets: P program table, A to F tables of streams, X one of the first file's, n empty, ! no packet.
 * `at`: the packet with which another file begins; -1: none. */
static const struct ts_row {
	const char *name, *packets;
	int at, left; /* bytes */
} ts_rows[] = {
	{ "one file", "PAXXXPAXXPAXX", -1, 0 },
	{ "the same again", "PAXXXPAXX", -1, 0 },
	{ "other sound, same picture", "PAXXXPBXX", 5, 0 },
	{ "another codec", "PAXXXnPCXX", 5, 0 },
	{ "one more stream", "PAXXXPDXX", -1, 0 },
	{ "sound alone, then a picture, too", "PEXXXPAXX", 5, 0 },
	{ "a table without its program's", "PAXXXBXX", 5, 0 },
	{ "a damaged table", "PAXXXPFXX", -1, 0 },
	{ "no streams for a while", "PAXXXPGXXPAXX", -1, 0 },
	{ "noise between", "PAXXXXX!XXXXXXPBXX", 14, 0 },
	{ "noise behind", "PAXXXXXXXX!!!", -1, 3 * 100 },
	{ "nothing of the kind", "PA!XXXXXXXPBXX", -1, 0 },
};

static void put_ts_packet(uint8_t packet[188], char what)
{
	/* H.264 at 0x100; AAC at 0x101, 0x102; MPEG-2 at 0x100; data at 0x103 */
	static const char streams[][24] = { "\x1b\xe1\0\xf0\0\x0f\xe1\1\xf0\0", "\x1b\xe1\0\xf0\0\x0f\xe1\2\xf0\0",
		"\x02\xe1\0\xf0\0\x0f\xe1\1\xf0\0", "\x06\xe1\3\xf0\0\x1b\xe1\0\xf0\0\x0f\xe1\1\xf0\0",
		"\x0f\xe1\1\xf0\0", "\x0f\xe1\2\xf0\0", "" };
	static const size_t sizes[] = { 10, 10, 10, 15, 5, 5, 0 };
	char body[32] = "\xe1\0\xf0\0";
	memset(packet, 0x11, 188);
	if (what == 'P') {
		put_table(packet, 0, 0, "\0\1\xf0\0", 4);
	} else if (what >= 'A' && what <= 'G') {
		memcpy(body + 4, streams[what - 'A'], sizes[what - 'A']);
		put_table(packet, 0x1000, 2, body, 4 + sizes[what - 'A']);
		packet[20] = what == 'F' ? packet[20] ^ 1 : packet[20];
	} else if (what == 'X' || what == 'n') {
		memcpy(packet, what == 'X' ? "\x47\1\0\x10" : "\x47\x1f\xff\x10", 4);
	}
}

static void judge_ts(const struct ts_row *row, size_t prefix)
{
	uint8_t bytes[32 * 192];
	size_t size = 0, wanted = 0;
	for (int i = 0; row->packets[i]; i++) {
		if (i == row->at)
			wanted = size;
		memset(bytes + size, i, prefix);
		size += row->packets[i] == '!' ? 0 : prefix;
		put_ts_packet(bytes + size, row->packets[i]);
		size += row->packets[i] == '!' ? 100 : 188;
	}
	for (size_t step = 1; step < 1000; step = step * 3 + 1) {
		struct dh_input_end end = { 0 };
		size_t at = 0, sure = 0;
		uint64_t left = 0;
		for (size_t taken = step; at < size && taken == step && !end.is_next; at += taken) {
			taken = dh_input_end_push(&end, bytes + at, at + step > size ? size - at : step);
			CHECK(row->at < 0 || sure <= wanted);
			CHECK(dh_input_end_held(&end) <= DH_INPUT_END_HELD_MAX);
			sure = at + taken - dh_input_end_held(&end);
		}
		CHECK_AT("in steps of %zu, %zu bytes in front of each packet", step, prefix);
		CHECK_INT(end.is_next, row->at >= 0);
		if (row->at >= 0)
			CHECK_INT(end.at - end.used, wanted);
		else
			CHECK_INT(dh_input_end_has_left(&end, &left) ? size - left : 0, row->left);
	}
}

static void test_ts(const void *arg)
{
	judge_ts(arg, 0);
	judge_ts(arg, 4);
}

static void test_joined(const void *arg)
{
	const struct join_row *row = arg;
	for (size_t step = 1; step < 60; step += 3) {
		struct dh_input_end end = { 0 };
		size_t at = 0, sure = 0;
		uint64_t left;
		for (size_t taken = step; at < row->size && taken == step; at += taken) {
			size_t count = at + step > row->size ? row->size - at : step;
			taken = dh_input_end_push(&end, (const uint8_t *)row->bytes + at, count);
			/* what was given away is never another file's */
			CHECK(row->at == 0 || sure <= row->at);
			sure = at + taken - dh_input_end_held(&end);
		}
		CHECK_AT("in steps of %zu", step);
		CHECK_INT(end.is_next, row->at > 0);
		CHECK_INT(dh_input_end_has_left(&end, &left), row->is_left);
		if (row->at)
			CHECK_INT(end.at - end.used, row->at);
	}
}

static const struct check_test tests[] = {
	TABLE(test_joined, join_rows),
	TABLE(test_ts, ts_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
