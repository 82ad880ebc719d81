/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generators.h"

#include <errno.h>

#include "child.h"
#include "log.h"

struct dh_generators {
	struct dh_io *io;
	const char *scope, *user;
	GHashTable *all; /* struct entry, by their dh_generator_config */
	GQueue waiting;  /* links in struct dh_place_wait, oldest first */
	GSource *due;    /* a place comes back, or one was left while somebody waits */
};

/* One generator. */
struct entry {
	struct dh_generators *generators;
	const struct dh_generator_config *config;
	struct dh_generator_pool *pool;
	struct dh_generator_process **processes; /* NULL: it has none */
	int count;                               /* of them */
	GQueue holders;                          /* links in struct dh_place_wait: who has a place */
	struct dh_child *check;                  /* of its command; NULL: none runs */
};

static gboolean serve(gpointer arg);

/* Looks after those who wait in `ms`. */
static void look_again(struct dh_generators *generators, int64_t ms)
{
	if (!generators->due)
		generators->due = dh_io_timer(generators->io, serve, generators);
	dh_io_timer_set(generators->due, ms);
}

/* --- a generator */

static void process_changed(void *arg, int number, enum dh_place_state state)
{
	struct entry *entry = arg;

	dh_generator_pool_set_state(entry->pool, number, state);
	if (entry->generators->waiting.length > 0)
		look_again(entry->generators, 0);
}

static void start_processes(struct entry *entry)
{
	struct dh_generator_process_spec spec = { .config = entry->config,
		.scope = entry->generators->scope,
		.user = entry->generators->user,
		.changed = process_changed,
		.arg = entry };

	entry->count = (int)entry->config->processes;
	entry->processes = g_new0(struct dh_generator_process *, entry->count);
	for (; spec.number < entry->count; spec.number++) {
		dh_generator_pool_set_state(entry->pool, spec.number, DH_PLACE_COMING);
		entry->processes[spec.number] = dh_generator_process_new(entry->generators->io, &spec);
	}
}

static void checked(void *arg, int status)
{
	struct entry *entry = arg;

	dh_child_free(&entry->check);
	if (status != 0)
		dh_log(DH_LOG_WARNING, "generator-%s: %s does not exist, or cannot be executed", entry->config->name,
			entry->config->command[0]);
}

/* In a process: its file system may not answer. */
static void check_command(struct entry *entry)
{
	char *const argv[] = { (char *)"test", (char *)"-x", entry->config->command[0], NULL };
	const struct dh_child_spec spec = { .argv = argv, .fds = { -1, -1, -1, -1, -1 } };

	dh_child_spawn(&entry->check, entry->generators->io, &spec, checked, entry);
}

static struct entry *entry_of(struct dh_generators *generators, const struct dh_generator_config *config)
{
	struct entry *entry = g_hash_table_lookup(generators->all, config);

	if (entry)
		return entry;
	entry = g_new0(struct entry, 1);
	entry->generators = generators;
	entry->config = config;
	entry->pool = dh_generator_pool_new(config);
	g_hash_table_insert(generators->all, (gpointer)config, entry);
	if (config->processes > 0)
		start_processes(entry);
	return entry;
}

static void entry_free(gpointer data)
{
	struct entry *entry = data;

	dh_child_free(&entry->check);
	for (int i = 0; i < entry->count; i++)
		dh_generator_process_free(&entry->processes[i]);
	g_free(entry->processes);
	dh_generator_pool_free(&entry->pool);
	g_free(entry);
}

static struct dh_generator_pool *pool_of(struct dh_generators *generators, const struct dh_generator_config *config)
{
	return entry_of(generators, config)->pool;
}

/* --- all of them */

struct dh_generators *dh_generators_new(struct dh_io *io, const char *scope, const char *user)
{
	struct dh_generators *new = g_new0(struct dh_generators, 1);

	new->io = io;
	new->scope = scope;
	new->user = user;
	new->all = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, entry_free);
	return new;
}

struct start {
	struct dh_generators *generators;
	const struct dh_generator_config *config;
};

static void run_start(void *arg)
{
	struct start *start = arg;
	struct entry *entry = entry_of(start->generators, start->config);

	if (start->config->command && !start->config->processes)
		check_command(entry);
}

