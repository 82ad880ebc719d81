/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The places where a generator's segments can be made: its services, its processes, or its
 * command. Which of them to ask, judged by how they did lately.
 *
 * A place that fails is left alone for a second, and twice as long after each further
 * failure, a minute at most. Of those that are alive and free, the one goes first whose first
 * media have lately come soonest; what has not been measured for a while is measured again.
 *
 * Pure: time is an argument. One thread at a time.
 */
#ifndef DH_GENERATOR_POOL_H
#define DH_GENERATOR_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "generator_config.h"

#define DH_POOL_PAUSE_MIN_US INT64_C(1000000)
#define DH_POOL_PAUSE_MAX_US INT64_C(60000000)
#define DH_POOL_FRESH_US     INT64_C(300000000) /* a measurement counts for so long */

struct dh_generator_pool;

/* How many places a generator has. */
int dh_generator_places(const struct dh_generator_config *config);

/* `config` must outlive it. */
struct dh_generator_pool *dh_generator_pool_new(const struct dh_generator_config *config);
void dh_generator_pool_free(struct dh_generator_pool **pool);

/* Takes a place that is not in `tried`, a mask of places. If all others are being left alone,
 * the one that is due next. -EAGAIN: those that could be are busy, or on their way; -ENOENT: all
 * were tried; -EHOSTDOWN: all others are gone. */
int dh_generator_pool_take(struct dh_generator_pool *pool, uint64_t tried, int64_t now_us);

/* The same, but does not take it. */
int dh_generator_pool_find(const struct dh_generator_pool *pool, uint64_t tried, int64_t now_us);

/* Whether a place is there; all are at first. Only processes may not be. */
enum dh_place_state {
	DH_PLACE_THERE,
	DH_PLACE_COMING, /* it is worth waiting for */
	DH_PLACE_GONE,   /* it could not be started, and is tried again later */
};
/* One that is there again is not left alone any more. */
void dh_generator_pool_set_state(struct dh_generator_pool *pool, int place, enum dh_place_state state);

/* Its first media came so long after it was asked. */
void dh_generator_pool_first(struct dh_generator_pool *pool, int place, int64_t took_us, int64_t now_us);

enum dh_place_end {
	DH_PLACE_DID,    /* what it was asked, or refused it with reason */
	DH_PLACE_FAILED, /* to be left alone */
	DH_PLACE_LEFT,   /* by whoever asked: says nothing about it */
};
void dh_generator_pool_leave(struct dh_generator_pool *pool, int place, enum dh_place_end end, int64_t now_us);

/* A text of so many characters has become so many milliseconds of media. */
void dh_generator_pool_spoke(struct dh_generator_pool *pool, int64_t characters, int64_t ms);
/* About how many characters of a text have been said after so long. */
int64_t dh_generator_pool_characters(const struct dh_generator_pool *pool, int64_t ms);

/* When one that is left alone comes back next; INT64_MAX: none is. */
int64_t dh_generator_pool_due_us(const struct dh_generator_pool *pool, int64_t now_us);

struct dh_place_stats {
	int busy, at_once;      /* at_once 0: no limit */
	uint64_t asked, failed; /* since the start */
	int64_t first_ms;       /* lately; -1: unknown */
	int64_t pause_ms;       /* so long it is left alone; 0: it is not */
};
int dh_generator_pool_count(const struct dh_generator_pool *pool);
void dh_generator_pool_stats(const struct dh_generator_pool *pool, int place, int64_t now_us,
	struct dh_place_stats *stats);

#endif
