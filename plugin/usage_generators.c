/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How generators and their services do, for `stats`. */
#include "usage.h"

#include <string.h>

#include "config.h"
#include "ingest/generators.h"

/* Copied in the I/O thread. */
struct look {
	const struct dh_instance *instance;
	const struct dh_generator_config *config;
	int count, waiting;
	struct dh_place_stats places[DH_GENERATOR_URLS_MAX];
	struct {
		enum dh_place_state state;
		uint64_t starts;
	} processes[DH_GENERATOR_URLS_MAX];
};

static void look_at_processes(struct look *look)
{
	for (int i = 0; i < look->config->processes; i++) {
		const struct dh_generator_process *process = dh_generators_process(look->instance->generators,
			look->config, i);
		look->processes[i].state = dh_generator_process_state(process);
		look->processes[i].starts = dh_generator_process_starts(process);
	}
}

static void look(void *arg)
{
	struct look *look = arg;
	struct dh_generators *generators = look->instance->generators;
	const struct dh_generator_pool *pool = dh_generators_pool(generators, look->config);

	look->waiting = dh_generators_waiting(generators, look->config);
	look->count = dh_generator_pool_count(pool);
	for (int i = 0; i < look->count; i++)
		dh_generator_pool_stats(pool, i, g_get_monotonic_time(), &look->places[i]);
	look_at_processes(look);
}

/* A name and a password in it are nobody's business. g_free the result. */
static char *public_url(const char *url)
{
	const char *host = strstr(url, "://") + 3, *end = host + strcspn(host, "/?#");
	const char *at = memrchr(host, '@', (size_t)(end - host));

	return at ? g_strdup_printf("%.*s%s", (int)(host - url), url, at + 1) : g_strdup(url);
}

static json_t *place_json(const struct dh_place_stats *stats, const char *url)
{
	json_t *place = json_pack("{s:i, s:i, s:I, s:I, s:o, s:I}", "busy", stats->busy, "at_once", stats->at_once,
		"asked", (json_int_t)stats->asked, "failed", (json_int_t)stats->failed, "first_ms",
		stats->first_ms < 0 ? json_null() : json_integer(stats->first_ms), "pause_ms",
		(json_int_t)stats->pause_ms);

	if (url) {
		char *shown = public_url(url);
		json_object_set_new(place, "url", json_string(shown));
		g_free(shown);
	}
	return place;
}

static void add_process(json_t *place, const struct look *seen, int i)
{
	static const char *const
		states[] = { [DH_PLACE_THERE] = "ready", [DH_PLACE_COMING] = "starting", [DH_PLACE_GONE] = "failed" };

	json_object_set_new(place, "process", json_string(states[seen->processes[i].state]));
	json_object_set_new(place, "starts", json_integer((json_int_t)seen->processes[i].starts));
}

static json_t *generator_json(struct look *seen)
{
	json_t *places = json_array();

	for (int i = 0; i < seen->count; i++) {
		json_t *place = place_json(&seen->places[i], seen->config->urls ? seen->config->urls[i] : NULL);
		if (i < seen->config->processes)
			add_process(place, seen, i);
		json_array_append_new(places, place);
	}
	return json_pack("{s:s, s:i, s:o}", "generator", seen->config->name, "waiting", seen->waiting, "places",
		places);
}

json_t *dh_usage_generators(struct dh_instance *instance)
{
	const GPtrArray *generators = instance->config->generators;
	struct look *seen = g_new0(struct look, 1);
	json_t *all = json_array();

	for (guint i = 0; i < generators->len; i++) {
		*seen = (struct look){ .instance = instance, .config = generators->pdata[i] };
		dh_io_call(instance->io, look, seen);
		json_array_append_new(all, generator_json(seen));
	}
	g_free(seen);
	return all;
}
