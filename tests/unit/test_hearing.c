/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Voice, noise, silence and echoes as levels, under a fake clock. What real speech does in a real room is in
 * tests/tools/test_hearing.py.
 */
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#include "playout/hearing.h"

#define MS      DH_TICKS_PER_MS
#define LASTING 300

/* A microphone, and a sender of packets into it. */
struct mic {
	struct dh_hearing hearing;
	struct dh_sent sent;
	int64_t now;
	uint16_t sequence;
	uint32_t timestamp;
	unsigned seed;
	int speaking, lasting, silent; /* how often each was reported */
	int64_t spoke_at, lasted_at;   /* when, the first time */
};

static void open_mic(struct mic *mic)
{
	memset(mic, 0, sizeof(*mic));
	dh_hearing_init(&mic->hearing);
	mic->now = 5000000 * MS;
	mic->sequence = 65500;
	mic->timestamp = UINT32_MAX - 9600;
	mic->seed = 1;
}

static void note(struct mic *mic, enum dh_hearing_change change)
{
	if (change == DH_HEARING_SPEAKING && !mic->speaking++)
		mic->spoke_at = mic->now;
	if (change == DH_HEARING_LASTING && !mic->lasting++)
		mic->lasted_at = mic->now;
	mic->silent += change == DH_HEARING_SILENT;
}

/* A random number of -range to range. */
static int around(struct mic *mic, int range)
{
	mic->seed = mic->seed * 1103515245 + 12345;
	return (int)(mic->seed >> 16) % (2 * range + 1) - range;
}

static void send(struct mic *mic, int level)
{
	static const uint8_t opus[] = { 0xf8, 1, 2, 3 };
	const struct dh_heard_packet packet = { mic->sequence++, mic->timestamp, level, opus, sizeof opus };

	mic->timestamp += 960;
	mic->now += 20 * MS;
	note(mic, dh_hearing_packet(&mic->hearing, &packet, &mic->sent, LASTING * MS, mic->now));
}

static void hear(struct mic *mic, int frames, int level, int range)
{
	for (int i = 0; i < frames; i++)
		send(mic, level + around(mic, range));
}

/* Packets that are lost: time and numbers go on. */
static void lose(struct mic *mic, int frames)
{
	mic->sequence = (uint16_t)(mic->sequence + frames);
	mic->timestamp += (uint32_t)(960 * frames);
	mic->now += frames * 20 * MS;
}

/* The sender has nothing to say: numbers do not go on. */
static void pause_sending(struct mic *mic, int frames)
{
	mic->timestamp += (uint32_t)(960 * frames);
	mic->now += frames * 20 * MS;
}

/* --- noise and voice */

struct row {
	const char *name;
	int noise, noise_range, voice, voice_range;
	bool is_heard;
};

static const struct row rows[] = {
	{ "a quiet room", -65, 1, -25, 6, true },
	{ "digital silence", -127, 0, -30, 6, true },
	{ "a quiet voice", -75, 1, -50, 5, true },
	{ "ten decibels above noise", -40, 1, -30, 5, true },
	{ "noise that fluctuates", -45, 3, -25, 6, true },
	{ "a voice within the noise", -40, 2, -39, 2, false },
	{ "quieter than any voice", -80, 1, -65, 2, false },
	{ "a loud machine", -15, 1, -15, 1, false },
};

static void test_voices(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mic mic;
		CHECK_AT("%s", rows[i].name);
		open_mic(&mic);
		hear(&mic, 250, rows[i].noise, rows[i].noise_range);
		CHECK_INT(mic.lasting, 0);
		mic.speaking = mic.silent = 0;
		int64_t begun = mic.now;
		hear(&mic, 40, rows[i].voice, rows[i].voice_range);
		CHECK_INT(mic.speaking, rows[i].is_heard);
		CHECK_INT(mic.lasting > 0, rows[i].is_heard);
		if (rows[i].is_heard) {
			CHECK(mic.spoke_at - begun <= 120 * MS, "heard after %d ms",
				(int)((mic.spoke_at - begun) / MS));
			CHECK(mic.lasted_at - begun >= (LASTING - 40) * MS &&
					mic.lasted_at - begun <= (LASTING + 80) * MS,
				"%d ms", (int)((mic.lasted_at - begun) / MS));
		}
		hear(&mic, 60, rows[i].noise, rows[i].noise_range);
		CHECK_INT(mic.silent, rows[i].is_heard);
	}
}

static void test_long_noise(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 30000, -50, 2);
	CHECK_INT(mic.speaking, 0);
}

