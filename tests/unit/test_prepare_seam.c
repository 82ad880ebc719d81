/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of one sound, each encoded by itself, sound like the whole: no click, no sample missing or
 * heard twice, however they are cut. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/channel_layout.h>
#include <opus.h>

#include "tests/support/check.h"
#include "playout/timebase.h"
#include "prepare/sound.h"

#define SECONDS 6
#define LENGTH  (SECONDS * DH_VOICE_RATE)
#define PACKETS (SECONDS * 50 + 4)
#define PIECES  64

/* The packets that a room plays. */
struct film {
	struct dh_unit *packets[PACKETS], *fresh;
	int count;
};

static int take(void *arg, struct dh_unit *unit)
{
	struct film *film = arg;
	CHECK(film->count < PACKETS);
	film->packets[film->count++] = unit;
	return 0;
}

static int take_fresh(void *arg, struct dh_unit *unit)
{
	struct film *film = arg;
	CHECK(!film->fresh);
	film->fresh = unit;
	return 0;
}

static void clear(struct film *film)
{
	while (film->count > 0)
		dh_unit_unref(&film->packets[--film->count]);
	dh_unit_unref(&film->fresh);
}

static void drop(struct film *film, int count)
{
	while (count-- > 0)
		dh_unit_unref(&film->packets[--film->count]);
}

/* --- the sound: it rises from 150 Hz to 3 kHz, and is loud throughout */

static double sweep_at(double t)
{
	const double low = 150, high = 3000, k = log(high / low) / SECONDS;
	return 0.5 * sin(2 * M_PI * low * (exp(k * t) - 1) / k);
}

static AVFrame *samples_at(int rate, int channels, enum AVSampleFormat format, int64_t from, int count)
{
	AVFrame *frame = av_frame_alloc();
	CHECK(frame);
	frame->format = format;
	frame->sample_rate = rate;
	frame->nb_samples = count;
	av_channel_layout_default(&frame->ch_layout, channels);
	CHECK(av_frame_get_buffer(frame, 0) >= 0);
	for (int i = 0; i < count * channels; i++) {
		double x = sweep_at((double)(from + i / channels) / rate);
		if (format == AV_SAMPLE_FMT_S16)
			((int16_t *)frame->data[0])[i] = (int16_t)lrint(x * 32768);
		else
			((float *)frame->data[0])[i] = (float)x;
	}
	return frame;
}

/* --- pieces */

struct kind {
	const char *name;
	int rate, channels;
	enum AVSampleFormat format;
	unsigned seed;   /* 0: not cut */
	int least, most; /* ms of a piece */
};

/* From sample `from` to `until`, in frames of 20 to 40 ms, behind `tail` (NULL: nothing). Returns
 * whether it leaves a tail in `next`. */
static bool encode(const struct kind *kind, int64_t from, int64_t until, const struct dh_tail *tail,
	struct dh_tail *next, struct film *film)
{
	struct dh_fault fault = { 0 };
	struct dh_sound *sound = NULL;
	int64_t ticks, begin = from;
	CHECK_INT(dh_sound_alloc(&sound, 48, take, film, &fault), 0);
	if (kind->seed)
		dh_sound_followed(sound);
	if (tail)
		CHECK_INT(dh_sound_lead(sound, tail, take_fresh, &fault), 0);
	while (from < until) {
		int64_t count = kind->rate / 50 + rand() % (kind->rate / 50);
		count = count < until - from ? count : until - from;
		AVFrame *frame = samples_at(kind->rate, kind->channels, kind->format, from, (int)count);
		int64_t at = (from - begin) * DH_TICKS_PER_SECOND / kind->rate;
		CHECK_INT(dh_sound_push(sound, frame, at, &fault), 0);
		av_frame_free(&frame);
		from += count;
	}
	CHECK_INT(dh_sound_end(sound, &ticks, &fault), 0);
	CHECK_INT(dh_sound_mended(sound), 0);
	bool has_tail = dh_sound_tail(sound, next);
	dh_sound_free(&sound);
	return has_tail;
}

/* Through a pipe, as from worker to worker. */
static void carry(struct dh_tail *tail)
{
	int fds[2], size = 0;
	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	CHECK_INT(dh_tail_read(tail, fds[0], 0, &size), 0);
	dh_tail_write(tail, fds[1]);
	memset(tail, 0, sizeof *tail);
	CHECK_INT(dh_tail_read(tail, fds[0], 0, &size), 1);
	close(fds[0]);
	close(fds[1]);
}

