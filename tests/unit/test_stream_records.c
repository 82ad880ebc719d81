/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records of the segment stream one by one: what the reader refuses although its
 * checksum is correct. */
#include "tests/support/check.h"
#include "tests/support/stream_script.h"

/* --- order and times */

static const struct script_row {
	const char *name, *script;
	int err;
	const char *error;
} script_rows[] = {
	{ "both", "H3 K V0+100:1 A0 E100,14400", 0, "" },
	{ "sound first", "H3 K A0 V0+100:1 E100,14400", 0, "" },
	{ "video only", "H1 K V0+100:1 V720+100:0 E820,0", 0, "" },
	{ "audio only", "H2 A0 A14400 E0,28800", 0, "" },
	{ "audio begins later", "H2 A28800", -EBADMSG, "audio unit at 28800 ticks, expected 0" },
	{ "a lead", "H3 K L1,1+1 V0+100:1 A0 E100,14400", 0, "" },
	{ "a lead of almost two packets", "H2 L28799,9000+3 A0 E0,14400", 0, "" },
	{ "a lead of version 2", "G2 L100,1+3", -EBADMSG,
		"order of records: a lead or a fade in a stream of an older version" },
	{ "a lead before the anchor", "H3 L100,1+3", -EBADMSG, "a unit before the anchor" },
	{ "a lead without sound", "H1 K L100,1+3", -EBADMSG, "audio in a stream without audio" },
	{ "a lead behind a unit", "H2 A0 L100,1+3", -EBADMSG, "a lead comes once, before the first unit" },
	{ "two leads", "H2 L100,1+3 L100,1+3", -EBADMSG, "a lead comes once, before the first unit" },
	{ "a lead of nothing", "H2 L0,1+3", -EBADMSG, "a lead of 0 ticks behind 1 packets" },
	{ "a lead of two packets", "H2 L28800,2+3", -EBADMSG, "a lead of 28800 ticks" },
	{ "a lead behind no packets", "H2 L100,0+3", -EBADMSG, "behind 0 packets" },
	{ "a lead without its packet", "H2 L100,1+0", -EBADMSG, "LEAD of 12 bytes" },
	{ "a lead alone", "H2 L100,1+3 E0,0", -EBADMSG, "a stream without picture and sound" },
	{ "fades", "I3 K L1,1+1 D A0 V0+9:1 D A14400 E9,28800", 0, "" },
	{ "a fade, then words", "I2 D W0+0 {} A0 E0,14400", 0, "" },
	{ "sound without a fade", "I2 D A0 A14400 E0,28800", 0, "" },
	{ "a fade of version 3", "H2 D", -EBADMSG, "a lead or a fade in a stream of an older version" },
	{ "a fade without sound", "I1 K D", -EBADMSG, "audio in a stream without audio" },
	{ "a fade before the anchor", "I3 D", -EBADMSG, "a unit before the anchor" },
	{ "two fades", "I2 D D", -EBADMSG, "a fade without the sound that it belongs to" },
	{ "a fade before a picture", "I3 K D V0+9:1", -EBADMSG, "a fade without the sound" },
	{ "a fade before the end", "I2 D E0,0", -EBADMSG, "a fade without the sound" },
	{ "a fade before a failure", "I2 D F", 0, "" },
	{ "two qualities", "J3 K Q V0+720:1 A0 Q V14400+720:0 E15120,14400", 0, "" },
	{ "a lower quality, then words", "J1 K Q W0+0 {} V0+9:1 E9,0", 0, "" },
	{ "a lower quality of version 4", "I1 K Q", -EBADMSG, "a lower quality in a stream with one" },
	{ "three qualities of two", "J1 K Q Q", -EBADMSG, "a picture in more qualities than there are" },
	{ "one quality of two", "J1 K V0+9:1", -EBADMSG, "a picture that lacks a quality" },
	{ "one quality of two, later", "J1 K Q V0+9:1 V720+9:0", -EBADMSG, "a picture that lacks a quality" },
	{ "a lower quality before the anchor", "J1 Q", -EBADMSG, "a unit before the anchor" },
	{ "a lower quality before sound", "J3 K Q A0", -EBADMSG, "a lower quality without the picture" },
	{ "a lower quality before a fade", "J3 K Q D", -EBADMSG, "a lower quality without the picture" },
	{ "a lower quality before the end", "J1 K Q E0,0", -EBADMSG, "a lower quality without the picture" },
	{ "a lower quality before a failure", "J1 K Q F", 0, "" },
	{ "qualities of sound", "J2", -EBADMSG, "without video" },
	{ "a mark", "I9 K M0 V0+100:1 E100,0", 0, "" },
	{ "a mark behind the picture", "I11 K P M3 V0+100:1 A0 E100,14400", 0, "" },
	{ "a mark before the picture", "I9 K M2 P V0+100:1 E100,0", 0, "" },
	{ "marked pictures without the mark", "J9 K Q V0+720:1 E720,0", 0, "" },
	{ "a mark in a corner that is none", "I9 K M4", -EBADMSG, "a mark in corner 4" },
	{ "two marks", "I9 K M0 M0", -EBADMSG, "a mark comes once" },
	{ "a mark before the anchor", "I9 M0", -EBADMSG, "a mark comes once, between the anchor" },
	{ "a mark behind a unit", "I9 K V0+100:1 M0", -EBADMSG, "and the first unit" },
	{ "a mark without its flag", "I1 K M0", -EBADMSG, "a mark in a stream without marks" },
	{ "a mark of sound", "I2 M0", -EBADMSG, "video in a stream without video" },
	{ "marked sound", "I10", -EBADMSG, "head with flags 10" },
	{ "marked pictures of version 3", "H9", -EBADMSG, "head with flags 9" },
	{ "a flag that nobody knows", "J17", -EBADMSG, "head with flags 17" },
	{ "promised picture never came", "H3 K A0 E0,14400", 0, "" },
	{ "anchor's picture", "H1 K P V0+100:1 E100,0", 0, "" },
	{ "notes anywhere", "H3 N K N P N A0 N V0+9:1 N E9,1", 0, "" },
	{ "failure before anything", "F", 0, "" },
	{ "words anywhere", "H3 K W0+0 W0+100 P V0+9:1 W9+1 A0 W281474976710655+1 E9,1", 0, "" },
	{ "lines anywhere", "H3 K {} P {\"words\":[]} V0+9:1 {} A0 {} E9,1", 0, "" },
	{ "words of sound alone", "H2 W5+5 {} A0 E0,14400", 0, "" },
	{ "failure before the anchor", "H3 F", 0, "" },
	{ "two entries in a row", "H1 K V0+720:1 V720+9:1 E729,0", 0, "" },
	{ "latest end", "H1 K V281474976710655+1:1 E281474976710656,0", 0, "" },

	{ "no head", "K", -EBADMSG, "does not begin with DHS1" },
	{ "note before the head", "N", -EBADMSG, "does not begin with DHS1" },
	{ "unknown first record", "X", -EBADMSG, "does not begin with DHS1" },
	{ "unknown record", "H3 X", -EBADMSG, "unknown record type 0x58585858" },
	{ "second head", "H3 H3", -EBADMSG, "a second head" },
	{ "second anchor", "H3 K K", -EBADMSG, "a second anchor" },
	{ "second picture", "H3 K P P", -EBADMSG, "comes once" },
	{ "picture before anchor", "H3 P", -EBADMSG, "before the anchor" },
	{ "picture after a unit", "H3 K V0+9:1 P", -EBADMSG, "before the first unit" },
	{ "anchor without video", "H2 K", -EBADMSG, "video in a stream without video" },
	{ "picture without video", "H2 P", -EBADMSG, "video in a stream without video" },
	{ "video without video", "H2 V0+9:1", -EBADMSG, "video in a stream without video" },
	{ "audio without audio", "H1 K A0", -EBADMSG, "audio in a stream without audio" },
	{ "video before the anchor", "H3 V0+9:1", -EBADMSG, "a unit before the anchor" },
	{ "audio before the anchor", "H3 A0", -EBADMSG, "a unit before the anchor" },
	{ "first picture no entry", "H3 K V0+9:0", -EBADMSG, "not an entry" },
	{ "first picture droppable", "H3 K V0+9:2", -EBADMSG, "not an entry" },
	{ "droppable entry", "H3 K V0+9:3", -EBADMSG, "flags 0x3" },
	{ "unknown flag", "H3 K V0+9:5", -EBADMSG, "flags 0x5" },
	{ "all flags", "H3 K V0+9:4294967295", -EBADMSG, "flags 0xffffffff" },
	{ "negative pts", "H3 K V-1+9:1", -EBADMSG, "video unit at -1" },
	{ "smallest pts", "H1 K V-9223372036854775808+9:1", -EBADMSG, "video unit at -9223" },
	{ "negative audio pts", "H2 A-14400", -EBADMSG, "at -14400 ticks, expected 0" },
	{ "no duration", "H3 K V0+0:1", -EBADMSG, "lasting 0 ticks" },
	{ "too late", "H1 K V281474976710656+1:1", -EFBIG, "longer than" },
	{ "largest pts", "H1 K V9223372036854775807+1:1", -EFBIG, "longer than" },
	{ "largest pts and duration", "H1 K V9223372036854775807+4294967295:1", -EFBIG, "longer than" },
	{ "late audio", "H2 A9223372036854775807", -EBADMSG, "expected 0" },
	{ "video steps back", "H1 K V100+9:1 V99+9:0", -EBADMSG, "at 99 after one at 100" },
	{ "video stands", "H1 K V100+9:1 V100+9:0", -EBADMSG, "at 100 after one at 100" },
	{ "pictures too close", "H1 K V100+9:1 V819+9:0", -EBADMSG, "at 819 after one at 100" },
	{ "video behind audio", "H3 K A0 A14400 V14399+9:1", -EBADMSG, "at 14399 after one at 14400" },
	{ "audio behind video", "H3 K V1+9:1 A0", -EBADMSG, "audio unit at 0 after one at 1" },
	{ "audio off the grid", "H2 A1", -EBADMSG, "at 1 ticks, expected 0" },
	{ "audio with a gap", "H2 A0 A28800", -EBADMSG, "at 28800 ticks, expected 14400" },
	{ "audio twice", "H2 A0 A0", -EBADMSG, "at 0 ticks, expected 14400" },
	{ "audio steps back", "H2 A0 A14400 A0", -EBADMSG, "at 0 ticks, expected 28800" },
	{ "a word before the anchor", "H3 W0+1", -EBADMSG, "a word before the anchor" },
	{ "a line before the anchor", "H3 {}", -EBADMSG, "a word before the anchor" },
	{ "a word before the head", "W0+1", -EBADMSG, "does not begin with DHS1" },
	{ "a line before the head", "{}", -EBADMSG, "does not begin with DHS1" },
	{ "a word in version 2", "G2 W0+1", -EBADMSG, "older version" },
	{ "a line in version 2", "G2 {}", -EBADMSG, "older version" },
	{ "a line after the end", "H2 A0 E0,14400 {}", -EBADMSG, "bytes after the end" },
	{ "words step back", "H2 W5+1 W4+9", -EBADMSG, "a word at 4 after one at 5" },
	{ "a word that ends too soon", "H2 W5+-1", -EBADMSG, "a word from 5 to 4 ticks" },
	{ "a word before the start", "H2 W-1+1", -EBADMSG, "a word from -1 to 0 ticks" },
	{ "a word too late", "H2 W281474976710656+1", -EBADMSG, "a word from 281474976710656" },
	{ "nothing in it", "H3 K E0,0", -EBADMSG, "without picture and sound" },
	{ "nothing but a head", "H3 E0,0", -EBADMSG, "without picture and sound" },
	{ "end after the last picture", "H1 K V0+100:1 E101,0", -EBADMSG, "video of 101 ticks" },
	{ "end before the last picture", "H1 K V0+9:1 V720+9:0 E720,0", -EBADMSG, "video of 720 ticks" },
	{ "end after the last sound", "H2 A0 E0,14401", -EBADMSG, "audio of 14401 ticks" },
	{ "end before the last sound", "H2 A0 A14400 E0,14400", -EBADMSG, "audio of 14400 ticks" },
	{ "length of a medium not there", "H2 A0 E1,14400", -EBADMSG, "video of 1 ticks" },
	{ "version 1", "h2 A0 e0,14400", 0, "" },
	{ "version 1 with an end of version 2", "h2 A0 E0,14400", -EBADMSG, "ENDS of 20 bytes" },
	{ "version 2", "G2 A0 E0,14400", 0, "" },
	{ "version 2 with an end of version 1", "G2 A0 e0,14400", -EBADMSG, "ENDS of 16 bytes" },
	{ "incomplete", "H2 A0 E0,14400:1", 0, "" },
	{ "end with an unknown flag", "H2 A0 E0,14400:2", -EBADMSG, "end with flags 0x2" },
	{ "negative end", "H1 K V0+9:1 E-1,0", -EBADMSG, "video of -1 ticks" },
	{ "unit after the end", "H2 A0 E0,14400 A14400", -EBADMSG, "bytes after the end" },
	{ "end after a failure", "H2 A0 F E0,14400", -EBADMSG, "bytes after the end" },
};

