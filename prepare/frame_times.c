/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame_times.h"

#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "playout/timebase.h"

/* Containers with times in milliseconds round most frame rates. A picture within that
 * rounding of its nominal time gets the nominal time. */
static int64_t exact_ticks(const struct dh_frame_times *times, int64_t time, int64_t ticks)
{
	AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };
	int64_t unit = av_rescale_q(1, times->time_base, ticks_base);
	if (times->rate.num <= 0 || unit < DH_TICKS_PER_MS / 2 || unit > 2 * DH_TICKS_PER_MS)
		return ticks;
	int64_t n = av_rescale_q(time - times->first, times->time_base, av_inv_q(times->rate));
	if (n < 0 || n > INT32_MAX)
		return ticks;
	int64_t exact = av_rescale_q(times->first, times->time_base, ticks_base) +
		dh_ticks_of_frame(n, times->rate.num, times->rate.den);
	return llabs(exact - ticks) <= unit ? exact : ticks;
}

/* The nominal duration of a picture, unless the container has another one. */
static int64_t picture_ticks(const struct dh_frame_times *times, int64_t duration)
{
	AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };
	int64_t nominal = times->rate.num > 0 ? dh_ticks_of_frame(1, times->rate.num, times->rate.den) : 0;
	int64_t own = duration > 0 ? av_rescale_q(duration, times->time_base, ticks_base) : 0;
	int64_t unit = av_rescale_q(1, times->time_base, ticks_base);
	if (own <= 0 || !dh_time_is_sane(own))
		return nominal;
	bool is_nominal = nominal > 0 && (!times->states_durations || llabs(own - nominal) <= unit);
	return is_nominal ? nominal : own;
}

/* Times of sound as its samples count them, without adding up roundings. */
static int64_t counted_ticks(struct dh_frame_times *times, const AVFrame *av)
{
	int64_t now = times->samples_ticks;
	if (times->samples_rate > 0)
		now += av_rescale(times->samples, DH_TICKS_PER_SECOND, times->samples_rate);
	if (av->sample_rate != times->samples_rate) {
		times->samples_ticks = now;
		times->samples_rate = av->sample_rate;
		times->samples = 0;
	}
	times->samples += av->nb_samples;
	return now;
}

/* FFmpeg tells when a packet's later frames are heard by the rate with which the stream began, also
 * where it has changed. */
static bool is_wrongly_divided(struct dh_frame_times *times, int64_t time, int64_t duration, int64_t ticks)
{
	AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };
	int64_t told = av_rescale_q(duration, times->time_base, ticks_base);
	if (!times->divides_packets || duration <= 0 || !dh_time_is_sane(told))
		return false;
	bool is_later = times->has_frame && llabs(time - times->told_end) <= 1;
	times->told_end = time + duration;
	return is_later && llabs(told - ticks) > 2 * av_rescale_q(1, times->time_base, ticks_base);
}

void dh_frame_times_set(struct dh_frame_times *times, const AVFrame *av, struct dh_frame *frame)
{
	AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };
	int64_t time = av->best_effort_timestamp;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
	int64_t duration = av->duration;
#else
	int64_t duration = av->pkt_duration;
#endif
	if (times->media == DH_AUDIO)
		frame->duration_ticks = av->sample_rate > 0 ?
			av_rescale(av->nb_samples, DH_TICKS_PER_SECOND, av->sample_rate) :
			0;
	else
		frame->duration_ticks = picture_ticks(times, duration);
	int64_t ticks = av_rescale_q(time, times->time_base, ticks_base); /* none: no sane one */
	if (!times->has_frame && dh_time_is_sane(ticks))
		times->first = time;
	frame->pts_ticks = times->next_ticks;
	if (times->counts_samples && av->sample_rate > 0)
		frame->pts_ticks = counted_ticks(times, av);
	else if (dh_time_is_sane(ticks) && !is_wrongly_divided(times, time, duration, frame->duration_ticks))
		frame->pts_ticks = times->media == DH_VIDEO ? exact_ticks(times, time, ticks) : ticks;
	times->next_ticks = frame->pts_ticks +
		(frame->duration_ticks > 0 ? frame->duration_ticks : 40 * DH_TICKS_PER_MS);
	times->has_frame = true;
}
