/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer's sound as dh-listen hands it on, and what the room sent meanwhile, whatever the network does; under a fake
 * clock. What is decoded here from the same packets says what has to come. */
#include "tests/support/check.h"

#include <math.h>
#include <opus.h>
#include <stdlib.h>

#include "prepare/listen_ear.h"

#define MS         DH_TICKS_PER_MS
#define BEGUN      (2000 * MS) /* the clock at the sender's first sample, without the network */
#define SLOTS      600
#define FRAMES_MAX 1000
#define PACKET_MAX 1500

/* One direction: an encoder, and a decoder that says what comes of its packets. */
struct voice {
	OpusEncoder *encoder;
	OpusDecoder *decoder;
	uint16_t sequence;
	uint32_t timestamp;
	int64_t sample; /* 48 kHz */
};

struct heard {
	int64_t at_ticks;
	int16_t samples[DH_EAR_FRAME], reference[DH_EAR_FRAME];
};

struct rig {
	struct dh_reference *reference;
	struct dh_ear *ear;
	struct voice room, viewer;
	int64_t room_slot; /* the next one that the room sends */
	int16_t sent[SLOTS][DH_EAR_FRAME];
	int16_t said[FRAMES_MAX * DH_EAR_FRAME];
	int said_samples;
	struct heard heard[FRAMES_MAX];
	int frames, begun, ended;
	int64_t begun_ticks;
};

static void on_begin(void *arg, uint32_t viewer, int64_t at_ticks)
{
	struct rig *rig = arg;

	CHECK_INT(viewer, 7);
	rig->begun++;
	rig->begun_ticks = at_ticks;
}

static void on_frame(void *arg, uint32_t viewer, int64_t at_ticks, const int16_t *samples, const int16_t *reference)
{
	struct rig *rig = arg;
	struct heard *heard = &rig->heard[rig->frames++];

	CHECK_INT(viewer, 7);
	CHECK(rig->frames < FRAMES_MAX, "too many frames");
	heard->at_ticks = at_ticks;
	memcpy(heard->samples, samples, sizeof(heard->samples));
	memcpy(heard->reference, reference, sizeof(heard->reference));
}

static void on_end(void *arg, uint32_t viewer, int64_t at_ticks)
{
	struct rig *rig = arg;

	CHECK_INT(viewer, 7);
	CHECK(at_ticks > 0, "it ends at no time");
	rig->ended++;
}

static void open_voice(struct voice *voice)
{
	int err;

	voice->encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &err);
	voice->decoder = opus_decoder_create(DH_EAR_RATE, 1, &err);
}

static void close_voice(struct voice *voice)
{
	opus_encoder_destroy(voice->encoder);
	opus_decoder_destroy(voice->decoder);
}

static struct rig *open_rig(bool all)
{
	static const struct dh_ear_sink sink = { on_begin, on_frame, on_end };
	struct rig *rig = calloc(1, sizeof(*rig));

	open_voice(&rig->room);
	open_voice(&rig->viewer);
	rig->viewer.sequence = 65500;
	rig->viewer.timestamp = UINT32_MAX - 4800;
	rig->room.timestamp = 12345;
	rig->room_slot = BEGUN / DH_SLOT_TICKS - 5;
	rig->reference = dh_reference_new();
	rig->ear = dh_ear_new(7, rig->reference, all, &sink, rig);
	return rig;
}

static void close_rig(struct rig **rig)
{
	dh_ear_free(&(*rig)->ear);
	dh_reference_free(&(*rig)->reference);
	close_voice(&(*rig)->room);
	close_voice(&(*rig)->viewer);
	free(*rig);
	*rig = NULL;
}

/* --- packets */

/* A gliding tone of at most `loud`, which no two frames have in common, and syllables. */
static void make_sound(struct voice *voice, int count, int loud, int16_t *samples)
{
	for (int i = 0; i < count; i++) {
		double s = (double)voice->sample++ / 48000;
		samples[i] = (int16_t)(loud * (0.6 + 0.4 * sin(25 * s)) * sin(2000 * s + 150 * s * s));
	}
}

static int write_rtp(struct voice *voice, const uint8_t *payload, int size, uint8_t *rtp)
{
	const uint8_t header[12] = { 0x80, 111, (uint8_t)(voice->sequence >> 8), (uint8_t)voice->sequence,
		(uint8_t)(voice->timestamp >> 24), (uint8_t)(voice->timestamp >> 16), (uint8_t)(voice->timestamp >> 8),
		(uint8_t)voice->timestamp, 0, 0, 0, 7 };

	CHECK(size > 0 && size + 12 <= PACKET_MAX, "a packet of %d bytes", size);
	memcpy(rtp, header, 12);
	memcpy(rtp + 12, payload, (size_t)size);
	voice->sequence++;
	return size + 12;
}