static void test_order_and_times(const void *arg)
{
	const struct script_row *row = arg;
	struct bytes bytes = { .size = 0 };
	script_write(&bytes, row->script);
	check_verdict(&bytes, row->err, row->error);
}

/* No limit is higher than the format's own, which keeps sums from overflowing. */
static void test_limit_beyond_the_format(void)
{
	const struct dh_stream_limits limits = { .duration_ticks = INT64_MAX };
	struct bytes bytes = { .size = 0 };
	struct journal journal = { .used = 0 };
	struct dh_stream_reader *reader;
	script_write(&bytes, "H1 K V281474976710656+1:1");
	CHECK_INT(dh_stream_reader_alloc(&reader, &limits, &journal_sink, &journal), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), -EFBIG);
	dh_stream_reader_free(&reader);
}

/* --- heads */

static const struct head_row {
	const char *name;
	unsigned version, flags, width, height, rate_num, rate_den, text_size;
	const char *text;
	int err;
	const char *error;
} head_rows[] = {
	{ "smallest", 1, 1, 16, 16, 0, 1, 0, "", -ENODATA, "" },
	{ "largest", 1, 3, 2304, 2304, 4294967295u, 4294967295u, 3, "abc", -ENODATA, "" },
	{ "version 0", 0, 3, 16, 16, 0, 1, 0, "", -EBADMSG, "format version 0, expected 1 to 5" },
	{ "version 2", 2, 3, 16, 16, 0, 1, 0, "", -ENODATA, "" },
	{ "version 3 without a length", 3, 3, 16, 16, 0, 1, 0, "", -ENODATA, "" },
	{ "version 3 with half a length", 3, 3, 16, 16, 0, 1, 3, "abclong", -EBADMSG, "text does not fill it" },
	{ "version 3 with too long a length", 3, 3, 16, 16, 0, 1, 3, "abclength--", -EBADMSG, "a stated length of" },
	{ "version 3 with more", 3, 3, 16, 16, 0, 1, 3, "abclength---", -EBADMSG, "text does not fill it" },
	{ "version 4", 4, 3, 16, 16, 0, 1, 0, "", -ENODATA, "" },
	{ "version 5 without rates", 5, 3, 16, 16, 0, 1, 0, "", -EBADMSG, "head with bit rates of 0 bytes" },
	{ "version 6", 6, 3, 16, 16, 0, 1, 0, "", -EBADMSG, "format version 6, expected 1 to 5" },
	{ "no media", 1, 0, 0, 0, 0, 1, 0, "", -EBADMSG, "flags 0" },
	{ "unknown media", 1, 4, 16, 16, 0, 1, 0, "", -EBADMSG, "flags 4" },
	{ "size without video", 1, 2, 16, 16, 0, 1, 0, "", -EBADMSG, "without video: 16x16" },
	{ "no size", 1, 1, 0, 0, 0, 1, 0, "", -EBADMSG, "picture of 0x0" },
	{ "small", 1, 1, 14, 16, 0, 1, 0, "", -EBADMSG, "picture of 14x16" },
	{ "odd", 1, 1, 17, 16, 0, 1, 0, "", -EBADMSG, "picture of 17x16" },
	{ "odd height", 1, 1, 16, 17, 0, 1, 0, "", -EBADMSG, "picture of 16x17" },
	{ "large", 1, 1, 2306, 16, 0, 1, 0, "", -EBADMSG, "picture of 2306x16" },
	{ "high", 1, 1, 16, 65535, 0, 1, 0, "", -EBADMSG, "picture of 16x65535" },
	{ "rate over zero", 1, 1, 16, 16, 25, 0, 0, "", -EBADMSG, "frame rate 25/0" },
	{ "unknown rate over two", 1, 1, 16, 16, 0, 2, 0, "", -EBADMSG, "frame rate 0/2" },
	{ "text too long", 1, 1, 16, 16, 0, 1, 4, "abc", -EBADMSG, "text does not fill it" },
	{ "text too short", 1, 1, 16, 16, 0, 1, 2, "abc", -EBADMSG, "text does not fill it" },
	{ "text of 4 GB", 1, 1, 16, 16, 0, 1, 4294967295u, "abc", -EBADMSG, "text does not fill it" },
	{ "text with a bell", 1, 1, 16, 16, 0, 1, 1, "\a", -EBADMSG, "control character" },
};

