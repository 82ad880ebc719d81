/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sound.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "mix.h"
#include "playout/timebase.h"
#include "seam.h"
#include "sound_clock.h"

/* Sound that follows a lead so closely is its continuation: a container's times are rounded. */
#define TOLERANCE_SAMPLES (5 * DH_VOICE_RATE / 1000)

struct buffer {
	float *at;
	int capacity;
};

struct dh_sound {
	struct dh_voice *voice;
	/* First to one channel of floats, whatever the rate, then to 48 kHz: what follows this
	 * sound resamples its end once more. NULL: nothing has come yet. */
	SwrContext *mixer, *swr;
	struct dh_mix mix;
	struct dh_seam seam;
	int rate; /* what `swr` converts from */
	/* what `mixer` does */
	int mixed_rate, format;
	AVChannelLayout layout;
	/* The current run of sound without gaps: its start (48 kHz samples from time 0, may
	 * be negative), the samples that went in and came out, and by how many of them it is
	 * stretched. */
	int64_t run_start, run_in, run_out, run_stretch;
	/* What has come: before the rate changed last (48 kHz samples), and since then. */
	int64_t come_before, come;
	int come_rate;
	struct dh_sound_clock clock;
	AVFrame *waiting[DH_SOUND_WAITING];
	int waiting_count;
	struct buffer mixed, resampled;
	int64_t lead; /* samples from time 0 that are another sound's */
	struct dh_tail_keeper keeper;
	bool has_played; /* a frame */
	int mended;
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
	for (int i = 0; i < s->waiting_count; i++)
		av_frame_free(&s->waiting[i]);
	dh_voice_free(&s->voice);
	swr_free(&s->mixer);
	swr_free(&s->swr);
	av_channel_layout_uninit(&s->layout);
	free(s->mixed.at);
	free(s->resampled.at);
	free(s);
}

/* --- converted sound */

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

static int say(struct dh_sound *s, float *samples, int64_t count, struct dh_fault *fault)
{
	dh_seam_apply(&s->seam, samples, (size_t)count);
	return dh_voice_push(s->voice, samples, (size_t)count, fault);
}

static int say_nothing(struct dh_sound *s, int64_t count, struct dh_fault *fault)
{
	float end[DH_SEAM_SAMPLES] = { 0 };
	int64_t step = count < DH_SEAM_SAMPLES ? count : DH_SEAM_SAMPLES;
	int code = say(s, end, step, fault);
	memset(end, 0, sizeof end);
	dh_seam_apply(&s->seam, end, (size_t)(count - step < DH_SEAM_SAMPLES ? count - step : DH_SEAM_SAMPLES));
	return code || count == step ? code : dh_voice_push(s->voice, NULL, (size_t)(count - step), fault);
}

/* Passes converted samples to the encoder, except those before time 0 (or what leads to
 * it) or before the end of the sound so far. */
static int deliver(struct dh_sound *s, int count, struct dh_fault *fault)
{
	int64_t skip = dh_voice_samples(s->voice) - position(s);
	s->run_out += count;
	if (skip < 0)
		skip = 0;
	return skip < count ? say(s, s->resampled.at + skip, count - skip, fault) : 0;
}

/* `samples` NULL: what the converter still holds; at most `most` samples of the result are
 * used. */