/* A machine is switched on: noise, from then on; a voice above it is heard. */
static void test_steps(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, -60, 1);
	hear(&mic, 200, -35, 1);
	CHECK_INT(mic.lasting, 0);
	CHECK_INT(mic.silent, mic.speaking);
	hear(&mic, 40, -20, 6);
	CHECK(mic.lasting > 0, "not heard above the machine");
	hear(&mic, 60, -35, 1);
	hear(&mic, 200, -60, 1);
	int before = mic.lasting;
	hear(&mic, 40, -40, 6);
	CHECK(mic.lasting > before, "not heard after the machine");
}

static void test_clicks(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, -60, 1);
	for (int i = 0; i < 20; i++) {
		hear(&mic, 2, -20, 3);
		hear(&mic, 5 + i, -60, 1);
	}
	CHECK_INT(mic.lasting, 0);
	CHECK_INT(mic.speaking, 0);
}

/* One pause within a sentence is no end. */
static void test_pauses(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, -60, 1);
	for (int i = 0; i < 5; i++) {
		hear(&mic, 12, -25, 5);
		hear(&mic, 15, -60, 1);
	}
	CHECK_INT(mic.speaking, 1);
	CHECK_INT(mic.silent, 0);
	CHECK(mic.lasting > 1, "%d", mic.lasting);
}

/* --- packets */

static void test_lost_packets(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, -60, 1);
	for (int i = 0; i < 10; i++) {
		hear(&mic, 3, -25, 5);
		lose(&mic, 2);
	}
	CHECK_INT(mic.speaking, 1);
	CHECK(mic.lasting > 0, "loss ends a voice");
	hear(&mic, 1, -60, 1);
	CHECK_INT(mic.hearing.lost, 20);
	lose(&mic, 500);
	hear(&mic, 100, -60, 1);
	CHECK_INT(mic.silent, 1);
}

static void test_dtx(void)
{
	struct mic mic;

	open_mic(&mic);
	for (int i = 0; i < 10; i++) {
		hear(&mic, 1, -70, 1);
		pause_sending(&mic, 19);
	}
	CHECK_INT(mic.speaking, 0);
	hear(&mic, 30, -25, 5);
	CHECK_INT(mic.speaking, 1);
	CHECK(mic.lasting > 0, "not heard after silence");
	hear(&mic, 1, -70, 1);
	CHECK(dh_hearing_deadline_ticks(&mic.hearing) > mic.now, "a deadline that is over");
	mic.now = dh_hearing_deadline_ticks(&mic.hearing);
	note(&mic, dh_hearing_poll(&mic.hearing, mic.now - 1));
	CHECK_INT(mic.silent, 0);
	note(&mic, dh_hearing_poll(&mic.hearing, mic.now));
	CHECK_INT(mic.silent, 1);
	CHECK(dh_hearing_deadline_ticks(&mic.hearing) == INT64_MAX, "a deadline in silence");
}

/* Packets stop amid a voice, and go on in silence: that is no new voice. */
static void test_it_stops_and_goes_on(void)
{
	for (int is_polled = 0; is_polled < 2; is_polled++) {
		struct mic mic;
		open_mic(&mic);
		hear(&mic, 100, -60, 1);
		hear(&mic, 30, -25, 5);
		if (is_polled)
			note(&mic, dh_hearing_poll(&mic.hearing, mic.now + 2000 * MS));
		lose(&mic, 100);
		hear(&mic, 100, -60, 1);
		CHECK_INT(mic.speaking, 1);
		CHECK_INT(mic.silent, 1);
	}
}

static void test_late_and_repeated(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, -60, 1);
	for (int i = 0; i < 100; i++) {
		mic.sequence -= 2;
		mic.timestamp -= 1920;
		send(&mic, -20 + around(&mic, 5));
		mic.sequence += 1;
		mic.timestamp += 960;
	}
	CHECK_INT(mic.hearing.late, 100);
	CHECK_INT(mic.speaking, 0);
}

static void test_without_levels(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, 1, 0);
	CHECK_INT(mic.speaking, 0);
	CHECK_INT(mic.hearing.without_level, 100);
}

/* Packets that were late for a while make a voice neither longer nor shorter. */
static void test_late_ones_change_no_length(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 100, -60, 1);
	mic.now += 2 * MS;
	hear(&mic, 90, -60, 1);
	int64_t begun = mic.now;
	hear(&mic, LASTING / 20 - 1, -25, 5);
	mic.now -= 2 * MS;
	hear(&mic, 5, -25, 5);
	CHECK_INT((mic.lasted_at - begun) / MS, LASTING - 2);
}

