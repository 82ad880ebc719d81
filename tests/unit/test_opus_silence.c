/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The silence between speech: what is sent when, and that it is silent. */
#include "tests/support/check.h"

#include "playout/opus_silence.h"

#include <math.h>
#include <stdlib.h>

#include <opus/opus.h>

#define RATE  48000
#define FRAME 960 /* 20 ms */

/* --- the pattern */

/* 's' encoded silence, 't' the lone TOC byte, '.' nothing. */
static char next_kind(struct dh_silence *silence)
{
	const uint8_t *payload = (const uint8_t *)"";
	size_t size = dh_silence_next(silence, &payload);
	if (size == 0) {
		CHECK(!payload);
		return '.';
	}
	CHECK(payload);
	if (size == 1) {
		CHECK_INT(payload[0], 0xf8);
		return 't';
	}
	CHECK_BYTES(payload, size, "\xf8\xff\xfe", 3);
	return 's';
}

static void check_pattern(struct dh_silence *silence, const char *expected)
{
	char got[200];
	size_t length = strlen(expected);
	CHECK(length < sizeof got);
	for (size_t i = 0; i < length; i++)
		got[i] = next_kind(silence);
	got[length] = '\0';
	CHECK_STR(got, expected);
}

static void test_five_packets_then_dtx(void)
{
	struct dh_silence silence;
	dh_silence_reset(&silence);
	check_pattern(&silence,
		"ssss"
		"st.................."
		"st.................."
		"st..................");
}

static void test_speech_restarts_it(void)
{
	struct dh_silence silence;
	dh_silence_reset(&silence);
	check_pattern(&silence, "sss");
	dh_silence_reset(&silence);
	check_pattern(&silence,
		"ssss"
		"st....");
	dh_silence_reset(&silence);
	check_pattern(&silence,
		"ssss"
		"st.................."
		"s");
	dh_silence_reset(&silence);
	check_pattern(&silence,
		"ssss"
		"st.................."
		"st");
}

static void test_four_weeks(void)
{
	struct dh_silence silence;
	const int64_t slots = INT64_C(28) * 86400 * 50;
	dh_silence_reset(&silence);
	for (int i = 0; i < DH_SILENCE_TAIL - 1; i++)
		CHECK_INT(next_kind(&silence), 's');
	for (int64_t i = 0; i < slots; i++) {
		const uint8_t *payload;
		size_t expected = i % DH_SILENCE_PERIOD == 0 ? 3 : i % DH_SILENCE_PERIOD == 1 ? 1 : 0;
		size_t size = dh_silence_next(&silence, &payload);
		if (size != expected)
			CHECK_INT(size, expected);
		if (silence.slot >= DH_SILENCE_TAIL + DH_SILENCE_PERIOD)
			CHECK(0, "slot %u after %" PRId64, silence.slot, i);
	}
}

/* --- as a decoder hears it */

static const struct mode_row {
	const char *name;
	int application, channels, bandwidth, kbps;
	int decoder_channels;
} mode_rows[] = {
	{ "SILK narrow band", OPUS_APPLICATION_VOIP, 1, OPUS_BANDWIDTH_NARROWBAND, 12, 2 },
	{ "SILK wide band", OPUS_APPLICATION_VOIP, 1, OPUS_BANDWIDTH_WIDEBAND, 16, 2 },
	{ "hybrid super wide band", OPUS_APPLICATION_VOIP, 1, OPUS_BANDWIDTH_SUPERWIDEBAND, 24, 2 },
	{ "hybrid full band", OPUS_APPLICATION_VOIP, 1, OPUS_BANDWIDTH_FULLBAND, 28, 2 },
	{ "CELT full band", OPUS_APPLICATION_AUDIO, 1, OPUS_BANDWIDTH_FULLBAND, 64, 2 },
	{ "CELT full band, stereo", OPUS_APPLICATION_AUDIO, 2, OPUS_BANDWIDTH_FULLBAND, 96, 2 },
	{ "CELT, low delay", OPUS_APPLICATION_RESTRICTED_LOWDELAY, 1, OPUS_BANDWIDTH_FULLBAND, 64, 2 },
	{ "hybrid, stereo", OPUS_APPLICATION_VOIP, 2, OPUS_BANDWIDTH_FULLBAND, 40, 2 },
	{ "hybrid, mono decoder", OPUS_APPLICATION_VOIP, 1, OPUS_BANDWIDTH_FULLBAND, 28, 1 },
	{ "CELT, mono decoder", OPUS_APPLICATION_AUDIO, 1, OPUS_BANDWIDTH_FULLBAND, 64, 1 },
};

