/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What packets say beside their media, how long a receiver is to hold pictures and when media are due; and that none
 * is on its way any more once its viewer is cut. */
#include "tests/support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "rooms/member.h"
#include "rooms/room_thread.h"

#define KEEP DH_DELAY_KEEP
#define END  DH_DELAY_END

static const struct dh_delay none;

/* --- what is asked for */

static void test_changes(void)
{
	static const struct {
		struct dh_delay before;
		int64_t min, max;
		struct dh_delay after;
	} rows[] = {
		{ { false, 0, 0 }, KEEP, KEEP, { false, 0, 0 } },
		{ { false, 0, 0 }, 0, KEEP, { true, 0, 0 } },
		{ { false, 0, 0 }, 400, KEEP, { true, 400, 400 } },
		{ { false, 0, 0 }, KEEP, 400, { true, 0, 400 } },
		{ { false, 0, 0 }, 100, 400, { true, 100, 400 } },
		{ { false, 0, 0 }, DH_DELAY_MAX, DH_DELAY_MAX, { true, DH_DELAY_MAX, DH_DELAY_MAX } },
		{ { true, 100, 400 }, 200, KEEP, { true, 200, 400 } },
		{ { true, 100, 400 }, 500, KEEP, { true, 500, 500 } },
		{ { true, 100, 400 }, KEEP, 50, { true, 50, 50 } },
		{ { true, 100, 400 }, KEEP, 500, { true, 100, 500 } },
		{ { true, 100, 400 }, KEEP, KEEP, { true, 100, 400 } },
		{ { true, 100, 400 }, END, 200, { false, 0, 0 } },
		{ { true, 100, 400 }, 200, END, { false, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dh_delay delay = rows[i].before;
		CHECK(dh_delay_change(&delay, rows[i].min, rows[i].max), "row %zu", i);
		CHECK(delay.is_set == rows[i].after.is_set && delay.min == rows[i].after.min &&
				delay.max == rows[i].after.max,
			"row %zu: %d, %d to %d", i, delay.is_set, delay.min, delay.max);
	}
	struct dh_delay delay = { true, 100, 400 };
	CHECK(!dh_delay_change(&delay, 300, 200));
	CHECK_INT(delay.max, 400);
}

/* What the next picture says: both steps as one number; -1: nothing. */
static int next(struct dh_viewer_delay *viewer)
{
	int steps[2];

	return dh_viewer_delay_next(viewer, steps) ? steps[0] * 10000 + steps[1] : -1;
}

/* So many pictures say what a receiver does by itself, and no further one says anything. */
static void check_ends(struct dh_viewer_delay *viewer, int pictures)
{
	for (int i = 0; i < pictures; i++)
		CHECK_INT(next(viewer), 11000);
	for (int i = 0; i < 3; i++)
		CHECK_INT(next(viewer), -1);
}

static void test_what_pictures_say(void)
{
	struct dh_viewer_delay viewer = { 0 };
	struct dh_delay delay = { true, 20, 4095 };

	dh_viewer_delay_init(&viewer, &none);
	check_ends(&viewer, 0);
	dh_viewer_delay_ask(&viewer, &delay);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(next(&viewer), 204095);
	dh_viewer_delay_get(&viewer, &delay);
	CHECK_INT(delay.is_set, 1);
	CHECK_INT(delay.min, 20);
	CHECK_INT(delay.max, 4095);
	dh_viewer_delay_ask(&viewer, &none);
	check_ends(&viewer, DH_DELAY_ENDS);
	dh_viewer_delay_get(&viewer, &delay);
	CHECK_INT(delay.is_set, 0);
	/* It was never said, so there is nothing to take back. */
	dh_viewer_delay_ask(&viewer, &(struct dh_delay){ true, 0, 0 });
	dh_viewer_delay_ask(&viewer, &none);
	check_ends(&viewer, 0);
	dh_viewer_delay_ask(&viewer, &(struct dh_delay){ true, 0, 0 });
	CHECK_INT(next(&viewer), 0);
}

/* From room to room: the first has one of its own. */
static void test_what_a_room_asks_for(void)
{
	static const struct dh_delay of_room = { true, 10, 30 }, own = { true, 5, 5 };
	struct dh_viewer_delay one = { 0 }, two = { 0 }, three = { 0 };

	dh_viewer_delay_init(&one, &of_room);
	CHECK_INT(next(&one), 100030);
	dh_viewer_delay_ask(&one, &own);
	CHECK_INT(next(&one), 50005);
	dh_viewer_delay_init(&two, &none);
	dh_viewer_delay_continue(&two, &one);
	CHECK_INT(next(&two), 50005);
	dh_viewer_delay_ask(&one, &none);
	CHECK_INT(next(&one), 100030);
	dh_viewer_delay_init(&two, &none);
	dh_viewer_delay_continue(&two, &one);
	CHECK_INT(next(&two), 11000);
	dh_viewer_delay_init(&three, &none);
	dh_viewer_delay_continue(&three, &two);
	check_ends(&three, DH_DELAY_ENDS - 1);
}

/* --- when media are due */

#define NTP(s, fraction) ((uint64_t)((s) + INT64_C(2208988800)) << 32 | (fraction))

static void test_the_wall_clock(void)
{
	static const struct {
		enum dh_media media;
		int64_t media_ms;  /* of the packet; … */
		int64_t late_ms;   /* … how long ago that was due */
		uint64_t expected; /* at 1000 s of the wall clock */
	} rows[] = {
		{ DH_AUDIO, 1000, 0, NTP(1000, 0) },
		{ DH_VIDEO, 1000, 0, NTP(1000, 0) },
		{ DH_AUDIO, 5000, 500, NTP(999, 0x80000000) },
		{ DH_VIDEO, 5000, 250, NTP(999, 0xc0000000) },
		{ DH_VIDEO, 5000, -250, NTP(1000, 0x40000000) },
		/* Timestamps have wrapped, often. */
		{ DH_AUDIO, INT64_C(86400000) * 365, 500, NTP(999, 0x80000000) },
		{ DH_VIDEO, INT64_C(86400000) * 365, 500, NTP(999, 0x80000000) },
	};
	const int64_t origin_ticks = 77 * DH_TICKS_PER_SECOND;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dh_capture_time time;
		dh_capture_time_begin(&time, origin_ticks);
		int64_t now_ticks = origin_ticks + (rows[i].media_ms + rows[i].late_ms) * DH_TICKS_PER_MS;
		uint32_t media_time = (uint32_t)(rows[i].media_ms * dh_capture_time_rate(rows[i].media) / 1000);
		uint64_t ntp = dh_capture_time_ntp(&time, rows[i].media, media_time, now_ticks, INT64_C(1000000000));
		/* a microsecond is 4295 of its smallest parts */
		CHECK(ntp - rows[i].expected + 4400 <= 8800, "row %zu: %.9f", i,
			(double)ntp / 4294967296.0 - 2208988800.0);
	}
}

/* --- packets */

static struct dh_extensions sent;

static void *handle_ref(void *handle)
{
	return handle;
}

static void handle_unref(void *handle)
{
	(void)handle;
}

static void gone(struct dh_member *member)
{
	(void)member;
}

static atomic_int begun, done, is_held; /* packets, and whether they wait in between */

static void relay(void *handle, enum dh_media media, int mindex, const uint8_t *rtp, size_t size,
	const struct dh_extensions *extensions)
{
	(void)handle;
	(void)media;
	(void)mindex;
	(void)rtp;
	(void)size;
	atomic_fetch_add(&begun, 1);
	while (atomic_load(&is_held))
		usleep(1000);
	sent = *extensions;
	atomic_fetch_add(&done, 1);
}

static const struct dh_host host = { .handle_ref = handle_ref, .handle_unref = handle_unref, .relay = relay };

static struct dh_member *member_new(const struct dh_delay *delay)
{
	struct dh_member *member = dh_member_new(&host, NULL, DH_MEMBER_VIEWER, NULL, gone);

	dh_viewer_delay_init(&member->delay, delay);
	dh_member_set_line(member, DH_VIDEO, &(struct dh_line){ true, 1, 96, 0, true });
	return member;
}

/* What is said with a packet of that media time; `first` of its picture. */
static const struct dh_extensions *relay_one(struct dh_member *member, enum dh_media media, int64_t media_ms,
	bool first)
{
	uint32_t timestamp = atomic_load(&member->rtp_start[media]) +
		(uint32_t)(media_ms * dh_capture_time_rate(media) / 1000);
	uint8_t rtp[20] = { 0x80, 96, 0, 1, (uint8_t)(timestamp >> 24), (uint8_t)(timestamp >> 16),
		(uint8_t)(timestamp >> 8), (uint8_t)timestamp, 0, 0, 0, 0, first ? 0x90 : 0x80 };

	dh_member_relay(member, media, rtp, sizeof(rtp));
	return &sent;
}

static void test_a_delay_is_in_first_packets_of_pictures(void)
{
	struct dh_member *member = member_new(&none);

	CHECK_INT(relay_one(member, DH_VIDEO, 0, true)->has_delay, 0);
	dh_viewer_delay_ask(&member->delay, &(struct dh_delay){ true, 2, 50 });
	for (int i = 1; i < 100; i++) {
		CHECK_INT(relay_one(member, DH_VIDEO, i * 40, true)->has_delay, 1);
		CHECK_INT(sent.delay[0], 2);
		CHECK_INT(sent.delay[1], 50);
		CHECK_INT(relay_one(member, DH_VIDEO, i * 40, false)->has_delay, 0);
		CHECK_INT(relay_one(member, DH_AUDIO, i * 40, true)->has_delay, 0);
		CHECK_INT((int)sent.capture_ntp, 0);
	}
	/* An answer does not take it. */
	dh_member_set_line(member, DH_VIDEO, &(struct dh_line){ true, 1, 96, 0, false });
	CHECK_INT(relay_one(member, DH_VIDEO, 4000, true)->has_delay, 0);
	dh_member_unref(&member);
}

static double us_since_1900(uint64_t ntp)
{
	return (double)(ntp >> 32) * 1e6 + (double)(uint32_t)ntp / 4294.967296;
}

/* When the room's media time 0 was, as the packet says; by clocks that are read around it. */
static void check_origin(struct dh_member *member, enum dh_media media, int64_t media_ms)
{
	int64_t real_us = g_get_real_time(), now_ticks = dh_now_ticks();
	double origin_us = us_since_1900(relay_one(member, media, media_ms, true)->capture_ntp) - 2208988800e6 -
		(double)media_ms * 1e3;
	int64_t end_ticks = dh_now_ticks(), end_us = g_get_real_time(), from_ticks = member->capture.origin_ticks;

	CHECK(origin_us > (double)real_us - (double)(end_ticks - from_ticks) / 0.72 - 100 &&
			origin_us < (double)end_us - (double)(now_ticks - from_ticks) / 0.72 + 100,
		"at %lld ms: %f", (long long)media_ms, origin_us);
}

/* Once a second, the first time with the first packet. */
static void test_times_are_said_once_a_second(void)
{
	struct dh_member *member = member_new(&none);

	dh_capture_time_begin(&member->capture, dh_now_ticks() - 1000 * DH_TICKS_PER_SECOND);
	for (int64_t ms = 995000; ms < 1005000; ms += 20) {
		for (int i = 0; i < 2; i++) {
			enum dh_media media = (enum dh_media)i;
			if (media == DH_VIDEO)
				CHECK_INT((int)relay_one(member, media, ms, false)->capture_ntp, 0);
			if (ms % 1000 == 0)
				check_origin(member, media, ms);
			CHECK(!relay_one(member, media, ms, true)->capture_ntp, "at %lld ms", (long long)ms);
		}
	}
	dh_member_unref(&member);
}

static void *relay_any(void *member)
{
	relay_one(member, DH_AUDIO, 0, true);
	return NULL;
}

static atomic_int done_when_cut = -1;

static void *cut(void *member)
{
	dh_member_cut(member);
	atomic_store(&done_when_cut, atomic_load(&done));
	return NULL;
}

/* Once a viewer is cut no packet of its is on its way to the gateway. */
static void test_cutting_waits_for_a_packet(void)
{
	struct dh_member *member = member_new(&none);
	int before = atomic_load(&done);
	pthread_t room, client;

	atomic_store(&is_held, 1);
	CHECK_INT(pthread_create(&room, NULL, relay_any, member), 0);
	while (atomic_load(&begun) == before)
		usleep(1000);
	CHECK_INT(pthread_create(&client, NULL, cut, member), 0);
	usleep(50000);
	CHECK_INT(atomic_load(&done_when_cut), -1);
	atomic_store(&is_held, 0);
	pthread_join(client, NULL);
	pthread_join(room, NULL);
	CHECK_INT(atomic_load(&done_when_cut), before + 1);
	relay_any(member);
	CHECK_INT(atomic_load(&begun), before + 1);
	dh_member_unref(&member);
}

static const struct check_test tests[] = {
	TEST(test_changes),
	TEST(test_what_pictures_say),
	TEST(test_what_a_room_asks_for),
	TEST(test_the_wall_clock),
	TEST(test_a_delay_is_in_first_packets_of_pictures),
	TEST(test_times_are_said_once_a_second),
	TEST(test_cutting_waits_for_a_packet),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
