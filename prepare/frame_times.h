/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the frames of one stream are shown or heard, and for how long: what the container says,
 * rounded or not, or what can be counted. Private to track.c.
 */
#ifndef DH_FRAME_TIMES_H
#define DH_FRAME_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/rational.h>

#include "frame.h"

/* Zero-initialise it, and set the first group. */
struct dh_frame_times {
	enum dh_media media;
	AVRational time_base;
	AVRational rate;       /* of pictures, nominal; 0/1 unknown */
	bool states_durations; /* see struct dh_track_kind */
	bool counts_samples;
	bool divides_packets;
	/* private */
	bool has_frame;        /* there was one */
	int64_t first;         /* time of the first frame, in time_base */
	int64_t next_ticks;    /* time of a frame that states none */
	int64_t samples;       /* so many since the rate changed last, */
	int64_t samples_ticks; /* which was then */
	int samples_rate;
	int64_t told_end; /* of the last frame, in time_base */
};

/* Sets the time and the duration in `frame`, which describes `av`. Frames come in order. */
void dh_frame_times_set(struct dh_frame_times *times, const AVFrame *av, struct dh_frame *frame);

#endif
