/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "voice.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <opus.h>

#include "playout/timebase.h"

/* From this rate on CELT alone codes speech well, with an exact delay; below it
 * libopus mixes in SILK, whose output is 2.5 samples early. */
#define CELT_KBPS 32

/* Behind a lead, packets that must not depend on what a decoder had before: the decoder may
 * have had the fresh packet instead, and the other voice's encoder is not in the same state. */
#define APART_PACKETS 3

/* What an encoder needs to know of the sound behind a packet that stays: its own look-ahead, and
 * what a resampler spoils at an end, both rounded up. */
#define BEHIND 420
/* So much later than it could be a packet is encoded if it may be the last that stays. */
#define LATER (DH_VOICE_PACKET + BEHIND)

_Static_assert(BEHIND + DH_VOICE_PACKET - 1 <= DH_VOICE_LEAD_MAX, "a lead is less than two packets");

/* Hardly ever heard, and heard for 20 ms. */
#define FADE_COMPLEXITY 0

/* An encoder, and the input of its next packet. */
struct coder {
	OpusEncoder *opus;
	OpusEncoder *fading; /* space for a copy of its state; NULL: it makes no fades */
	float frame[DH_VOICE_PACKET];
	size_t head;  /* samples in it */
	int dropping; /* packets that come before packet 0 */
	int apart;    /* packets still to come that depend on none before them */
	/* The packet behind which another encoder goes on: it leaves the decoder's pitch filter off, which
	 * the other one cannot know. -1 is the one before packet 0, INT64_MIN: none. */
	int64_t last;
	int64_t packets;
};

struct dh_voice {
	struct coder coder;
	int lookahead;
	dh_voice_emit_fn *emit, *fresh;
	void *arg;
	int kbps;
	int64_t pushed, consumed; /* samples; the latter are encoded or in a frame */
	int64_t emitted;
	/* with a lead */
	struct coder second; /* hears silence instead; `opus` NULL: no longer needed */
	int lead;
	struct dh_unit *early[2]; /* packets that wait for the fresh one */
	/* if it is followed: samples that are not encoded yet */
	bool is_followed;
	float later[LATER];
	int waiting;
};

static int encoder_setup(OpusEncoder *encoder, int kbps)
{
	return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(kbps * 1000)) || opus_encoder_ctl(encoder, OPUS_SET_VBR(1)) ||
		opus_encoder_ctl(encoder, OPUS_SET_DTX(0)) || opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(9)) ||
		opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(kbps < CELT_KBPS ? OPUS_SIGNAL_VOICE : OPUS_SIGNAL_MUSIC));
}

/* A decoder's output lags by the look-ahead, so a packet before packet 0, which is dropped,
 * consumes the first `lookahead` samples. */
static int open_coder(struct dh_voice *v, struct coder *coder, struct dh_fault *fault)
{
	opus_int32 lookahead = 0;
	int opus = 0;
	coder->opus = opus_encoder_create(DH_VOICE_RATE, 1, OPUS_APPLICATION_AUDIO, &opus);
	if (!coder->opus || encoder_setup(coder->opus, v->kbps) ||
		opus_encoder_ctl(coder->opus, OPUS_GET_LOOKAHEAD(&lookahead)) || lookahead < 0 ||
		lookahead > DH_VOICE_PACKET)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The Opus encoder cannot be set up: %s",
			opus_strerror(opus));
	v->lookahead = lookahead;
	coder->head = DH_VOICE_PACKET - (size_t)lookahead;
	coder->dropping = 1;
	coder->apart = 1;
	coder->last = INT64_MIN;
	return 0;
}

static void close_coder(struct coder *coder)
{
	if (coder->opus)
		opus_encoder_destroy(coder->opus);
	coder->opus = NULL;
	free(coder->fading);
	coder->fading = NULL;
}

int dh_voice_alloc(struct dh_voice **voice, int kbps, dh_voice_emit_fn *emit, void *arg, struct dh_fault *fault)
{
	struct dh_voice *v = calloc(1, sizeof *v);
	if (!v)
		return dh_fault_memory(fault);
	v->emit = emit;
	v->arg = arg;
	v->kbps = kbps;
	int code = open_coder(v, &v->coder, fault);
	v->coder.fading = malloc((size_t)opus_encoder_get_size(1));
	if (!code && !v->coder.fading)
		code = dh_fault_memory(fault);
	if (code)
		dh_voice_free(&v);
	else
		*voice = v;
	return code;
}

void dh_voice_free(struct dh_voice **voice)
{
	struct dh_voice *v = *voice;
	*voice = NULL;
	if (!v)
		return;
	close_coder(&v->coder);
	close_coder(&v->second);
	for (int i = 0; i < 2; i++)
		dh_unit_unref(&v->early[i]);
	free(v);
}

