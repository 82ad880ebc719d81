/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generators.h"

#include <errno.h>

struct dh_generators {
	struct dh_io *io;
	GHashTable *pools; /* by their dh_generator_config */
	GQueue waiting;    /* links in struct dh_place_wait, oldest first */
	GSource *due;      /* a place comes back, or one was left while somebody waits */
};

static void pool_free(gpointer data)
{
	struct dh_generator_pool *pool = data;
	dh_generator_pool_free(&pool);
}

struct dh_generators *dh_generators_new(struct dh_io *io)
{
	struct dh_generators *new = g_new0(struct dh_generators, 1);

	new->io = io;
	new->pools = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, pool_free);
	return new;
}

static void drop_timer(void *arg)
{
	struct dh_generators *generators = arg;
	dh_io_drop(&generators->due);
}

void dh_generators_free(struct dh_generators **generators)
{
	struct dh_generators *old = *generators;

	*generators = NULL;
	if (!old)
		return;
	dh_io_call(old->io, drop_timer, old);
	g_hash_table_destroy(old->pools);
	g_free(old);
}

static struct dh_generator_pool *pool_of(struct dh_generators *generators, const struct dh_generator_config *config)
{
	struct dh_generator_pool *pool = g_hash_table_lookup(generators->pools, config);

	if (!pool) {
		pool = dh_generator_pool_new(config);
		g_hash_table_insert(generators->pools, (gpointer)config, pool);
	}
	return pool;
}

/* --- waiting */

static gboolean serve(gpointer arg);

/* Looks after those who wait in `ms`. */
static void look_again(struct dh_generators *generators, int64_t ms)
{
	if (!generators->due)
		generators->due = dh_io_timer(generators->io, serve, generators);
	dh_io_timer_set(generators->due, ms);
}

static void stop_waiting(struct dh_generators *generators, struct dh_place_wait *wait)
{
	g_queue_unlink(&generators->waiting, &wait->link);
	wait->is_waiting = false;
}

/* Serves those that are, or are not, next. Returns false once the list may have changed. */
static bool serve_some(struct dh_generators *generators, bool is_next)
{
	for (GList *l = generators->waiting.head; l; l = l->next) {
		struct dh_place_wait *wait = l->data;
		if (wait->is_next != is_next)
			continue;
		int place = dh_generator_pool_take(pool_of(generators, wait->config), wait->tried,
			g_get_monotonic_time());
		if (place == -EAGAIN)
			continue;
		stop_waiting(generators, wait);
		wait->given(wait->arg, place);
		return false;
	}
	return true;
}

static int64_t due_us(struct dh_generators *generators, int64_t now_us)
{
	int64_t soonest_us = INT64_MAX;

	for (GList *l = generators->waiting.head; l; l = l->next) {
		const struct dh_place_wait *wait = l->data;
		soonest_us = MIN(soonest_us, dh_generator_pool_due_us(pool_of(generators, wait->config), now_us));
	}
	return soonest_us;
}

static gboolean serve(gpointer arg)
{
	struct dh_generators *generators = arg;
	int64_t now_us, next_us;

	while (!serve_some(generators, true) || !serve_some(generators, false))
		;
	now_us = g_get_monotonic_time();
	next_us = due_us(generators, now_us);
	if (next_us != INT64_MAX)
		look_again(generators, (next_us - now_us) / 1000 + 1);
	return G_SOURCE_CONTINUE;
}

int dh_generators_take(struct dh_generators *generators, struct dh_place_wait *wait)
{
	int place = dh_generator_pool_take(pool_of(generators, wait->config), wait->tried, g_get_monotonic_time());

	if (place != -EAGAIN)
		return place;
	wait->is_waiting = true;
	wait->link = (GList){ .data = wait };
	g_queue_push_tail_link(&generators->waiting, &wait->link);
	look_again(generators, 0);
	return -EINPROGRESS;
}

void dh_generators_cancel(struct dh_generators *generators, struct dh_place_wait *wait)
{
	if (wait->is_waiting)
		stop_waiting(generators, wait);
}

/* --- places */

void dh_generators_first(struct dh_generators *generators, const struct dh_generator_config *config, int place,
	int64_t took_us)
{
	dh_generator_pool_first(pool_of(generators, config), place, took_us, g_get_monotonic_time());
}

int64_t dh_generators_expected_ms(const struct dh_generators *generators, const struct dh_generator_config *config,
	int place)
{
	struct dh_place_stats stats;

	dh_generator_pool_stats(g_hash_table_lookup(generators->pools, config), place, g_get_monotonic_time(), &stats);
	return MAX(stats.first_ms, 0);
}

void dh_generators_leave(struct dh_generators *generators, const struct dh_generator_config *config, int place,
	enum dh_place_end end)
{
	dh_generator_pool_leave(pool_of(generators, config), place, end, g_get_monotonic_time());
	if (generators->waiting.length > 0)
		look_again(generators, 0);
}

int dh_generators_waiting(const struct dh_generators *generators, const struct dh_generator_config *config)
{
	int waiting = 0;

	for (const GList *l = generators->waiting.head; l; l = l->next)
		waiting += ((const struct dh_place_wait *)l->data)->config == config;
	return waiting;
}

struct dh_generator_pool *dh_generators_pool(struct dh_generators *generators, const struct dh_generator_config *config)
{
	return pool_of(generators, config);
}
