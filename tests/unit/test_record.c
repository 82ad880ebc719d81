/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dh-record makes of a room's packets. */
#include "tests/support/check.h"
#include "tests/support/temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include "prepare/record_mjr.h"
#include "prepare/record_queue.h"
#include "prepare/record_webm.h"

#define DESCRIPTOR 6
#define HEADER     12
#define BEGINS     1
#define ENDS       2
#define KEY        4

#define HOUR INT64_C(3600)

static char folder[TEMP_FOLDER_SIZE];
static int folder_fd;
static int64_t came_us; /* when packets come */

/* A packet of a picture of 64×48, with some bytes of its own. */
static size_t make_packet(uint8_t *rtp, uint16_t sequence, uint32_t timestamp, int flags)
{
	static const uint8_t key_frame[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0 };
	uint8_t *data = rtp + HEADER + DESCRIPTOR;

	memset(rtp, 0, HEADER + DESCRIPTOR + 20);
	rtp[0] = 0x80;
	rtp[1] = (uint8_t)(96 | (flags & ENDS ? 0x80 : 0));
	rtp[2] = (uint8_t)(sequence >> 8);
	rtp[3] = (uint8_t)sequence;
	for (int i = 0; i < 4; i++)
		rtp[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
	rtp[HEADER] = (uint8_t)(0x80 | (flags & BEGINS ? 0x10 : 0));
	if (flags & BEGINS && flags & KEY)
		memcpy(data, key_frame, sizeof(key_frame));
	else if (flags & BEGINS)
		data[0] = 0x11;
	return HEADER + DESCRIPTOR + 20;
}

static void put(struct dh_record_webm *webm, uint16_t sequence, uint32_t timestamp, int flags)
{
	uint8_t rtp[100];
	size_t size = make_packet(rtp, sequence, timestamp, flags);

	CHECK_INT(dh_record_webm_packet(webm, DH_VIDEO, came_us, rtp, size), 0);
}

static void put_sound(struct dh_record_webm *webm, uint32_t timestamp)
{
	uint8_t rtp[100];

	make_packet(rtp, 0, timestamp, 0);
	CHECK_INT(dh_record_webm_packet(webm, DH_AUDIO, came_us, rtp, HEADER + 10), 0);
}

static struct dh_record_webm *open_webm(const char *name)
{
	struct dh_record_webm *webm = NULL;

	CHECK_INT(dh_record_webm_open(&webm, folder_fd, name, came_us, "A title", NULL), 0);
	return webm;
}

/* "key 40/12 …": of each picture, or packet of sound, its time in ms and its size. */
static void read_media(const char *name, enum AVMediaType type, char *out, size_t size)
{
	char path[100];
	AVFormatContext *context = NULL;
	AVPacket *packet = av_packet_alloc();

	*out = 0;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CHECK_INT(avformat_open_input(&context, path, NULL, NULL), 0);
	while (av_read_frame(context, packet) >= 0) {
		bool is_wanted = context->streams[packet->stream_index]->codecpar->codec_type == type;
		size_t used = strlen(out);
		if (is_wanted)
			snprintf(out + used, size - used, "%s%lld/%d ", packet->flags & AV_PKT_FLAG_KEY ? "key " : "",
				(long long)packet->pts, packet->size);
		av_packet_unref(packet);
	}
	avformat_close_input(&context);
	av_packet_free(&packet);
}

static void read_pictures(const char *name, char *out, size_t size)
{
	read_media(name, AVMEDIA_TYPE_VIDEO, out, size);
}

static void test_pictures_in_parts(void)
{
	struct dh_record_webm *webm = open_webm("parts.webm");
	char found[200];

	put_sound(webm, 0); /* before the file has a size */
	put(webm, 65535, 0, BEGINS | ENDS);
	put(webm, 0, 3600, BEGINS | KEY);
	put(webm, 1, 3600, ENDS);
	put_sound(webm, 1920);
	put(webm, 2, 7200, BEGINS | ENDS);
	CHECK_INT(dh_record_webm_close(&webm), 0);
	read_pictures("parts.webm", found, sizeof(found));
	CHECK_STR(found, "key 40/40 80/20 ");
}

static void test_lost_packets(void)
{
	struct dh_record_webm *webm = open_webm("lost.webm");
	char found[200];

	put(webm, 10, 0, BEGINS | ENDS | KEY);
	put(webm, 11, 3600, BEGINS | ENDS);
	put(webm, 13, 7200, ENDS);           /* its beginning is lost, */
	put(webm, 14, 10800, BEGINS | ENDS); /* which this one may need */
	put(webm, 15, 14400, BEGINS | KEY);  /* of this one the middle is, */
	put(webm, 17, 14400, ENDS);
	put(webm, 18, 18000, BEGINS | ENDS);
	put(webm, 19, 21600, BEGINS | ENDS | KEY);
	put(webm, 20, 25200, BEGINS | ENDS);
	CHECK_INT(dh_record_webm_close(&webm), 0);
	read_pictures("lost.webm", found, sizeof(found));
	CHECK_STR(found, "key 0/20 40/20 key 240/20 280/20 ");
}

/* Timestamps wrap after 13 hours, and the first one may come before the beginning. */
static void test_times(void)
{
	struct dh_record_webm *webm = open_webm("times.webm");
	char found[600];

	put(webm, 0, (uint32_t)-90, BEGINS | ENDS | KEY);
	put(webm, 1, 0, BEGINS | ENDS);
	for (uint32_t hour = 1; hour <= 20; hour++)
		put(webm, (uint16_t)(1 + hour), hour * 3600 * 90000U, BEGINS | ENDS);
	CHECK_INT(dh_record_webm_close(&webm), 0);
	read_pictures("times.webm", found, sizeof(found));
	CHECK(strncmp(found, "key 0/20 1/20 3600000/20 ", 25) == 0, "%s", found);
	CHECK(strstr(found, " 72000000/20 "), "%s", found);
}

/* The file counts milliseconds; no picture has the time of the one before. */
static void test_close_times(void)
{
	struct dh_record_webm *webm = open_webm("close.webm");
	char found[200];

	put(webm, 0, 900, BEGINS | ENDS | KEY);
	put(webm, 1, 901, BEGINS | ENDS);
	put(webm, 2, 902, BEGINS | ENDS);
	put(webm, 3, 4500, BEGINS | ENDS);
	CHECK_INT(dh_record_webm_close(&webm), 0);
	read_pictures("close.webm", found, sizeof(found));
	CHECK_STR(found, "key 10/20 11/20 12/20 50/20 ");
}

/* When packets came, and what their timestamps were before they wrapped, in seconds since the beginning. A room that is
 * disabled is sent nothing. */
static const struct gap {
	const char *what;
	struct {
		int64_t came_s, at_s;
	} steps[3];
} gaps[] = {
	{ "half of what timestamps tell of pictures",
		{ { 0, 0 }, { 7 * HOUR, 7 * HOUR }, { 7 * HOUR + 1, 7 * HOUR + 1 } } },
	{ "nearly all", { { 0, 0 }, { 47700, 47700 }, { 47701, 47701 } } },
	{ "a little more", { { 0, 0 }, { 47730, 47730 }, { 47731, 47731 } } },
	{ "half of what they tell of sound", { { 0, 0 }, { 13 * HOUR, 13 * HOUR }, { 26 * HOUR, 26 * HOUR } } },
	{ "more than all", { { 0, 0 }, { 25 * HOUR, 25 * HOUR }, { 60 * HOUR, 60 * HOUR } } },
	{ "weeks", { { 0, 0 }, { 1000 * HOUR, 1000 * HOUR }, { 1000 * HOUR + 1, 1000 * HOUR + 1 } } },
	{ "a room that is disabled at first",
		{ { 8 * HOUR, 8 * HOUR }, { 8 * HOUR + 1, 8 * HOUR + 1 }, { 9 * HOUR, 9 * HOUR } } },
	{ "for a day", { { 24 * HOUR, 24 * HOUR }, { 24 * HOUR + 1, 24 * HOUR + 1 }, { 25 * HOUR, 25 * HOUR } } },
	{ "a process that was stopped", { { 0, 0 }, { 11 * HOUR, 1 }, { 11 * HOUR, 11 * HOUR } } },
	{ "a gap after packets that came late",
		{ { 600, 0 }, { 30 * HOUR, 30 * HOUR }, { 30 * HOUR + 1, 30 * HOUR + 1 } } },
};

static void test_gaps(const void *arg)
{
	const struct gap *gap = arg;
	const int64_t begun_us = INT64_C(1767225600000000);
	char pictures[200] = "", sound[200] = "", found[200];

	CHECK_AT("%s", gap->what);
	unlinkat(folder_fd, "gaps.webm", 0);
	came_us = begun_us;
	struct dh_record_webm *webm = open_webm("gaps.webm");
	for (int i = 0; i < 3; i++) {
		int64_t at_s = gap->steps[i].at_s;
		came_us = begun_us + gap->steps[i].came_s * 1000000;
		put(webm, (uint16_t)i, (uint32_t)(at_s * 90000), BEGINS | ENDS | KEY);
		put_sound(webm, (uint32_t)(at_s * 48000));
		snprintf(pictures + strlen(pictures), 50, "key %lld/20 ", (long long)at_s * 1000);
		snprintf(sound + strlen(sound), 50, "key %lld/10 ", (long long)at_s * 1000);
	}
	CHECK_INT(dh_record_webm_close(&webm), 0);
	read_pictures("gaps.webm", found, sizeof(found));
	CHECK_STR(found, pictures);
	read_media("gaps.webm", AVMEDIA_TYPE_AUDIO, found, sizeof(found));
	CHECK_STR(found, sound);
}

static void test_nothing(void)
{
	struct dh_record_webm *webm = open_webm("nothing.webm"), *again = NULL;

	CHECK_INT(dh_record_webm_open(&again, folder_fd, "nothing.webm", 0, NULL, NULL), -EEXIST);
	CHECK(!again, "made again");
	CHECK_INT(dh_record_webm_packet(webm, DH_VIDEO, 0, (const uint8_t *)"short", 5), 0);
	CHECK_INT(dh_record_webm_close(&webm), 0);
	CHECK_INT(dh_record_webm_close(&webm), 0);
}

static void test_mjr(void)
{
	struct dh_record_mjr mjr = { 0 };
	uint8_t bytes[300] = { 0 };
	static const char facts[] = "{\"t\":\"v\",\"c\":\"vp8\",\"s\":1000000,\"u\":1000000}";

	CHECK_INT(dh_record_mjr_open(&mjr, folder_fd, "a.mjr", DH_VIDEO, 1000000), 0);
	CHECK_INT(dh_record_mjr_packet(&mjr, 1258000, (const uint8_t *)"packet", 6), 0);
	CHECK_INT(dh_record_mjr_close(&mjr), 0);
	CHECK_INT(dh_record_mjr_close(&mjr), 0);
	int fd = openat(folder_fd, "a.mjr", O_RDONLY);
	ssize_t size = read(fd, bytes, sizeof(bytes));
	close(fd);
	CHECK_INT(size, 8 + 2 + (int)strlen(facts) + 10 + 6);
	CHECK_BYTES(bytes, 8, "MJR00002", 8);
	CHECK_INT(bytes[9], (int)strlen(facts));
	CHECK_BYTES(bytes + 10, strlen(facts), facts, strlen(facts));
	CHECK_BYTES(bytes + 10 + strlen(facts), 16, "MEET\0\0\1\2\0\6packet", 16);
	CHECK_INT(dh_record_mjr_open(&mjr, folder_fd, "a.mjr", DH_VIDEO, 0), -EEXIST);
}

/* What does not fit is dropped, the rest comes in order. */
static void test_queue(void)
{
	enum { SENT = 1000 };
	struct dh_record_queue *queue;
	struct dh_record_message *message;
	int sockets[2], taken = 0, last = -1;

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	CHECK_INT(dh_record_queue_alloc(&queue, sockets[1], 100 * sizeof(int)), 0);
	for (int i = 0; i < SENT; i++)
		CHECK_INT(send(sockets[0], &i, sizeof(i), 0), sizeof(i));
	close(sockets[0]);
	while ((message = dh_record_queue_take(queue))) {
		int number;
		memcpy(&number, message->bytes, sizeof(number));
		CHECK(number > last, "%d after %d", number, last);
		last = number;
		taken++;
		free(message);
	}
	CHECK(taken >= 100, "%d", taken);
	CHECK_INT(taken + (int)dh_record_queue_dropped(queue), SENT);
	close(sockets[1]);
	dh_record_queue_free(&queue);
}

static void remove_all(void)
{
	static const char *const names[] = { "parts.webm", "lost.webm", "times.webm", "close.webm", "gaps.webm",
		"nothing.webm", "a.mjr" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlinkat(folder_fd, names[i], 0);
	close(folder_fd);
	rmdir(folder);
}

static const struct check_test tests[] = {
	TEST(test_pictures_in_parts),
	TEST(test_lost_packets),
	TEST(test_times),
	TEST(test_close_times),
	TABLE(test_gaps, gaps),
	TEST(test_nothing),
	TEST(test_mjr),
	TEST(test_queue),
};

int main(int argc, char **argv)
{
	if (temp_folder_make(folder))
		return 2;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
	int code = CHECK_MAIN(argc, argv, tests);
	remove_all();
	return code;
}