/* Packets before packet 0 that it takes to consume the context, the first of them filled up
 * with silence. */
static void shift_coder(const struct dh_voice *v, struct coder *coder, int before)
{
	int all = before + v->lookahead;
	coder->dropping = (all + DH_VOICE_PACKET - 1) / DH_VOICE_PACKET;
	coder->head = (size_t)(coder->dropping * DH_VOICE_PACKET - all);
	coder->apart = APART_PACKETS;
	coder->last = -1;
}

int dh_voice_lead(struct dh_voice *v, int before, int lead, dh_voice_emit_fn *fresh, struct dh_fault *fault)
{
	int code = open_coder(v, &v->second, fault);
	shift_coder(v, &v->coder, before);
	shift_coder(v, &v->second, before);
	v->pushed = v->consumed = -before;
	v->lead = lead;
	v->fresh = fresh;
	return code;
}

/* --- packets */

/* As in RFC 6464, rounded. */
static uint8_t loudness_of(const float *samples, int count)
{
	double sum = 0;
	for (int i = 0; i < count; i++)
		sum += (double)samples[i] * samples[i];
	double level = sum > 0 ? -10 * log10(sum / count) : DH_LOUDNESS_MAX - 1;
	return (uint8_t)(1 + (level < 0 ? 0 : level > DH_LOUDNESS_MAX - 1 ? DH_LOUDNESS_MAX - 1 : lrint(level)));
}

/* What a decoder puts out for a packet begins with what the encoder has kept back of the frame before; behind
 * that the frame fades, so that nothing of it is left for the packet behind. */
static void fade_frame(const struct coder *coder, int lookahead, float faded[DH_VOICE_PACKET])
{
	int length = DH_VOICE_PACKET - lookahead;
	for (int i = 0; i < length; i++)
		faded[i] = coder->frame[i] * (float)(0.5 + 0.5 * cos(M_PI * i / length));
	for (int i = length; i < DH_VOICE_PACKET; i++)
		faded[i] = 0;
}

/* The full frame as the last one, encoded by a copy of the encoder (its state is one block of memory, which libopus
 * allows to be copied): it goes on exactly as the packet itself does. Returns its size; 0: there is none. */
static size_t encode_fade(const struct coder *coder, int lookahead, unsigned char *bytes)
{
	float faded[DH_VOICE_PACKET];
	if (!coder->fading || coder->dropping)
		return 0;
	memcpy(coder->fading, coder->opus, (size_t)opus_encoder_get_size(1));
	opus_encoder_ctl(coder->fading, OPUS_SET_COMPLEXITY(FADE_COMPLEXITY));
	fade_frame(coder, lookahead, faded);
	opus_int32 size = opus_encode_float(coder->fading, faded, DH_VOICE_PACKET, bytes, DH_AUDIO_UNIT_MAX);
	return size > 0 ? (size_t)size : 0;
}

/* Encodes the full frame. *unit NULL: it comes before packet 0. */
static int encode(struct coder *coder, int lookahead, struct dh_unit **unit, struct dh_fault *fault)
{
	unsigned char bytes[DH_AUDIO_UNIT_MAX], fade[DH_AUDIO_UNIT_MAX];
	bool is_apart = !coder->dropping && coder->apart > 0;
	bool is_last = coder->packets - coder->dropping == coder->last;
	opus_encoder_ctl(coder->opus, OPUS_SET_PREDICTION_DISABLED(is_apart || is_last));
	size_t fade_size = encode_fade(coder, lookahead, fade);
	opus_int32 size = opus_encode_float(coder->opus, coder->frame, DH_VOICE_PACKET, bytes, sizeof bytes);
	*unit = NULL;
	if (size < 1)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "Opus encoder: %s", opus_strerror(size));
	coder->head = 0;
	coder->apart -= is_apart;
	if (coder->dropping > 0) {
		coder->dropping--;
		return 0;
	}
	*unit = dh_unit_new_sound(coder->packets * DH_SLOT_TICKS, bytes, (size_t)size, fade, fade_size);
	if (!*unit)
		return dh_fault_memory(fault);
	(*unit)->loudness = loudness_of(coder->frame, DH_VOICE_PACKET);
	coder->packets++;
	return 0;
}

static int emit(struct dh_voice *v, struct dh_unit *unit)
{
	v->emitted++;
	return v->emit(v->arg, unit);
}

/* The fresh packet is there: from now on nothing waits. */
static int release(struct dh_voice *v, struct dh_unit *fresh)
{
	int code = fresh ? v->fresh(v->arg, fresh) : 0;
	close_coder(&v->second);
	for (int i = 0; i < 2; i++) {
		struct dh_unit *unit = v->early[i];
		v->early[i] = NULL;
		if (unit && !code)
			code = emit(v, unit);
		else
			dh_unit_unref(&unit);
	}
	return code;
}

