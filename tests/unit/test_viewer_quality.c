/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which quality a viewer is to be sent: as it asks, or as its RTCP says. */
#include "tests/support/check.h"

#include <string.h>

#include "rooms/viewer_quality.h"

static const struct dh_avatar_config three = { .kbps = 800, .kbps_2 = 350, .kbps_3 = 150, .entry_ms = 500 },
				     two = { .kbps = 800, .kbps_2 = 200, .entry_ms = 500 },
				     one = { .kbps = 800, .entry_ms = 500 },
				     layers = { .kbps = 800, .kbps_2 = 200, .entry_ms = 500, .temporal = 1 };

static struct dh_viewer_quality quality;
static struct dh_receiver receiver;
static int64_t now;
static int lost, highest;

static void begin(const struct dh_avatar_config *avatar)
{
	memset(&quality, 0, sizeof(quality));
	memset(&receiver, 0, sizeof(receiver));
	now = 1000 * DH_TICKS_PER_SECOND;
	dh_viewer_quality_init(&quality, avatar, now);
}

static int wanted(void)
{
	return atomic_load(&quality.wanted);
}

static bool ask(struct dh_viewer_quality *of, int asked, int temporal)
{
	return dh_viewer_quality_ask(of, &(struct dh_quality_asked){ asked, temporal }, now);
}

/* A second of so many bits, and RTCP as it comes from a browser: a report on pictures. */
static bool report(int kbps, int lost_percent)
{
	lost += lost_percent;
	highest += 100;
	uint8_t rr[32] = { 0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, (uint8_t)(lost >> 8), (uint8_t)lost, 0, 0,
		(uint8_t)(highest >> 8), (uint8_t)highest };

	now += DH_TICKS_PER_SECOND;
	for (int i = 0; i < 10; i++)
		dh_viewer_quality_sent(&quality, (size_t)kbps * 1000 / 80);
	dh_receiver_hear(&receiver, DH_VIDEO, rr, sizeof(rr), 0);
	return dh_viewer_quality_hear(&quality, &receiver, rr, sizeof(rr), now);
}

static bool remb(int kbps)
{
	uint8_t psfb[20] = { 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0x28, (uint8_t)(kbps >> 8),
		(uint8_t)kbps }; /* in units of 1024 bit/s */

	return dh_viewer_quality_hear(&quality, &receiver, psfb, sizeof(psfb), now);
}

static const char *described(void)
{
	static char text[200];
	json_t *json = json_object();

	dh_viewer_quality_describe(&quality, json);
	json_dumpb(json, text, sizeof(text), JSON_COMPACT);
	text[json_dumpb(json, NULL, 0, JSON_COMPACT)] = '\0';
	json_decref(json);
	return text;
}

static void test_by_itself(void)
{
	begin(&three);
	CHECK_STR(described(), "{\"quality\":\"auto\"}");
	for (int i = 0; i < 5; i++)
		CHECK(!report(800, 0));
	CHECK(report(800, 70));
	CHECK_INT(wanted(), 2);
	for (int i = 0; i < 19; i++)
		CHECK(!report(150, 0));
	CHECK(report(150, 0));
	CHECK_INT(wanted(), 1);
	CHECK(report(350, 20));
	CHECK_INT(wanted(), 2);
	dh_viewer_quality_clear(&quality);
}

/* The same report is not heard twice because something else comes. */
static void test_estimates(void)
{
	begin(&three);
	for (int i = 0; i < 5; i++)
		report(800, 0);
	CHECK(!remb(900));
	CHECK(!remb(850));
	CHECK_INT((int)quality.reports, 5);
	CHECK(remb(200));
	CHECK_INT(wanted(), 2);
	CHECK_INT(atomic_load(&quality.remb_kbps), 204);
	dh_viewer_quality_clear(&quality);
}

static void test_slow_link(void)
{
	begin(&two);
	for (int i = 0; i < 5; i++)
		report(800, 0);
	CHECK(dh_viewer_quality_slow_link(&quality, now));
	CHECK_INT(wanted(), 1);
	dh_viewer_quality_clear(&quality);
}

