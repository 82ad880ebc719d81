/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets of sound that last 40 or 60 ms: what is put together, and when it leaves. */
#include "tests/support/playout_rig_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <opus/opus.h>

#include "playout/opus_join.h"

/* --- packets of Opus */

#define RATE    48000
#define FRAME   960 /* 20 ms */
#define PACKETS 60

struct coded {
	uint8_t bytes[PACKETS][1500];
	size_t sizes[PACKETS];
};

/* A sweep at `bitrate`, which decides what an encoder chooses. */
static void encode(struct coded *coded, int bitrate, int channels)
{
	static opus_int16 pcm[2 * FRAME];
	int err;
	OpusEncoder *encoder = opus_encoder_create(RATE, channels, OPUS_APPLICATION_VOIP, &err);

	opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate));
	for (int i = 0; i < PACKETS; i++) {
		for (int s = 0; s < FRAME; s++) {
			double t = (i * FRAME + s) / (double)RATE;
			for (int c = 0; c < channels; c++)
				pcm[s * channels + c] = (opus_int16)(9000 * sin(2 * M_PI * (200 + 900 * t) * t));
		}
		coded->sizes[i] = (size_t)opus_encode(encoder, pcm, FRAME, coded->bytes[i], 1275);
	}
	opus_encoder_destroy(encoder);
}

struct decoded {
	opus_int16 pcm[PACKETS * FRAME * 2];
	int samples;
};

static void decode(OpusDecoder *decoder, struct decoded *to, const uint8_t *packet, size_t size)
{
	int count = opus_decode(decoder, packet, (opus_int32)size, to->pcm + 2 * to->samples, 3 * FRAME, 0);

	CHECK(count > 0, "libopus: %d", count);
	to->samples += count > 0 ? count : 0;
}

static const struct encoding {
	const char *name;
	int bitrate, channels, most; /* packets in one */
} encodings[] = {
	{ "narrow speech", 9000, 1, 3 },
	{ "speech", 32000, 1, 3 },
	{ "stereo", 64000, 2, 2 },
	{ "sizes of two bytes", 140000, 2, 3 },
	{ "three do not fit into a packet of RTP", 200000, 2, 3 },
	{ "nor two", 400000, 2, 3 },
};

static void test_decoders_give_the_same(const void *arg)
{
	const struct encoding *e = arg;
	static struct coded coded;
	static struct decoded one, other;
	uint8_t out[DH_OPUS_JOINED_SIZE_MAX];
	int joined = 0;
	OpusDecoder *decoder = opus_decoder_create(RATE, 2, NULL);

	encode(&coded, e->bitrate, e->channels);
	one.samples = other.samples = 0;
	for (int i = 0; i < PACKETS; i++)
		decode(decoder, &one, coded.bytes[i], coded.sizes[i]);
	opus_decoder_ctl(decoder, OPUS_RESET_STATE);
	for (int i = 0; i < PACKETS;) {
		struct dh_opus_join join = { 0 };
		while (i < PACKETS && join.count < e->most && dh_opus_join_add(&join, coded.bytes[i], coded.sizes[i]))
			i++;
		joined += join.count > 1;
		if (join.count == 1) {
			decode(decoder, &other, coded.bytes[i - 1], coded.sizes[i - 1]);
			continue;
		}
		size_t size = dh_opus_join_write(&join, out);
		CHECK(size <= sizeof out);
		CHECK_INT(opus_packet_get_nb_frames(out, (opus_int32)size), join.count);
		decode(decoder, &other, out, size);
	}
	opus_decoder_destroy(decoder);
	CHECK_INT(joined > 0, e->bitrate <= 200000);
	CHECK_INT(one.samples, PACKETS * FRAME);
	CHECK_INT(other.samples, one.samples);
	CHECK(!memcmp(one.pcm, other.pcm, (size_t)one.samples * 2 * sizeof one.pcm[0]));
}

static void test_what_is_not_joined(void)
{
	const uint8_t speech[] = { 0x48, 1, 2 }, stereo[] = { 0x4c, 1 }, wide[] = { 0x58, 1 }, two[] = { 0x49, 1, 2 };
	struct dh_opus_join join = { 0 };

	CHECK(dh_opus_join_add(&join, two, sizeof two)); /* alone */
	CHECK(!dh_opus_join_add(&join, two, sizeof two));
	join = (struct dh_opus_join){ 0 };
	CHECK(dh_opus_join_add(&join, speech, sizeof speech));
	CHECK(!dh_opus_join_add(&join, stereo, sizeof stereo));
	CHECK(!dh_opus_join_add(&join, wide, sizeof wide));
	CHECK(!dh_opus_join_add(&join, two, sizeof two));
	CHECK(dh_opus_join_add(&join, speech, 1)); /* nothing but its first byte: DTX */
	CHECK(dh_opus_join_add(&join, speech, sizeof speech));
	CHECK(!dh_opus_join_add(&join, speech, sizeof speech));
	uint8_t out[DH_OPUS_JOINED_SIZE_MAX];
	CHECK_BYTES(out, dh_opus_join_write(&join, out), "\x4b\x83\x02\x00\x01\x02\x01\x02", 8);
}

/* --- viewers; the rig judges packets, and knows code 3 for tags like 't' */

static struct rig_viewer *join(int ptime)
{
	return rig_join_way(&rig, NULL, &(struct dh_viewer_way){ .ptime = ptime });
}

