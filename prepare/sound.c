/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "playout/timebase.h"

/* Containers round times to milliseconds and decoders deliver blocks: a smaller
 * difference is not a gap. */
#define TOLERANCE_SAMPLES (5 * DH_VOICE_RATE / 1000)

struct buffer {
	float *at;
	int capacity;
};

struct dh_sound {
	struct dh_voice *voice;
	/* First to one channel of floats, whatever the rate, then to 48 kHz: what follows this
	 * sound resamples its end once more. NULL: nothing has come yet. */
	SwrContext *mix, *swr;
	int rate, format; /* what `swr` converts from, and `mix` */
	AVChannelLayout layout;
	/* The current run of sound without gaps: its start (48 kHz samples from time 0, may
	 * be negative), and the samples that went in and came out. */
	int64_t run_start, run_in, run_out;
	struct buffer mixed, resampled;
	int64_t lead; /* samples from time 0 that are another sound's */
	struct dh_tail_keeper keeper;
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
	swr_free(&s->mix);
	swr_free(&s->swr);
	av_channel_layout_uninit(&s->layout);
	free(s->mixed.at);
	free(s->resampled.at);
	free(s);
}

static int reserve(struct buffer *buffer, int count, struct dh_fault *fault)
{
	if (count <= buffer->capacity)
		return 0;
	float *at = realloc(buffer->at, (size_t)count * sizeof *at);
	if (!at)
		return dh_fault_memory(fault);
	buffer->at = at;
	buffer->capacity = count;
	return 0;
}

/* The position of the converter's next output sample. */
static int64_t position(const struct dh_sound *s)
{
	return s->run_start + s->run_out;
}

/* Passes converted samples to the encoder, except those before time 0 (or what leads to
 * it) or before the end of the sound so far. */
static int deliver(struct dh_sound *s, int count, struct dh_fault *fault)
{
	int64_t skip = dh_voice_samples(s->voice) - position(s);
	s->run_out += count;
	if (skip < 0)
		skip = 0;
	return skip < count ? dh_voice_push(s->voice, s->resampled.at + skip, (size_t)(count - skip), fault) : 0;
}

