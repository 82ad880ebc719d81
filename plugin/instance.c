/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "instance.h"

#include <errno.h>

#include "janus_api.h"
#include "playlists.h"
#include "room_host.h"
#include "ingest/generators.h"
#include "playout/timebase.h"
#include "rooms/first_frames.h"

static void session_unref(gpointer data)
{
	struct dh_session *session = data;

	dh_session_unref(&session);
}

static void room_unref(gpointer data)
{
	struct dh_room *room = data;

	dh_room_unref(&room);
}

static void avatar_free(gpointer data)
{
	struct dh_avatar *avatar = data;
	dh_avatar_free(&avatar);
}

struct dh_feed_context dh_instance_feed_context(const struct dh_instance *instance)
{
	return (struct dh_feed_context){ .io = instance->io,
		.ingest = instance->ingest,
		.generators = instance->generators,
		.generator_scope = instance->config->scope,
		.generator_fetch = instance->config->fetch,
		.generator_user = instance->config->worker_user,
		.max_text = instance->config->max_text,
		.more_s = instance->config->more_s,
		.more_rate = instance->config->more_rate,
		.ahead_ticks = instance->config->ahead_ms * DH_TICKS_PER_MS };
}

/* --- sessions */

int dh_instance_add_session(struct dh_instance *instance, struct janus_plugin_session *handle)
{
	const struct dh_config *config = instance->config;
	struct dh_client *client = dh_clients_join(instance->clients, handle, config->max_handles_per_session,
		config->max_handles);

	if (!client)
		return -EDQUOT;
	struct dh_session *session = dh_session_new(handle, client);
	g_mutex_lock(&instance->lock);
	handle->plugin_handle = session;
	g_hash_table_add(instance->sessions, session);
	g_mutex_unlock(&instance->lock);
	return 0;
}

struct dh_session *dh_instance_session(struct dh_instance *instance, struct janus_plugin_session *handle)
{
	g_mutex_lock(&instance->lock);
	struct dh_session *session = handle->plugin_handle;
	if (session)
		dh_session_ref(session);
	g_mutex_unlock(&instance->lock);
	return session;
}

struct dh_session *dh_instance_take_session(struct dh_instance *instance, struct janus_plugin_session *handle)
{
	g_mutex_lock(&instance->lock);
	struct dh_session *session = handle->plugin_handle;
	handle->plugin_handle = NULL;
	if (session)
		g_hash_table_steal(instance->sessions, session);
	g_mutex_unlock(&instance->lock);
	return session;
}

/* Raised before it is compared, so that two at a time do not pass the limit. */
bool dh_instance_take_place(atomic_int *count, int64_t most)
{
	if (atomic_fetch_add(count, 1) < most)
		return true;
	atomic_fetch_sub(count, 1);
	return false;
}

/* --- life */

static int start_ingest(struct dh_instance *instance)
{
	const struct dh_config *c = instance->config;
	struct dh_ingest_config p;

	dh_ingest_config_init(&p);
	p.worker_path = c->worker;
	p.opener_path = c->opener;
	p.worker_user = c->worker_user;
	p.warm_workers = (int)c->warm_workers;
	p.max_workers = (int)c->max_workers;
	p.max_live = (int)c->max_live;
	p.worker_memory_mb = (int)c->worker_memory_mb;
	p.worker_cpu_s = (int)c->worker_cpu_s;
	p.worker_silence_ms = p.live_silence_ms = (int)c->worker_silence_s * 1000;
	p.worker_wait_ms = (int)c->worker_wait_s * 1000;
	p.max_ms = c->max_segment_ms;
	p.max_live_ms = c->max_live_ms;
	p.max_side = (int)c->max_side;
	p.file_open_ms = (int)c->file_open_s * 1000;
	p.file_read_ms = (int)c->file_read_s * 1000;
	p.memory_bytes = c->max_media_mb << 20;
	p.cache_folder = c->cache_mb ? c->cache_folder : "";
	p.cache_bytes = c->cache_mb << 20;
	return dh_ingest_alloc(&instance->ingest, instance->io, &p);
}

static void start_generators(struct dh_instance *instance)
{
	const struct dh_config *c = instance->config;

	instance->generators = dh_generators_new(instance->io, c->scope, c->worker_user);
	for (guint i = 0; i < c->generators->len; i++)
		dh_generators_start(instance->generators, c->generators->pdata[i]);
}

