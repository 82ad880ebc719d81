/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rooms of an instance, and which of them are permanent. */
#include "instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "playlists.h"
#include "rooms/room_id.h"

static void room_unref(gpointer data)
{
	struct dh_room *room = data;

	dh_room_unref(&room);
}

static const char *id_of(const struct dh_room *room)
{
	return dh_room_facts(room)->id;
}

struct dh_room *dh_instance_room(struct dh_instance *instance, const char *id)
{
	g_mutex_lock(&instance->lock);
	struct dh_room *room = g_hash_table_lookup(instance->rooms, id);
	if (room)
		dh_room_ref(room);
	g_mutex_unlock(&instance->lock);
	return room;
}

/* Numbers sort by value: the longer one is larger. */
static gint by_id(gconstpointer a, gconstpointer b, gpointer string_ids)
{
	const char *first = id_of(*(struct dh_room *const *)a), *second = id_of(*(struct dh_room *const *)b);
	size_t first_size = strlen(first), second_size = strlen(second);

	if (!GPOINTER_TO_INT(string_ids) && first_size != second_size)
		return first_size < second_size ? -1 : 1;
	return strcmp(first, second);
}

GPtrArray *dh_instance_rooms(struct dh_instance *instance)
{
	GPtrArray *rooms = g_ptr_array_new_with_free_func(room_unref);
	GHashTableIter iter;
	gpointer room;

	g_mutex_lock(&instance->lock);
	g_hash_table_iter_init(&iter, instance->rooms);
	while (g_hash_table_iter_next(&iter, NULL, &room))
		g_ptr_array_add(rooms, dh_room_ref(room));
	g_mutex_unlock(&instance->lock);
	g_ptr_array_sort_with_data(rooms, by_id, GINT_TO_POINTER((gint)instance->config->string_ids));
	return rooms;
}

bool dh_instance_is_permanent(struct dh_instance *instance, const struct dh_room *room)
{
	return dh_room_file_has(instance->room_file, id_of(room));
}

/* --- one change at a time: rooms_lock is held */

/* As the room file keeps it. */
static struct dh_config_room *record_of(const struct dh_room_facts *facts, const struct dh_settings *settings)
{
	struct dh_config_room *record = dh_config_room_new("");
	char *metadata = json_object_size(settings->metadata) ? json_dumps(settings->metadata, JSON_COMPACT) : NULL;

	record->id = g_strdup(facts->id);
	record->description = g_strdup(settings->description);
	record->metadata = g_strdup(metadata);
	record->avatar = g_strdup(dh_avatar_get_config(facts->avatar)->name);
	record->secret = g_strdup(settings->secret);
	record->pin = g_strdup(settings->pin);
	record->disclosure = g_strdup(settings->disclosure);
	record->is_private = settings->is_private;
	record->signed_tokens = settings->signed_tokens;
	record->generator = facts->generator ? g_strdup(facts->generator->name) : NULL;
	g_free(record->duration);
	record->duration = g_strdup(facts->duration == DH_DURATION_LONGEST ? "longest" : "speech");
	g_free(record->underrun);
	record->underrun = g_strdup(dh_underrun_name(facts->underrun));
	record->preroll_ms = facts->preroll_ms;
	record->seam_wait_ms = facts->seam_wait_ms;
	record->ptime = facts->ptime;
	record->min_delay = facts->delay.is_set ? facts->delay.min : DH_DELAY_KEEP;
	record->max_delay = facts->delay.is_set ? facts->delay.max : DH_DELAY_KEEP;
	record->low_water_ms = facts->low_water_ms;
	record->high_water_ms = facts->high_water_ms;
	record->barge_in = settings->barge_in.after_ms;
	g_free(record->barge_in_mode);
	record->barge_in_mode = g_strdup(dh_barge_in_mode_name(settings->barge_in.holds));
	g_free(record->barge_in_by);
	record->barge_in_by = g_strdup(dh_floor_policy_name(settings->barge_in.who));
	record->floor_ms = settings->barge_in.floor_ms;
	record->floor_silence_ms = settings->barge_in.floor_silence_ms;
	if (settings->playlist)
		dh_config_room_set_playlist(record, settings->playlist);
	record->forwards = json_incref(settings->forwards);
	free(metadata);
	return record;
}