/* `samples` NULL: takes out what the converter still holds, *count of it. */
static int resample(struct dh_sound *s, const float *samples, int *count, struct dh_fault *fault)
{
	int most = swr_get_out_samples(s->swr, *count);
	int code = reserve(&s->resampled, most > 0 ? most : 1, fault);
	if (code)
		return code;
	uint8_t *out = (uint8_t *)s->resampled.at;
	const uint8_t *in = (const uint8_t *)samples;
	int made = swr_convert(s->swr, &out, s->resampled.capacity, samples ? &in : NULL, *count);
	if (made < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The sound cannot be resampled");
	s->run_in += *count;
	*count = made;
	return 0;
}

static int take_samples(struct dh_sound *s, const float *samples, int count, struct dh_fault *fault)
{
	dh_tail_keep(&s->keeper, samples, count);
	int code = resample(s, samples, &count, fault);
	return code ? code : deliver(s, count, fault);
}

static int convert(struct dh_sound *s, const AVFrame *frame, struct dh_fault *fault)
{
	int code = reserve(&s->mixed, frame->nb_samples, fault);
	if (code)
		return code;
	uint8_t *out = (uint8_t *)s->mixed.at;
	int count = swr_convert(s->mix, &out, frame->nb_samples, (const uint8_t **)frame->extended_data,
		frame->nb_samples);
	if (count < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The sound cannot be mixed to one channel");
	return take_samples(s, s->mixed.at, count, fault);
}

/* Flushes the converter at the end of a run, to no more than the input's length: the
 * converter rounds up. */
static int finish_run(struct dh_sound *s, struct dh_fault *fault)
{
	int count = 0;
	if (!s->swr)
		return 0;
	int64_t whole = av_rescale(s->run_in, DH_VOICE_RATE, s->rate);
	int code = resample(s, NULL, &count, fault);
	if (count > whole - s->run_out)
		count = whole > s->run_out ? (int)(whole - s->run_out) : 0;
	return !code && count > 0 ? deliver(s, count, fault) : code;
}

static bool same_format(const struct dh_sound *s, const AVFrame *frame)
{
	return s->mix && s->format == frame->format && av_channel_layout_compare(&s->layout, &frame->ch_layout) == 0;
}

static int open_converter(SwrContext **swr, AVChannelLayout *layout, enum AVSampleFormat format, int rate, int rate_out)
{
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
	swr_free(swr);
	int err = swr_alloc_set_opts2(swr, &mono, AV_SAMPLE_FMT_FLT, rate_out, layout, format, rate, 0, NULL);
	/* the same level for integers and floats, without clipping */
	if (err >= 0)
		err = av_opt_set_double(*swr, "rematrix_maxval", 1.0, 0);
	return err >= 0 ? swr_init(*swr) : err;
}

static int fail_converter(int err, int channels, int rate, struct dh_fault *fault)
{
	return dh_fault_set(fault, err == AVERROR(ENOMEM) ? DH_PREPARE_MEMORY : DH_PREPARE_FORMAT,
		"Sound of %d channels at %d Hz cannot be converted", channels, rate);
}

static int open_mix(struct dh_sound *s, const AVFrame *frame, struct dh_fault *fault)
{
	AVChannelLayout in = { 0 };
	av_channel_layout_uninit(&s->layout);
	if (av_channel_layout_copy(&s->layout, &frame->ch_layout) < 0)
		return dh_fault_memory(fault);
	/* assume the default layout for unlabelled channels */
	if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
		av_channel_layout_default(&in, frame->ch_layout.nb_channels);
	else if (av_channel_layout_copy(&in, &frame->ch_layout) < 0)
		return dh_fault_memory(fault);
	s->format = frame->format;
	int err = open_converter(&s->mix, &in, frame->format, DH_VOICE_RATE, DH_VOICE_RATE);
	av_channel_layout_uninit(&in);
	return err < 0 ? fail_converter(err, frame->ch_layout.nb_channels, frame->sample_rate, fault) : 0;
}

/* Starts a run of samples at `rate` at `start`, after silence for the gap before it. */
static int begin_run(struct dh_sound *s, int rate, int64_t start, struct dh_fault *fault)
{
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
	int code = finish_run(s, fault);
	if (code)
		return code;
	int err = open_converter(&s->swr, &mono, AV_SAMPLE_FMT_FLT, rate, DH_VOICE_RATE);
	if (err < 0)
		return fail_converter(err, 1, rate, fault);
	s->rate = rate;
	s->run_start = start;
	s->run_in = s->run_out = 0;
	dh_tail_begin(&s->keeper, rate, start);
	int64_t missing = start - dh_voice_samples(s->voice);
	return missing > 0 ? dh_voice_push(s->voice, NULL, (size_t)missing, fault) : 0;
}

int dh_sound_lead(struct dh_sound *s, const struct dh_tail *tail, dh_voice_emit_fn *fresh, struct dh_fault *fault)
{
	s->lead = tail->lead;
	int code = dh_voice_lead(s->voice, tail->from < 0 ? -tail->from : 0, tail->lead, fresh, fault);
	if (!code)
		code = begin_run(s, tail->rate, tail->from, fault);
	return code ? code : take_samples(s, tail->samples, tail->count, fault);
}

void dh_sound_followed(struct dh_sound *sound)
{
	dh_voice_followed(sound->voice);
}

int dh_sound_push(struct dh_sound *s, const AVFrame *frame, int64_t pts_ticks, struct dh_fault *fault)
{
	int64_t start = av_rescale(pts_ticks, 1, DH_TICKS_PER_AUDIO_SAMPLE) + s->lead;
	int code = 0;
	if (frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0 || frame->nb_samples <= 0)
		return 0;
	bool has_run = s->swr != NULL;
	int64_t expected = has_run ? s->run_start + av_rescale(s->run_in, DH_VOICE_RATE, s->rate) : start;
	bool is_break = llabs(start - expected) > TOLERANCE_SAMPLES;
	s->mended += s->has_frame && is_break;
	s->has_frame = true;
	if (!same_format(s, frame))
		code = open_mix(s, frame, fault);
	/* a change of the rate alone is not a gap */
	if (!code && (!has_run || is_break || s->rate != frame->sample_rate))
		code = begin_run(s, frame->sample_rate, is_break ? start : expected, fault);
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

bool dh_sound_tail(const struct dh_sound *s, struct dh_tail *tail)
{
	return s->swr && dh_tail_make(tail, &s->keeper, dh_voice_samples(s->voice));
}

int64_t dh_sound_emitted_ticks(const struct dh_sound *s)
{
	return dh_voice_emitted_ticks(s->voice);
}

int dh_sound_mended(const struct dh_sound *s)
{
	return s->mended;
}
