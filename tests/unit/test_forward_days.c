/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A forward under a fake clock, for twenty-four hours, with a network that writes everything down: RTP timestamps of
 * both media begin again, and sequence numbers several times, and nothing drifts, jumps or is missing. Sender
 * reports agree with the timestamps all the time, and key frames come as often as they should. So that it takes less
 * time, the room is disabled for most of each hour in which no timestamps begin again. */
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rooms/rtp_forward.h"
#include "tests/support/playout_rig.h"

#define HOURS          24
#define HOUR_TICKS     (3600 * DH_TICKS_PER_SECOND)
#define LATE_MS        4 /* how late the thread may wake */
#define KEYFRAME_MS    5000
#define ENTRY_MS       2000 /* of the idle clip */
#define SSRC           1000
#define NTP_ORIGIN_US  ((int64_t)1893456000 * 1000000) /* 2030 */
#define NTP_EPOCH_S    2208988800
#define IS_KEY(packet) ((packet)[18] == 'K')

/* What is known of a medium's timestamps: the newest, and how much of media time that is, in its clock. */
struct line {
	uint32_t timestamp;
	int64_t clock;
	int wraps;
};

static const int64_t start = 1000 * DH_TICKS_PER_SECOND + 4711;
static struct dh_playout *playout;
static struct dh_rtp_forward *forward;
static atomic_int count;
static int64_t now_ticks;
static struct received {
	struct line rtp, reports;
	uint16_t sequence;
	int packets, wraps, reported;
	int64_t key_ticks; /* media time of the newest key frame */
	int keys;
	bool rests; /* it was disabled since */
	uint64_t ntp;
} received[2];

static int64_t clock_ticks(enum dh_media media)
{
	return media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
}

static uint32_t read_32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* As a receiver does: the next one is the nearest. Returns the media time. */
static int64_t follow(struct line *line, uint32_t timestamp, enum dh_media media)
{
	int32_t more = (int32_t)(timestamp - line->timestamp);

	line->wraps += more > 0 && timestamp < line->timestamp;
	line->clock += more;
	line->timestamp = timestamp;
	return line->clock * clock_ticks(media);
}

/* --- the network */

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);

static void take_key(struct received *r, int64_t media_ticks)
{
	if (r->keys && !r->rests) {
		CHECK(media_ticks - r->key_ticks >= KEYFRAME_MS * MS - 2 * MS, "key frame %d is early", r->keys);
		CHECK(media_ticks - r->key_ticks <= (KEYFRAME_MS + ENTRY_MS) * MS, "key frame %d is late", r->keys);
	}
	r->key_ticks = media_ticks;
	r->keys++;
	r->rests = false;
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	enum dh_media media = fd == forward->streams[DH_VIDEO].socket ? DH_VIDEO : DH_AUDIO;
	struct received *r = &received[media];
	const uint8_t *packet = data;
	uint16_t sequence = (uint16_t)(packet[2] << 8 | packet[3]);
	bool is_new = read_32(packet + 4) != r->rtp.timestamp;
	int64_t media_ticks = follow(&r->rtp, read_32(packet + 4), media);
	int64_t late_ticks = now_ticks - start - media_ticks;

	(void)flags;
	CHECK(!r->packets || sequence == (uint16_t)(r->sequence + 1), "%d packets: gap", r->packets);
	CHECK(late_ticks >= 0 && late_ticks <= (LATE_MS + 2) * MS, "%d packets: %lld ticks late", r->packets,
		(long long)late_ticks);
	r->wraps += r->packets && sequence < r->sequence;
	r->sequence = sequence;
	r->packets++;
	if (media == DH_VIDEO && is_new && IS_KEY(packet))
		take_key(r, media_ticks);
	return (ssize_t)size;
}

/* A report says of the media time and of the wall clock the same. */
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
	enum dh_media media = fd == forward->streams[DH_VIDEO].rtcp_socket ? DH_VIDEO : DH_AUDIO;
	struct received *r = &received[media];
	const uint8_t *packet = data;

	(void)flags;
	(void)to;
	(void)to_size;
	if (packet[1] != 200) /* the end */
		return (ssize_t)size;
	int64_t media_ticks = follow(&r->reports, read_32(packet + 16), media);
	double wall_ms = ((double)read_32(packet + 8) - NTP_EPOCH_S - NTP_ORIGIN_US / 1000000) * 1e3 +
		(double)read_32(packet + 12) / 4294967296.0 * 1e3;
	double media_wall_ms = (double)media_ticks / MS + (double)start / MS;
	CHECK(wall_ms - media_wall_ms >= -0.01 && wall_ms - media_wall_ms <= 0.03, "report %d: %f ms apart",
		r->reported, wall_ms - media_wall_ms);
	r->ntp = (uint64_t)read_32(packet + 8) << 32 | read_32(packet + 12);
	CHECK(media != DH_VIDEO || r->ntp == received[DH_AUDIO].ntp);
	CHECK_INT(read_32(packet + 20), (uint32_t)r->packets);
	r->reported++;
	return (ssize_t)size;
}

/* --- the room */

static void on_packet(void *arg, void *user, enum dh_media media, const uint8_t *rtp, size_t size)
{
	(void)arg;
	dh_rtp_forward_send(user, media, rtp, size);
}