static char *free_id(struct dh_instance *instance)
{
	for (;;) {
		char *id = dh_room_id_random(instance->config->string_ids != 0);
		struct dh_room *taken = dh_instance_room(instance, id);
		if (!taken)
			return id;
		dh_room_unref(&taken);
		g_free(id);
	}
}

/* Whether such a room may be created. */
static int check_new(struct dh_instance *instance, const char *id)
{
	int err = 0;

	g_mutex_lock(&instance->lock);
	if (instance->closed)
		err = -ECANCELED;
	else if (g_hash_table_contains(instance->rooms, id))
		err = -EEXIST;
	else if (g_hash_table_size(instance->rooms) >= (guint)instance->config->max_rooms)
		err = -ENOBUFS;
	g_mutex_unlock(&instance->lock);
	return err;
}

/* If the instance was closed meanwhile, it has not seen this room. */
static int publish(struct dh_instance *instance, struct dh_room *room)
{
	g_mutex_lock(&instance->lock);
	bool closed = instance->closed;
	if (!closed)
		g_hash_table_insert(instance->rooms, (gpointer)id_of(room), dh_room_ref(room));
	g_mutex_unlock(&instance->lock);
	if (closed)
		dh_room_close(room);
	return closed ? -ECANCELED : 0;
}

static struct dh_room_context context_of(const struct dh_instance *instance)
{
	const struct dh_config *config = instance->config;

	return (struct dh_room_context){
		.host = &instance->host,
		.ingest = instance->ingest,
		.first_frames = instance->first_frames,
		.string_ids = config->string_ids != 0,
		.events = config->events != 0,
		.realtime = config->realtime,
		.spread_ms = config->spread_ms,
		.watch_timeout_ms = config->watch_timeout_s * 1000,
		.max_queue = config->max_queue,
		.max_queue_ms = config->max_queue_ms,
		.max_queue_mb = config->max_queue_mb,
		.index_timeout_ms = config->index_timeout_ms,
		.hold_s = config->hold_s,
	};
}

static int make(struct dh_instance *instance, const struct dh_room_facts *facts, struct dh_settings *settings,
	bool permanent, struct dh_room **room)
{
	const struct dh_room_context context = context_of(instance);
	int err = check_new(instance, facts->id);

	if (!err && permanent)
		err = dh_room_file_put(instance->room_file, record_of(facts, settings));
	if (err)
		return err;
	err = dh_room_alloc(room, &context, facts, settings);
	if (!err) {
		err = publish(instance, *room);
		if (err)
			dh_room_unref(room);
		else if (instance->playlists)
			dh_playlists_add(instance->playlists, *room);
	}
	if (err && permanent)
		dh_room_file_undo(instance->room_file);
	return err;
}

/* --- changes */

int dh_instance_add_room(struct dh_instance *instance, const struct dh_room_facts *given_facts,
	const struct dh_settings *given, bool permanent, struct dh_room **room)
{
	struct dh_room_facts facts = *given_facts;
	struct dh_settings described = *given;
	char *made_id = NULL, *made_description = NULL;

	if (!facts.id)
		facts.id = made_id = free_id(instance);
	if (!described.description)
		described.description = made_description = g_strdup_printf("Room %s", facts.id);
	struct dh_settings *settings = dh_settings_new(&described);
	int err = make(instance, &facts, settings, permanent, room);
	dh_settings_unref(&settings);
	g_free(made_description);
	g_free(made_id);
	return err;
}