static int resample(struct dh_sound *s, const float *samples, int count, int64_t most, struct dh_fault *fault)
{
	int space = swr_get_out_samples(s->swr, count);
	int code = reserve(&s->resampled, space > 0 ? space : 1, fault);
	if (code)
		return code;
	uint8_t *out = (uint8_t *)s->resampled.at;
	const uint8_t *in = (const uint8_t *)samples;
	int made = swr_convert(s->swr, &out, s->resampled.capacity, samples ? &in : NULL, count);
	if (made < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The sound cannot be resampled");
	s->run_in += count;
	if (made > most)
		made = most > 0 ? (int)most : 0;
	return made > 0 ? deliver(s, made, fault) : 0;
}

static int take_samples(struct dh_sound *s, const float *samples, int count, struct dh_fault *fault)
{
	dh_tail_keep(&s->keeper, samples, count);
	return resample(s, samples, count, INT64_MAX, fault);
}

static int convert(struct dh_sound *s, const AVFrame *frame, struct dh_fault *fault)
{
	int code = reserve(&s->mixed, frame->nb_samples * dh_mix_channels(&s->mix), fault);
	if (code)
		return code;
	uint8_t *out = (uint8_t *)s->mixed.at;
	int count = swr_convert(s->mixer, &out, frame->nb_samples, (const uint8_t **)frame->extended_data,
		frame->nb_samples);
	if (count < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "The sound cannot be mixed to one channel");
	dh_mix_down(&s->mix, s->mixed.at, count);
	return take_samples(s, s->mixed.at, count, fault);
}

/* --- runs */

/* Flushes the converter at the end of a run, to no more than the input's length: the
 * converter rounds up. */
static int finish_run(struct dh_sound *s, struct dh_fault *fault)
{
	if (!s->swr)
		return 0;
	int64_t plain = av_rescale(s->run_in, DH_VOICE_RATE, s->rate);
	int code = resample(s, NULL, 0, plain + s->run_stretch - s->run_out, fault);
	if (s->run_stretch)
		dh_tail_move(&s->keeper, s->run_out - plain);
	return code;
}

/* Starts a run of samples at `rate` at `start`, after silence for the gap before it. */
static int begin_run(struct dh_sound *s, int rate, int64_t start, struct dh_fault *fault)
{
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
	swr_free(&s->swr);
	int err = swr_alloc_set_opts2(&s->swr, &mono, AV_SAMPLE_FMT_FLT, DH_VOICE_RATE, &mono, AV_SAMPLE_FMT_FLT, rate,
		0, NULL);
	/* so that it can be stretched at any time */
	if (err >= 0)
		err = av_opt_set_int(s->swr, "flags", SWR_FLAG_RESAMPLE, 0);
	if (err >= 0)
		err = swr_init(s->swr);
	if (err < 0)
		return dh_fault_set(fault, err == AVERROR(ENOMEM) ? DH_PREPARE_MEMORY : DH_PREPARE_FORMAT,
			"Sound at %d Hz cannot be converted", rate);
	s->rate = rate;
	s->run_start = start;
	s->run_in = s->run_out = s->run_stretch = 0;
	dh_tail_begin(&s->keeper, rate, start);
	int64_t missing = start - dh_voice_samples(s->voice);
	return missing > 0 ? say_nothing(s, missing, fault) : 0;
}

static int follow_format(struct dh_sound *s, const AVFrame *frame, struct dh_fault *fault)
{
	if (s->mixer && s->mixed_rate == frame->sample_rate && s->format == frame->format &&
		av_channel_layout_compare(&s->layout, &frame->ch_layout) == 0)
		return 0;
	av_channel_layout_uninit(&s->layout);
	if (av_channel_layout_copy(&s->layout, &frame->ch_layout) < 0)
		return dh_fault_memory(fault);
	s->mixed_rate = frame->sample_rate;
	s->format = frame->format;
	return dh_mix_open(&s->mix, &s->mixer, frame, fault);
}

/* How far the first frame is from the end of the lead. */
static int64_t gap_behind_lead(const struct dh_sound *s)
{
	int64_t gap = s->clock.offset - s->run_start - av_rescale(s->run_in, DH_VOICE_RATE, s->rate);
	return llabs(gap) > TOLERANCE_SAMPLES ? gap : 0;
}

/* Begins a new run where it has to. */
static int follow_time(struct dh_sound *s, const AVFrame *frame, int64_t shift, struct dh_fault *fault)
{
	if (s->swr && s->rate == frame->sample_rate && !shift)
		return 0;
	int code = finish_run(s, fault);
	int64_t start = s->swr ? position(s) : s->clock.offset;
	if (shift)
		dh_seam_cut(&s->seam);
	if (!code)
		code = begin_run(s, frame->sample_rate, start + shift, fault);
	if (shift > 0)
		dh_seam_cut(&s->seam);
	return code;
}

/* Plays a frame after `shift` samples of silence, or without the sound of so many. */
static int play(struct dh_sound *s, const AVFrame *frame, int64_t shift, struct dh_fault *fault)
{
	s->mended += shift != 0;
	if (!s->has_played && s->swr)
		shift += gap_behind_lead(s);
	s->has_played = true;
	int code = follow_format(s, frame, fault);
	if (!code)
		code = follow_time(s, frame, shift, fault);
	if (!code)
		code = convert(s, frame, fault);
	int64_t stretch = dh_sound_clock_stretch(&s->clock);
	if (!code && stretch && swr_set_compensation(s->swr, (int)stretch, DH_SOUND_STRETCH) >= 0)
		s->run_stretch += stretch;
	return code;
}

/* --- frames */

static int play_waiting(struct dh_sound *s, bool is_end, struct dh_fault *fault)
{
	int64_t shift;
	int code = 0;
	while (!code && dh_sound_clock_next(&s->clock, is_end, &shift)) {
		AVFrame *frame = s->waiting[0];
		memmove(s->waiting, s->waiting + 1, (size_t)--s->waiting_count * sizeof *s->waiting);
		code = play(s, frame, shift, fault);
		av_frame_free(&frame);
	}
	return code;
}

/* All sound that has come, in 48 kHz samples. */
static int64_t come(const struct dh_sound *s)
{
	return s->come_before + (s->come_rate > 0 ? av_rescale(s->come, DH_VOICE_RATE, s->come_rate) : 0);
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
	if (frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0 || frame->nb_samples <= 0)
		return 0;
	if (frame->sample_rate != s->come_rate) {
		s->come_before = come(s);
		s->come = 0;
		s->come_rate = frame->sample_rate;
	}
	struct dh_sound_told told = { .time = av_rescale(pts_ticks, 1, DH_TICKS_PER_AUDIO_SAMPLE) + s->lead,
		.before = come(s) };
	s->come += frame->nb_samples;
	told.length = come(s) - told.before;
	AVFrame *kept = av_frame_clone(frame);
	if (!kept)
		return dh_fault_memory(fault);
	s->waiting[s->waiting_count++] = kept;
	dh_sound_clock_push(&s->clock, &told);
	return play_waiting(s, false, fault);
}

int dh_sound_end(struct dh_sound *s, int64_t *ticks, struct dh_fault *fault)
{
	int code = play_waiting(s, true, fault);
	if (!code)
		code = finish_run(s, fault);
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

bool dh_sound_was_inverted(const struct dh_sound *s)
{
	return s->mix.was_inverted;
}
