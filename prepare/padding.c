/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "padding.h"

#include <libavutil/mathematics.h>
#include <libavutil/samplefmt.h>

/* At most 2112 samples before sound (Apple's AAC), less than a frame after it; this
 * is a little more than the former at 16 kHz. */
#define PADDING_MAX_MS 150
/* Larger times come from damaged files and could overflow. */
#define TIME_MAX (INT64_C(1) << 60)

/* `time` in samples, rounded down. */
static int64_t samples_of(const AVFrame *frame, AVRational base, int64_t time)
{
	return av_rescale_q_rnd(time, base, (AVRational){ 1, frame->sample_rate }, AV_ROUND_DOWN);
}

static int64_t samples_max(const AVFrame *frame)
{
	return (int64_t)frame->sample_rate * PADDING_MAX_MS / 1000;
}

static void drop_front(AVFrame *frame, int count)
{
	bool is_planar = av_sample_fmt_is_planar(frame->format);
	int channels = frame->ch_layout.nb_channels;
	int step = av_get_bytes_per_sample(frame->format) * (is_planar ? 1 : channels);
	for (int i = 0; i < (is_planar ? channels : 1); i++) {
		frame->extended_data[i] += (ptrdiff_t)count * step;
		if (i < AV_NUM_DATA_POINTERS)
			frame->data[i] = frame->extended_data[i];
	}
	frame->nb_samples -= count;
	frame->best_effort_timestamp = 0;
}

bool dh_padding_cut_start(AVFrame *frame, AVRational base)
{
	int64_t time = frame->best_effort_timestamp;
	if (time >= 0 || time < -TIME_MAX || frame->sample_rate <= 0)
		return true;
	int64_t count = samples_of(frame, base, -time);
	if (count <= 0 || count > samples_max(frame))
		return true;
	if (count >= frame->nb_samples)
		return false;
	drop_front(frame, (int)count);
	return true;
}

int dh_padding_excess(const AVFrame *frame, AVRational base, int64_t end)
{
	int64_t time = frame->best_effort_timestamp;
	if (time < -TIME_MAX || end > TIME_MAX || end <= time || frame->sample_rate <= 0)
		return 0;
	int64_t heard = samples_of(frame, base, end - time);
	return heard > 0 && heard < frame->nb_samples ? frame->nb_samples - (int)heard : 0;
}

void dh_padding_cut_end(AVFrame *frame, AVRational base, int64_t end)
{
	int excess = dh_padding_excess(frame, base, end);
	if (excess <= samples_max(frame))
		frame->nb_samples -= excess;
}