/* An endless loud vowel of 130 Hz: the hardest sound to cut. */
static void make_vowel(int16_t *pcm, int64_t start, int channels)
{
	for (int i = 0; i < FRAME; i++) {
		double t = (double)(start + i) / RATE, v = 0;
		for (int h = 1; h < 25; h++)
			v += sin(2 * M_PI * 130 * h * t) / h;
		for (int c = 0; c < channels; c++)
			pcm[i * channels + c] = (int16_t)(v * 9000);
	}
}

static double peak(const int16_t *pcm, int samples)
{
	int loudest = 0;
	for (int i = 0; i < samples; i++)
		loudest = abs(pcm[i]) > loudest ? abs(pcm[i]) : loudest;
	return loudest / 32768.0;
}

struct codec {
	OpusEncoder *encoder;
	OpusDecoder *decoder;
	int channels, decoder_channels;
	int16_t pcm[FRAME * 2];
	uint8_t packet[1275];
};

static void codec_open(struct codec *codec, const struct mode_row *row)
{
	int error;
	codec->channels = row->channels;
	codec->decoder_channels = row->decoder_channels;
	codec->encoder = opus_encoder_create(RATE, row->channels, row->application, &error);
	CHECK_INT(error, OPUS_OK);
	CHECK_INT(opus_encoder_ctl(codec->encoder, OPUS_SET_BANDWIDTH(row->bandwidth)), OPUS_OK);
	CHECK_INT(opus_encoder_ctl(codec->encoder, OPUS_SET_BITRATE(row->kbps * 1000)), OPUS_OK);
	CHECK_INT(opus_encoder_ctl(codec->encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)), OPUS_OK);
	codec->decoder = opus_decoder_create(RATE, row->decoder_channels, &error);
	CHECK_INT(error, OPUS_OK);
}

static void codec_close(struct codec *codec)
{
	opus_encoder_destroy(codec->encoder);
	opus_decoder_destroy(codec->decoder);
}

/* Encodes and decodes a second of the vowel; the encoder must use the mode that the row
 * names. */
static void codec_speak(struct codec *codec, const struct mode_row *row)
{
	double loudest = 0;
	int config = 0;
	for (int i = 0; i < 50; i++) {
		int16_t vowel[FRAME * 2];
		int size, decoded;
		make_vowel(vowel, (int64_t)i * FRAME, codec->channels);
		size = opus_encode(codec->encoder, vowel, FRAME, codec->packet, sizeof codec->packet);
		CHECK(size > 2);
		config = codec->packet[0] >> 3;
		decoded = opus_decode(codec->decoder, codec->packet, size, codec->pcm, FRAME, 0);
		CHECK_INT(decoded, FRAME);
		loudest = fmax(loudest, peak(codec->pcm, FRAME * codec->decoder_channels));
	}
	CHECK(loudest > 0.2, "the vowel is at %g", loudest);
	if (strncmp(row->name, "SILK", 4) == 0)
		CHECK(config < 12, "configuration %d", config);
	if (strncmp(row->name, "hybrid", 6) == 0)
		CHECK(config >= 12 && config < 16, "configuration %d", config);
	if (strncmp(row->name, "CELT", 4) == 0)
		CHECK(config >= 16, "configuration %d", config);
}

/* One slot of silence as a receiver plays it, concealing what was not sent (`loses`: DTX
 * packets too). Returns the peak of its last `samples`. */
