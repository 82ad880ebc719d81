/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sound on its way to Opus: the look-ahead is trimmed to the sample, lengths are kept,
 * gaps are filled and overlaps cut. */
#include <math.h>
#include <stdlib.h>

#include <libavutil/channel_layout.h>
#include <opus.h>

#include "tests/support/check.h"
#include "playout/timebase.h"
#include "prepare/padding.h"
#include "prepare/sound.h"

#define MOST (DH_VOICE_RATE * 4)

/* What the packets decode to. */
struct heard {
	OpusDecoder *decoder;
	float samples[MOST + 5760];
	int64_t count, packets;
};

static int hear(void *arg, struct dh_unit *unit)
{
	struct heard *h = arg;
	CHECK_INT(unit->pts_ticks, h->packets * DH_SLOT_TICKS);
	CHECK_INT(unit->duration_ticks, DH_SLOT_TICKS);
	CHECK(h->count < MOST);
	int n = opus_decode_float(h->decoder, unit->data, (opus_int32)unit->size, h->samples + h->count, 5760, 0);
	CHECK_INT(n, DH_VOICE_PACKET);
	h->count += n;
	h->packets++;
	dh_unit_unref(&unit);
	return 0;
}

static struct heard *listen(void)
{
	struct heard *h = calloc(1, sizeof *h);
	int error;
	CHECK(h);
	h->decoder = opus_decoder_create(DH_VOICE_RATE, 1, &error);
	CHECK(h->decoder);
	return h;
}

static void stop(struct heard *h)
{
	opus_decoder_destroy(h->decoder);
	free(h);
}

/* Resembles speech: tones that come and go, without a period. */
static float voice_at(double t)
{
	return (float)(0.3 * sin(2 * M_PI * (180 + 40 * sin(2.3 * t)) * t) * (0.6 + 0.4 * sin(17 * t)) +
		0.2 * sin(2 * M_PI * (900 + 300 * sin(1.1 * t)) * t) * (0.5 + 0.5 * sin(7 * t)));
}

/* The shift, in fractional samples, at which `b` resembles `a` most. */
static double shift_of(const float *a, const float *b, int from, int count)
{
	double sums[101], best = 0;
	int at = 0;
	for (int shift = -50; shift <= 50; shift++) {
		double sum = 0;
		for (int i = from; i < from + count; i++)
			sum += (double)a[i] * b[i + shift];
		sums[shift + 50] = sum;
		if (sum > best) {
			best = sum;
			at = shift + 50;
		}
	}
	CHECK(at > 0 && at < 100, "no likeness");
	double left = sums[at - 1], right = sums[at + 1];
	return at - 50 + (left - right) / (2 * (left - 2 * sums[at] + right));
}

static const struct trim {
	const char *name;
	int kbps, length;
	double most; /* samples */
} trims[] = {
	/* libopus's two coders differ by 2.5 samples; the look-ahead is CELT's */
	{ "16 kb/s", 16, DH_VOICE_RATE * 2, 3 },
	{ "24 kb/s", 24, DH_VOICE_RATE * 2 + 1, 3 },
	{ "32 kb/s", 32, DH_VOICE_RATE + 1, 0.5 },
	{ "48 kb/s", 48, DH_VOICE_RATE, 0.5 },
	{ "128 kb/s", 128, DH_VOICE_RATE + 959, 0.5 },
	{ "256 kb/s", 256, DH_VOICE_RATE + 961, 0.5 },
};

static void test_trimming(const void *arg)
{
	const struct trim *row = arg;
	struct dh_fault fault = { 0 };
	struct dh_voice *voice = NULL;
	struct heard *h = listen();
	float *in = calloc(MOST + 5760, sizeof *in);
	CHECK_INT(dh_voice_alloc(&voice, row->kbps, hear, h, &fault), 0);
	for (int i = 0; i < row->length; i++)
		in[i] = voice_at((double)i / DH_VOICE_RATE);
	for (int i = 0, step = 1; i < row->length; i += step, step = step * 7 % 1999) /* in pieces of different sizes */
		CHECK_INT(dh_voice_push(voice, in + i, (size_t)(i + step > row->length ? row->length - i : step),
				  &fault),
			0);
	CHECK_INT(dh_voice_end(voice, &fault), 0);
	CHECK_INT(h->packets, (row->length + DH_VOICE_PACKET - 1) / DH_VOICE_PACKET);
	CHECK_INT(dh_voice_samples(voice), row->length);
	double shift = shift_of(in, h->samples, 4800, row->length - 9600);
	printf("    trimming error %.3f samples\n", shift);
	CHECK(fabs(shift) < row->most, "%f samples", shift);
	dh_voice_free(&voice);
	stop(h);
	free(in);
}

