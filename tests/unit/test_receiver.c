/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What receivers report: reading RTCP, whole and broken, and what becomes of it. */
#include "tests/support/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "playout/receiver_report.h"
#include "rooms/receiver.h"

#define NOW 0x10000000u

/* --- packets */

struct packet {
	uint8_t bytes[512];
	size_t size;
};

static void put_32(struct packet *packet, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		packet->bytes[packet->size++] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_block(struct packet *packet, const struct dh_report_block *block)
{
	put_32(packet, block->ssrc);
	put_32(packet, (uint32_t)block->fraction_lost << 24 | ((uint32_t)block->lost & 0xffffff));
	put_32(packet, block->highest);
	put_32(packet, block->jitter);
	put_32(packet, block->last_sr);
	put_32(packet, block->delay);
}

/* Appends a report of that type with `count` blocks. */
static void put_report(struct packet *packet, int type, const struct dh_report_block *blocks, uint32_t count)
{
	uint32_t words = (type == 200 ? 6 : 1) + 6 * count;

	put_32(packet, 0x80000000u | count << 24 | (uint32_t)type << 16 | words);
	for (int i = 0; i < (type == 200 ? 6 : 1); i++)
		put_32(packet, 77);
	for (uint32_t i = 0; i < count; i++)
		put_block(packet, &blocks[i]);
}

/* From a buffer of exactly that size. */
static bool hear(struct dh_receiver *receiver, enum dh_media media, const struct packet *packet, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	memcpy(exact, packet->bytes, size);
	bool has_changed = dh_receiver_hear(receiver, media, exact, size, NOW);
	free(exact);
	return has_changed;
}

static struct dh_receiver_stats stats_of(const struct dh_receiver *receiver)
{
	struct dh_receiver_stats stats;

	dh_receiver_get_stats(receiver, &stats);
	return stats;
}

static bool say(struct dh_receiver *receiver, enum dh_media media, const struct dh_report_block *block)
{
	struct packet packet = { .size = 0 };

	put_report(&packet, 201, block, 1);
	return hear(receiver, media, &packet, packet.size);
}

/* --- reading */

struct found {
	int count;
	struct dh_report_block blocks[40];
};

static void note(void *arg, const struct dh_report_block *block)
{
	struct found *found = arg;

	found->blocks[found->count++] = *block;
}

static void test_every_block_of_a_compound_is_read(void)
{
	const struct dh_report_block blocks[] = { { 1, 2, 3, 4, 5, 6, 7 },
		{ 0xfffffffe, 255, -1, 0xfffffffd, 9, 8, 0xfffffffb }, { 7, 0, 0x7fffff, 1, 2, 3, 4 },
		{ 8, 0, -0x800000, 1, 2, 3, 5 } };
	struct packet packet = { .size = 0 };
	struct found found = { .count = 0 };

	put_report(&packet, 200, blocks, 2);
	put_32(&packet, 0x81ca0001); /* SDES: not ours to read */
	put_32(&packet, 0xffffffff);
	put_report(&packet, 201, blocks + 2, 2);
	CHECK_INT(dh_receiver_report_read(packet.bytes, packet.size, note, &found), 0);
	CHECK_INT(found.count, 4);
	for (int i = 0; i < 4; i++) {
		const struct dh_report_block *block = &found.blocks[i];
		CHECK_AT("block %d", i);
		CHECK_INT(block->ssrc, blocks[i].ssrc);
		CHECK_INT(block->fraction_lost, blocks[i].fraction_lost);
		CHECK_INT(block->lost, blocks[i].lost);
		CHECK_INT(block->jitter, blocks[i].jitter);
		CHECK_INT(block->last_sr, blocks[i].last_sr);
		CHECK_INT(block->delay, blocks[i].delay);
		CHECK_INT(block->highest, blocks[i].highest);
	}
}

/* Cut anywhere, and with any byte changed, nothing is read that is not there. */
static void test_broken_packets(void)
{
	const struct dh_report_block blocks[] = { { 1, 2, 3, 4, 5, 6, 7 }, { 2, 3, 4, 5, 6, 7, 8 } };
	struct packet whole = { .size = 0 };

	put_report(&whole, 200, blocks, 2);
	put_report(&whole, 201, blocks, 2);
	for (size_t size = 0; size < whole.size; size++) {
		struct found found = { .count = 0 };
		uint8_t *exact = malloc(size ? size : 1);
		memcpy(exact, whole.bytes, size);
		int err = dh_receiver_report_read(exact, size, note, &found);
		CHECK_INT(err, size == 0 || size == 76 ? 0 : -EINVAL);
		CHECK_INT(found.count, size < 76 ? 0 : 2);
		free(exact);
	}
	for (size_t at = 0; at < whole.size; at++) {
		for (int value = 0; value < 256; value++) {
			struct dh_receiver receiver = { 0 };
			struct packet changed = whole;
			changed.bytes[at] = (uint8_t)value;
			hear(&receiver, DH_VIDEO, &changed, changed.size);
			CHECK(stats_of(&receiver).reports[DH_VIDEO] <= 1);
		}
	}
}

/* --- what becomes of it */

static void test_a_report(void)
{
	/* the last sender report 300 ms ago, of which the viewer had it for 200 */
	const struct dh_report_block block = { 9, 64, 17, 900, NOW - 65536 * 3 / 10, 65536 * 2 / 10, 0x14711 };
	struct dh_receiver receiver = { 0 };

	CHECK_INT(stats_of(&receiver).rtt_ms[DH_VIDEO], -1);
	say(&receiver, DH_VIDEO, &block);
	struct dh_receiver_stats stats = stats_of(&receiver);
	CHECK_INT(stats.reports[DH_VIDEO], 1);
	CHECK_INT(stats.lost[DH_VIDEO], 17);
	CHECK_INT((int)stats.lost_percent[DH_VIDEO], 25);
	CHECK_INT((int)stats.jitter_ms[DH_VIDEO], 10);
	CHECK(stats.rtt_ms[DH_VIDEO] >= 99 && stats.rtt_ms[DH_VIDEO] <= 100, "%d ms", stats.rtt_ms[DH_VIDEO]);
	CHECK_INT(stats.reports[DH_AUDIO], 0);
	CHECK_INT(stats.rtt_ms[DH_AUDIO], -1);
}

/* Packets that come twice make the number smaller again, even negative. */
static void test_a_counter_only_grows(void)
{
	static const int said[] = { -3, 5, 2, 9, -0x800000, 0x7fffff, 0 };
	static const int counted[] = { 0, 5, 5, 9, 9, 0x7fffff, 0x7fffff };
	struct dh_receiver receiver = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(said); i++) {
		const struct dh_report_block block = { .ssrc = 1, .lost = said[i] };
		say(&receiver, DH_AUDIO, &block);
		CHECK_INT(stats_of(&receiver).lost[DH_AUDIO], counted[i]);
	}
}