/* The next packet of `ms`; 30 are three of 10. `decoded` gets what has to come of it; returns the packet's size. */
static int make_packet(struct voice *voice, int ms, int loud, uint8_t *rtp, int16_t *decoded)
{
	int16_t samples[2880];
	uint8_t parts[3][400], whole[1200];
	OpusRepacketizer *joiner = opus_repacketizer_create();
	int part_ms = ms == 30 ? 10 : ms;

	for (int i = 0; i < ms / part_ms; i++) {
		make_sound(voice, 48 * part_ms, loud, samples);
		int size = opus_encode(voice->encoder, samples, 48 * part_ms, parts[i], sizeof(parts[i]));
		CHECK_INT(opus_repacketizer_cat(joiner, parts[i], size), OPUS_OK);
	}
	int size = opus_repacketizer_out(joiner, whole, sizeof(whole));
	opus_repacketizer_destroy(joiner);
	CHECK_INT(opus_decode(voice->decoder, whole, size, decoded, 16 * ms, 0), 16 * ms);
	size = write_rtp(voice, whole, size, rtp);
	voice->timestamp += (uint32_t)(48 * ms);
	return size;
}

/* The room sends its packets up to `until_ticks`, 3 ms into each slot. They come at once; or, if that is not 0, all of
 * them at `come_ticks`. */
static void send_room(struct rig *rig, int64_t until_ticks, int64_t come_ticks)
{
	uint8_t rtp[PACKET_MAX];

	for (; rig->room_slot * DH_SLOT_TICKS + 3 * MS <= until_ticks; rig->room_slot++) {
		int64_t sent_ticks = rig->room_slot * DH_SLOT_TICKS + 3 * MS;
		int size = make_packet(&rig->room, 20, 6000, rtp, rig->sent[rig->room_slot]);
		dh_reference_push(rig->reference, rtp, (size_t)size, come_ticks ? come_ticks : sent_ticks);
	}
}

static void say(struct rig *rig, int ms, int loud, int64_t now_ticks)
{
	uint8_t rtp[PACKET_MAX];
	int size = make_packet(&rig->viewer, ms, loud, rtp, rig->said + rig->said_samples);

	rig->said_samples += 16 * ms;
	dh_ear_push(rig->ear, rtp, (size_t)size, now_ticks);
}

/* Packets that are lost on their way. */
static void lose(struct rig *rig, int count, int ms)
{
	uint8_t rtp[PACKET_MAX];
	int16_t decoded[1920];

	for (int i = 0; i < count; i++)
		make_packet(&rig->viewer, ms, 6000, rtp, decoded);
}

/* --- what comes of them */

/* Frames from `first` on follow each other, in time too, and so do the slots of the reference. */
static void check_frames(const struct rig *rig, int first, int64_t slot)
{
	for (int i = first; i < rig->frames; i++) {
		const struct heard *heard = &rig->heard[i];
		CHECK_AT("frame %d", i);
		CHECK_INT(heard->at_ticks, rig->heard[first].at_ticks + (i - first) * DH_SLOT_TICKS);
		CHECK_INT(memcmp(heard->reference, rig->sent[slot + i - first], sizeof(heard->reference)), 0);
	}
}

static void check_sound(const struct rig *rig)
{
	for (int i = 0; i < rig->frames; i++) {
		CHECK_AT("frame %d", i);
		CHECK_INT(memcmp(rig->heard[i].samples, rig->said + i * DH_EAR_FRAME, sizeof(rig->heard[i].samples)),
			0);
	}
}

/* Each packet is so much later than the way takes at least, in microseconds. */
static const struct way {
	const char *name;
	int first_us;    /* of the first slot that the viewer's sound begins in */
	int late_us[10]; /* of ten packets, again and again */
} ways[] = {
	{ "always the same", 500, { 0 } },
	{ "a slot's edge", 500, { 700, 0, 1200, 300, 900, 100, 500, 1100, 200, 0 } },
	{ "a wireless network", 12000, { 3000, 0, 9000, 25000, 14000, 2000, 0, 31000, 11000, 4000 } },
	{ "a stall", 500, { 0, 0, 0, 100000, 80000, 60000, 40000, 20000, 0, 0 } },
	{ "a late beginning", 1000, { 90000, 70000, 50000, 30000, 10000, 0, 0, 0, 0, 0 } },
};

