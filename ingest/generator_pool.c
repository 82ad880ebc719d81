/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator_pool.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>

/* The weight of the newest measurement. */
#define NEWEST 0.3
/* Before anything was measured; and texts shorter than this say little about it. */
#define CHARACTER_MS   65.0
#define CHARACTERS_MIN 20

struct place {
	enum dh_place_state state;
	int busy, at_once;
	uint64_t asked, failed;
	int failures;     /* in a row */
	int64_t until_us; /* left alone */
	double first_us;  /* valid if measured_us > 0 */
	int64_t measured_us;
};

struct dh_generator_pool {
	int count;
	struct place *places;
	double character_ms; /* of speech, on average */
};

int dh_generator_places(const struct dh_generator_config *config)
{
	return config->urls ? (int)g_strv_length(config->urls) : MAX(1, (int)config->processes);
}

struct dh_generator_pool *dh_generator_pool_new(const struct dh_generator_config *config)
{
	struct dh_generator_pool *pool = g_new0(struct dh_generator_pool, 1);
	guint limits = config->at_once ? g_strv_length(config->at_once) : 0;

	pool->character_ms = CHARACTER_MS;
	pool->count = dh_generator_places(config);
	pool->places = g_new0(struct place, pool->count);
	for (guint i = 0; i < (guint)pool->count; i++)
		pool->places[i].at_once = limits > 0 ? atoi(config->at_once[MIN(i, limits - 1)]) :
						       config->processes > 0;
	return pool;
}

void dh_generator_pool_free(struct dh_generator_pool **pool)
{
	struct dh_generator_pool *old = *pool;

	*pool = NULL;
	if (!old)
		return;
	g_free(old->places);
	g_free(old);
}

static bool is_free(const struct place *place)
{
	return place->at_once == 0 || place->busy < place->at_once;
}

/* -1: it should be measured. */
static double expected_us(const struct place *place, int64_t now_us)
{
	bool is_known = place->measured_us > 0 && now_us - place->measured_us < DH_POOL_FRESH_US;

	return is_known ? place->first_us : -1;
}

/* Both are alive and free. */
static bool is_better(const struct place *a, const struct place *b, int64_t now_us)
{
	double a_us = expected_us(a, now_us), b_us = expected_us(b, now_us);

	if (a_us != b_us)
		return a_us < b_us;
	return a->busy != b->busy ? a->busy < b->busy : a->asked < b->asked;
}

int dh_generator_pool_find(const struct dh_generator_pool *pool, uint64_t tried, int64_t now_us)
{
	int best = -1, soonest = -1;
	bool is_any_alive = false, is_any_coming = false, is_any_gone = false;

	for (int i = 0; i < pool->count; i++) {
		const struct place *place = &pool->places[i];
		if (tried >> i & 1)
			continue;
		is_any_coming = is_any_coming || place->state == DH_PLACE_COMING;
		is_any_gone = is_any_gone || place->state == DH_PLACE_GONE;
		if (place->state != DH_PLACE_THERE)
			continue;
		bool is_alive = now_us >= place->until_us;
		is_any_alive = is_any_alive || is_alive;
		if (soonest < 0 || place->until_us < pool->places[soonest].until_us)
			soonest = i;
		if (is_alive && is_free(place) && (best < 0 || is_better(place, &pool->places[best], now_us)))
			best = i;
	}
	if (soonest < 0)
		return is_any_coming ? -EAGAIN : is_any_gone ? -EHOSTDOWN : -ENOENT;
	if (best < 0 && !is_any_alive && !is_any_coming && is_free(&pool->places[soonest]))
		best = soonest;
	return best < 0 ? -EAGAIN : best;
}

int dh_generator_pool_take(struct dh_generator_pool *pool, uint64_t tried, int64_t now_us)
{
	int place = dh_generator_pool_find(pool, tried, now_us);

	if (place >= 0) {
		pool->places[place].busy++;
		pool->places[place].asked++;
	}
	return place;
}

void dh_generator_pool_set_state(struct dh_generator_pool *pool, int place, enum dh_place_state state)
{
	pool->places[place].state = state;
	if (state == DH_PLACE_THERE)
		pool->places[place].until_us = 0;
}

void dh_generator_pool_first(struct dh_generator_pool *pool, int place, int64_t took_us, int64_t now_us)
{
	struct place *at = &pool->places[place];
	double before_us = expected_us(at, now_us);

	at->first_us = before_us < 0 ? (double)took_us : before_us + NEWEST * ((double)took_us - before_us);
	at->measured_us = now_us;
}

void dh_generator_pool_leave(struct dh_generator_pool *pool, int place, enum dh_place_end end, int64_t now_us)
{
	struct place *at = &pool->places[place];

	at->busy--;
	if (end == DH_PLACE_DID) {
		at->failures = 0;
		at->until_us = 0;
	} else if (end == DH_PLACE_FAILED) {
		int64_t pause_us = DH_POOL_PAUSE_MIN_US << MIN(at->failures, 10);
		at->failures++;
		at->failed++;
		at->until_us = now_us + MIN(pause_us, DH_POOL_PAUSE_MAX_US);
	}
}

void dh_generator_pool_spoke(struct dh_generator_pool *pool, int64_t characters, int64_t ms)
{
	if (characters >= CHARACTERS_MIN && ms > 0)
		pool->character_ms += NEWEST * ((double)ms / (double)characters - pool->character_ms);
}

int64_t dh_generator_pool_characters(const struct dh_generator_pool *pool, int64_t ms)
{
	return (int64_t)((double)ms / pool->character_ms);
}

int64_t dh_generator_pool_due_us(const struct dh_generator_pool *pool, int64_t now_us)
{
	int64_t due_us = INT64_MAX;

	for (int i = 0; i < pool->count; i++)
		if (pool->places[i].until_us > now_us)
			due_us = MIN(due_us, pool->places[i].until_us);
	return due_us;
}

int dh_generator_pool_count(const struct dh_generator_pool *pool)
{
	return pool->count;
}

void dh_generator_pool_stats(const struct dh_generator_pool *pool, int place, int64_t now_us,
	struct dh_place_stats *stats)
{
	const struct place *at = &pool->places[place];

	*stats = (struct dh_place_stats){ .busy = at->busy,
		.at_once = at->at_once,
		.asked = at->asked,
		.failed = at->failed,
		.first_ms = at->measured_us > 0 ? (int64_t)at->first_us / 1000 : -1,
		.pause_ms = MAX(0, (at->until_us - now_us) / 1000) };
}
