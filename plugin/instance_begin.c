/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rooms that an instance begins with. */
#include "instance.h"

#include <errno.h>
#include <string.h>

#include "forwarding.h"
#include "ingest/log.h"
#include "rooms/barge_in.h"

#define LOOK_US G_USEC_PER_SEC /* how often a damaged room file is looked at */

struct dh_beginning {
	struct dh_instance *instance;
	GThread *thread; /* NULL: nothing waits */
	/* with rooms_lock held */
	GHashTable *begun; /* ids of rooms that do not wait, be it that they are not created */
	bool is_over;      /* none waits any more */
	/* protected by lock */
	GMutex lock;
	GCond stopped;
	bool is_stopped;
};

/* --- one room; rooms_lock is held */

static void add_room(struct dh_instance *instance, const struct dh_config_room *record, const char *category)
{
	struct dh_room_facts facts = {
		.id = record->id,
		.duration = strcmp(record->duration, "longest") ? DH_DURATION_SPEECH : DH_DURATION_LONGEST,
		.avatar = g_hash_table_lookup(instance->avatars, record->avatar),
		.generator = record->generator ? dh_config_find_generator(instance->config, record->generator) : NULL,
		.preroll_ms = record->preroll_ms,
		.seam_wait_ms = record->seam_wait_ms,
		.ptime = record->ptime,
		.low_water_ms = record->low_water_ms,
		.high_water_ms = record->high_water_ms,
	};
	struct dh_settings given = {
		.description = record->description,
		.secret = record->secret,
		.pin = record->pin,
		.disclosure = record->disclosure,
		.is_private = record->is_private != 0,
		.signed_tokens = record->signed_tokens != 0,
		.metadata = record->metadata ? json_loads(record->metadata, 0, NULL) : NULL,
		.playlist = dh_config_room_playlist(record),
		.forwards = record->forwards,
		.barge_in = { .after_ms = record->barge_in,
			.floor_ms = record->floor_ms,
			.floor_silence_ms = record->floor_silence_ms },
	};
	struct dh_room *room;
	dh_delay_change(&facts.delay, record->min_delay, record->max_delay);
	dh_underrun_parse(record->underrun, &facts.underrun);
	dh_barge_in_mode_parse(record->barge_in_mode, &given.barge_in.holds);
	dh_floor_policy_parse(record->barge_in_by, &given.barge_in.who);
	int err = dh_instance_add_room(instance, &facts, &given, false, &room);

	if (err == -ENOBUFS)
		dh_log(DH_LOG_ERROR, "%s is not created: max_rooms is reached", category);
	else if (err)
		dh_log(DH_LOG_ERROR, "%s is not created: %s", category, g_strerror(-err));
	if (!err) {
		dh_forwarding_begin_permanent(instance, room);
		dh_room_unref(&room);
	}
	json_decref(given.metadata);
	json_decref(given.playlist);
}

static void add_configured(struct dh_instance *instance, const struct dh_config_room *record)
{
	const GPtrArray *permanent = dh_room_file_rooms(instance->room_file);
	const struct dh_config_room *other = dh_config_room_find(permanent, record->id);
	char *category = g_strdup_printf("room-%s", record->name);

	if (other)
		dh_log(DH_LOG_INFO, "%s is %s, as " DH_ROOMS_FILE " says", category,
			other->avatar ? "created otherwise" : "not created");
	else
		add_room(instance, record, category);
	g_free(category);
}

static void add_permanent(struct dh_instance *instance, const struct dh_config_room *record)
{
	char *name = g_strdup_printf("room-%s", record->name);
	char *category = g_strdup_printf(DH_ROOMS_FILE ": %s", name);

	if (record->avatar && dh_config_room_check(instance->config, DH_ROOMS_FILE, name, record) == 0)
		add_room(instance, record, category);
	g_free(category);
	g_free(name);
}

/* --- all of them; rooms_lock is held */

static bool may_begin(const struct dh_beginning *beginning, const char *id)
{
	return !g_hash_table_contains(beginning->begun, id) && !dh_room_file_hides(beginning->instance->room_file, id);
}

typedef void add_fn(struct dh_instance *instance, const struct dh_config_room *record);