/* A click stays at its sample, also in the first packet, with silence before it. */
static void test_first_sample(void)
{
	struct dh_fault fault = { 0 };
	struct dh_voice *voice = NULL;
	struct heard *h = listen();
	float in[DH_VOICE_PACKET * 4] = { 0 };
	CHECK_INT(dh_voice_alloc(&voice, 96, hear, h, &fault), 0);
	for (int i = 300; i < DH_VOICE_PACKET * 4; i++)
		in[i] = 0.5f * sinf((float)(i - 300) * 0.13f);
	CHECK_INT(dh_voice_push(voice, in, DH_VOICE_PACKET * 4, &fault), 0);
	CHECK_INT(dh_voice_end(voice, &fault), 0);
	int first = 0;
	while (first < h->count && fabsf(h->samples[first]) < 0.15f)
		first++;
	CHECK(first >= 295 && first <= 320, "first loud sample is %d", first);
	dh_voice_free(&voice);
	stop(h);
}

static void test_nothing(void)
{
	struct dh_fault fault = { 0 };
	struct dh_voice *voice = NULL;
	struct heard *h = listen();
	CHECK_INT(dh_voice_alloc(&voice, 48, hear, h, &fault), 0);
	CHECK_INT(dh_voice_end(voice, &fault), 0);
	CHECK_INT(h->packets, 0);
	dh_voice_free(&voice);
	stop(h);
}

/* --- from frames */

static AVFrame *frame_at(int rate, int channels, double t, int count)
{
	AVFrame *frame = av_frame_alloc();
	CHECK(frame);
	frame->format = AV_SAMPLE_FMT_FLT;
	frame->sample_rate = rate;
	frame->nb_samples = count;
	av_channel_layout_default(&frame->ch_layout, channels);
	CHECK(av_frame_get_buffer(frame, 0) >= 0);
	for (int i = 0; i < count; i++)
		for (int c = 0; c < channels; c++)
			((float *)frame->data[0])[i * channels + c] = voice_at(t + (double)i / rate);
	return frame;
}

static const struct run {
	const char *name;
	int rate, channels;
	double start;  /* time of the first frame, s */
	int gap_at;    /* before which frame of 20 ms, -1: none */
	double gap;    /* s; negative: an overlap */
	double jitter; /* rounding of times, s */
	int mended;
} runs[] = {
	{ "48 kHz", 48000, 1, 0, -1, 0, 0, 0 },
	{ "44.1 kHz stereo", 44100, 2, 0, -1, 0, 0, 0 },
	{ "24 kHz", 24000, 1, 0, -1, 0, 0, 0 },
	{ "8 kHz", 8000, 1, 0, -1, 0, 0, 0 },
	{ "starts late", 48000, 1, 0.3337, -1, 0, 0, 0 },
	{ "starts early", 44100, 1, -0.05, -1, 0, 0, 0 },
	{ "rounded times", 44100, 1, 0, -1, 0, 0.001, 0 },
	{ "gap", 48000, 1, 0, 25, 0.25, 0, 1 },
	{ "gap at 44.1 kHz", 44100, 2, 0, 25, 0.1, 0, 1 },
	{ "overlap", 48000, 1, 0, 25, -0.06, 0, 1 },
};

/* Every sample is where its frame's time says, and is heard once. */
static void test_runs(const void *arg)
{
	const struct run *row = arg;
	struct dh_fault fault = { 0 };
	struct dh_sound *sound = NULL;
	struct heard *h = listen();
	float *expected = calloc(MOST + 5760, sizeof *expected);
	int64_t ticks = 0, end = 0;
	int count = row->rate / 50;
	CHECK_INT(dh_sound_alloc(&sound, 128, hear, h, &fault), 0);
	for (int n = 0; n < 75; n++) {
		double t = row->start + n / 50.0 + (row->gap_at >= 0 && n >= row->gap_at ? row->gap : 0);
		double told = row->jitter > 0 ? floor(t / row->jitter) * row->jitter : t;
		AVFrame *frame = frame_at(row->rate, row->channels, t, count);
		CHECK_INT(dh_sound_push(sound, frame, llrint(told * DH_TICKS_PER_SECOND), &fault), 0);
		av_frame_free(&frame);
		/* earlier sound is not replaced */
		for (int64_t i = llrint(t * DH_VOICE_RATE), last = i + 960; i < last; i++)
			if (i >= end && i >= 0) {
				expected[i] = voice_at((double)i / DH_VOICE_RATE);
				end = i + 1;
			}
	}
	CHECK_INT(dh_sound_end(sound, &ticks, &fault), 0);
	CHECK(llabs(ticks / 15 - end) <= 1, "length %lld, expected %lld", (long long)ticks / 15, (long long)end);
	CHECK_INT(dh_sound_mended(sound), row->mended);
	/* similarity of each half, so that neither hides the other */
	for (int half = 0; half < 2; half++) {
		int from = half ? (int)end * 3 / 5 : 4800 + (row->start > 0 ? 17000 : 0);
		double shift = shift_of(expected, h->samples, from, (int)end / 4);
		CHECK(fabs(shift) < 1.5, "half %d is %f samples off", half, shift);
		double error = 0, power = 0;
		for (int i = from; i < from + end / 4; i++) {
			error += pow(expected[i] - h->samples[i], 2);
			power += pow(expected[i], 2);
		}
		CHECK(error < power * (row->rate < 16000 ? 0.05 : 0.02), "half %d: error %.3f of the sound", half,
			error / power);
	}
	dh_sound_free(&sound);
	stop(h);
	free(expected);
}

