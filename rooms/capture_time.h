/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a viewer's media are due, on the wall clock (header extension abs-capture-time), whatever their way: so
 * receivers in several places can show the same moment together, and say how long it took.
 *
 * The first packet of a stream says it, and then one in a second; receivers reckon by RTP timestamps in between
 * (libwebrtc for 5 s). In the room's thread.
 */
#ifndef DH_CAPTURE_TIME_H
#define DH_CAPTURE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "playout/unit.h"

/* Zeroed: nothing is said. */
struct dh_capture_time {
	bool is_on;
	int64_t origin_ticks; /* the room's media time 0, as dh_now_ticks has it */
	bool has_said[2];     /* by medium */
	uint32_t said[2];     /* the media time that was said last, in the medium's clock */
};

void dh_capture_time_begin(struct dh_capture_time *time, int64_t origin_ticks);

static inline uint32_t dh_capture_time_rate(enum dh_media media)
{
	return media == DH_VIDEO ? 90000 : 48000;
}

/* Of a packet of that media time, in the medium's clock, modulo 2^32: whether it is to be said, and then it is as good
 * as said. */
static inline bool dh_capture_time_is_due(struct dh_capture_time *time, enum dh_media media, uint32_t media_time)
{
	if (!time->is_on || (time->has_said[media] && media_time - time->said[media] < dh_capture_time_rate(media)))
		return false;
	time->has_said[media] = true;
	time->said[media] = media_time;
	return true;
}

/* What is said, as NTP has it (32.32 bits since 1900), at `now_ticks` and the wall clock's `real_us`. */
uint64_t dh_capture_time_ntp(const struct dh_capture_time *time, enum dh_media media, uint32_t media_time,
	int64_t now_ticks, int64_t real_us);

#endif