/* Both coders have a full frame. */
static int encode_both(struct dh_voice *v, struct dh_fault *fault)
{
	struct dh_unit *unit, *fresh;
	int code = encode(&v->coder, v->lookahead, &unit, fault);
	if (!code && unit)
		v->early[v->coder.packets - 1] = unit;
	if (!code)
		code = encode(&v->second, v->lookahead, &fresh, fault);
	if (code || !fresh)
		return code;
	if (v->second.packets - 1 == v->lead / DH_VOICE_PACKET)
		return release(v, fresh);
	dh_unit_unref(&fresh);
	return 0;
}

static int encode_one(struct dh_voice *v, struct dh_fault *fault)
{
	struct dh_unit *unit;
	if (v->second.opus)
		return encode_both(v, fault);
	int code = encode(&v->coder, v->lookahead, &unit, fault);
	return code || !unit ? code : emit(v, unit);
}

static void fill(struct coder *coder, const float *samples, size_t count)
{
	if (samples)
		memcpy(coder->frame + coder->head, samples, count * sizeof *samples);
	else
		memset(coder->frame + coder->head, 0, count * sizeof *samples);
	coder->head += count;
}

/* What the second coder hears of them: not what is another voice's. */
static void fill_second(struct dh_voice *v, const float *samples, size_t count)
{
	int64_t others = v->lead - v->consumed;
	size_t silent = others < 0 ? 0 : others > (int64_t)count ? count : (size_t)others;
	fill(&v->second, NULL, silent);
	fill(&v->second, samples ? samples + silent : NULL, count - silent);
}

static int consume(struct dh_voice *v, const float *samples, size_t count, struct dh_fault *fault)
{
	while (count > 0) {
		size_t step = DH_VOICE_PACKET - v->coder.head;
		if (step > count)
			step = count;
		if (v->second.opus)
			fill_second(v, samples, step);
		fill(&v->coder, samples, step);
		samples = samples ? samples + step : NULL;
		count -= step;
		v->consumed += (int64_t)step;
		int code = v->coder.head == DH_VOICE_PACKET ? encode_one(v, fault) : 0;
		if (code)
			return code;
	}
	return 0;
}

/* Keeps the last LATER samples back. */
static int consume_later(struct dh_voice *v, const float *samples, size_t count, struct dh_fault *fault)
{
	int code = 0;
	while (count > 0 && !code) {
		size_t step = count < LATER ? count : LATER;
		size_t out = (size_t)v->waiting + step > LATER ? (size_t)v->waiting + step - LATER : 0;
		code = consume(v, v->later, out, fault);
		v->waiting -= (int)out;
		memmove(v->later, v->later + out, (size_t)v->waiting * sizeof *v->later);
		if (samples)
			memcpy(v->later + v->waiting, samples, step * sizeof *samples);
		else
			memset(v->later + v->waiting, 0, step * sizeof *v->later);
		v->waiting += (int)step;
		samples = samples ? samples + step : NULL;
		count -= step;
	}
	return code;
}

int dh_voice_push(struct dh_voice *v, const float *samples, size_t count, struct dh_fault *fault)
{
	v->pushed += (int64_t)count;
	return v->is_followed ? consume_later(v, samples, count, fault) : consume(v, samples, count, fault);
}

void dh_voice_followed(struct dh_voice *voice)
{
	voice->is_followed = true;
}

int64_t dh_voice_cut(int64_t length)
{
	return (length - BEHIND) / DH_VOICE_PACKET * DH_VOICE_PACKET;
}

int dh_voice_end(struct dh_voice *v, struct dh_fault *fault)
{
	int64_t wanted = (v->pushed + DH_VOICE_PACKET - 1) / DH_VOICE_PACKET;
	if (v->is_followed)
		v->coder.last = dh_voice_cut(v->pushed) / DH_VOICE_PACKET - 1;
	int code = consume(v, v->later, (size_t)v->waiting, fault);
	while (!code && v->coder.packets < wanted) {
		if (v->second.opus)
			fill(&v->second, NULL, DH_VOICE_PACKET - v->second.head);
		fill(&v->coder, NULL, DH_VOICE_PACKET - v->coder.head);
		code = encode_one(v, fault);
	}
	return !code && v->second.opus ? release(v, NULL) : code; /* nothing is its own */
}

int64_t dh_voice_samples(const struct dh_voice *voice)
{
	return voice->pushed;
}

int64_t dh_voice_emitted_ticks(const struct dh_voice *voice)
{
	return voice->emitted * DH_SLOT_TICKS;
}