static void test_heads(const void *arg)
{
	const struct head_row *row = arg;
	uint8_t body[100] = { 0 };
	struct bytes bytes = { .size = 0 };
	struct journal journal = { .used = 0 };
	struct dh_stream_reader *reader;
	script_put(body, row->version, 2);
	script_put(body + 2, row->flags, 2);
	script_put(body + 4, row->width, 2);
	script_put(body + 6, row->height, 2);
	script_put(body + 8, row->rate_num, 4);
	script_put(body + 12, row->rate_den, 4);
	script_put(body + 16, row->text_size, 4);
	memcpy(body + 20, row->text, strlen(row->text));
	fixture_record(&bytes, "DHS1", body, 20 + strlen(row->text));
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &journal_sink, &journal), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), row->err == -ENODATA ? 0 : row->err);
	CHECK_INT(journal.calls, row->err == -ENODATA);
	CHECK(strstr(dh_stream_reader_error(reader), row->error), "%s", dh_stream_reader_error(reader));
	CHECK_INT(dh_stream_reader_finish(reader), row->err);
	dh_stream_reader_free(&reader);
}

/* --- bit rates */

static const struct rates_row {
	const char *name;
	unsigned count, kbps[4], cut;
	int err;
	const char *error;
} rates_rows[] = {
	{ "two", 2, { 800, 200 }, 0, 0, "" },
	{ "three", 3, { 20000, 51, 50 }, 0, 0, "" },
	{ "one", 1, { 800 }, 0, -EBADMSG, "head with bit rates of 4 bytes" },
	{ "four", 4, { 800, 400, 200, 100 }, 0, -EBADMSG, "head with bit rates of 16 bytes" },
	{ "two and a half", 3, { 800, 400, 200 }, 2, -EBADMSG, "head with bit rates of 10 bytes" },
	{ "equal", 2, { 400, 400 }, 0, -EBADMSG, "qualities of 400, 400 and 0 kbit/s" },
	{ "rising", 2, { 400, 800 }, 0, -EBADMSG, "qualities of 400, 800" },
	{ "nothing", 2, { 400, 0 }, 0, -EBADMSG, "qualities of 400, 0" },
	{ "a hole", 3, { 400, 0, 100 }, 0, -EBADMSG, "qualities of 400, 0 and 100" },
	{ "too low", 2, { 400, 49 }, 0, -EBADMSG, "qualities of 400, 49" },
	{ "too high", 2, { 20001, 400 }, 0, -EBADMSG, "qualities of 20001, 400" },
	{ "beyond int", 2, { UINT32_MAX, 400 }, 0, -EBADMSG, "qualities of 20001, 400" },
};

