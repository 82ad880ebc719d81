/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "activity.h"

#include <math.h>
#include <string.h>

/* Above the floor, or above where its fluctuations end. */
#define ON_DB  6.0f
#define OFF_DB 3.0f
/* No voice is as quiet as that, whatever the floor. */
#define LEAST_DB (-60.0f)
/* A floor below that is as good as this one: digital silence would make anything stand out. */
#define FLOOR_LEAST_DB (-75.0f)
/* The standard deviation of levels that are steady. */
#define STEADY_DB 1.0f
/* What is further above the floor is no fluctuation of noise. How fast those are learnt, each frame: while somebody
 * speaks, slowly, in case it is noise after all. */
#define SPREAD_MAX_DB     10.0f
#define SPREAD_FIRST      4.0f
#define SPREAD_LEARN      0.02f
#define SPREAD_LEARN_SLOW 0.005f

/* So many frames of voice within some more are speech: a click is not. */
#define RECENT_SPEAKS 3
#define RECENT_MAX    5
/* A pause within a word or between two ends no run. */
#define RUN_GAP_TICKS (200 * DH_TICKS_PER_MS)

void dh_activity_init(struct dh_activity *a)
{
	memset(a, 0, sizeof(*a));
	for (int i = 0; i < DH_ACTIVITY_WINDOWS; i++)
		a->windows[i] = 0;
	a->spread = SPREAD_FIRST;
}

/* --- the floor */

float dh_activity_floor(const struct dh_activity *a)
{
	float least = a->window_frames ? a->window : 0;

	for (int i = 0; i < DH_ACTIVITY_WINDOWS; i++)
		least = fminf(least, a->windows[i]);
	return fmaxf(least, FLOOR_LEAST_DB);
}

static void forget_floor(struct dh_activity *a, float level)
{
	for (int i = 0; i < DH_ACTIVITY_WINDOWS; i++)
		a->windows[i] = level;
	a->window = level;
	a->window_frames = 0;
}

/* Of the last `count` levels; of less, if there have not been so many. */
static float deviation(const struct dh_activity *a, unsigned count, float *mean)
{
	float sum = 0, squares = 0;

	count = a->frames < count ? a->frames : count;
	for (unsigned i = 0; i < count; i++) {
		float level = a->history[(a->frames - 1 - i) % DH_ACTIVITY_STEADY_FRAMES];
		sum += level;
		squares += level * level;
	}
	*mean = count ? sum / (float)count : 0;
	return count ? sqrtf(fmaxf(squares / (float)count - *mean * *mean, 0)) : 0;
}

/* The mean of three, because a single frame may be quiet by chance. */
static float smooth(const struct dh_activity *a)
{
	float mean;

	deviation(a, 3, &mean);
	return mean;
}

static void learn(struct dh_activity *a, float level)
{
	float mean;

	a->history[a->frames++ % DH_ACTIVITY_STEADY_FRAMES] = level;
	if (a->frames == 1)
		forget_floor(a, level);
	level = smooth(a);
	a->window = a->window_frames ? fminf(a->window, level) : level;
	if (++a->window_frames == DH_ACTIVITY_WINDOW_FRAMES) {
		memmove(a->windows, a->windows + 1, sizeof(a->windows) - sizeof(a->windows[0]));
		a->windows[DH_ACTIVITY_WINDOWS - 1] = a->window;
		a->window_frames = 0;
	}
	if (a->frames >= DH_ACTIVITY_STEADY_FRAMES && deviation(a, DH_ACTIVITY_STEADY_FRAMES, &mean) < STEADY_DB &&
		mean > dh_activity_floor(a) + OFF_DB)
		forget_floor(a, mean);
}

static void learn_spread(struct dh_activity *a, float level)
{
	float above = fmaxf(level - dh_activity_floor(a), 0);

	if (above < SPREAD_MAX_DB)
		a->spread += (a->is_speaking ? SPREAD_LEARN_SLOW : SPREAD_LEARN) * (above - a->spread);
}

/* --- runs of voice */

static void end_run(struct dh_activity *a)
{
	a->run_ticks = 0;
	a->voiced_ticks = 0;
	a->run_sum = a->run_squares = 0;
	a->run_frames = 0;
}

static void add_voice(struct dh_activity *a, float level, int64_t from_ticks)
{
	if (!a->run_frames)
		a->run_ticks = from_ticks;
	a->run_frames++;
	a->run_sum += level;
	a->run_squares += level * level;
	a->voiced_ticks += DH_ACTIVITY_FRAME_TICKS;
	a->last_voice_ticks = from_ticks + DH_ACTIVITY_FRAME_TICKS;
}

static enum dh_activity_change update(struct dh_activity *a, int64_t now_ticks)
{
	if (a->is_speaking && now_ticks - a->last_voice_ticks >= DH_ACTIVITY_HANG_TICKS) {
		a->is_speaking = false;
		a->recent = 0;
		end_run(a);
		return DH_ACTIVITY_SILENT;
	}
	if (!a->is_speaking && a->run_frames && now_ticks - a->last_voice_ticks >= RUN_GAP_TICKS)
		end_run(a);
	if (a->is_speaking || a->recent < RECENT_SPEAKS)
		return DH_ACTIVITY_SAME;
	a->is_speaking = true;
	a->onset_ticks = a->run_ticks;
	return DH_ACTIVITY_SPEAKING;
}

static bool is_voice(const struct dh_activity *a, float level)
{
	float margin = fmaxf(a->is_voice ? OFF_DB : ON_DB, a->spread * (a->is_voice ? 1.5f : 2.0f));

	return level > LEAST_DB && level > dh_activity_floor(a) + margin;
}

enum dh_activity_change dh_activity_frame(struct dh_activity *a, float level, bool is_masked, int64_t from_ticks)
{
	a->is_voice = !is_masked && a->frames > 0 && is_voice(a, level);
	learn(a, level);
	if (!is_masked)
		learn_spread(a, level);
	a->recent += a->is_voice ? a->recent < RECENT_MAX : -(a->recent > 0);
	if (a->is_voice)
		add_voice(a, level, from_ticks);
	return update(a, from_ticks + DH_ACTIVITY_FRAME_TICKS);
}

enum dh_activity_change dh_activity_lost(struct dh_activity *a, int64_t from_ticks)
{
	return update(a, from_ticks + DH_ACTIVITY_FRAME_TICKS);
}

enum dh_activity_change dh_activity_poll(struct dh_activity *a, int64_t now_ticks)
{
	return update(a, now_ticks);
}

bool dh_activity_lasts(const struct dh_activity *a, int64_t ticks)
{
	if (!a->is_speaking || !a->is_voice || a->last_voice_ticks - a->run_ticks < ticks ||
		2 * a->voiced_ticks < ticks)
		return false;
	float mean = a->run_sum / (float)a->run_frames;
	return a->run_squares / (float)a->run_frames - mean * mean >= STEADY_DB * STEADY_DB;
}

void dh_activity_count_anew(struct dh_activity *a)
{
	end_run(a);
}

void dh_activity_move(struct dh_activity *a, int64_t by_ticks)
{
	a->onset_ticks += by_ticks;
	a->run_ticks += by_ticks;
	a->last_voice_ticks += by_ticks;
}
