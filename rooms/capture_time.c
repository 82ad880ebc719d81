/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture_time.h"

#include "playout/rtcp.h"
#include "playout/timebase.h"

void dh_capture_time_begin(struct dh_capture_time *time, int64_t origin_ticks)
{
	*time = (struct dh_capture_time){ .is_on = true, .origin_ticks = origin_ticks };
}

/* It is less than six hours from now, so the bits that are missing are those of now. 18 ticks are 25 us. */
uint64_t dh_capture_time_ntp(const struct dh_capture_time *time, enum dh_media media, uint32_t media_time,
	int64_t now_ticks, int64_t real_us)
{
	int64_t clock_ticks = media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
	int64_t media_ticks = now_ticks - time->origin_ticks;
	int32_t ahead = (int32_t)(media_time - (uint32_t)(media_ticks / clock_ticks));
	int64_t due_ticks = media_ticks - media_ticks % clock_ticks + ahead * clock_ticks;

	return dh_ntp_from_us(real_us + (due_ticks - media_ticks) * 25 / 18);
}