static void say(const char *id)
{
	rig_enqueue(&rig, &(struct rig_segment)SPEECH(id, 't'));
}

/* Both were sent the same sound for the same media time, the one `later_ms` after the other at most. */
static void check_same_sound(const struct rig_viewer *v, const struct rig_viewer *plain, int later_ms)
{
	CHECK_INT(v->sound_count, plain->sound_count);
	for (int i = 0; i < plain->sound_count; i++) {
		int64_t later = v->sound_ticks[i] - plain->sound_ticks[i];
		CHECK_INT(v->sound[i], plain->sound[i]);
		CHECK_INT(v->sound_index[i], plain->sound_index[i]);
		CHECK_INT(v->sound_timestamp[i], plain->sound_timestamp[i]);
		CHECK(later >= 0 && later <= later_ms * MS, "%d: %lld ms", i, (long long)(later / MS));
	}
}

/* Everything leaves so much later, pictures too, so lips and reports are right. */
static void test_all_is_later_by_what_is_more_than_20_ms(void)
{
	static const int ptimes[] = { 20, 40, 60 };
	struct rig_viewer *v[3];

	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 3; i++)
		v[i] = join(ptimes[i]);
	rig_run(&rig, media_ms(100));
	say("t");
	rig_run(&rig, media_ms(3000));
	for (int i = 0; i < 3; i++) {
		int later_ms = ptimes[i] - 20;
		CHECK_INT(dh_playout_viewer_offset_ticks(v[i]->viewer), later_ms * MS);
		check_same_sound(v[i], v[0], later_ms);
		int first = rig_first(v[i], 't', 0);
		for (int p = first; p < first + 25; p++)
			CHECK_INT(v[i]->pictures[p].sent_ticks, media_ms(v[i]->pictures[p].timestamp / 90 + later_ms));
		/* Fifty packets of speech that begin at 120 ms, on everybody's grid, and what is between speech. */
		CHECK_INT(v[i]->sound_packets, v[0]->sound_count - 50 + (50 + i) / (i + 1));
	}
	finish_after(1000);
}

/* Speech begins and ends where it does for others; what is left of a packet goes alone. */
static void test_speech_off_the_grid(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *plain = join(20), *v = join(60);

	rig_run(&rig, media_ms(130));
	say("t"); /* from 140 ms */
	rig_run(&rig, media_ms(3000));
	check_same_sound(v, plain, 40);
	CHECK_INT(v->sound_packets, plain->sound_count - 50 + 17); /* 2, and 16 times 3 */
	finish_after(1000);
}

static void test_cuts_fade(void)
{
	rig_fades(true);
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *plain = join(20), *v = join(60);

	for (int i = 0; i < 10; i++) {
		say("t");
		rig_run(&rig, rig.now + (300 + 7 * i) * MS);
		CHECK_INT(dh_playout_interrupt(rig.playout), 1);
		rig_run(&rig, rig.now + (200 + 11 * i) * MS);
	}
	rig_run(&rig, rig.now + 1000 * MS);
	check_same_sound(v, plain, 40);
	int fades = 0;
	for (int i = 0; i < v->sound_count; i++)
		fades += v->sound[i] == '~' || v->sound[i] == '|';
	CHECK_INT(fades, 10);
	rig_close(&rig);
}

/* Whoever comes is sent nothing of what was decided before, also where another has just left. */
static void test_newcomers(void)
{
	for (int after_ms = 0; after_ms <= 80; after_ms += 5) {
		rig_open_idle(&rig, NULL, start);
		struct rig_viewer *first = join(60);
		rig_run(&rig, media_ms(100));
		say("t");
		rig_run(&rig, media_ms(400 + after_ms));
		rig_leave(&rig, first);
		rig_run(&rig, media_ms(405 + after_ms));
		struct rig_viewer *v = join(60), *plain = join(20);
		rig_run(&rig, media_ms(2500));
		CHECK_INT(v->pictures[0].kind, 'K');
		CHECK(v->sound_timestamp[0] / 48 >= (uint32_t)(400 + after_ms), "%u after %d",
			v->sound_timestamp[0] / 48, after_ms);
		check_same_sound(v, plain, 40);
		CHECK(rig_first(v, 't', 0) >= 0);
		finish_after(0);
	}
}

/* A late wake-up: what is young enough is sent, the rest is missing for all. */
static void test_a_late_wake_up(void)
{
	for (int stall_ms = 30; stall_ms < 600; stall_ms += 30) {
		rig_open_idle(&rig, NULL, start);
		struct rig_viewer *v = join(60);
		rig_run(&rig, media_ms(100));
		say("t");
		rig_run(&rig, media_ms(500));
		rig_stall(&rig, stall_ms * MS);
		rig_run(&rig, media_ms(2500));
		int heard = 0;
		for (int i = 0; i < v->sound_count; i++)
			heard += v->sound[i] == 't';
		int missing = 50 - heard, most = stall_ms <= 150 ? 0 : (stall_ms - 150) / 20 + 3;
		CHECK(missing <= most && missing >= most - 4, "%d after %d ms", missing, stall_ms);
		finish_after(0);
	}
}

static const struct check_test tests[] = {
	TABLE(test_decoders_give_the_same, encodings),
	TEST(test_what_is_not_joined),
	TEST(test_all_is_later_by_what_is_more_than_20_ms),
	TEST(test_speech_off_the_grid),
	TEST(test_cuts_fade),
	TEST(test_newcomers),
	TEST(test_a_late_wake_up),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
