/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sound that is cut fades: what a receiver's decoder makes of the packets up to a cut, the fade there and the
 * silence behind it. Cuts are at every packet. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <opus.h>

#include "tests/support/check.h"
#include "playout/opus_silence.h"
#include "playout/timebase.h"
#include "prepare/voice.h"

#define SECONDS 3
#define PACKETS (SECONDS * 50)
#define PACKET  DH_VOICE_PACKET
#define BEHIND  4   /* packets of silence that are decoded behind a fade */
#define TAPS    192 /* of the filter that lets clicks through, and little of the sound */

static struct dh_unit *packets[PACKETS + 2];
static int packet_count;

static int take(void *arg, struct dh_unit *unit)
{
	(void)arg;
	CHECK(packet_count < PACKETS + 2);
	packets[packet_count++] = unit;
	return 0;
}

/* --- sounds */

static double tone(double t)
{
	return 0.5 * sin(2 * M_PI * 220 * t);
}

static double low_tone(double t)
{
	return 0.6 * sin(2 * M_PI * 90 * t);
}

/* A deep voice that holds an "a": harmonics of 100 Hz, loudest around 700 and 1200 Hz. */
static double vowel(double t)
{
	double sum = 0;
	for (int n = 1; n <= 30; n++) {
		double f = 100.0 * n, first = (f - 700) / 200, second = (f - 1200) / 250;
		sum += (0.15 / n + 0.5 * exp(-first * first) + 0.3 * exp(-second * second)) *
			sin(2 * M_PI * f * t + n * n);
	}
	return 0.15 * sum;
}

/* Its pitch moves, its loudness too, and consonants hiss. */
static double speech(double t)
{
	double beat = fmod(t, 0.24) / 0.24, noise = (double)rand() / RAND_MAX - 0.5;
	double loud = beat < 0.7 ? sin(M_PI * beat / 0.7) : 0, hiss = beat >= 0.7 ? sin(M_PI * (beat - 0.7) / 0.3) : 0;
	return loud * vowel(t + 0.002 * sin(2 * M_PI * 3 * t)) + 0.2 * hiss * noise;
}

static void encode(double (*sound)(double t), int kbps)
{
	struct dh_fault fault = { 0 };
	struct dh_voice *voice = NULL;
	static float samples[SECONDS * DH_VOICE_RATE];

	srand(1);
	for (int i = 0; i < SECONDS * DH_VOICE_RATE; i++)
		samples[i] = (float)sound((double)i / DH_VOICE_RATE);
	CHECK_INT(dh_voice_alloc(&voice, kbps, take, NULL, &fault), 0);
	CHECK_INT(dh_voice_push(voice, samples, SECONDS * DH_VOICE_RATE, &fault), 0);
	CHECK_INT(dh_voice_end(voice, &fault), 0);
	dh_voice_free(&voice);
	CHECK_INT(packet_count, PACKETS);
}

/* --- what is heard */

static double power(const float *samples, int count)
{
	double sum = 0;
	for (int i = 0; i < count; i++)
		sum += samples[i] * (double)samples[i];
	return sum / count;
}

static double db(double power, double reference)
{
	return 10 * log10((power + 1e-20) / (reference + 1e-20));
}

/* Above `hz`: a filter as long as 4 ms, by a window over the ideal one. */
static void high_pass(double hz, const float *in, float *out, int count)
{
	static double taps[TAPS + 1];
	for (int k = 0; k <= TAPS; k++) {
		double x = k - TAPS / 2, cut = hz / (DH_VOICE_RATE / 2.0);
		double low = x == 0 ? cut : sin(M_PI * cut * x) / (M_PI * x);
		double window = 0.42 - 0.5 * cos(2 * M_PI * k / TAPS) + 0.08 * cos(4 * M_PI * k / TAPS);
		taps[k] = ((x == 0) - low) * window;
	}
	for (int i = 0; i < count; i++) {
		double sum = 0;
		for (int k = 0; k <= TAPS && k <= i; k++)
			sum += taps[k] * in[i - k];
		out[i] = (float)sum;
	}
}

struct worst {
	double rest_db, click_db;
	int rest_at, click_at; /* packets */
};

static int decode(OpusDecoder *decoder, const uint8_t *data, size_t size, float *out)
{
	return opus_decode_float(decoder, data, (opus_int32)size, out, PACKET, 0);
}