static int note_rates(void *arg, const struct dh_stream_head *head)
{
	memcpy(arg, head->kbps, sizeof head->kbps);
	CHECK_INT(head->stated_ticks, 0);
	return 0;
}

static void test_rates(const void *arg)
{
	static const struct dh_stream_sink sink = { .head = note_rates };
	const struct rates_row *row = arg;
	uint8_t body[20 + 8 + 16] = { 5, 0, 1, 0, FIXTURE_SIDE, 0, FIXTURE_SIDE, 0, 0, 0, 0, 0, 1 };
	struct bytes bytes = { .size = 0 };
	struct dh_stream_reader *reader;
	int kbps[DH_QUALITIES_MAX] = { -1 };
	for (unsigned q = 0; q < row->count; q++)
		script_put(body + 28 + 4 * q, row->kbps[q], 4);
	fixture_record(&bytes, "DHS1", body, 28 + 4 * row->count - row->cut);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &sink, kbps), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), row->err);
	CHECK(strstr(dh_stream_reader_error(reader), row->error), "%s", dh_stream_reader_error(reader));
	for (unsigned q = 0; q < row->count && !row->err; q++)
		CHECK_INT(kbps[q], (int)row->kbps[q]);
	dh_stream_reader_free(&reader);
}

/* --- loudness */

