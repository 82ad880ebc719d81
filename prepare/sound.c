/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sound.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "playout/timebase.h"

/* Containers round times to milliseconds and decoders deliver blocks: a smaller
 * difference is not a gap. */
#define TOLERANCE_SAMPLES (5 * DH_VOICE_RATE / 1000)

struct dh_sound {
	struct dh_voice *voice;
	SwrContext *swr;
	/* what `swr` converts from */
	int rate, format;
	AVChannelLayout layout;
	/* The current run of sound without gaps: its start (48 kHz samples from time 0, may
	 * be negative), and the samples that went in and came out. */
	int64_t run_start, run_in, run_out;
	float *buffer;
	int capacity;
	int mended;
	bool has_frame;
};

int dh_sound_alloc(struct dh_sound **sound, int kbps, dh_voice_emit_fn *emit, void *arg, struct dh_fault *fault)
{
	struct dh_sound *s = calloc(1, sizeof *s);
	if (!s)
		return dh_fault_memory(fault);
	int code = dh_voice_alloc(&s->voice, kbps, emit, arg, fault);
	if (code) {
		free(s);
		return code;
	}
	*sound = s;
	return 0;
}

void dh_sound_free(struct dh_sound **sound)
{
	struct dh_sound *s = *sound;
	*sound = NULL;
	if (!s)
		return;
	dh_voice_free(&s->voice);
	swr_free(&s->swr);
	av_channel_layout_uninit(&s->layout);
	free(s->buffer);
	free(s);
}

static int reserve(struct dh_sound *s, int count, struct dh_fault *fault)
{
	if (count <= s->capacity)
		return 0;
	float *buffer = realloc(s->buffer, (size_t)count * sizeof *buffer);
	if (!buffer)
		return dh_fault_memory(fault);
	s->buffer = buffer;
	s->capacity = count;
	return 0;
}

/* The position of the converter's next output sample. */
static int64_t position(const struct dh_sound *s)
{
	return s->run_start + s->run_out;
}

/* Passes converted samples to the encoder, except those before time 0 or before the
 * end of the sound so far. */
static int deliver(struct dh_sound *s, int count, struct dh_fault *fault)
{
	int64_t skip = dh_voice_samples(s->voice) - position(s);
	s->run_out += count;
	if (skip < 0)
		skip = 0;
	return skip < count ? dh_voice_push(s->voice, s->buffer + skip, (size_t)(count - skip), fault) : 0;
}

/* `frame` NULL: what the converter still holds. */
static int convert(struct dh_sound *s, const AVFrame *frame, struct dh_fault *fault)
{
	int samples = frame ? frame->nb_samples : 0;
	int most = swr_get_out_samples(s->swr, samples);
	int code = reserve(s, most > 0 ? most : 1, fault);
	if (code)
		return code;
	uint8_t *out = (uint8_t *)s->buffer;
	int count = swr_convert(s->swr, &out, s->capacity, frame ? (const uint8_t **)frame->extended_data : NULL,
		samples);
	if (count < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The sound cannot be resampled");
	s->run_in += samples;
	return deliver(s, count, fault);
}

/* Flushes the converter at the end of a run, to no more than the input's length: the
 * converter rounds up. */
static int finish_run(struct dh_sound *s, struct dh_fault *fault)
{
	if (!s->swr)
		return 0;
	int64_t whole = av_rescale(s->run_in, DH_VOICE_RATE, s->rate);
	int most = swr_get_out_samples(s->swr, 0);
	int code = reserve(s, most > 0 ? most : 1, fault);
	if (code)
		return code;
	uint8_t *out = (uint8_t *)s->buffer;
	int count = swr_convert(s->swr, &out, s->capacity, NULL, 0);
	if (count > whole - s->run_out)
		count = whole > s->run_out ? (int)(whole - s->run_out) : 0;
	return count > 0 ? deliver(s, count, fault) : 0;
}

static bool same_format(const struct dh_sound *s, const AVFrame *frame)
{
	return s->swr && s->rate == frame->sample_rate && s->format == frame->format &&
		av_channel_layout_compare(&s->layout, &frame->ch_layout) == 0;
}

static int open_converter(struct dh_sound *s, const AVFrame *frame, struct dh_fault *fault)
{
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, in = { 0 };
	swr_free(&s->swr);
	av_channel_layout_uninit(&s->layout);
	if (av_channel_layout_copy(&s->layout, &frame->ch_layout) < 0)
		return dh_fault_memory(fault);
	/* assume the default layout for unlabelled channels */
	if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
		av_channel_layout_default(&in, frame->ch_layout.nb_channels);
	else if (av_channel_layout_copy(&in, &frame->ch_layout) < 0)
		return dh_fault_memory(fault);
	s->rate = frame->sample_rate;
	s->format = frame->format;
	int err = swr_alloc_set_opts2(&s->swr, &mono, AV_SAMPLE_FMT_FLT, DH_VOICE_RATE, &in, frame->format,
		frame->sample_rate, 0, NULL);
	av_channel_layout_uninit(&in);
	/* the same level for integers and floats, without clipping */
	if (err >= 0)
		err = av_opt_set_double(s->swr, "rematrix_maxval", 1.0, 0);
	if (err >= 0)
		err = swr_init(s->swr);
	if (err < 0)
		return dh_fault_set(fault, err == AVERROR(ENOMEM) ? DH_PREPARE_MEMORY : DH_PREPARE_FORMAT,
			"Sound of %d channels at %d Hz cannot be converted", frame->ch_layout.nb_channels,
			frame->sample_rate);
	return 0;
}

/* Starts a run at `start` after silence for the gap before it. */
static int begin_run(struct dh_sound *s, const AVFrame *frame, int64_t start, struct dh_fault *fault)
{
	int code = finish_run(s, fault);
	if (!code)
		code = open_converter(s, frame, fault);
	if (code)
		return code;
	s->run_start = start;
	s->run_in = s->run_out = 0;
	int64_t missing = start - dh_voice_samples(s->voice);
	return missing > 0 ? dh_voice_push(s->voice, NULL, (size_t)missing, fault) : 0;
}

int dh_sound_push(struct dh_sound *s, const AVFrame *frame, int64_t pts_ticks, struct dh_fault *fault)
{
	int64_t start = av_rescale(pts_ticks, 1, DH_TICKS_PER_AUDIO_SAMPLE), expected;
	int code = 0;
	if (frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0 || frame->nb_samples <= 0)
		return 0;
	expected = s->swr ? s->run_start + av_rescale(s->run_in, DH_VOICE_RATE, s->rate) : 0;
	int64_t apart = start - expected;
	bool is_break = apart > TOLERANCE_SAMPLES || apart < -TOLERANCE_SAMPLES;
	if (!same_format(s, frame) || is_break) {
		s->mended += s->has_frame && is_break;
		/* a change of format alone is not a gap */
		code = begin_run(s, frame, s->has_frame && !is_break ? expected : start, fault);
	}
	s->has_frame = true;
	return code ? code : convert(s, frame, fault);
}

int dh_sound_end(struct dh_sound *s, int64_t *ticks, struct dh_fault *fault)
{
	int code = finish_run(s, fault);
	if (!code)
		code = dh_voice_end(s->voice, fault);
	*ticks = dh_voice_samples(s->voice) * DH_TICKS_PER_AUDIO_SAMPLE;
	return code;
}

int64_t dh_sound_emitted_ticks(const struct dh_sound *s)
{
	return dh_voice_emitted_ticks(s->voice);
}

int dh_sound_mended(const struct dh_sound *s)
{
	return s->mended;
}
