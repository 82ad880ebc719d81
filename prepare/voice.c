/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "voice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <opus.h>

#include "playout/timebase.h"

/* From this rate on CELT alone codes speech well, with an exact delay; below it
 * libopus mixes in SILK, whose output is 2.5 samples early. */
#define CELT_KBPS 32

struct dh_voice {
	OpusEncoder *encoder;
	dh_voice_emit_fn *emit;
	void *arg;
	/* the input of the next packet, of which `head` samples are there */
	float frame[DH_VOICE_PACKET];
	size_t head;
	int64_t pushed; /* samples */
	int64_t packets;
	bool is_primed; /* the packet before packet 0 was encoded */
};

static int encoder_setup(OpusEncoder *encoder, int kbps)
{
	return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(kbps * 1000)) || opus_encoder_ctl(encoder, OPUS_SET_VBR(1)) ||
		opus_encoder_ctl(encoder, OPUS_SET_DTX(0)) || opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(9)) ||
		opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(kbps < CELT_KBPS ? OPUS_SIGNAL_VOICE : OPUS_SIGNAL_MUSIC));
}

int dh_voice_alloc(struct dh_voice **voice, int kbps, dh_voice_emit_fn *emit, void *arg, struct dh_fault *fault)
{
	opus_int32 lookahead = 0;
	int opus = 0;
	struct dh_voice *v = calloc(1, sizeof *v);
	if (!v)
		return dh_fault_memory(fault);
	v->emit = emit;
	v->arg = arg;
	v->encoder = opus_encoder_create(DH_VOICE_RATE, 1, OPUS_APPLICATION_AUDIO, &opus);
	if (!v->encoder || encoder_setup(v->encoder, kbps) ||
		opus_encoder_ctl(v->encoder, OPUS_GET_LOOKAHEAD(&lookahead)) || lookahead < 0 ||
		lookahead > DH_VOICE_PACKET) {
		dh_voice_free(&v);
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The Opus encoder cannot be set up: %s",
			opus_strerror(opus));
	}
	/* A decoder's output lags by the look-ahead, so a packet before packet 0, which is
	 * dropped, consumes the first `lookahead` samples. */
	v->head = DH_VOICE_PACKET - (size_t)lookahead;
	*voice = v;
	return 0;
}

void dh_voice_free(struct dh_voice **voice)
{
	struct dh_voice *v = *voice;
	*voice = NULL;
	if (!v)
		return;
	if (v->encoder)
		opus_encoder_destroy(v->encoder);
	free(v);
}

/* Encodes the full frame. Packet 0 must not depend on the dropped one. */
static int encode(struct dh_voice *voice, struct dh_fault *fault)
{
	unsigned char bytes[DH_AUDIO_UNIT_MAX];
	opus_int32 size = opus_encode_float(voice->encoder, voice->frame, DH_VOICE_PACKET, bytes, sizeof bytes);
	if (size < 1)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "Opus encoder: %s", opus_strerror(size));
	voice->head = 0;
	if (!voice->is_primed) {
		voice->is_primed = true;
		opus_encoder_ctl(voice->encoder, OPUS_SET_PREDICTION_DISABLED(1));
		return 0;
	}
	opus_encoder_ctl(voice->encoder, OPUS_SET_PREDICTION_DISABLED(0));
	struct dh_unit *unit = dh_unit_new(DH_AUDIO, voice->packets * DH_SLOT_TICKS, DH_SLOT_TICKS, bytes,
		(size_t)size);
	if (!unit)
		return dh_fault_memory(fault);
	voice->packets++;
	return voice->emit(voice->arg, unit);
}

int dh_voice_push(struct dh_voice *voice, const float *samples, size_t count, struct dh_fault *fault)
{
	voice->pushed += (int64_t)count;
	while (count > 0) {
		size_t step = DH_VOICE_PACKET - voice->head;
		if (step > count)
			step = count;
		if (samples) {
			memcpy(voice->frame + voice->head, samples, step * sizeof *samples);
			samples += step;
		} else {
			memset(voice->frame + voice->head, 0, step * sizeof *voice->frame);
		}
		voice->head += step;
		count -= step;
		int code = voice->head == DH_VOICE_PACKET ? encode(voice, fault) : 0;
		if (code)
			return code;
	}
	return 0;
}

int dh_voice_end(struct dh_voice *voice, struct dh_fault *fault)
{
	int64_t wanted = (voice->pushed + DH_VOICE_PACKET - 1) / DH_VOICE_PACKET;
	while (voice->packets < wanted) {
		memset(voice->frame + voice->head, 0, (DH_VOICE_PACKET - voice->head) * sizeof *voice->frame);
		int code = encode(voice, fault);
		if (code)
			return code;
	}
	return 0;
}

int64_t dh_voice_samples(const struct dh_voice *voice)
{
	return voice->pushed;
}

int64_t dh_voice_emitted_ticks(const struct dh_voice *voice)
{
	return voice->packets * DH_SLOT_TICKS;
}