static const struct loudness_row {
	const char *name;
	unsigned version, loudness;
	int err;
} loudness_rows[] = {
	{ "unknown", 4, 0, 0 },
	{ "full scale", 4, 1, 0 },
	{ "silence", 4, 128, 0 },
	{ "beyond silence", 4, 129, -EBADMSG },
	{ "the most", 4, 255, -EBADMSG },
	{ "in an older version", 3, 1, -EBADMSG },
};

static int note_loudness(void *arg, struct dh_unit *unit)
{
	*(int *)arg = unit->loudness;
	CHECK_INT(unit->pts_ticks, 0);
	return 0;
}

static void test_loudness(void)
{
	static const struct dh_stream_sink sink = { .unit = note_loudness };

	for (size_t i = 0; i < sizeof loudness_rows / sizeof *loudness_rows; i++) {
		const struct loudness_row *row = &loudness_rows[i];
		struct dh_stream_reader *reader;
		struct bytes bytes = { .size = 0 };
		int loudness = -1;
		CHECK_AT("%s", row->name);
		script_put_head(&bytes, row->version, 2);
		script_put_audio(&bytes, (long long)((uint64_t)row->loudness << 56));
		CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &sink, &loudness), 0);
		CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), row->err);
		CHECK_INT(loudness, row->err ? -1 : (int)row->loudness);
		dh_stream_reader_free(&reader);
	}
}

