/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a container ends, and where an MP4 has its index: found while the bytes pass. */
#include <stdlib.h>

#include "tests/support/check.h"
#include "prepare/input_end.h"
#include "prepare/mp4_index.h"

/* --- boxes */

#define BOX(size, type) "\0\0\0" size type
static const struct boxes {
	const char *name;
	const char *bytes;
	size_t size;
	int is_mp4, has_index, media_first;
} boxes[] = {
	{ "index first", BOX("\x10", "ftypisomisom") BOX("\x0c", "moovxxxx") BOX("\x08", "mdat"), 36, 1, 1, 0 },
	{ "index last", BOX("\x10", "ftypisomisom") BOX("\x0c", "mdatxxxx") BOX("\x0c", "moovxxxx"), 40, 1, 1, 1 },
	{ "no index", BOX("\x10", "ftypisomisom") BOX("\x0c", "mdatxxxx"), 28, 1, 0, 1 },
	{ "free between", BOX("\x08", "ftyp") BOX("\x09", "free-") BOX("\x08", "moov"), 25, 1, 1, 0 },
	{ "long size", BOX("\x08", "ftyp") "\0\0\0\1free\0\0\0\0\0\0\0\x12--" BOX("\x08", "moov"), 34, 1, 1, 0 },
	{ "to the end", BOX("\x08", "ftyp") "\0\0\0\0mdat", 16, 1, 0, 1 },
	{ "nonsense size", BOX("\x08", "ftyp") BOX("\x03", "abcd") BOX("\x08", "moov"), 24, 1, 0, 0 },
	{ "other medium", "\x1a\x45\xdf\xa3\1\0\0\0moov", 12, 0, 0, 0 },
	{ "nothing", "", 0, 0, 0, 0 },
};

static void test_boxes(const void *arg)
{
	const struct boxes *row = arg;
	for (size_t step = 1; step <= row->size + 1; step++) {
		struct dh_mp4_index b = { 0 };
		for (size_t at = 0; at < row->size; at += step)
			dh_mp4_index_push(&b, (const uint8_t *)row->bytes + at,
				at + step > row->size ? row->size - at : step);
		CHECK_INT(b.is_mp4, row->is_mp4);
		CHECK_INT(b.has_index, row->has_index);
		CHECK_INT(b.media_first, row->media_first);
	}
}

/* --- ends */

#define EBML \
	"\x1a\x45\xdf\xa3\x84" \
	"head" /* with 4 bytes of body */
#define PAGE(flags, body) \
	"OggS\0" flags "granule-seripagecrcs" \
	"\1\4" body
#define TAG \
	"\x09\0\0\4timesid" \
	"body\0\0\0\x0f"
#define TEN "0123456789"

/* Every prefix of `bytes` ends too early, except those with a size in `whole`. */
static const struct input_end_row {
	const char *name;
	const char *bytes;
	size_t size;
	enum dh_container_kind kind;
	size_t whole[4];
} input_ends[] = {
	{ "index, media", BOX("\x10", "ftypisomisom") BOX("\x08", "moov") BOX("\x12", "mdat" TEN), 42, DH_CONTAINER_MP4,
		{ 16, 24 } },
	{ "an index with stray bytes, media",
		BOX("\x10", "ftypisomisom") BOX("\x17", "moov") BOX("\x0a", "free01") "01234" BOX("\x12", "mdat" TEN),
		57, DH_CONTAINER_MP4, { 16, 39 } },
	{ "media, an index with a stray byte",
		BOX("\x10", "ftypisomisom") BOX("\x12", "mdat" TEN) BOX("\x11", "moov") BOX("\x08", "free") "0", 51,
		DH_CONTAINER_MP4, { 16, 34 } },
	{ "media, an index of stray bytes",
		BOX("\x10", "ftypisomisom") BOX("\x12", "mdat" TEN) BOX("\x0f", "moov0123456"), 49, DH_CONTAINER_MP4,
		{ 16, 34 } },
	{ "no space for a size of 64 bits",
		BOX("\x10", "ftypisomisom") BOX("\x14", "moov\0\0\0\1free0123") BOX("\x12", "mdat" TEN), 54,
		DH_CONTAINER_MP4, { 16, 36 } },
	{ "fragments",
		BOX("\x10", "ftypisomisom") BOX("\x08", "moov") BOX("\x08", "moof") BOX("\x0c", "mdat0123")
			BOX("\x08", "moof") BOX("\x09", "mdat0"),
		61, DH_CONTAINER_MP4, { 16, 24, 44 } },
	{ "64-bit size",
		BOX("\x10", "ftypisomisom") "\0\0\0\1mdat\0\0\0\0\0\0\0\x14"
					    "0123",
		36, DH_CONTAINER_MP4, { 16 } },
	{ "segment of known size",
		EBML "\x18\x53\x80\x67\x8b"
		     "\x1f\x43\xb6\x75\x82"
		     "01"
		     "\x1f\x43\xb6\x75"
		     "\x80"
		     "",
		26, DH_CONTAINER_MATROSKA, { 9 } },
	{ "live clusters",
		EBML "\x18\x53\x80\x67\xff"
		     "\x1f\x43\xb6\x75\xff"
		     "\xe7\x81"
		     "0"
		     "\xa3\x84"
		     "0123",
		28, DH_CONTAINER_MATROSKA, { 9, 14, 19, 22 } },
	{ "WAV",
		"RIFF\x2c\0\0\0WAVE"
		"fmt \4\0\0\0"
		"0123"
		"data\x0a\0\0\0" TEN,
		42, DH_CONTAINER_WAV, { 12, 24 } },
	{ "AVI",
		"RIFF\x0e\0\0\0AVI " TEN "RIFF\x08\0\0\0AVIX"
		"0123",
		38, DH_CONTAINER_AVI, { 22 } },
	{ "Ogg", PAGE("\2", "0123") PAGE("\0", "0123") PAGE("\4", "0123"), 96, DH_CONTAINER_OGG, { 0 } },
	{ "FLV", "FLV\1\5\0\0\0\x09\0\0\0\0" TAG TAG, 51, DH_CONTAINER_FLV, { 13, 32 } },
	{ "ADTS",
		"\xff\xf1\x50\x80\1\xa0\xfc"
		"012345"
		"\xff\xf1\x50\x80\1\0\xfc"
		"0",
		21, DH_CONTAINER_ADTS, { 13 } },
};