static void test_what_no_time_says(void)
{
	static const struct dh_report_block rows[] = {
		{ .ssrc = 1 },                             /* no sender report yet */
		{ .ssrc = 1, .last_sr = NOW + 655 },       /* from the future */
		{ .ssrc = 1, .last_sr = NOW - 65536 * 70 } /* too long ago */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct dh_receiver receiver = { 0 };
		say(&receiver, DH_AUDIO, &rows[i]);
		CHECK_INT(stats_of(&receiver).rtt_ms[DH_AUDIO], -1);
	}
	CHECK_INT(dh_receiver_ntp(0), (uint32_t)(INT64_C(2208988800) & 0xffff) << 16);
	CHECK_INT(dh_receiver_ntp(1500000) - dh_receiver_ntp(0), 65536 * 3 / 2);
}

/* Some say all in one packet. Which medium another block is about is known once it has been first. */
static void test_blocks_of_both_media(void)
{
	const struct dh_report_block blocks[] = { { .ssrc = 1, .lost = 10 }, { .ssrc = 2, .lost = 20 },
		{ .ssrc = 3, .lost = 30 }, { .ssrc = 1, .lost = 40 } };
	struct dh_receiver receiver = { 0 };
	struct packet packet = { .size = 0 };

	put_report(&packet, 201, blocks, 4);
	hear(&receiver, DH_AUDIO, &packet, packet.size);
	CHECK_INT(stats_of(&receiver).lost[DH_AUDIO], 10);
	CHECK_INT(stats_of(&receiver).reports[DH_VIDEO], 0);
	say(&receiver, DH_VIDEO, &(struct dh_report_block){ .ssrc = 2 });
	hear(&receiver, DH_AUDIO, &packet, packet.size);
	CHECK_INT(stats_of(&receiver).lost[DH_VIDEO], 20);
	CHECK_INT(stats_of(&receiver).reports[DH_VIDEO], 2);
	CHECK_INT(stats_of(&receiver).reports[DH_AUDIO], 2);
}

static void test_another_room_counts_its_own(void)
{
	struct dh_receiver before = { 0 }, after = { 0 };

	say(&before, DH_VIDEO, &(struct dh_report_block){ .ssrc = 1, .lost = 12 });
	dh_receiver_continue(&after, &before);
	say(&after, DH_VIDEO, &(struct dh_report_block){ .ssrc = 1, .lost = 15 });
	CHECK_INT(stats_of(&after).lost[DH_VIDEO], 3);
}

static struct dh_repair_report taken(struct dh_receiver *receiver)
{
	struct dh_repair_report losses;

