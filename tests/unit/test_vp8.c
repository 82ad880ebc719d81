/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VP8 packetiser: sizes, descriptors, nothing lost. */
#include "tests/support/check.h"

#include "playout/vp8.h"

#include <stdlib.h>

/* What a receiver makes of the payloads. */
struct receiver {
	const uint8_t *frame; /* as sent */
	size_t received;      /* bytes so far, each from its own place */
	size_t packets, smallest, largest;
	bool marked;
	struct dh_vp8_picture picture; /* according to the descriptors */
};

static void receive(void *arg, const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE], const uint8_t *data, size_t size,
	bool marker)
{
	struct receiver *r = arg;
	CHECK(!r->marked, "a packet after the marked one");
	CHECK(size >= 1 && size <= DH_VP8_DATA_MAX, "%zu bytes", size);
	CHECK(data == r->frame + r->received, "at %zu", (size_t)(data - r->frame));
	CHECK_INT(descriptor[0] & 0x80, 0x80);                       /* X */
	CHECK_INT(descriptor[0] & 0x10, r->packets == 0 ? 0x10 : 0); /* S */
	CHECK_INT(descriptor[0] & 0x4f, 0);                          /* reserved and PID */
	CHECK_INT(descriptor[1], 0xe0);                              /* I, L, T; neither K nor reserved */
	CHECK_INT(descriptor[2] & 0x80, 0x80);                       /* M */
	CHECK_INT(descriptor[5] & 0x1f, 0);                          /* KEYIDX */
	r->picture.is_non_reference = (descriptor[0] & 0x20) != 0;
	r->picture.picture_id = (uint16_t)((descriptor[2] & 0x7f) << 8 | descriptor[3]);
	r->picture.tl0picidx = descriptor[4];
	r->picture.tid = descriptor[5] >> 6;
	r->picture.is_layer_sync = (descriptor[5] & 0x20) != 0;
	r->received += size;
	r->packets++;
	r->smallest = r->smallest == 0 || size < r->smallest ? size : r->smallest;
	r->largest = size > r->largest ? size : r->largest;
	r->marked = marker;
}

static void send_picture(struct receiver *r, size_t size, const struct dh_vp8_picture *picture)
{
	/* Exactly as large as the picture, so that sanitizers see reads beyond the end. */
	uint8_t *frame = calloc(size > 0 ? size : 1, 1);
	size_t packets;
	CHECK(frame);
	memset(r, 0, sizeof *r);
	r->frame = frame;
	packets = dh_vp8_packetise(frame, size, picture, 0, SIZE_MAX, receive, r);
	CHECK_INT(packets, r->packets);
	CHECK_INT(dh_vp8_packets(size), r->packets);
	CHECK_INT(r->received, size);
	free(frame);
}

static const struct size_row {
	const char *name;
	size_t size, packets, smallest, largest;
} size_rows[] = {
	{ "nothing", 0, 0, 0, 0 },
	{ "one byte", 1, 1, 1, 1 },
	{ "one packet", 1182, 1, 1182, 1182 },
	{ "one byte more", 1183, 2, 591, 592 },
	{ "two packets", 2364, 2, 1182, 1182 },
	{ "two and a byte", 2365, 3, 788, 789 },
	{ "a key frame", 40000, 34, 1176, 1177 },
	{ "the largest", 4 * 1024 * 1024, 3549, 1181, 1182 },
};

static void test_sizes(const void *arg)
{
	const struct size_row *row = arg;
	struct dh_vp8_picture picture = { .picture_id = 1 };
	struct receiver r;
	send_picture(&r, row->size, &picture);
	CHECK_INT(r.packets, row->packets);
	CHECK_INT(r.smallest, row->smallest);
	CHECK_INT(r.largest, row->largest);
	CHECK_INT(r.marked, row->packets > 0);
}

static void test_every_size(void)
{
	struct dh_vp8_picture picture = { .picture_id = 1 };
	struct receiver r;
	for (size_t size = 1; size < 10000; size++) {
		CHECK_AT("%zu bytes", size);
		send_picture(&r, size, &picture);
		CHECK_INT(r.packets, (size + DH_VP8_DATA_MAX - 1) / DH_VP8_DATA_MAX);
		CHECK(r.largest - r.smallest <= 1);
		CHECK(r.marked);
	}
}