/* Complete after so many bytes, and only then. */
static const struct complete_row {
	const char *name;
	const char *bytes;
	size_t size;
	size_t complete[3];
} completes[] = {
	{ "a last fragment",
		BOX("\x08", "ftyp") BOX("\x10", "moov\0\0\0\x08mvex") BOX("\x08", "moof") BOX("\x0c", "mdat0123")
			BOX("\x08", "mfra") BOX("\x08", "moof"),
		60, { 52 } },
	{ "chunks",
		BOX("\x0c", "ftypisom") BOX("\x3c", "moov") BOX("\x34", "trak") BOX("\x2c", "mdia") BOX("\x24", "minf")
			BOX("\x1c", "stbl") BOX("\x14", "stco\0\0\0\0\0\0\0\1\0\0\0\x5c") BOX("\x0c", "free0123")
				BOX("\x0c", "mdat0123") BOX("\x0c", "free0123"),
		108, { 96, 108 } },
	{ "chunks, and stray bytes behind them",
		BOX("\x0c", "ftypisom") BOX("\x3f", "moov") BOX("\x37", "trak") BOX("\x2f", "mdia") BOX("\x27", "minf")
			BOX("\x1f", "stbl") BOX("\x14", "stco\0\0\0\0\0\0\0\1\0\0\0\x5f") "012" BOX("\x0c", "free0123")
				BOX("\x0c", "mdat0123") BOX("\x0c", "free0123"),
		111, { 99, 111 } },
	{ "two media boxes",
		BOX("\x0c", "ftypisom") BOX("\x3c", "moov") BOX("\x34", "trak") BOX("\x2c", "mdia") BOX("\x24", "minf")
			BOX("\x1c", "stbl") BOX("\x14", "stco\0\0\0\0\0\0\0\1\0\0\0\x5c") BOX("\x0c", "mdat0123")
				BOX("\x0c", "mdat0123"),
		96, { 96 } },
	{ "an index that lies", BOX("\x0c", "ftypisom") BOX("\x10", "moov\0\0\0\x10trak") BOX("\x0c", "mdat0123"), 40,
		{ 0 } },
	{ "segment of known size, another",
		EBML "\x18\x53\x80\x67\x87"
		     "\x1f\x43\xb6\x75\x82"
		     "01" EBML "\x18\x53\x80\x67\xff",
		35, { 21 } },
	{ "chained Ogg", PAGE("\2", "0123") PAGE("\2", "0123") PAGE("\4", "0123") PAGE("\4", "0123") PAGE("\2", "0123"),
		160, { 128 } },
	{ "Ogg from its middle", PAGE("\0", "0123") PAGE("\4", "0123"), 64, { 0 } },
	{ "end of sequence", "FLV\1\5\0\0\0\x09\0\0\0\0" TAG "\x09\0\0\5timesid\x17\2\0\0\0\0\0\0\x10" TAG, 71,
		{ 52 } },
};

static void test_complete(const void *arg)
{
	const struct complete_row *row = arg;
	struct dh_input_end end = { 0 };
	for (size_t at = 1; at <= row->size; at++) {
		bool is_complete = false;
		for (int i = 0; i < 3; i++)
			is_complete |= row->complete[i] == at;
		CHECK_AT("after %zu", at);
		dh_input_end_push(&end, (const uint8_t *)row->bytes + at - 1, 1);
		CHECK_INT(dh_input_end_is_complete(&end), is_complete);
	}
}