void dh_generators_start(struct dh_generators *generators, const struct dh_generator_config *config)
{
	struct start start = { generators, config };

	dh_io_call(generators->io, run_start, &start);
}

static void run_free(void *arg)
{
	struct dh_generators *generators = arg;

	dh_io_drop(&generators->due);
	g_hash_table_destroy(generators->all);
}

void dh_generators_free(struct dh_generators **generators)
{
	struct dh_generators *old = *generators;

	*generators = NULL;
	if (!old)
		return;
	dh_io_call(old->io, run_free, old);
	g_free(old);
}

/* --- waiting */

static void stop_waiting(struct dh_generators *generators, struct dh_place_wait *wait)
{
	g_queue_unlink(&generators->waiting, &wait->link);
	wait->is_waiting = false;
}

static void gets_place(struct entry *entry, struct dh_place_wait *wait)
{
	wait->link = (GList){ .data = wait };
	g_queue_push_tail_link(&entry->holders, &wait->link);
}

/* Serves those that are, or are not, next. Returns false once the list may have changed. */
static bool serve_some(struct dh_generators *generators, bool is_next)
{
	for (GList *l = generators->waiting.head; l; l = l->next) {
		struct dh_place_wait *wait = l->data;
		if (wait->is_next != is_next)
			continue;
		struct entry *entry = entry_of(generators, wait->config);
		int place = dh_generator_pool_take(entry->pool, wait->tried, g_get_monotonic_time());
		if (place == -EAGAIN)
			continue;
		stop_waiting(generators, wait);
		if (place >= 0)
			gets_place(entry, wait);
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
	struct entry *entry = entry_of(generators, wait->config);
	int64_t now_us = g_get_monotonic_time();
	int place = dh_generator_pool_find(entry->pool, wait->tried, now_us);

	/* What is free may be about to be given to somebody who waits. */
	if (place >= 0 && dh_generators_waiting(generators, wait->config) == 0) {
		gets_place(entry, wait);
		return dh_generator_pool_take(entry->pool, wait->tried, now_us);
	}
	if (place < 0 && place != -EAGAIN)
		return place;
	wait->is_waiting = true;
	wait->link = (GList){ .data = wait };
	g_queue_push_tail_link(&generators->waiting, &wait->link);
	look_again(generators, 0);
	for (GList *l = entry->holders.head; l; l = l->next) {
		struct dh_place_wait *holder = l->data;
		holder->wanted(holder->arg);
	}
	return -EINPROGRESS;
}

void dh_generators_go_first(struct dh_generators *generators, struct dh_place_wait *wait)
{
	wait->is_next = true;
	if (!wait->is_waiting)
		return;
	g_queue_unlink(&generators->waiting, &wait->link);
	g_queue_push_head_link(&generators->waiting, &wait->link);
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

int64_t dh_generators_expected_ms(struct dh_generators *generators, const struct dh_generator_config *config, int place)
{
	struct dh_place_stats stats;

	dh_generator_pool_stats(pool_of(generators, config), place, g_get_monotonic_time(), &stats);
	return MAX(stats.first_ms, 0);
}

void dh_generators_leave(struct dh_generators *generators, struct dh_place_wait *wait, int place, enum dh_place_end end)
{
	struct entry *entry = entry_of(generators, wait->config);

	g_queue_unlink(&entry->holders, &wait->link);
	dh_generator_pool_leave(entry->pool, place, end, g_get_monotonic_time());
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

/* --- processes */

int dh_generators_socket(struct dh_generators *generators, const struct dh_generator_config *config, int place)
{
	struct entry *entry = entry_of(generators, config);

	return place < entry->count ? dh_generator_process_socket(entry->processes[place]) : -1;
}

void dh_generators_is_stuck(struct dh_generators *generators, const struct dh_generator_config *config, int place)
{
	struct entry *entry = entry_of(generators, config);

	if (place < entry->count)
		dh_generator_process_is_stuck(entry->processes[place]);
}

const struct dh_generator_process *dh_generators_process(struct dh_generators *generators,
	const struct dh_generator_config *config, int place)
{
	struct entry *entry = entry_of(generators, config);

	return place < entry->count ? entry->processes[place] : NULL;
}