/* What is asked for stays, whatever comes; then it goes on from there. */
static void test_asked_for(void)
{
	begin(&three);
	CHECK(ask(&quality, 1, DH_QUALITY_AUTO));
	CHECK(!ask(&quality, 1, DH_QUALITY_AUTO));
	CHECK_STR(described(), "{\"quality\":1}");
	for (int i = 0; i < 20; i++) {
		CHECK(!report(350, i % 2 * 60));
		CHECK(!remb(300 - 10 * i));
		CHECK(!dh_viewer_quality_slow_link(&quality, now));
	}
	CHECK_INT(wanted(), 1);
	CHECK(!ask(&quality, DH_QUALITY_AUTO, DH_QUALITY_AUTO));
	CHECK_INT(wanted(), 1);
	CHECK(!report(350, 0));
	CHECK(report(350, 0)); /* the first trial: nothing has gone wrong yet */
	CHECK_INT(wanted(), 0);
	dh_viewer_quality_clear(&quality);
}

static void test_more_than_there_are(void)
{
	begin(&two);
	ask(&quality, 2, DH_QUALITY_AUTO);
	CHECK_INT(wanted(), 2); /* the playout takes the lowest */
	ask(&quality, DH_QUALITY_AUTO, DH_QUALITY_AUTO);
	CHECK_INT(wanted(), 1);
	dh_viewer_quality_clear(&quality);
}

static void test_into_another_room(void)
{
	struct dh_viewer_quality before;

	begin(&three);
	for (int i = 0; i < 5; i++)
		report(800, 0);
	report(800, 90);
	CHECK_INT(wanted(), 2);
	before = quality;
	begin(&two);
	dh_viewer_quality_continue(&quality, &before, now);
	CHECK_INT(wanted(), 1);
	CHECK_STR(described(), "{\"quality\":\"auto\"}");
	ask(&before, 0, DH_QUALITY_AUTO);
	dh_viewer_quality_continue(&quality, &before, now);
	CHECK_INT(wanted(), 0);
	CHECK_STR(described(), "{\"quality\":0}");
	dh_viewer_quality_clear(&quality);
}

/* Where there is no choice, nothing is counted, decided or said. */
static void test_one_quality(void)
{
	begin(&one);
	for (int i = 0; i < 20; i++) {
		CHECK(!report(800, 50));
		CHECK(!remb(300 - 10 * i));
		CHECK(!dh_viewer_quality_slow_link(&quality, now));
	}
	CHECK_INT((int)atomic_load(&quality.video_bytes), 0);
	CHECK_STR(described(), "{}");
	dh_viewer_quality_clear(&quality);
}

/* Below the lowest quality, unless somebody has asked for something else. */
static void test_temporal_layers(void)
{
	begin(&layers);
	CHECK_STR(described(), "{\"quality\":\"auto\",\"temporal\":\"auto\"}");
	for (int i = 0; i < 5; i++)
		report(800, 0);
	CHECK(report(800, 90));
	CHECK_INT(wanted(), 1);
	CHECK_INT(atomic_load(&quality.thin), 1);
	CHECK(ask(&quality, DH_QUALITY_AUTO, 1));
	CHECK_INT(wanted(), 1);
	CHECK_INT(atomic_load(&quality.thin), 0);
	for (int i = 0; i < 20; i++)
		report(200, 50);
	CHECK_INT(atomic_load(&quality.thin), 0);
	CHECK(ask(&quality, 0, 0));
	CHECK_INT(wanted(), 0);
	CHECK_INT(atomic_load(&quality.thin), 1);
	CHECK_STR(described(), "{\"quality\":0,\"temporal\":0}");
	CHECK(ask(&quality, 0, DH_QUALITY_AUTO));
	CHECK_INT(atomic_load(&quality.thin), 0);
	dh_viewer_quality_clear(&quality);
}

static const struct check_test tests[] = {
	TEST(test_by_itself),
	TEST(test_estimates),
	TEST(test_slow_link),
	TEST(test_asked_for),
	TEST(test_more_than_there_are),
	TEST(test_into_another_room),
	TEST(test_one_quality),
	TEST(test_temporal_layers),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
