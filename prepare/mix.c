/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mix.h"

#include <math.h>

#include <libavutil/channel_layout.h>

#define CHANNELS_MAX 64
/* More channels without labels have no usual layout, whatever FFmpeg takes for the default. */
#define DEFAULT_MAX 8

/* Energies are those of this long, in seconds. */
#define LATELY 0.3
/* Of a sample: quieter than -70 dB is silence. */
#define SILENCE 1e-7
/* The sum of a pair is this much weaker than its difference: it has cancelled out. */
#define CANCELLED 0.02
/* And here it has not. */
#define ADDS_UP 0.25
/* How fast it changes between the two, in seconds. */
#define FADE 0.005f
/* Above this level several channels together are compressed rather than clipped. */
#define KNEE 0.8f

/* Speech lies in the centre, or in the middle of the front pair. What surrounds it is 3 dB
 * lower; low-frequency effects are no speech. */
static double weight_of(enum AVChannel channel)
{
	switch (channel) {
	case AV_CHAN_FRONT_CENTER:
		return 1;
	case AV_CHAN_LOW_FREQUENCY:
	case AV_CHAN_LOW_FREQUENCY_2:
		return 0;
	case AV_CHAN_FRONT_LEFT:
	case AV_CHAN_FRONT_RIGHT:
	case AV_CHAN_FRONT_LEFT_OF_CENTER:
	case AV_CHAN_FRONT_RIGHT_OF_CENTER:
	case AV_CHAN_STEREO_LEFT:
	case AV_CHAN_STEREO_RIGHT:
	case AV_CHAN_BACK_CENTER:
		return 0.5;
	case AV_CHAN_NONE:
	case AV_CHAN_UNUSED:
	case AV_CHAN_UNKNOWN:
		return 0;
	default:
		return 0.5 * M_SQRT1_2;
	}
}

static int set_weights(SwrContext *swr, const AVChannelLayout *layout)
{
	double weights[CHANNELS_MAX], sum = 0;
	int count = layout->nb_channels;
	for (int i = 0; i < count; i++) {
		enum AVChannel channel = av_channel_layout_channel_from_index(layout, (unsigned)i);
		weights[i] = layout->order == AV_CHANNEL_ORDER_AMBISONIC ? i == 0 : weight_of(channel);
		sum += weights[i];
	}
	/* channels without any meaning */
	for (int i = 0; i < count && sum == 0; i++)
		weights[i] = 1.0 / count;
	return swr_set_matrix(swr, weights, count);
}

/* The default layout for channels without labels; many have no meaning. */
static int copy_layout(AVChannelLayout *layout, const AVFrame *frame)
{
	if (frame->ch_layout.order != AV_CHANNEL_ORDER_UNSPEC || frame->ch_layout.nb_channels > DEFAULT_MAX)
		return av_channel_layout_copy(layout, &frame->ch_layout);
	av_channel_layout_default(layout, frame->ch_layout.nb_channels);
	return 0;
}

int dh_mix_open(struct dh_mix *mix, SwrContext **swr, const AVFrame *frame, struct dh_fault *fault)
{
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, stereo = AV_CHANNEL_LAYOUT_STEREO, in = { 0 };
	int channels = frame->ch_layout.nb_channels;
	mix->rate = frame->sample_rate;
	mix->is_pair = channels == 2;
	mix->is_wide = channels > 2;
	mix->mid = mix->side = 0;
	swr_free(swr);
	int err = channels > CHANNELS_MAX ? AVERROR(EINVAL) : copy_layout(&in, frame);
	/* the two channels of a pair are treated alike, whatever they are called */
	if (err >= 0 && mix->is_pair)
		err = av_channel_layout_copy(&in, &stereo);
	if (err >= 0 && channels == 1)
		err = av_channel_layout_copy(&in, &mono);
	if (err >= 0)
		err = swr_alloc_set_opts2(swr, mix->is_pair ? &stereo : &mono, AV_SAMPLE_FMT_FLT, mix->rate, &in,
			frame->format, mix->rate, 0, NULL);
	if (err >= 0 && mix->is_wide)
		err = set_weights(*swr, &in);
	if (err >= 0)
		err = swr_init(*swr);
	av_channel_layout_uninit(&in);
	if (err < 0)
		return dh_fault_set(fault, err == AVERROR(ENOMEM) ? DH_PREPARE_MEMORY : DH_PREPARE_FORMAT,
			"Sound of %d channels at %d Hz cannot be converted", channels, frame->sample_rate);
	return 0;
}

int dh_mix_channels(const struct dh_mix *mix)
{
	return mix->is_pair ? 2 : 1;
}

/* For energies: one damaged sample of 32 bits would outweigh all others for ever, or for minutes. */
static double level_of(float sample)
{
	return isfinite(sample) ? fmax(-1, fmin(1, (double)sample)) : 0;
}

static void compare(struct dh_mix *mix, const float *samples, int count)
{
	double keep = exp(-count / (LATELY * mix->rate)), mid = 0, side = 0;
	for (int i = 0; i < count; i++) {
		double l = level_of(samples[2 * i]), r = level_of(samples[2 * i + 1]);
		mid += (l + r) * (l + r) / 4;
		side += (l - r) * (l - r) / 4;
	}
	mix->mid = mix->mid * keep + mid;
	mix->side = mix->side * keep + side;
	if (mix->side > SILENCE * count && mix->mid < CANCELLED * mix->side)
		mix->is_inverted = mix->was_inverted = true;
	else if (mix->mid > ADDS_UP * mix->side)
		mix->is_inverted = false;
}

static void join_pair(struct dh_mix *mix, float *samples, int count)
{
	float wanted, step = 1 / (FADE * (float)mix->rate);
	compare(mix, samples, count);
	wanted = mix->is_inverted ? 1 : 0;
	for (int i = 0; i < count; i++) {
		if (mix->left < wanted)
			mix->left = fminf(mix->left + step, 1);
		else if (mix->left > wanted)
			mix->left = fmaxf(mix->left - step, 0);
		samples[i] = samples[2 * i] * (1 + mix->left) / 2 + samples[2 * i + 1] * (1 - mix->left) / 2;
	}
}

static void compress(float *samples, int count)
{
	for (int i = 0; i < count; i++) {
		float level = fabsf(samples[i]);
		if (level > KNEE)
			samples[i] = copysignf(KNEE + (1 - KNEE) * tanhf((level - KNEE) / (1 - KNEE)), samples[i]);
	}
}

void dh_mix_down(struct dh_mix *mix, float *samples, int count)
{
	if (mix->is_pair)
		join_pair(mix, samples, count);
	else if (mix->is_wide)
		compress(samples, count);
}