/* --- lengths */

/* After `before`, a record of `type` claims `length` bytes. A wrong claim is refused at
 * once, before a byte of the body has come. */
static const struct length_row {
	const char *name, *before, *type;
	uint32_t length;
	int err;
} length_rows[] = {
	{ "shortest head", "", "DHS1", 20, 0 },
	{ "longest head", "", "DHS1", 1040, 0 },
	{ "head too short", "", "DHS1", 19, -EBADMSG },
	{ "head too long", "", "DHS1", 1041, -EBADMSG },
	{ "head of 4 GB", "", "DHS1", UINT32_MAX, -EBADMSG },
	{ "shortest anchor", "H1", "ANCH", 10, 0 },
	{ "longest anchor", "H1", "ANCH", DH_VIDEO_UNIT_MAX, 0 },
	{ "anchor too short", "H1", "ANCH", 9, -EBADMSG },
	{ "anchor too long", "H1", "ANCH", DH_VIDEO_UNIT_MAX + 1, -EBADMSG },
	{ "picture", "H1 K", "PICT", 384, 0 },
	{ "picture too short", "H1 K", "PICT", 383, -EBADMSG },
	{ "picture too long", "H1 K", "PICT", 385, -EBADMSG },
	{ "shortest video", "H1 K", "VIDE", 273, 0 },
	{ "longest video", "H1 K", "VIDE", 272 + DH_VIDEO_UNIT_MAX, 0 },
	{ "video too short", "H1 K", "VIDE", 272, -EBADMSG },
	{ "video too long", "H1 K", "VIDE", 273 + DH_VIDEO_UNIT_MAX, -EBADMSG },
	{ "shortest lower quality", "J1 K", "LOWR", 1, 0 },
	{ "longest lower quality", "J1 K", "LOWR", DH_VIDEO_UNIT_MAX, 0 },
	{ "empty lower quality", "J1 K", "LOWR", 0, -EBADMSG },
	{ "lower quality too long", "J1 K", "LOWR", DH_VIDEO_UNIT_MAX + 1, -EBADMSG },
	{ "shortest audio", "H2", "AUDI", 9, 0 },
	{ "longest audio", "H2", "AUDI", 1283, 0 },
	{ "audio too short", "H2", "AUDI", 8, -EBADMSG },
	{ "audio too long", "H2", "AUDI", 1284, -EBADMSG },
	{ "shortest fade", "I2", "FADE", 1, 0 },
	{ "longest fade", "I2", "FADE", 1275, 0 },
	{ "empty fade", "I2", "FADE", 0, -EBADMSG },
	{ "fade too long", "I2", "FADE", 1276, -EBADMSG },
	{ "shortest word", "H2", "WORD", 17, 0 },
	{ "longest word", "H2", "WORD", 216, 0 },
	{ "word too short", "H2", "WORD", 16, -EBADMSG },
	{ "word too long", "H2", "WORD", 217, -EBADMSG },
	{ "empty note", "H2", "NOTE", 0, 0 },
	{ "longest note", "H2", "NOTE", 1000, 0 },
	{ "note too long", "H2", "NOTE", 1001, -EBADMSG },
	{ "end", "H2", "ENDS", 20, 0 },
	{ "end too short", "H2", "ENDS", 19, -EBADMSG },
	{ "end too long", "H2", "ENDS", 21, -EBADMSG },
	{ "shortest failure", "H2", "FAIL", 4, 0 },
	{ "longest failure", "", "FAIL", 1004, 0 },
	{ "failure too short", "", "FAIL", 3, -EBADMSG },
	{ "failure too long", "", "FAIL", 1005, -EBADMSG },
};