/* Sound of a stated size; what follows does not matter. */
static void test_complete_wav(void)
{
	static const char wav[] = "RIFF\x2c\0\0\0WAVEdata\4\0\0\0"
				  "0123LIST\4\0";
	for (int size = 0; size < 2; size++) {
		struct dh_input_end end = { 0 };
		char bytes[sizeof wav];
		memcpy(bytes, wav, sizeof wav);
		bytes[16] = size ? 4 : 0;
		for (size_t at = 1; at < sizeof wav; at++) {
			dh_input_end_push(&end, (const uint8_t *)bytes + at - 1, 1);
			CHECK_INT(dh_input_end_is_complete(&end), size && at >= 24);
		}
	}
}

static bool ends_early(const char *bytes, size_t size, size_t step, enum dh_container_kind *kind)
{
	struct dh_input_end end = { 0 };
	size_t at = 0;
	while (at < size) {
		size_t count = at + step > size ? size - at : step;
		uint8_t *copy = malloc(count);
		memcpy(copy, bytes + at, count);
		dh_input_end_push(&end, copy, count);
		free(copy);
		at += count;
		/* with larger steps, skip what need not be read */
		uint64_t skip = step > 1 ? dh_input_end_skip(&end) : 0;
		if (skip > size - at)
			skip = size - at;
		dh_input_end_pass(&end, skip);
		at += (size_t)skip;
	}
	*kind = end.kind;
	return dh_input_end_is_early(&end);
}

static void test_input_ends(const void *arg)
{
	const struct input_end_row *row = arg;
	enum dh_container_kind kind;
	for (size_t step = 1; step < 40; step += 6)
		for (size_t size = 12; size <= row->size; size++) {
			bool is_whole = size == row->size;
			for (int i = 0; i < 4; i++)
				is_whole |= size == row->whole[i];
			/* the sizes after the header and the last tag may be missing */
			if (row->kind == DH_CONTAINER_FLV && (size < 13 || (size >= 28 && (size - 13) % 19 >= 15)))
				is_whole = true;
			CHECK_AT("%zu bytes in steps of %zu", size, step);
			CHECK_INT(!ends_early(row->bytes, size, step, &kind), is_whole);
			CHECK_INT(kind, row->kind);
		}
}

static const struct no_statement {
	const char *name;
	const char *bytes;
	size_t size;
} no_statements[] = {
	{ "nothing", "", 0 },
	{ "too little to tell", "RIFF\x2c", 5 },
	{ "NUT", "nut/multimedia container\0", 25 },
	{ "box of unknown type", BOX("\x10", "ftypisomisom") "\0\0\xff\0what0123", 28 },
	{ "box to the end", BOX("\x10", "ftypisomisom") "\0\0\0\0mdat0123", 28 },
	{ "element of unknown type",
		EBML "\x18\x53\x80\x67\xff"
		     "\x42\x42\xa0"
		     "01",
		19 },
	{ "WAV of size 0",
		"RIFF\0\0\0\0WAVE"
		"data\0\0\0\0" TEN,
		30 },
	{ "WAV of espeak-ng",
		"RIFF\x24\xf0\xff\x7fWAVE"
		"data\0\xf0\xff\x7f" TEN,
		30 },
	{ "WAV of the largest size",
		"RIFF\xff\xff\xff\xffWAVE"
		"data\xff\xff\xff\xff" TEN,
		30 },
	{ "bytes behind the data",
		"RIFF\x2c\0\0\0WAVE"
		"data\x04\0\0\0"
		"0123"
		"LIST\x40\0\0\0"
		"0",
		33 },
	{ "AVI of size 0", "RIFF\0\0\0\0AVI LIST" TEN, 26 },
	{ "garbage behind a page", PAGE("\6", "0123") "garbagegarbagegarbagegarbage", 60 },
};

static void test_no_statement(const void *arg)
{
	const struct no_statement *row = arg;
	enum dh_container_kind kind;
	for (size_t step = 1; step < 40; step += 6)
		CHECK_INT(ends_early(row->bytes, row->size, step, &kind), 0);
}

/* Any bytes are safe. */
static void test_ends_of_noise(void)
{
	uint32_t random = 1;
	char bytes[300];
	enum dh_container_kind kind;
	for (int n = 0; n < 20000; n++) {
		const struct input_end_row *row = &input_ends[n % (int)(sizeof input_ends / sizeof *input_ends)];
		for (size_t i = 0; i < sizeof bytes; i++) {
			random = random * 1664525 + 1013904223;
			bytes[i] = i < row->size && random >> 28 ? row->bytes[i] : (char)(random >> 20);
		}
		ends_early(bytes, sizeof bytes, 1 + random % 64, &kind);
	}
}

static const struct check_test tests[] = {
	TABLE(test_boxes, boxes),
	TABLE(test_input_ends, input_ends),
	TABLE(test_complete, completes),
	TEST(test_complete_wav),
	TABLE(test_no_statement, no_statements),
	TEST(test_ends_of_noise),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
