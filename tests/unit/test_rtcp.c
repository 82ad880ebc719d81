/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RTCP of a sender: its reports, byte for byte, and requests for key frames. */
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#include "playout/remb.h"
#include "playout/rtcp.h"

static void test_report(void)
{
	static const uint8_t expected[] = { 0x80, 200, 0, 6, 0xde, 0xad, 0xbe, 0xef, 0x83, 0xaa, 0x7e, 0x81, 0x80, 0, 0,
		0, 0x01, 0x02, 0x03, 0x04, 0, 0, 0, 7, 0, 0, 0x10, 0x01, 0x81, 202, 0, 3, 0xde, 0xad, 0xbe, 0xef, 1, 2,
		'd', 'h', 0, 0, 0, 0 };
	const struct dh_sender_report report = { .ssrc = 0xdeadbeef,
		.ntp = dh_ntp_from_us(1500000), /* half past one second of 1970 */
		.rtp_timestamp = 0x01020304,
		.packets = 7,
		.octets = 0x1001,
		.cname = "dh" };
	uint8_t out[DH_RTCP_REPORT_MAX];

	CHECK_INT(dh_rtcp_write_report(&report, out), sizeof(expected));
	CHECK(!memcmp(out, expected, sizeof(expected)));
	CHECK(!dh_rtcp_asks_key_frame(out, sizeof(expected)));
}

static void test_bye(void)
{
	static const uint8_t expected[] = { 0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202, 0, 3, 0, 0, 0, 1, 1, 3, 'a', 'b',
		'c', 0, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 1 };
	uint8_t out[DH_RTCP_REPORT_MAX];

	CHECK_INT(dh_rtcp_write_bye(1, "abc", out), sizeof(expected));
	CHECK(!memcmp(out, expected, sizeof(expected)));
}

/* Whatever the length of the name, it ends in a zero and on a word. */
static void test_names(void)
{
	char name[DH_RTCP_CNAME_MAX + 10] = { 0 };
	uint8_t out[DH_RTCP_REPORT_MAX];

	for (size_t length = 1; length < sizeof(name) - 1; length++) {
		name[length - 1] = 'x';
		size_t kept = length < DH_RTCP_CNAME_MAX ? length : DH_RTCP_CNAME_MAX;
		size_t size = dh_rtcp_write_report(&(struct dh_sender_report){ .cname = name }, out);
		CHECK(size <= sizeof(out) && size % 4 == 0);
		CHECK_INT(out[37], kept);
		CHECK_INT(out[37 + kept], 'x');
		CHECK_INT(out[size - 1], 0);
		CHECK_INT((out[30] << 8 | out[31]) * 4 + 4, size - 28);
		CHECK(dh_rtcp_write_bye(1, name, out) <= sizeof(out));
	}
}

struct asked {
	bool asks;
	size_t size;
	uint8_t bytes[32];
};

static const struct asked rows[] = {
	{ false, 0, { 0 } },
	{ true, 12, { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 } },                               /* PLI */
	{ true, 20, { 0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0 } },       /* FIR */
	{ true, 8, { 0x80, 192, 0, 1, 0, 0, 0, 2 } },                                            /* the old FIR */
	{ false, 12, { 0x8f, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 } },                              /* REMB's format */
	{ false, 12, { 0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 } },                              /* NACK */
	{ true, 20, { 0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 } },  /* behind an RR */
	{ false, 20, { 0x80, 201, 0, 9, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 } }, /* which is broken */
	{ false, 12, { 0x41, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 } },                              /* version 1 */
	{ false, 8, { 0x81, 206, 0, 1, 0, 0, 0, 1 } },                                           /* too short */
	{ false, 11, { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0 } },                                 /* cut off */
	{ false, 3, { 0x81, 206, 0 } },
};

static void test_requests(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *exact = malloc(rows[i].size ? rows[i].size : 1); /* so that AddressSanitizer sees its end */
		memcpy(exact, rows[i].bytes, rows[i].size);
		CHECK(dh_rtcp_asks_key_frame(exact, rows[i].size) == rows[i].asks, "row %zu", i);
		free(exact);
	}
}

/* Chromium's after a receiver report; what is not quite one. The bytes are in memory of exactly their size. */
static const struct remb_row {
	const char *name;
	size_t size;
	uint8_t bytes[40];
	int32_t kbps;
} remb_rows[] = {
	{ "250 kbit/s", 24,
		{ 0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 0x03, 0xd0, 0x90, 0, 0, 0, 9 }, 250 },
	{ "without SSRCs", 20, { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0x05, 0x86, 0xa0 },
		200 },
	{ "behind a report", 32,
		{ 0x80, 201, 0, 1, 0, 0, 0, 1, 0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 0x13,
			0xd0, 0x90, 0, 0, 0, 9 },
		4000 },
	{ "nothing", 20, { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0xfc, 0, 0 }, 0 },
	{ "the most", 20, { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0xff, 0xff, 0xff },
		INT32_MAX },
	{ "another name", 20, { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'C', 0, 0x0b, 0xd0, 0x90 },
		-1 },
	{ "another format", 20, { 0x81, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0x0b, 0xd0, 0x90 },
		-1 },
	{ "cut short", 19, { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0x0b, 0xd0 }, -1 },
	{ "too short", 16, { 0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B' }, -1 },
	{ "behind what is broken", 24,
		{ 0x80, 201, 0, 9, 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0x0b, 0xd0, 0x90 },
		-1 },
	{ "no RTCP", 4, { 0x0f, 206, 0, 0 }, -1 },
	{ "empty", 0, { 0 }, -1 },
};

static void test_remb(const void *arg)
{
	const struct remb_row *row = arg;
	uint8_t *bytes = malloc(row->size ? row->size : 1);

	CHECK(bytes);
	memcpy(bytes, row->bytes, row->size);
	CHECK_INT(dh_remb_read(bytes, row->size), row->kbps);
	free(bytes);
}

static const struct check_test tests[] = {
	TABLE(test_remb, remb_rows),
	TEST(test_report),
	TEST(test_bye),
	TEST(test_names),
	TEST(test_requests),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
