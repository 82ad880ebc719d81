/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "echo.h"

#include <math.h>
#include <string.h>

#include "activity.h"

/* More than that does not come back: a loudspeaker at the microphone. */
#define MOST_DB 6.0f
/* What is no louder than so much above an echo may be its fluctuation. */
#define MARGIN_DB 6.0f
/* What is quieter when it is sent says nothing about echoes. */
#define SENT_LEAST_DB (-50.0f)
/* How fast the most follows: down by a part of the difference, up by so much a frame. */
#define FALL    0.2f
#define RISE_DB 0.05f
/* An echo has at least this correlation with what was sent, where both rise and fall at all. */
#define CORRELATION        0.9
#define CORRELATION_VOICED 0.8
/* So many frames before the voice are compared, too: but that both begin proves nothing. */
#define BEFORE_FRAMES   10
#define DEVIATION_LEAST 2.0f

/* --- what was sent: slot << 8 | -level, so that a reader sees whose it is */

void dh_sent_put(struct dh_sent *sent, int level, int64_t now_ticks)
{
	uint64_t slot = (uint64_t)(now_ticks / DH_SLOT_TICKS);
	uint64_t loud = (uint64_t)(level > 0 ? 0 : level < DH_LEVEL_SILENCE ? -DH_LEVEL_SILENCE : -level);

	atomic_store_explicit(&sent->slots[slot % DH_SENT_SLOTS], slot << 8 | loud, memory_order_relaxed);
}

float dh_sent_level(const struct dh_sent *sent, int64_t slot)
{
	uint64_t entry = atomic_load_explicit(&sent->slots[(uint64_t)slot % DH_SENT_SLOTS], memory_order_relaxed);

	return entry >> 8 == (uint64_t)slot ? -(float)(entry & 0xff) : (float)DH_LEVEL_SILENCE;
}

/* --- the most that can come back */

void dh_echo_init(struct dh_echo *echo)
{
	memset(echo, 0, sizeof(*echo));
	for (int lag = 0; lag < DH_ECHO_LAGS; lag++)
		echo->most[lag] = MOST_DB;
	for (int i = 0; i < DH_SENT_SLOTS; i++)
		echo->heard[i] = DH_LEVEL_SILENCE;
}

static float heard(const struct dh_echo *echo, int64_t slot)
{
	return echo->heard[(uint64_t)slot % DH_SENT_SLOTS];
}

/* Slots of both sides are cut differently, so each is blurred. */
static float blur(float before, float at, float after)
{
	return 10 * log10f(0.25f * powf(10, before / 10) + 0.5f * powf(10, at / 10) + 0.25f * powf(10, after / 10));
}

static float sent_blurred(const struct dh_sent *sent, int64_t slot)
{
	return blur(dh_sent_level(sent, slot - 1), dh_sent_level(sent, slot), dh_sent_level(sent, slot + 1));
}

static void learn(struct dh_echo *echo, const struct dh_sent *sent, int64_t slot)
{
	float level = blur(heard(echo, slot - 1), heard(echo, slot), heard(echo, slot + 1));

	for (int lag = 0; lag < DH_ECHO_LAGS; lag++) {
		float was = sent_blurred(sent, slot - lag);
		if (was < SENT_LEAST_DB)
			continue;
		float seen = level - was, *most = &echo->most[lag];
		*most = seen < *most ? *most + FALL * (seen - *most) : fminf(*most + RISE_DB, MOST_DB);
	}
}

static float expected(const struct dh_echo *echo, const struct dh_sent *sent, int64_t slot)
{
	float most = DH_LEVEL_SILENCE;

	for (int lag = 0; lag < DH_ECHO_LAGS; lag++)
		most = fmaxf(most, sent_blurred(sent, slot - lag) + echo->most[lag]);
	return most;
}

bool dh_echo_explains(struct dh_echo *echo, const struct dh_sent *sent, float level, int64_t slot)
{
	int64_t missing = echo->slot ? slot - echo->slot - 1 : 0;

	for (int64_t i = 1; i <= missing && i <= DH_SENT_SLOTS; i++)
		echo->heard[(uint64_t)(slot - i) % DH_SENT_SLOTS] = DH_LEVEL_SILENCE;
	echo->heard[(uint64_t)slot % DH_SENT_SLOTS] = level;
	echo->slot = slot;
	if (missing == 0)
		learn(echo, sent, slot - 1);
	return level < expected(echo, sent, slot) + MARGIN_DB;
}

/* --- whether it rises and falls with what was sent */

/* *louder: by how much it is louder than that. */
static bool matches(const struct dh_echo *echo, const struct dh_sent *sent, int frames, int lag, double least,
	double *louder)
{
	double x = 0, y = 0, xx = 0, yy = 0, xy = 0, n = frames;

	for (int i = 0; i < frames; i++) {
		double a = sent_blurred(sent, echo->slot - lag - i), b = heard(echo, echo->slot - i);
		a = fmax(a, SENT_LEAST_DB);
		x += a;
		y += b;
		xx += a * a;
		yy += b * b;
		xy += a * b;
	}
	double vx = xx / n - x * x / n / n, vy = yy / n - y * y / n / n, vxy = xy / n - x * y / n / n;
	*louder = (y - x) / n;
	return vx > DEVIATION_LEAST * DEVIATION_LEAST && vy > DEVIATION_LEAST * DEVIATION_LEAST && *louder < MOST_DB &&
		vxy > least * sqrt(vx * vy);
}

bool dh_echo_correlates(struct dh_echo *echo, const struct dh_sent *sent, int voiced)
{
	int frames;
	double louder;

	voiced = voiced < DH_SENT_SLOTS / 2 ? voiced : DH_SENT_SLOTS / 2;
	frames = voiced + BEFORE_FRAMES;
	for (int lag = 0; lag < DH_ECHO_LAGS && echo->slot; lag++) {
		if (!matches(echo, sent, frames, lag, CORRELATION, &louder) ||
			!matches(echo, sent, voiced, lag, CORRELATION_VOICED, &louder))
			continue;
		for (int near = lag > 0 ? lag - 1 : 0; near <= lag + 1 && near < DH_ECHO_LAGS; near++)
			echo->most[near] = fmaxf(echo->most[near], (float)louder);
		return true;
	}
	return false;
}