	dh_receiver_take_losses(receiver, DH_VIDEO, &losses);
	return losses;
}

static bool say_lost(struct dh_receiver *receiver, int32_t lost, uint32_t highest)
{
	return say(receiver, DH_VIDEO, &(struct dh_report_block){ .ssrc = 2, .lost = lost, .highest = highest });
}

/* Where it was lost: behind what had come when it was another number, or when that was taken. */
static void test_losses_of_the_picture(void)
{
	struct dh_receiver receiver = { 0 };

	CHECK(!say_lost(&receiver, 0, 100));
	CHECK(!say_lost(&receiver, 0, 200));
	CHECK(say_lost(&receiver, 3, 0x10000 + 300));
	CHECK(!say_lost(&receiver, 3, 0x10000 + 400));
	CHECK_INT(taken(&receiver).lost, 3);
	CHECK_INT(taken(&receiver).since, 200);
	CHECK_INT(taken(&receiver).highest, 400);
	CHECK(say_lost(&receiver, 4, 0x1ffff));
	CHECK(say_lost(&receiver, 5, 0x20007)); /* before it is taken */
	CHECK_INT(taken(&receiver).since, 400);
	CHECK_INT(taken(&receiver).highest, 7);
	CHECK(say_lost(&receiver, -0x800000, 0x20008));
	CHECK_INT(taken(&receiver).lost, -0x800000);
	CHECK_INT(taken(&receiver).since, 7);
	CHECK(say_lost(&receiver, 0x7fffff, 0x20009));
	CHECK_INT(taken(&receiver).lost, 0x7fffff);
}

/* The first report may say of everything that was ever sent. */
static void test_losses_of_the_first_report(void)
{
	struct dh_receiver receiver = { 0 };

	CHECK(say_lost(&receiver, 1, 100));
	CHECK_INT((uint16_t)(taken(&receiver).highest - taken(&receiver).since), 0x7fff);
	CHECK(say_lost(&receiver, 2, 110));
	CHECK_INT(taken(&receiver).since, 100);
}

static void test_losses_in_another_room(void)
{
	struct dh_receiver before = { 0 }, after = { 0 };

	say_lost(&before, 0x7fffff, 100);
	dh_receiver_continue(&after, &before);
	CHECK(!say_lost(&after, 0x7fffff, 200));
	CHECK(say_lost(&after, -0x800000, 300));
	CHECK_INT(taken(&after).lost, -0xffffff);
	CHECK_INT(taken(&after).since, 200);
}

/* Whichever m-line the report came for. */
static void test_losses_of_both_media(void)
{
	const struct dh_report_block both[] = { { .ssrc = 1, .lost = 50 }, { .ssrc = 2, .lost = 9, .highest = 300 } };
	struct dh_receiver receiver = { 0 };
	struct packet packet = { .size = 0 };

	CHECK(!say_lost(&receiver, 0, 200));
	CHECK(!say(&receiver, DH_AUDIO, &(struct dh_report_block){ .ssrc = 1, .lost = 40 }));
	put_report(&packet, 201, both, 2);
	CHECK(hear(&receiver, DH_AUDIO, &packet, packet.size));
	CHECK_INT(taken(&receiver).lost, 9);
	CHECK_INT(taken(&receiver).since, 200);
}

static void test_json(void)
{
	struct dh_receiver_stats stats = { .rtt_ms = { -1, 12 } };

	stats.reports[DH_VIDEO] = 2;
	stats.lost[DH_VIDEO] = 3;
	json_t *json = dh_receiver_viewer_json(&stats);
	json_t *sound = json_object_get(json, "audio"), *picture = json_object_get(json, "video");
	CHECK(json_is_null(json_object_get(sound, "rtt_ms")) && json_is_null(json_object_get(sound, "jitter_ms")));
	CHECK_INT(json_integer_value(json_object_get(sound, "reports")), 0);
	CHECK_INT(json_integer_value(json_object_get(picture, "lost")), 3);
	CHECK_INT(json_integer_value(json_object_get(picture, "rtt_ms")), 12);
	CHECK(json_is_real(json_object_get(picture, "lost_percent")));
	json_decref(json);
}

static const struct check_test tests[] = {
	TEST(test_every_block_of_a_compound_is_read),
	TEST(test_broken_packets),
	TEST(test_a_report),
	TEST(test_a_counter_only_grows),
	TEST(test_what_no_time_says),
	TEST(test_blocks_of_both_media),
	TEST(test_another_room_counts_its_own),
	TEST(test_losses_of_the_picture),
	TEST(test_losses_of_the_first_report),
	TEST(test_losses_in_another_room),
	TEST(test_losses_of_both_media),
	TEST(test_json),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