static void on_event(void *arg, const struct dh_playout_event *event)
{
	(void)arg;
	(void)event;
}

static void open_forward(void)
{
	const struct dh_rtp_forward_config config = { .host = "127.0.0.1",
		.targets = { [DH_AUDIO] = { 9, 9, SSRC, 111 }, [DH_VIDEO] = { 9, 9, SSRC + 1, 96 } },
		.keyframe_ms = KEYFRAME_MS };
	const struct dh_viewer_way way = { .ptime = DH_PTIME_MIN };

	atomic_store(&count, 1);
	CHECK_INT(dh_rtp_forward_alloc(&forward, &config, &count), 0);
	/* Both media's timestamps begin again: the picture's within a minute, and 13.3 hours later; the sound's after
	 * 20.1 hours. */
	forward->seed.first_timestamp[DH_VIDEO] = (uint32_t)(0 - 60 * 90000);
	forward->seed.first_timestamp[DH_AUDIO] = (uint32_t)(0 - (int64_t)201 * 360 * 48000);
	forward->seed.first_sequence[DH_VIDEO] = forward->seed.first_sequence[DH_AUDIO] = 65000;
	forward->ntp_origin_us = NTP_ORIGIN_US;
	memset(received, 0, sizeof received);
	for (int media = 0; media < 2; media++) {
		received[media].rtp.timestamp = forward->seed.first_timestamp[media];
		received[media].reports.timestamp = forward->seed.first_timestamp[media];
	}
	CHECK_INT(dh_playout_add_viewer(playout, &forward->seed, &way, forward, &forward->viewer), 0);
	dh_playout_viewer_keyframes(forward->viewer, KEYFRAME_MS * MS);
}

static void open_room(void)
{
	static const struct dh_playout_sink sink = { .packet = on_packet, .event = on_event };
	static const struct rig_segment idle = { "idle", 'i', 'i', 10000, 2, 1, ENTRY_MS / 500, 0, -1 };
	struct dh_playout_config config;

	now_ticks = start;
	dh_playout_config_init(&config);
	CHECK_INT(dh_playout_alloc(&playout, &config, &sink, NULL, start), 0);
	CHECK_INT(dh_playout_set_idle(playout, rig_segment(&idle)), 0);
	open_forward();
}

/* The room's thread: it wakes when something is due, or a little later. */
static void run_until(int64_t until_ticks)
{
	static uint32_t chance = 1;

	while (now_ticks < until_ticks) {
		int64_t due_ticks = MIN(dh_playout_deadline_ticks(playout), forward->report_ticks);
		chance = chance * 1664525 + 1013904223;
		now_ticks = MAX(now_ticks, due_ticks) + (int64_t)(chance >> 16) * LATE_MS * MS / 65536;
		dh_playout_poll(playout, now_ticks);
		dh_rtp_forward_report(forward, now_ticks, dh_playout_media_ticks(playout, now_ticks));
	}
}

/* Disabled: its thread wakes a few times a second, as on a machine that is very busy. */
static void rest_until(int64_t until_ticks)
{
	dh_playout_viewer_pause(playout, forward->viewer, true);
	for (; now_ticks < until_ticks - DH_TICKS_PER_SECOND; now_ticks += 140 * MS) {
		dh_playout_poll(playout, now_ticks);
		dh_rtp_forward_report(forward, now_ticks, dh_playout_media_ticks(playout, now_ticks));
	}
	run_until(until_ticks);
	dh_playout_viewer_pause(playout, forward->viewer, false);
	received[DH_VIDEO].rests = true;
}

static void test_a_day(void)
{
	open_room();
	for (int hour = 0; hour < HOURS; hour++) {
		char id[16];
		const struct rig_segment speech = { id, 's', 'i', 20000, 25, 1, 10, 20000, -1 };
		snprintf(id, sizeof id, "s-%d", hour);
		CHECK_INT(dh_playout_enqueue(playout, rig_segment(&speech)), 0);
		if (hour == 0 || hour == 13 || hour == 20) /* something begins again */
			run_until(start + hour * HOUR_TICKS + HOUR_TICKS / 3);
		run_until(start + hour * HOUR_TICKS + HOUR_TICKS / 20);
		rest_until(start + (hour + 1) * HOUR_TICKS);
	}
	CHECK_INT(received[DH_VIDEO].rtp.wraps, 2);
	CHECK_INT(received[DH_AUDIO].rtp.wraps, 1);
	CHECK_INT(received[DH_VIDEO].reports.wraps, 2);
	CHECK_INT(received[DH_AUDIO].reports.wraps, 1);
	CHECK(received[DH_VIDEO].wraps && received[DH_AUDIO].wraps, "%d, %d", received[DH_VIDEO].wraps,
		received[DH_AUDIO].wraps);
	CHECK(received[DH_VIDEO].keys > HOURS * 180 / 8, "%d", received[DH_VIDEO].keys);
	for (int media = 0; media < 2; media++)
		CHECK(received[media].reported > HOURS * 1700, "%d", received[media].reported);
	dh_playout_remove_viewer(playout, &forward->viewer);
	dh_rtp_forward_free(&forward);
	dh_playout_free(&playout);
}

static const struct check_test tests[] = {
	TEST(test_a_day),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