static double codec_hear(struct codec *codec, struct dh_silence *silence, int samples, int loses)
{
	const uint8_t *payload;
	size_t size = dh_silence_next(silence, &payload);
	int decoded;
	if (size <= 1 && loses)
		size = 0;
	decoded = opus_decode(codec->decoder, size > 0 ? payload : NULL, (opus_int32)size, codec->pcm, FRAME, 0);
	CHECK_INT(decoded, FRAME);
	return peak(codec->pcm + (FRAME - samples) * codec->decoder_channels, samples * codec->decoder_channels);
}

static void silence_follows(const struct mode_row *row, int loses)
{
	struct dh_silence silence;
	struct codec codec;
	double loudness;
	codec_open(&codec, row);
	codec_speak(&codec, row);
	dh_silence_reset(&silence);
	/* In the first half of the first slot the decoder fades out its overlap; from the
	 * second slot on there is silence, to within a few steps of 16 bits. */
	loudness = codec_hear(&codec, &silence, FRAME / 2, loses);
	CHECK(loudness < 0.01, "%g in the second half of the first slot", loudness);
	for (int slot = 1; slot < 500; slot++) {
		loudness = codec_hear(&codec, &silence, FRAME, loses);
		CHECK(loudness < 0.001, "%g in slot %d", loudness, slot);
	}
	codec_close(&codec);
}

static void test_silence_after_speech(const void *arg)
{
	silence_follows(arg, 0);
}

static void test_silence_after_speech_without_dtx_packets(const void *arg)
{
	silence_follows(arg, 1);
}

/* Why there are five packets: DTX alone prolongs the vowel. */
static void test_bare_dtx_is_not_enough(const void *arg)
{
	const struct mode_row *row = arg;
	const uint8_t toc = 0xf8;
	struct codec codec;
	double loudness;
	codec_open(&codec, row);
	codec_speak(&codec, row);
	CHECK_INT(opus_decode(codec.decoder, &toc, 1, codec.pcm, FRAME, 0), FRAME);
	loudness = peak(codec.pcm + FRAME / 2 * codec.decoder_channels, FRAME / 2 * codec.decoder_channels);
	CHECK(loudness > 0.01, "%g", loudness);
	codec_close(&codec);
}

static void test_silence_from_the_start(void)
{
	static const struct mode_row row = { "", OPUS_APPLICATION_AUDIO, 1, OPUS_BANDWIDTH_FULLBAND, 64, 2 };
	struct dh_silence silence;
	struct codec codec;
	codec_open(&codec, &row);
	dh_silence_reset(&silence);
	for (int slot = 0; slot < 500; slot++) {
		double loudness = codec_hear(&codec, &silence, FRAME, 0);
		CHECK(loudness < 0.001, "%g in slot %d", loudness, slot);
	}
	codec_close(&codec);
}

/* Speech after the pause is heard from its first packet on. */
static void test_speech_after_silence(const void *arg)
{
	const struct mode_row *row = arg;
	struct dh_silence silence;
	struct codec codec;
	codec_open(&codec, row);
	codec_speak(&codec, row);
	dh_silence_reset(&silence);
	for (int slot = 0; slot < 100; slot++)
		codec_hear(&codec, &silence, FRAME, 0);
	codec_speak(&codec, row);
	codec_close(&codec);
}

static void test_packets_last_20_ms(void)
{
	struct dh_silence silence;
	dh_silence_reset(&silence);
	for (int slot = 0; slot < 100; slot++) {
		const uint8_t *payload;
		size_t size = dh_silence_next(&silence, &payload);
		if (size > 0)
			CHECK_INT(opus_packet_get_nb_samples(payload, (opus_int32)size, RATE), FRAME);
	}
}

static const struct check_test tests[] = {
	TEST(test_five_packets_then_dtx),
	TEST(test_speech_restarts_it),
	TEST(test_four_weeks),
	TEST(test_packets_last_20_ms),
	TEST(test_silence_from_the_start),
	TABLE(test_silence_after_speech, mode_rows),
	TABLE(test_silence_after_speech_without_dtx_packets, mode_rows),
	TABLE(test_bare_dtx_is_not_enough, mode_rows),
	TABLE(test_speech_after_silence, mode_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