/* Notes them in `begun`. */
static void begin_each(struct dh_beginning *beginning, const GPtrArray *records, add_fn *add, GPtrArray *begun)
{
	for (guint i = 0; i < records->len; i++) {
		const struct dh_config_room *record = records->pdata[i];
		if (!may_begin(beginning, record->id))
			continue;
		add(beginning->instance, record);
		g_ptr_array_add(begun, g_strdup(record->id));
	}
}

static void begin_all(struct dh_beginning *beginning)
{
	struct dh_instance *instance = beginning->instance;
	GPtrArray *begun = g_ptr_array_new();

	begin_each(beginning, instance->config->rooms, add_configured, begun);
	begin_each(beginning, dh_room_file_rooms(instance->room_file), add_permanent, begun);
	/* Only now: a room may be in both. */
	for (guint i = 0; i < begun->len; i++)
		g_hash_table_add(beginning->begun, begun->pdata[i]);
	g_ptr_array_free(begun, TRUE);
}

static void say_who_waits(const struct dh_beginning *beginning)
{
	const GPtrArray *configured = beginning->instance->config->rooms;

	for (guint i = 0; i < configured->len; i++) {
		const struct dh_config_room *record = configured->pdata[i];
		if (dh_beginning_waits(beginning, record->id))
			dh_log(DH_LOG_ERROR,
				"room-%s waits until " DH_ROOMS_FILE
				" is repaired, which may give it a secret, or say that it was destroyed",
				record->name);
	}
}

struct dh_beginning *dh_beginning_new(struct dh_instance *instance)
{
	struct dh_beginning *beginning = g_new0(struct dh_beginning, 1);

	beginning->instance = instance;
	beginning->begun = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&beginning->lock);
	g_cond_init(&beginning->stopped);
	g_mutex_lock(&instance->rooms_lock);
	begin_all(beginning);
	beginning->is_over = !dh_room_file_is_damaged(instance->room_file);
	say_who_waits(beginning);
	g_mutex_unlock(&instance->rooms_lock);
	return beginning;
}

bool dh_beginning_waits(const struct dh_beginning *beginning, const char *id)
{
	struct dh_instance *instance = beginning->instance;

	if (beginning->is_over || g_hash_table_contains(beginning->begun, id))
		return false;
	return dh_config_room_find(instance->config->rooms, id) || dh_room_file_names(instance->room_file, id);
}

void dh_beginning_note(struct dh_beginning *beginning, const char *id)
{
	g_hash_table_add(beginning->begun, g_strdup(id));
}

/* --- those that wait */

/* Whether all have begun. */
static bool look(struct dh_beginning *beginning)
{
	struct dh_instance *instance = beginning->instance;

	g_mutex_lock(&instance->rooms_lock);
	if (dh_room_file_look(instance->room_file)) {
		begin_all(beginning);
		beginning->is_over = !dh_room_file_is_damaged(instance->room_file);
	}
	bool is_over = beginning->is_over;
	g_mutex_unlock(&instance->rooms_lock);
	return is_over;
}

static gpointer wait_for_repair(gpointer data)
{
	struct dh_beginning *beginning = data;
	bool is_over = false;

	g_mutex_lock(&beginning->lock);
	while (!beginning->is_stopped && !is_over) {
		int64_t until_us = g_get_monotonic_time() + LOOK_US;
		if (g_cond_wait_until(&beginning->stopped, &beginning->lock, until_us))
			continue;
		g_mutex_unlock(&beginning->lock);
		is_over = look(beginning);
		g_mutex_lock(&beginning->lock);
	}
	g_mutex_unlock(&beginning->lock);
	return NULL;
}

void dh_beginning_watch(struct dh_beginning *beginning)
{
	if (!beginning->is_over)
		beginning->thread = g_thread_new("dh beginning", wait_for_repair, beginning);
}

void dh_beginning_stop(struct dh_beginning *beginning)
{
	g_mutex_lock(&beginning->lock);
	beginning->is_stopped = true;
	g_cond_signal(&beginning->stopped);
	g_mutex_unlock(&beginning->lock);
	if (beginning->thread)
		g_thread_join(g_steal_pointer(&beginning->thread));
}

void dh_beginning_free(struct dh_beginning **out)
{
	struct dh_beginning *beginning = *out;

	*out = NULL;
	if (!beginning)
		return;
	dh_beginning_stop(beginning);
	g_hash_table_unref(beginning->begun);
	g_cond_clear(&beginning->stopped);
	g_mutex_clear(&beginning->lock);
	g_free(beginning);
}