int dh_instance_create_room(struct dh_instance *instance, const struct dh_room_facts *facts,
	const struct dh_settings *given, bool permanent, struct dh_room **room)
{
	g_mutex_lock(&instance->rooms_lock);
	bool waits = facts->id && dh_beginning_waits(instance->beginning, facts->id);
	int err = waits ? -EBUSY : dh_instance_add_room(instance, facts, given, permanent, room);
	if (!err && permanent)
		dh_beginning_note(instance->beginning, id_of(*room));
	g_mutex_unlock(&instance->rooms_lock);
	return err;
}

static bool is_there(struct dh_instance *instance, const struct dh_room *room)
{
	struct dh_room *found = dh_instance_room(instance, id_of(room));
	bool is_same = found == room;

	dh_room_unref(&found);
	return is_same;
}

/* Whether the room may have these. */
static int check_settings(struct dh_instance *instance, struct dh_room *room, const struct dh_settings *new)
{
	struct dh_settings *old = dh_room_settings(room);
	size_t before = json_array_size(old->forwards), forwards = json_array_size(new->forwards);
	bool is_more = forwards > before && forwards > (size_t)instance->config->max_forwards_per_room;

	dh_settings_unref(&old);
	return !is_there(instance, room) ? -ENOENT : is_more ? -EDQUOT : 0;
}

/* `with` (NULL: nothing): as in dh_instance_edit_room_with. */
static int change_settings(struct dh_instance *instance, struct dh_room *room, struct dh_settings *settings,
	bool permanent, dh_instance_with_fn *with, void *arg)
{
	int err = check_settings(instance, room, settings);

	if (!err && permanent)
		err = dh_room_file_put(instance->room_file, record_of(dh_room_facts(room), settings));
	if (!err && with) {
		err = with(room, arg);
		if (err)
			dh_room_file_undo(instance->room_file);
	}
	if (!err)
		dh_room_set_settings(room, dh_settings_ref(settings));
	return err;
}

int dh_instance_edit_room(struct dh_instance *instance, struct dh_room *room, const struct dh_settings_change *change,
	bool permanent, bool *visible)
{
	g_mutex_lock(&instance->rooms_lock);
	struct dh_settings *old = dh_room_settings(room);
	struct dh_settings *new = dh_settings_changed(old, change);
	int err = change_settings(instance, room, new, permanent, NULL, NULL);
	if (!err && change->playlist && instance->playlists)
		dh_playlists_change(instance->playlists, room);
	g_mutex_unlock(&instance->rooms_lock);
	*visible = strcmp(old->description, new->description) || !json_equal(old->metadata, new->metadata) ||
		g_strcmp0(old->disclosure, new->disclosure);
	dh_settings_unref(&old);
	dh_settings_unref(&new);
	return err;
}

int dh_instance_edit_room_with(struct dh_instance *instance, struct dh_room *room,
	const struct dh_settings_change *change, dh_instance_with_fn *with, void *arg)
{
	g_mutex_lock(&instance->rooms_lock);
	struct dh_settings *old = dh_room_settings(room);
	struct dh_settings *new = dh_settings_changed(old, change);
	int err = change_settings(instance, room, new, true, with, arg);
	g_mutex_unlock(&instance->rooms_lock);
	dh_settings_unref(&old);
	dh_settings_unref(&new);
	return err;
}

/* Under rooms_lock, so that the file, the table and the playlists agree. */
static int take_out(struct dh_instance *instance, struct dh_room *room, bool permanent)
{
	int err = is_there(instance, room) ? 0 : -ENOENT;

	if (!err && permanent)
		err = dh_room_file_remove(instance->room_file, id_of(room));
	if (!err) {
		g_mutex_lock(&instance->lock);
		g_hash_table_remove(instance->rooms, id_of(room));
		g_mutex_unlock(&instance->lock);
	}
	if (!err && instance->playlists)
		dh_playlists_remove(instance->playlists, id_of(room));
	return err;
}

int dh_instance_destroy_room(struct dh_instance *instance, struct dh_room *room, bool permanent)
{
	g_mutex_lock(&instance->rooms_lock);
	int err = take_out(instance, room, permanent);
	g_mutex_unlock(&instance->rooms_lock);
	if (!err)
		dh_room_close(room);
	return err;
}