/* In any number of steps the payloads are the same. */
static void test_picture_in_parts(void)
{
	static uint8_t frame[50000];
	struct dh_vp8_picture picture = { .picture_id = 1 };
	for (size_t size = 49000; size < 50000; size += 37) {
		for (size_t step = 1; step < 50; step++) {
			struct receiver r = { .frame = frame };
			size_t packets = dh_vp8_packets(size), sent;
			CHECK_AT("%zu bytes, %zu packets at a time", size, step);
			while ((sent = dh_vp8_packetise(frame, size, &picture, r.packets, step, receive, &r)) > 0)
				CHECK(sent == step || r.marked);
			CHECK_INT(r.packets, packets);
			CHECK_INT(r.received, size);
			CHECK(r.marked && r.largest - r.smallest <= 1);
		}
	}
}

static const struct number_row {
	const char *name;
	struct dh_vp8_picture picture;
	uint8_t first[DH_VP8_DESCRIPTOR_SIZE];
} number_rows[] = {
	{ "all zero", { 0, 0, 0, 0, 0 }, { 0x90, 0xe0, 0x80, 0x00, 0x00, 0x00 } },
	{ "base layer", { 0x1234, 0x56, 0, 0, 0 }, { 0x90, 0xe0, 0x92, 0x34, 0x56, 0x00 } },
	{ "droppable", { 0x00ff, 0x07, 1, 1, 1 }, { 0xb0, 0xe0, 0x80, 0xff, 0x07, 0x60 } },
	{ "largest", { 0x7fff, 0xff, 3, 1, 1 }, { 0xb0, 0xe0, 0xff, 0xff, 0xff, 0xe0 } },
	{ "layer 1, referred to", { 1, 2, 1, 0, 0 }, { 0x90, 0xe0, 0x80, 0x01, 0x02, 0x40 } },
};

static void keep_first(void *arg, const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE], const uint8_t *data, size_t size,
	bool marker)
{
	uint8_t *first = arg;
	(void)data;
	(void)size;
	(void)marker;
	if (first[0] == 0)
		memcpy(first, descriptor, DH_VP8_DESCRIPTOR_SIZE);
}

static void test_numbers(const void *arg)
{
	const struct number_row *row = arg;
	uint8_t frame[3000] = { 0 }, first[DH_VP8_DESCRIPTOR_SIZE] = { 0 };
	struct receiver r;
	dh_vp8_packetise(frame, sizeof frame, &row->picture, 0, 1, keep_first, first);
	CHECK_BYTES(first, sizeof first, row->first, sizeof row->first);
	send_picture(&r, sizeof frame, &row->picture);
	CHECK_INT(r.packets, 3);
	CHECK_INT(r.picture.picture_id, row->picture.picture_id);
	CHECK_INT(r.picture.tl0picidx, row->picture.tl0picidx);
	CHECK_INT(r.picture.tid, row->picture.tid);
	CHECK_INT(r.picture.is_layer_sync, row->picture.is_layer_sync);
	CHECK_INT(r.picture.is_non_reference, row->picture.is_non_reference);
}

static void test_picture_id_beyond_15_bits_keeps_its_form(void)
{
	struct dh_vp8_picture picture = { .picture_id = 0x8001 };
	struct receiver r;
	send_picture(&r, 10, &picture);
	CHECK_INT(r.picture.picture_id, 1);
}

static void test_payloads_fit_the_mtu(void)
{
	CHECK_INT(DH_VP8_DESCRIPTOR_SIZE + DH_VP8_DATA_MAX + 12, 1200);
}

static const struct check_test tests[] = {
	TABLE(test_sizes, size_rows),
	TEST(test_every_size),
	TEST(test_picture_in_parts),
	TABLE(test_numbers, number_rows),
	TEST(test_picture_id_beyond_15_bits_keeps_its_form),
	TEST(test_payloads_fit_the_mtu),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