static void test_ways(const void *arg)
{
	const struct way *way = arg;
	struct rig *rig = open_rig(true);
	/* until it has been seen how long the way takes */
	int first = way->late_us[0] > 5000 ? 6 : 0;

	for (int i = 0; i < 200; i++) {
		int late_us = i < 10 || way->late_us[0] < 5000 ? way->late_us[i % 10] : 0;
		int64_t now_ticks = BEGUN + (i + 1) * DH_SLOT_TICKS + (way->first_us + late_us) * MS / 1000;
		send_room(rig, now_ticks, 0);
		say(rig, 20, 6000, now_ticks);
	}
	CHECK_INT(rig->frames, 200);
	check_sound(rig);
	check_frames(rig, first, BEGUN / DH_SLOT_TICKS + first);
	close_rig(&rig);
}

/* The program itself does not run for a while: what the room sent comes at once, too. */
static void test_it_sleeps(void)
{
	struct rig *rig = open_rig(true);

	for (int i = 0; i < 100; i++) {
		int64_t now_ticks = BEGUN + (i + 1) * DH_SLOT_TICKS + 5 * MS;
		int64_t awake_ticks = BEGUN + 31 * DH_SLOT_TICKS + 5 * MS;
		bool sleeps = now_ticks > awake_ticks - 120 * MS && now_ticks < awake_ticks;
		if (!sleeps)
			send_room(rig, now_ticks, now_ticks == awake_ticks ? now_ticks : 0);
		if (now_ticks == awake_ticks) {
			for (int k = 0; k < 5; k++)
				say(rig, 20, 6000, now_ticks);
		}
		if (!sleeps)
			say(rig, 20, 6000, now_ticks);
	}
	CHECK_INT(rig->frames, 100);
	check_sound(rig);
	check_frames(rig, 0, BEGUN / DH_SLOT_TICKS);
	close_rig(&rig);
}

/* A packet of the room that is lost leaves the others where they are. */
static void test_reference_is_lost(void)
{
	struct rig *rig = open_rig(true);
	uint8_t rtp[PACKET_MAX];
	int16_t decoded[DH_EAR_FRAME];

	for (int i = 0; i < 100; i++) {
		int64_t now_ticks = BEGUN + (i + 1) * DH_SLOT_TICKS + 5 * MS;
		send_room(rig, now_ticks, 0);
		if (i == 20) {
			make_packet(&rig->room, 20, 6000, rtp, decoded);
			opus_decoder_ctl(rig->room.decoder, OPUS_RESET_STATE);
			rig->room_slot++;
		}
		say(rig, 20, 6000, now_ticks);
	}
	/* its decoder has forgotten the lost one by then */
	check_frames(rig, 60, BEGUN / DH_SLOT_TICKS + 60);
	close_rig(&rig);
}

/* --- packets of other lengths than frames */

static const struct length {
	const char *name;
	int ms;
} lengths[] = { { "10 ms", 10 }, { "20 ms", 20 }, { "30 ms", 30 } };

static void test_lengths(const void *arg)
{
	const struct length *length = arg;
	struct rig *rig = open_rig(true);

	for (int i = 0; i < 1200 / length->ms; i++) {
		int64_t now_ticks = BEGUN + (i + 1) * length->ms * MS + 5 * MS;
		send_room(rig, now_ticks, 0);
		say(rig, length->ms, 6000, now_ticks);
	}
	CHECK_INT(rig->frames, 60);
	check_sound(rig);
	check_frames(rig, 0, BEGUN / DH_SLOT_TICKS);
	CHECK_INT(rig->heard[0].at_ticks, BEGUN + 5 * MS);
	close_rig(&rig);
}

/* They are made up for, each as long as it was. */
static void test_lost_ones(const void *arg)
{
	const struct length *length = arg;
	struct rig *rig = open_rig(true);
	int said = 0;

	for (int i = 0; i <= 80; i++) {
		int64_t now_ticks = BEGUN + (i + 1) * length->ms * MS + 5 * MS;
		send_room(rig, now_ticks, 0);
		if (i % 20 == 11)
			lose(rig, 1, length->ms);
		else if (i % 20 >= 5 && i % 20 < 10)
			lose(rig, 1, length->ms);
		else
			say(rig, length->ms, 6000, now_ticks);
		said = i + 1;
	}
	CHECK_INT(rig->frames, said * length->ms / 20);
	check_frames(rig, 0, BEGUN / DH_SLOT_TICKS);
	close_rig(&rig);
}