/* The samples at which pieces meet are in `seams`. Returns their number. */
static int make(const struct kind *kind, struct film *film, int64_t *seams)
{
	static struct dh_tail tail;
	int64_t whole = (int64_t)SECONDS * kind->rate, from = 0;
	bool has_tail = false;
	int count = 0;
	srand(kind->seed);
	while (from < whole) {
		int64_t length = kind->seed ? (kind->least + rand() % (kind->most - kind->least)) * kind->rate / 1000 +
				rand() % (kind->rate / 1000) :
					      whole;
		int64_t until = whole - from - length < kind->rate / 10 ? whole : from + length;
		if (has_tail) {
			carry(&tail);
		}
		struct film piece = { .count = 0 };
		struct dh_tail next;
		int lead = has_tail ? tail.lead : 0;
		has_tail = encode(kind, from, until, has_tail ? &tail : NULL, &next, &piece);
		CHECK(!lead == !piece.fresh);
		drop(film, (lead + DH_VOICE_PACKET - 1) / DH_VOICE_PACKET);
		for (int i = 0; i < piece.count; i++)
			take(film, piece.packets[i]);
		dh_unit_unref(&piece.fresh);
		if (from)
			seams[count++] = from * DH_VOICE_RATE / kind->rate;
		CHECK(!has_tail || next.packets == piece.count);
		tail = next;
		from = until;
	}
	return count;
}

static float *decode(const struct film *film)
{
	int error;
	OpusDecoder *decoder = opus_decoder_create(DH_VOICE_RATE, 1, &error);
	float *samples = calloc(PACKETS * DH_VOICE_PACKET, sizeof *samples);
	CHECK(decoder && samples);
	for (int i = 0; i < film->count; i++)
		CHECK_INT(opus_decode_float(decoder, film->packets[i]->data, (opus_int32)film->packets[i]->size,
				  samples + i * DH_VOICE_PACKET, DH_VOICE_PACKET, 0),
			DH_VOICE_PACKET);
	opus_decoder_destroy(decoder);
	return samples;
}

/* What is above 5 kHz: there is nothing of the sweep, and a click is heard there. */
#define TAPS 255
static double above(const float *samples, int64_t at)
{
	static double filter[TAPS];
	static bool is_made;
	double sum = 0;
	for (int i = 0; i < TAPS && !is_made; i++) {
		double t = M_PI * 2 * 5000 / DH_VOICE_RATE * (i - TAPS / 2), turn = 2 * M_PI * i / (TAPS - 1);
		double low = i == TAPS / 2 ? 2 * 5000. / DH_VOICE_RATE : sin(t) / (M_PI * (i - TAPS / 2));
		filter[i] = (i == TAPS / 2) - low * (0.42 - 0.5 * cos(turn) + 0.08 * cos(2 * turn));
	}
	is_made = true;
	for (int i = 0; i < TAPS; i++)
		sum += filter[i] * (double)samples[at + i - TAPS / 2];
	return fabs(sum);
}

static double peak(const float *samples, int64_t from, int64_t until)
{
	double most = 0;
	for (int64_t i = from < TAPS ? TAPS : from; i < until && i < LENGTH - TAPS; i++)
		most = fmax(most, above(samples, i));
	return most;
}

static double error_at(const float *samples, int64_t from, int64_t until)
{
	double most = 0;
	for (int64_t i = from; i < until && i < LENGTH; i++)
		most = fmax(most, fabs(samples[i] - sweep_at((double)i / DH_VOICE_RATE)));
	return most;
}

static double db(double x)
{
	return 20 * log10(x / 0.5 + 1e-12);
}

static const struct kind kinds[] = {
	{ "24 kHz, s16", 24000, 1, AV_SAMPLE_FMT_S16, 1, 100, 900 },
	{ "24 kHz, again", 24000, 1, AV_SAMPLE_FMT_FLT, 2, 60, 400 },
	{ "16 kHz", 16000, 1, AV_SAMPLE_FMT_S16, 3, 100, 900 },
	{ "16 kHz, again", 16000, 1, AV_SAMPLE_FMT_FLT, 4, 60, 400 },
	{ "44.1 kHz, stereo", 44100, 2, AV_SAMPLE_FMT_S16, 5, 100, 900 },
	{ "48 kHz", 48000, 1, AV_SAMPLE_FMT_FLT, 6, 100, 900 },
	{ "8 kHz", 8000, 1, AV_SAMPLE_FMT_S16, 7, 100, 900 },
};

static void test_sweep(const void *arg)
{
	struct kind kind = *(const struct kind *)arg, uncut = kind;
	static int64_t seams[PIECES];
	struct film cut = { .count = 0 }, whole = { .count = 0 };
	uncut.seed = 0;
	make(&uncut, &whole, seams);
	int count = make(&kind, &cut, seams);
	CHECK(count > 4);
	CHECK_INT(cut.count, whole.count);
	float *a = decode(&whole), *b = decode(&cut);
	double click = 0, error = 0;
	for (int i = 0; i < count; i++) {
		int64_t from = seams[i] - 2 * DH_VOICE_PACKET, until = seams[i] + 2 * DH_VOICE_PACKET;
		click = fmax(click, peak(b, from, until));
		error = fmax(error, error_at(b, from, until));
	}
	double usual = error_at(a, 4800, LENGTH - 4800);
	printf("    %d seams: click %.1f dB, error %.1f dB (usually %.1f)\n", count, db(click), db(error), db(usual));
	CHECK(db(click) < -50, "%f dB", db(click));
	CHECK(error < 2 * usual, "%f dB, usually %f dB", db(error), db(usual));
	free(a);
	free(b);
	clear(&cut);
	clear(&whole);
}

static const struct check_test tests[] = {
	TABLE(test_sweep, kinds),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
