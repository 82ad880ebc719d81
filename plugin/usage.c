/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usage.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ingest/ingest.h"
#include "push_service.h"

#define NO_LIMIT (-1)

static void add(json_t *usage, const char *name, int64_t used, int64_t limit)
{
	json_object_set_new(usage, name,
		json_pack("{s:I, s:o}", "used", (json_int_t)used, "limit",
			limit < 0 ? json_null() : json_integer(limit)));
}

/* --- of the process */

static int64_t limit_of(int resource)
{
	struct rlimit limit;

	return getrlimit((__rlimit_resource_t)resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ?
		NO_LIMIT :
		(int64_t)limit.rlim_cur;
}

static int64_t descriptors(void)
{
	GDir *folder = g_dir_open("/proc/self/fd", 0, NULL);
	int64_t count = -1; /* the folder's own */

	if (!folder)
		return 0;
	while (g_dir_read_name(folder))
		count++;
	g_dir_close(folder);
	return count;
}

static int64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long all = 0, resident = 0;

	if (file) {
		if (fscanf(file, "%lld %lld", &all, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return resident * sysconf(_SC_PAGESIZE);
}

/* --- of the plugin */

static void add_ingest(json_t *usage, struct dh_instance *instance)
{
	const struct dh_config *config = instance->config;
	struct dh_ingest_stats stats;

	dh_ingest_stats(instance->ingest, &stats);
	add(usage, "workers", stats.workers_busy - stats.workers_live, config->max_workers);
	add(usage, "workers_live", stats.workers_live, config->max_live);
	add(usage, "workers_ready", stats.workers_ready, config->warm_workers);
	add(usage, "jobs_waiting", stats.waiting.used, stats.waiting.limit);
	add(usage, "reads_waiting", stats.reads_waiting, NO_LIMIT);
	add(usage, "reads_lost", stats.reads_lost, NO_LIMIT);
	add(usage, "media_descriptors", stats.descriptors.used, stats.descriptors.limit);
	add(usage, "media_bytes", stats.memory.used, stats.memory.limit);
	add(usage, "io_longest_turn_ms", stats.io_longest_turn_us / 1000, NO_LIMIT);
	add(usage, "cache_bytes", MAX(stats.cache.used, 0), stats.cache.limit);
}

static void add_outbox(json_t *usage, struct dh_instance *instance)
{
	const struct dh_config *config = instance->config;
	struct dh_outbox_stats stats;

	dh_outbox_stats(instance->outbox, &stats);
	add(usage, "events_waiting", stats.events, config->max_events);
	add(usage, "requests_waiting", stats.requests, NO_LIMIT);
	add(usage, "offers_waiting", stats.offers, config->max_viewers);
	add(usage, "offer_threads", stats.offer_threads, config->offer_threads);
}

static json_t *room_usage(struct dh_room *room, const struct dh_config *config, bool with_stats)
{
	json_t *stats = NULL, *usage = json_pack("{s:o}", "id", dh_room_id_json(room));
	struct dh_room_waiting waiting;

	dh_room_get_waiting(room, &waiting);
	add(usage, "queue", waiting.segments, config->max_queue);
	add(usage, "queue_ms", waiting.ms, config->max_queue_ms);
	add(usage, "queue_bytes", waiting.bytes, config->max_queue_mb << 20);
	add(usage, "viewers", dh_room_viewer_count(room), config->max_viewers_per_room);
	add(usage, "observers", dh_room_observer_count(room), config->max_observers_per_room);
	add(usage, "forwards", dh_room_rtp_forward_count(room), config->max_forwards_per_room);
	if (with_stats && dh_room_totals(room, &stats) < 0)
		stats = json_null();
	if (stats)
		json_object_set_new(usage, "stats", stats);
	return usage;
}

static void add_rooms(json_t *usage, struct dh_instance *instance, bool with_stats)
{
	const struct dh_config *config = instance->config;
	GPtrArray *rooms = dh_instance_rooms(instance);
	json_t *each = json_array();

	for (guint i = 0; i < rooms->len; i++)
		json_array_append_new(each, room_usage(rooms->pdata[i], config, with_stats));
	add(usage, "rooms", rooms->len, config->max_rooms);
	add(usage, "viewers", atomic_load(&instance->members.viewers), config->max_viewers);
	add(usage, "observers", atomic_load(&instance->members.observers), config->max_observers);
	add(usage, "forwards", atomic_load(&instance->forwards), config->max_forwards);
	add(usage, "recordings", atomic_load(&instance->recordings), config->max_recordings);
	json_object_set_new(usage, "each_room", each);
	g_ptr_array_free(rooms, TRUE);
}

json_t *dh_usage_work(struct dh_instance *instance)
{
	struct dh_ingest_stats stats;

	dh_ingest_stats(instance->ingest, &stats);
	return json_pack("{s:{s:I, s:I}, s:{s:i, s:I, s:I}}", "jobs", "asked", (json_int_t)stats.jobs, "failed",
		(json_int_t)stats.jobs_failed, "cache", "entries", stats.cache_entries, "hits",
		(json_int_t)stats.cache_hits, "misses", (json_int_t)stats.cache_misses);
}

json_t *dh_usage(struct dh_instance *instance, bool with_rooms)
{
	json_t *usage = json_object();
	unsigned clients, handles;

	dh_clients_count(instance->clients, &clients, &handles);
	add(usage, "sessions", clients, NO_LIMIT);
	add(usage, "handles", handles, instance->config->max_handles);
	add(usage, "descriptors", descriptors(), limit_of(RLIMIT_NOFILE));
	add(usage, "memory_bytes", resident_bytes(), limit_of(RLIMIT_AS));
	add_ingest(usage, instance);
	add_outbox(usage, instance);
	add(usage, "pushes", dh_push_service_count(instance->pushes), instance->config->max_pushes);
	json_object_set_new(usage, "generators", dh_usage_generators(instance));
	add_rooms(usage, instance, with_rooms);
	return usage;
}
