/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one timebase of the project: 720,000 ticks a second.
 *
 * 720,000 is the least common multiple of the two RTP clocks used here (48 kHz
 * for Opus, 90 kHz for video): a tick of either is a whole number of ours, and a
 * 20 ms audio packet is 14,400. Names of such times end in `_ticks`. 64 bits last
 * for 400,000 years.
 */
#ifndef DH_TIMEBASE_H
#define DH_TIMEBASE_H

#include <stdint.h>

#define DH_TICKS_PER_SECOND INT64_C(720000)
#define DH_TICKS_PER_MS     INT64_C(720)
/* One Opus packet, and the grid on which segments begin and end (20 ms). */
#define DH_SLOT_TICKS             INT64_C(14400)
#define DH_TICKS_PER_AUDIO_SAMPLE INT64_C(15) /* 48 kHz */
#define DH_TICKS_PER_VIDEO_CLOCK  INT64_C(8)  /* 90 kHz */

/* Nanoseconds to ticks, rounded down; the slope is exactly 9/12500. */
static inline int64_t dh_ticks_from_ns(int64_t ns)
{
	return ns / 12500 * 9 + ns % 12500 * 9 / 12500;
}

/* Ticks to nanoseconds, rounded up, so a sleep until the result never ends before the
 * tick begins. */
static inline int64_t dh_ns_from_ticks(int64_t ticks)
{
	return ticks / 9 * 12500 + (ticks % 9 * 12500 + 8) / 9;
}

/* The time of frame `n` at `num`/`den` frames a second, rounded to the nearest tick.
 * Computed from `n`, never by adding up rounded durations, so 33 fps does not drift.
 * `n` is 0 to 2^31 - 1, `num` and `den` are 1 to 2^32 - 1, and all may be untrusted:
 * the result saturates at 2^62. */
static inline int64_t dh_ticks_of_frame(int64_t n, int64_t num, int64_t den)
{
	const int64_t most = INT64_C(1) << 62;
	int64_t seconds = n * den / num, rest = n * den % num;
	if (seconds >= most / DH_TICKS_PER_SECOND)
		return most;
	return seconds * DH_TICKS_PER_SECOND + (rest * DH_TICKS_PER_SECOND + num / 2) / num;
}

/* Rounds up or down to the 20 ms grid; `ticks` must not be negative. */
static inline int64_t dh_slot_ceil(int64_t ticks)
{
	return (ticks + DH_SLOT_TICKS - 1) / DH_SLOT_TICKS * DH_SLOT_TICKS;
}

static inline int64_t dh_slot_floor(int64_t ticks)
{
	return ticks / DH_SLOT_TICKS * DH_SLOT_TICKS;
}

static inline int64_t dh_ms_from_ticks(int64_t ticks)
{
	return ticks / DH_TICKS_PER_MS;
}

#endif
