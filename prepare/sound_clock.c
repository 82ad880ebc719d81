/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sound_clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice.h"

#define SAMPLES_PER_MS 48
#define MS(ms)         ((ms)*SAMPLES_PER_MS)
_Static_assert(SAMPLES_PER_MS * 1000 == DH_VOICE_RATE, "samples of a millisecond");

/* So far from the last second's mean begins what may be a gap. Times that are rounded down to
 * 40 ms jump by almost as much. */
#define MARGIN MS(45)
/* It is one if it lasts so long. */
#define STAYS MS(200)
/* A muxer that cannot let times go back makes an overlap begin slowly. */
#define ONSET MS(100)
/* A frame whose time is so wrong says nothing about the others. */
#define OUTLIER MS(100)
/* Sound is stretched if the mean over SPAN is off by more than DRIFT, until it is off by
 * no more than REST: rounding alone makes 10 to 20 ms. */
#define SPAN        MS(5000)
#define DRIFT       MS(12)
#define REST        MS(8)
#define STRETCH_MAX MS(25) /* half a percent: not heard */

static double difference(const struct dh_sound_clock *clock, int i)
{
	const struct dh_sound_told *told = &clock->waiting[i];
	return (double)(told->time - told->before - clock->offset);
}

static bool is_plain(const struct dh_sound_clock *clock, double difference)
{
	return fabs(difference - clock->mean) <= MARGIN;
}

static void consider_stretch(struct dh_sound_clock *clock)
{
	double mean = clock->sum / (double)clock->sum_length, change = 0;
	clock->sum = 0;
	clock->sum_length = 0;
	if (fabs(mean) > DRIFT)
		change = round(fmax(-STRETCH_MAX, fmin(STRETCH_MAX, mean - copysign(REST, mean))));
	clock->stretch += (int64_t)change;
	clock->offset += (int64_t)change;
	clock->mean -= change;
	clock->mean_before -= change;
	clock->mean_lately -= change;
}

static void remember(struct dh_sound_clock *clock, double difference, int64_t length)
{
	clock->lately += length;
	if (clock->lately > ONSET) {
		clock->mean_before = clock->mean_lately;
		clock->mean_lately = clock->mean;
		clock->lately = 0;
	}
	clock->mean_length += length;
	if (clock->mean_length > DH_VOICE_RATE)
		clock->mean_length = DH_VOICE_RATE;
	clock->mean += (difference - clock->mean) * fmin(1, (double)length / (double)clock->mean_length);
	clock->sum += difference * (double)length;
	clock->sum_length += length;
	if (clock->sum_length > SPAN)
		consider_stretch(clock);
}

static void accept(struct dh_sound_clock *clock)
{
	double d = difference(clock, 0);
	if (is_plain(clock, d) || fabs(d - clock->mean) < OUTLIER)
		remember(clock, d, clock->waiting[0].length);
	memmove(clock->waiting, clock->waiting + 1, (size_t)--clock->count * sizeof *clock->waiting);
}

/* Whether a later frame is where it should be. */
static bool has_returned(const struct dh_sound_clock *clock)
{
	for (int i = 1; i < clock->count; i++)
		if (is_plain(clock, difference(clock, i)))
			return true;
	return false;
}

static bool has_stayed(const struct dh_sound_clock *clock)
{
	const struct dh_sound_told *first = &clock->waiting[0], *last = &clock->waiting[clock->count - 1];
	return clock->count == DH_SOUND_WAITING || last->before + last->length - first->before >= STAYS ||
		(clock->count > 1 && last->time + last->length - first->time >= STAYS);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* How far those frames have moved that have moved together: their median, which is exact where
 * times are, or their mean, which is better where they jitter. */
static int64_t step(const struct dh_sound_clock *clock)
{
	double all[DH_SOUND_WAITING], first = difference(clock, 0), sum = 0;
	int n = 0;
	for (; n < clock->count && fabs(difference(clock, n) - first) <= MARGIN; n++)
		sum += all[n] = difference(clock, n);
	qsort(all, (size_t)n, sizeof *all, compare);
	bool is_exact = all[n * 3 / 4] - all[n / 4] < 2;
	return llround((is_exact ? all[n / 2] : sum / n) - clock->mean_before);
}

void dh_sound_clock_push(struct dh_sound_clock *clock, const struct dh_sound_told *told)
{
	if (!clock->has_begun)
		clock->offset = told->time - told->before;
	clock->has_begun = true;
	clock->waiting[clock->count++] = *told;
}

bool dh_sound_clock_next(struct dh_sound_clock *clock, bool is_end, int64_t *shift)
{
	*shift = 0;
	if (clock->count == 0)
		return false;
	if (!is_plain(clock, difference(clock, 0)) && !has_returned(clock)) {
		if (!is_end && !has_stayed(clock))
			return false;
		*shift = step(clock);
		clock->offset += *shift;
	}
	accept(clock);
	return true;
}

int64_t dh_sound_clock_stretch(struct dh_sound_clock *clock)
{
	int64_t stretch = clock->stretch;
	clock->stretch = 0;
	return stretch;
}
