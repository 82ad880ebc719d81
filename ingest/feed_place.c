/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The place where a feed's generator makes it. I/O thread.
 *
 * What plays next may wait for a place of what plays later, or in another room. So whoever has a place that
 * somebody waits for is read on to its end, however far ahead of its playing that is. What plays and is to be
 * interrupted even gives its place up.
 */
#include "feed_private.h"

#include <errno.h>
#include <stdatomic.h>

void dh_feed_place_leave(struct dh_feed *feed, enum dh_place_end end)
{
	if (feed->place >= 0)
		dh_generators_leave(feed->context.generators, &feed->place_wait, feed->place, end);
	feed->place = -1;
}

char *dh_feed_place_why_not(struct dh_feed *feed, int err)
{
	const struct dh_generator_config *config = feed->config;

	if (err == -EHOSTDOWN) /* the rest need not be asked of them, either */
		feed->place_wait.tried = UINT64_MAX;
	if (err != -EHOSTDOWN && (err != -ENOENT || !config->processes))
		return g_strdup_printf("the generator cannot be started: %s", g_strerror(-err));
	for (int i = 0; i < config->processes; i++) {
		const struct dh_generator_process *process = dh_generators_process(feed->context.generators, config, i);
		if (dh_generator_process_error(process))
			return g_strdup_printf("the generator has no process: process %d %s", i + 1,
				dh_generator_process_error(process));
	}
	return g_strdup("the generator has no process");
}

/* --- taking one */

/* A place that it waited for, or none. */
static void given(void *arg, int place)
{
	struct dh_feed *feed = arg;

	atomic_store(&feed->wants_place, false);
	feed->place = MAX(-1, place);
	if (feed->output >= 0 && place < 0)
		dh_feed_speech_give_up_place(feed, place);
	else if (feed->output >= 0)
		dh_feed_speech_start_again(feed);
	else if (feed->subscription)
		dh_ingest_ready(feed->subscription);
	else if (place < 0)
		dh_feed_input_fail(feed, dh_feed_place_why_not(feed, place));
	else
		dh_feed_input_subscribe(feed);
}

static void wanted(void *arg)
{
	struct dh_feed *feed = arg;

	if (feed->subscription)
		dh_ingest_allow(feed->subscription, INT64_MAX);
}

int dh_feed_place_take(struct dh_feed *feed)
{
	feed->place_wait.config = feed->config;
	feed->place_wait.is_next = feed->place_wait.is_next || feed->source.is_next;
	feed->place_wait.given = given;
	feed->place_wait.wanted = wanted;
	feed->place_wait.arg = feed;
	int place = dh_generators_take(feed->context.generators, &feed->place_wait);
	if (place >= 0)
		feed->place = place;
	if (place == -EINPROGRESS) {
		atomic_store(&feed->wants_place, true);
		dh_feed_input_wake(feed); /* it may call dh_feed_make_way */
	}
	return MIN(place, 0);
}

void dh_feed_place_stop_waiting(struct dh_feed *feed)
{
	dh_generators_cancel(feed->context.generators, &feed->place_wait);
	atomic_store(&feed->wants_place, false);
}

void dh_feed_place_set_next(struct dh_feed *feed)
{
	feed->place_wait.is_next = true;
}

/* --- having one */

void dh_feed_place_held(struct dh_feed *feed)
{
	if (feed->place >= 0 && dh_generators_waiting(feed->context.generators, feed->config) > 0)
		wanted(feed);
}

struct way {
	struct dh_feed *feed, *by; /* references */
};

/* `by`, which goes before all others, may have got another place meanwhile, be about to, or have tried this one. */
static bool would_take_place(const struct dh_feed *by, const struct dh_feed *feed)
{
	const struct dh_generator_pool *pool = dh_generators_pool(by->context.generators, by->config);
	uint64_t tried = by->place_wait.tried;

	return by->place_wait.is_waiting && feed->place >= 0 && !(tried >> feed->place & 1) &&
		dh_generator_pool_find(pool, tried, g_get_monotonic_time()) == -EAGAIN;
}

static void give_way(void *arg)
{
	struct way *way = arg;
	struct dh_feed *feed = way->feed;

	dh_generators_go_first(way->by->context.generators, &way->by->place_wait);
	if (feed->generator && !feed->outcome.is_known && would_take_place(way->by, feed)) {
		feed->has_given_way = true;
		dh_feed_input_note(feed, "[cut_short] its generator was needed for what interrupts it");
		dh_feed_speech_cut(feed);
	} else {
		atomic_store(&feed->makes_way, false);
	}
	dh_feed_unref(&way->by);
	dh_feed_unref(&way->feed);
	g_free(way);
}

void dh_feed_place_post_way(struct dh_feed *feed, struct dh_feed *by)
{
	struct way *way = g_new(struct way, 1);

	*way = (struct way){ .feed = dh_feed_ref(feed), .by = dh_feed_ref(by) };
	dh_io_post(feed->context.io, give_way, way);
}