/* `heard` holds the packet before the cut and what follows; `whole` the same without the cut. */
static void judge(double hz, const float *heard, const float *whole, int at, struct worst *worst)
{
	static float sharp[(BEHIND + 2) * PACKET], sharp_whole[3 * PACKET];
	const int step = PACKET / 8; /* 2.5 ms */
	double before = fmax(power(whole, PACKET), power(whole + PACKET, PACKET));
	if (before < 1e-5) /* between two words */
		return;
	for (int i = PACKET + 25 * 48; i + step <= (BEHIND + 2) * PACKET; i += step) {
		double rest = db(power(heard + i, step), before);
		if (rest > worst->rest_db) {
			worst->rest_db = rest;
			worst->rest_at = at;
		}
	}
	high_pass(hz, heard, sharp, (BEHIND + 2) * PACKET);
	high_pass(hz, whole, sharp_whole, 3 * PACKET);
	double allowed = 0; /* noise is never the same twice: twice as much */
	for (int i = TAPS; i + step <= 3 * PACKET; i += step)
		allowed = fmax(allowed, 2 * power(sharp_whole + i, step));
	for (int i = TAPS; i + step <= (BEHIND + 2) * PACKET; i += step) {
		double click = power(sharp + i, step) - allowed;
		if (click > 0 && db(click, before) > worst->click_db) {
			worst->click_db = db(click, before);
			worst->click_at = at;
		}
	}
}

static void cut(double hz, const OpusDecoder *decoder, int at, const float *last, bool fades, struct worst *worst)
{
	static float heard[(BEHIND + 2) * PACKET], whole[3 * PACKET];
	OpusDecoder *copy = malloc((size_t)opus_decoder_get_size(1));
	struct dh_silence silence = { 0 };
	const uint8_t *data;
	size_t size;

	memcpy(heard, last, PACKET * sizeof *last);
	memcpy(whole, last, PACKET * sizeof *last);
	memcpy(copy, decoder, (size_t)opus_decoder_get_size(1));
	for (int i = 0; i < 2; i++)
		CHECK_INT(decode(copy, packets[at + i]->data, packets[at + i]->size, whole + (i + 1) * PACKET), PACKET);
	memcpy(copy, decoder, (size_t)opus_decoder_get_size(1));
	data = dh_unit_fade(packets[at], &size);
	CHECK(data != NULL);
	for (int i = 0; i <= BEHIND; i++) {
		if (i > 0 || !fades)
			size = dh_silence_next(&silence, &data);
		CHECK_INT(decode(copy, data, size, heard + (i + 1) * PACKET), PACKET);
	}
	judge(hz, heard, whole, at, worst);
	free(copy);
}

static const struct row {
	const char *name;
	double (*sound)(double t);
	int kbps;
	double hz; /* it has nothing above that, or hisses */
} rows[] = {
	{ "a tone", tone, 32, 1000 },
	{ "a tone at a high rate", tone, 64, 1000 },
	{ "a tone at a low rate", tone, 20, 1000 },
	{ "a low tone", low_tone, 32, 800 },
	{ "a vowel", vowel, 32, 4000 },
	{ "a vowel at a high rate", vowel, 96, 4000 },
	{ "a vowel at a low rate", vowel, 20, 4000 },
	{ "speech", speech, 32, 4000 },
	{ "speech at a low rate", speech, 20, 4000 },
};

static struct worst cut_everywhere(const struct row *row, bool fades)
{
	struct worst worst = { -200, -200, 0, 0 };
	float last[PACKET] = { 0 };
	int opus = 0;
	OpusDecoder *decoder = opus_decoder_create(DH_VOICE_RATE, 1, &opus);

	encode(row->sound, row->kbps);
	for (int at = 0; at + 2 < packet_count; at++) {
		if (at >= 5)
			cut(row->hz, decoder, at, last, fades, &worst);
		CHECK_INT(decode(decoder, packets[at]->data, packets[at]->size, last), PACKET);
	}
	opus_decoder_destroy(decoder);
	while (packet_count > 0)
		dh_unit_unref(&packets[--packet_count]);
	printf("   %s, %s: 25 ms later %.1f dB (packet %d), clicks %.1f dB (packet %d)\n", row->name,
		fades ? "faded" : "cut", worst.rest_db, worst.rest_at, worst.click_db, worst.click_at);
	return worst;
}

static void test_fades(const void *arg)
{
	struct worst worst = cut_everywhere(arg, true);

	CHECK(worst.rest_db <= -40, "%.1f dB", worst.rest_db);
	CHECK(worst.click_db <= -40, "%.1f dB", worst.click_db);
}

/* What this test hears where nothing fades: it would notice. */
static void test_would_click(void)
{
	struct worst worst = cut_everywhere(&rows[2], false);

	CHECK(worst.click_db > -40, "%.1f dB", worst.click_db);
}

static const struct check_test tests[] = {
	TABLE(test_fades, rows),
	TEST(test_would_click),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