/* What began before a pause of the sender is not put together with what comes behind it. */
static void test_a_pause(void)
{
	struct rig *rig = open_rig(true);

	for (int i = 0; i < 11; i++)
		say(rig, 10, 6000, BEGUN + (i + 1) * 10 * MS);
	CHECK_INT(rig->frames, 5);
	rig->viewer.timestamp += 48 * 100;
	for (int i = 0; i < 4; i++)
		say(rig, 10, 6000, BEGUN + (i + 1) * 10 * MS + 210 * MS);
	CHECK_INT(rig->frames, 8);
	CHECK_INT(rig->heard[5].at_ticks, BEGUN + 100 * MS);
	CHECK_INT(memcmp(rig->heard[5].samples, rig->said + 5 * DH_EAR_FRAME, sizeof(int16_t) * 160), 0);
	for (int i = 160; i < DH_EAR_FRAME; i++)
		CHECK_INT(rig->heard[5].samples[i], 0);
	CHECK_INT(rig->heard[6].at_ticks, BEGUN + 210 * MS);
	CHECK_INT(memcmp(rig->heard[6].samples, rig->said + 11 * 160, sizeof(rig->heard[6].samples)), 0);
	close_rig(&rig);
}

/* --- a sender that begins anew */

static const struct jump {
	const char *name;
	int by;
} jumps[] = { { "a little", -3 }, { "some seconds", -500 }, { "many", -20000 } };

static void test_begins_anew(const void *arg)
{
	const struct jump *jump = arg;
	struct rig *rig = open_rig(true);
	int64_t now_ticks = BEGUN;

	for (int i = 0; i < 50; i++, now_ticks += DH_SLOT_TICKS)
		say(rig, 20, 6000, now_ticks);
	CHECK_INT(rig->frames, 50);
	rig->viewer.sequence = (uint16_t)(rig->viewer.sequence + jump->by);
	rig->viewer.timestamp += 0x40000000u;
	for (int i = 0; i < 50; i++, now_ticks += DH_SLOT_TICKS)
		say(rig, 20, 6000, now_ticks);
	CHECK(rig->frames >= 50 + 35, "%d frames come", rig->frames - 50);
	CHECK_INT(rig->heard[rig->frames - 1].at_ticks, now_ticks - 2 * DH_SLOT_TICKS);
	close_rig(&rig);
}

/* Late and repeated ones are none. */
static void test_late_ones(void)
{
	struct rig *rig = open_rig(true);
	int64_t now_ticks = BEGUN;

	for (int i = 0; i < 100; i++, now_ticks += DH_SLOT_TICKS) {
		uint8_t rtp[PACKET_MAX];
		int size = make_packet(&rig->viewer, 20, 6000, rtp, rig->said);
		dh_ear_push(rig->ear, rtp, (size_t)size, now_ticks);
		dh_ear_push(rig->ear, rtp, (size_t)size, now_ticks);
	}
	CHECK_INT(rig->frames, 100);
	close_rig(&rig);
}

/* --- before a voice */

/* With it comes what was heard shortly before, and nothing older: here the sender had paused for long. */
static void test_before_a_voice(void)
{
	struct rig *rig = open_rig(false);
	int64_t now_ticks = BEGUN;

	for (int pause = 0; pause < 2; pause++) {
		int before = rig->frames;
		for (int i = 0; i < 100; i++, now_ticks += DH_SLOT_TICKS)
			say(rig, 20, 8, now_ticks);
		CHECK_INT(rig->frames, before);
		if (pause) {
			rig->viewer.timestamp += 48000 * 20;
			now_ticks += DH_TICKS_PER_SECOND * 20;
			for (int i = 0; i < 3; i++, now_ticks += DH_SLOT_TICKS)
				say(rig, 20, 8, now_ticks);
		}
		int64_t voice_ticks = now_ticks - DH_SLOT_TICKS;
		for (int i = 0; i < 25; i++, now_ticks += DH_SLOT_TICKS)
			say(rig, 20, 12000, now_ticks);
		CHECK_INT(rig->begun, pause + 1);
		CHECK(llabs(rig->begun_ticks - voice_ticks) <= DH_SLOT_TICKS, "a voice at another time");
		int64_t earlier_ms = (rig->begun_ticks - rig->heard[before].at_ticks) / MS;
		CHECK(earlier_ms <= 300 && earlier_ms >= (pause ? 40 : 280), "%d ms before it", (int)earlier_ms);
		for (int i = 0; i < 60; i++, now_ticks += DH_SLOT_TICKS)
			say(rig, 20, 8, now_ticks);
		CHECK_INT(rig->ended, pause + 1);
	}
	close_rig(&rig);
}

static const struct check_test tests[] = {
	TABLE(test_ways, ways),
	TEST(test_it_sleeps),
	TEST(test_reference_is_lost),
	TABLE(test_lengths, lengths),
	TABLE(test_lost_ones, lengths),
	TEST(test_a_pause),
	TABLE(test_begins_anew, jumps),
	TEST(test_late_ones),
	TEST(test_before_a_voice),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