/* Times from nowhere crash nothing, and do not last. */
static void test_any_packets(void)
{
	struct mic mic;
	uint8_t opus[3];

	open_mic(&mic);
	for (int i = 0; i < 20000; i++) {
		struct dh_heard_packet packet = { (uint16_t)(mic.sequence + around(&mic, 1000)),
			mic.timestamp + (uint32_t)around(&mic, 1000) * 4000000u, -64 + around(&mic, 65), opus,
			(size_t)(1 + (i % 3)) };
		for (int k = 0; k < 3; k++)
			opus[k] = (uint8_t)around(&mic, 255);
		mic.sequence = packet.sequence;
		mic.timestamp = packet.timestamp;
		mic.now += 5 * MS;
		note(&mic, dh_hearing_packet(&mic.hearing, &packet, &mic.sent, LASTING * MS, mic.now));
	}
	hear(&mic, 200, -60, 1);
	int before = mic.lasting;
	hear(&mic, 40, -25, 5);
	CHECK(mic.lasting > before, "deaf after that");
}

static void test_opus_lengths(void)
{
	static const struct {
		uint8_t bytes[2];
		int ms;
	} packets[] = { { { 0x78, 0 }, 20 }, { { 0xf8, 0 }, 20 }, { { 0x18, 0 }, 60 }, { { 0x10, 0 }, 40 },
		{ { 0x19, 0 }, 120 }, { { 0x03, 3 }, 30 }, { { 0x1b, 3 }, 0 }, { { 0xf9, 0 }, 40 },
		{ { 0x03, 0 }, 0 } };

	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++)
		CHECK_INT(dh_opus_ticks(packets[i].bytes, 2), packets[i].ms * MS);
	CHECK_INT(dh_opus_ticks(packets[0].bytes, 0), 0);
	CHECK_INT(dh_opus_ticks(packets[5].bytes, 1), 0);
}

/* --- echoes */

/* The avatar speaks for `frames`: syllables and pauses; what it sends comes back `lag` frames later at `gain`. The
 * viewer speaks at `voice` from frame `from` on (0: never). */
static void echo(struct mic *mic, int frames, int lag, int gain, int voice, int from)
{
	int sent[4096], level = -20;

	for (int i = 0; i < frames; i++) {
		if (i % 7 == 0)
			level = abs(around(mic, 3)) == 3 ? -70 : -20 + around(mic, 8);
		sent[i] = level;
		dh_sent_put(&mic->sent, level, mic->now);
		int heard = i >= lag ? sent[i - lag] + gain + around(mic, 1) : -70;
		if (from && i >= from)
			heard = abs(heard) < abs(voice) ? heard : voice + around(mic, 5);
		send(mic, heard < -60 ? -60 : heard);
	}
}

static void test_echoes(void)
{
	for (int gain = 0; gain >= -20; gain -= 10) {
		for (int lag = 1; lag <= 25; lag += 4) {
			struct mic mic;
			CHECK_AT("%d dB, %d ms", gain, 20 * lag);
			open_mic(&mic);
			hear(&mic, 60, -60, 1);
			echo(&mic, 3000, lag, gain, 0, 0);
			CHECK_INT(mic.lasting, 0);
			echo(&mic, 400, lag, gain, -12 + gain, 300);
			CHECK(mic.lasting > 0, "a viewer is not heard above the echo");
		}
	}
}

/* It begins in silence, and a loudspeaker is turned up later. */
static void test_a_loudspeaker_is_turned_up(void)
{
	struct mic mic;

	open_mic(&mic);
	hear(&mic, 60, -60, 1);
	echo(&mic, 1000, 10, -60, 0, 0);
	echo(&mic, 1000, 10, -10, 0, 0);
	CHECK_INT(mic.lasting, 0);
}

/* The viewer's packets take longer from now on, but not its loudspeaker. */
static void test_the_way_becomes_longer(void)
{
	for (int more = 100; more <= 900; more += 200) {
		struct mic mic;
		CHECK_AT("%d ms", more);
		open_mic(&mic);
		hear(&mic, 60, -60, 1);
		echo(&mic, 500, 4, -10, 0, 0);
		CHECK_INT(mic.lasting, 0);
		mic.now += more * MS;
		echo(&mic, 1000, 4, -10, 0, 0);
		mic.lasting = 0;
		echo(&mic, 1000, 4, -10, 0, 0);
		CHECK_INT(mic.lasting, 0);
		echo(&mic, 100, 4, -10, -22, 60);
		CHECK(mic.lasting > 0, "a viewer is not heard above the echo");
	}
}

static const struct check_test tests[] = {
	TEST(test_voices),
	TEST(test_long_noise),
	TEST(test_steps),
	TEST(test_clicks),
	TEST(test_pauses),
	TEST(test_lost_packets),
	TEST(test_dtx),
	TEST(test_it_stops_and_goes_on),
	TEST(test_late_and_repeated),
	TEST(test_without_levels),
	TEST(test_late_ones_change_no_length),
	TEST(test_any_packets),
	TEST(test_opus_lengths),
	TEST(test_echoes),
	TEST(test_a_loudspeaker_is_turned_up),
	TEST(test_the_way_becomes_longer),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