static void test_lengths(const void *arg)
{
	const struct length_row *row = arg;
	uint8_t length[4];
	struct bytes bytes = { .size = 0 };
	struct journal journal = { .used = 0 };
	struct dh_stream_reader *reader;
	script_write(&bytes, row->before);
	script_put(length, row->length, 4);
	bytes_write(&bytes, row->type, 4);
	bytes_write(&bytes, length, 4);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &journal_sink, &journal), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), row->err);
	if (row->err < 0)
		CHECK(strstr(dh_stream_reader_error(reader), row->type), "%s", dh_stream_reader_error(reader));
	CHECK_INT(dh_stream_reader_finish(reader), row->err < 0 ? row->err : -ENODATA);
	dh_stream_reader_free(&reader);
}

/* --- words and lines */

static struct dh_stream_reader *reader_after(const char *script)
{
	static struct journal journal;
	struct dh_stream_reader *reader;
	struct bytes bytes = { .size = 0 };
	journal.used = 0;
	script_write(&bytes, script);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &journal_sink, &journal), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	return reader;
}

static void test_too_many_words(void)
{
	static const struct dh_stream_sink nothing = { .head = NULL };
	struct dh_stream_reader *reader;
	struct bytes bytes = { .size = 0 };
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &nothing, NULL), 0);
	script_write(&bytes, "H2");
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	for (int i = 0; i < 2000; i++) {
		bytes.size = 0;
		script_put_word(&bytes, i, 1);
		CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	}
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), -EFBIG);
	CHECK_STR(dh_stream_reader_error(reader), "more than 2000 words");
	dh_stream_reader_free(&reader);
}

/* A line without an end takes no more memory than a line may have. */
static void test_a_line_too_long(void)
{
	struct dh_stream_reader *reader = reader_after("H2");
	int err = dh_stream_reader_push(reader, "{", 1);
	for (int i = 1; i < 65536; i++)
		err = err ? err : dh_stream_reader_push(reader, " ", 1);
	CHECK_INT(err, 0);
	CHECK_INT(dh_stream_reader_push(reader, "\n", 1), -EBADMSG);
	CHECK_STR(dh_stream_reader_error(reader), "a line between records is longer than 65536 bytes");
	dh_stream_reader_free(&reader);
}

static void test_a_line_cut_short(void)
{
	struct dh_stream_reader *reader = reader_after("H2 A0");
	CHECK_INT(dh_stream_reader_push(reader, "{\"words\":", 9), 0);
	CHECK_INT(dh_stream_reader_finish(reader), -ENODATA);
	dh_stream_reader_free(&reader);
}

static const struct check_test tests[] = {
	TABLE(test_order_and_times, script_rows),
	TEST(test_limit_beyond_the_format),
	TABLE(test_heads, head_rows),
	TABLE(test_rates, rates_rows),
	TABLE(test_lengths, length_rows),
	TEST(test_loudness),
	TEST(test_too_many_words),
	TEST(test_a_line_too_long),
	TEST(test_a_line_cut_short),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