static int start_outbox(struct dh_instance *instance)
{
	const struct dh_config *c = instance->config;
	const struct dh_outbox_config o = {
		.offer_threads = (unsigned)c->offer_threads,
		.max_requests = (unsigned)c->max_handle_requests,
		.max_events = (unsigned)c->max_handle_events,
		.max_all_events = (unsigned)c->max_events,
		.also = c->also_answer_as,
	};

	return dh_outbox_alloc(&instance->outbox, &o);
}

static void add_avatars(struct dh_instance *instance)
{
	for (guint i = 0; i < instance->config->avatars->len; i++) {
		const struct dh_avatar_config *avatar = instance->config->avatars->pdata[i];
		g_hash_table_insert(instance->avatars, avatar->name,
			dh_avatar_new(avatar, instance->io, instance->ingest));
	}
}

static struct dh_first_frames *make_first_frames(const struct dh_config *config)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < config->generators->len; i++)
		g_ptr_array_add(names, ((const struct dh_generator_config *)config->generators->pdata[i])->name);
	struct dh_first_frames *frames = dh_first_frames_new((const char *const *)names->pdata, names->len);
	g_ptr_array_unref(names);
	return frames;
}

int dh_instance_alloc(struct dh_instance **out, const char *folder)
{
	struct dh_instance *instance = g_new0(struct dh_instance, 1);
	int err;

	g_mutex_init(&instance->lock);
	g_mutex_init(&instance->rooms_lock);
	g_mutex_init(&instance->admission_lock);
	g_mutex_init(&instance->forwards_lock);
	instance->clients = dh_clients_new();
	instance->senders = dh_senders_new();
	instance->avatars = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, avatar_free);
	instance->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, room_unref);
	instance->sessions = g_hash_table_new_full(NULL, NULL, session_unref, NULL);
	err = dh_config_load(&instance->config, folder);
	if (!err)
		err = start_outbox(instance);
	instance->host = dh_room_host_table(instance->outbox);
	if (!err)
		err = dh_io_alloc(&instance->io);
	if (!err)
		err = start_ingest(instance);
	if (!err)
		start_generators(instance);
	if (err) {
		dh_instance_free(&instance);
		return err;
	}
	instance->first_frames = make_first_frames(instance->config);
	instance->room_file = dh_room_file_load(instance->config, folder);
	add_avatars(instance);
	instance->beginning = dh_beginning_new(instance);
	*out = instance;
	return 0;
}

void dh_instance_close(struct dh_instance *instance)
{
	g_mutex_lock(&instance->lock);
	instance->closed = true;
	g_mutex_unlock(&instance->lock);
	dh_beginning_stop(instance->beginning);
	dh_outbox_mute(instance->outbox);
	if (instance->playlists)
		dh_playlists_close(instance->playlists);
	GPtrArray *rooms = dh_instance_rooms(instance);
	for (guint i = 0; i < rooms->len; i++)
		dh_instance_destroy_room(instance, rooms->pdata[i], false);
	g_ptr_array_free(rooms, TRUE);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* In dependency order: the outbox holds requests and sessions, sessions hold members,
 * members and feeds hold rooms, and the I/O thread holds the last feeds. */
void dh_instance_free(struct dh_instance **out)
{
	struct dh_instance *instance = *out;

	dh_outbox_free(&instance->outbox);
	g_hash_table_destroy(instance->sessions);
	g_hash_table_destroy(instance->rooms);
	if (instance->io)
		dh_io_call(instance->io, nothing, NULL);
	g_hash_table_destroy(instance->avatars);
	dh_ingest_free(&instance->ingest);
	dh_generators_free(&instance->generators);
	dh_io_free(&instance->io);
	dh_first_frames_free(&instance->first_frames);
	dh_playlists_free(&instance->playlists);
	dh_beginning_free(&instance->beginning);
	dh_room_file_free(&instance->room_file);
	dh_config_free(&instance->config);
	dh_clients_free(&instance->clients);
	dh_senders_free(&instance->senders);
	g_mutex_clear(&instance->admission_lock);
	g_mutex_clear(&instance->forwards_lock);
	g_mutex_clear(&instance->rooms_lock);
	g_mutex_clear(&instance->lock);
	g_free(instance);
	*out = NULL;
}