/* --- padding */

static const struct cut {
	const char *name;
	int rate, channels, is_planar;
	AVRational base;
	int64_t time, end;      /* of the frame, of the track, in `base` */
	int count, first, left; /* samples: the frame's, the first one heard, how many */
} cuts[] = {
	{ "nothing", 16000, 1, 0, { 1, 16000 }, 0, 1024, 1024, 0, 1024 },
	{ "AAC's last frame", 16000, 1, 1, { 1, 16000 }, 31744, 32000, 1024, 0, 256 },
	{ "no time", 16000, 1, 1, { 1, 16000 }, AV_NOPTS_VALUE, 5, 1024, 0, 1024 },
	{ "no end", 16000, 1, 1, { 1, 16000 }, 31744, INT64_MAX, 1024, 0, 1024 },
	{ "an end before it", 16000, 1, 1, { 1, 16000 }, 31744, 31744, 1024, 0, 1024 },
	{ "an end behind it", 16000, 1, 1, { 1, 16000 }, 31744, 32768, 1024, 0, 1024 },
	{ "more than padding is", 8000, 1, 1, { 1, 8000 }, 8000, 8100, 2048, 0, 2048 },
	{ "another time base", 48000, 2, 0, { 1, 1000 }, 1990, 2000, 960, 0, 480 },
	{ "an end at the world's", 48000, 2, 0, { 1, 1000 }, 1990, INT64_MIN, 960, 0, 960 },
	{ "a time at the world's", 48000, 2, 0, { 1, 1000 }, INT64_MIN + 1, 7, 960, 0, 960 },
	{ "the very first frame", 16000, 1, 1, { 1, 16000 }, -1024, INT64_MAX, 1024, 1024, 0 },
	{ "Apple's first", 44100, 2, 1, { 1, 44100 }, -2112, INT64_MAX, 1024, 1024, 0 },
	{ "Apple's third", 44100, 2, 1, { 1, 44100 }, -64, INT64_MAX, 1024, 64, 960 },
	{ "not planar", 44100, 2, 0, { 1, 44100 }, -64, INT64_MAX, 1024, 64, 960 },
	{ "both ends", 44100, 2, 0, { 1, 44100 }, -64, 100, 1024, 64, 100 },
	{ "it began long before", 16000, 1, 1, { 1, 16000 }, -9999, INT64_MAX, 1024, 0, 1024 },
	{ "ten channels", 48000, 10, 1, { 1, 48000 }, -10, INT64_MAX, 1024, 10, 1014 },
};

/* A frame whose samples are their own numbers. */
static AVFrame *numbered(const struct cut *row)
{
	AVFrame *frame = av_frame_alloc();
	frame->format = row->is_planar ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_FLT;
	frame->sample_rate = row->rate;
	frame->nb_samples = row->count;
	frame->best_effort_timestamp = row->time;
	av_channel_layout_default(&frame->ch_layout, row->channels);
	CHECK(av_frame_get_buffer(frame, 0) >= 0);
	for (int i = 0; i < row->count; i++)
		for (int c = 0; c < row->channels; c++) {
			float *plane = (float *)frame->extended_data[row->is_planar ? c : 0];
			plane[row->is_planar ? i : i * row->channels + c] = (float)i;
		}
	return frame;
}

static void test_padding(const void *arg)
{
	const struct cut *row = arg;
	AVFrame *frame = numbered(row);
	int is_left = dh_padding_cut_start(frame, row->base);
	CHECK_INT(is_left, row->left > 0);
	if (is_left) {
		dh_padding_cut_end(frame, row->base, row->end);
		CHECK_INT(frame->nb_samples, row->left);
		for (int c = 0; c < (row->is_planar ? row->channels : 1); c++)
			CHECK_INT(((float *)frame->extended_data[c])[0], row->first);
	}
	if (is_left && row->first)
		CHECK_INT(frame->best_effort_timestamp, 0);
	av_frame_free(&frame);
}

static const struct check_test tests[] = {
	TABLE(test_trimming, trims),
	TEST(test_first_sample),
	TEST(test_nothing),
	TABLE(test_runs, runs),
	TABLE(test_padding, cuts),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
