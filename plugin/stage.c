#include "stage.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "host.h"
#include "log.h"

#define ROOM_ID_MAX INT64_C(9007199254740991) /* what JavaScript keeps exactly */

static void to_gateway_log(enum dh_log_level level, const char *text)
{
	static const int levels[] = {
		[DH_LOG_ERROR] = LOG_ERR, [DH_LOG_WARNING] = LOG_WARN,
		[DH_LOG_INFO] = LOG_INFO, [DH_LOG_DEBUG] = LOG_VERB,
	};
	int l = levels[level];
	DH_LOG(l, "%s", text);
}

static void session_unref(gpointer data)
{
	dh_session_unref(data);
}

static void room_unref(gpointer data)
{
	dh_live_room_unref(data);
}

static void avatar_free(gpointer data)
{
	dh_avatar_free(data);
}

/* --------------------------------------------------------------- rooms */

struct dh_live_room *dh_stage_room(struct dh_stage *stage, uint64_t id)
{
	g_mutex_lock(&stage->lock);
	struct dh_live_room *room = g_hash_table_lookup(stage->rooms, &id);
	if (room)
		dh_live_room_ref(room);
	g_mutex_unlock(&stage->lock);
	return room;
}

static gint by_id(gconstpointer a, gconstpointer b)
{
	uint64_t first = dh_live_room_facts(*(struct dh_live_room *const *)a)->id;
	uint64_t second = dh_live_room_facts(*(struct dh_live_room *const *)b)->id;

	return first < second ? -1 : first > second;
}

GPtrArray *dh_stage_rooms(struct dh_stage *stage)
{
	GPtrArray *rooms = g_ptr_array_new_with_free_func(room_unref);
	GHashTableIter iter;
	gpointer room;

	g_mutex_lock(&stage->lock);
	g_hash_table_iter_init(&iter, stage->rooms);
	while (g_hash_table_iter_next(&iter, NULL, &room))
		g_ptr_array_add(rooms, dh_live_room_ref(room));
	g_mutex_unlock(&stage->lock);
	g_ptr_array_sort(rooms, by_id);
	return rooms;
}

struct dh_feed_context dh_stage_feed_context(const struct dh_stage *stage)
{
	return (struct dh_feed_context){
		.io = stage->io, .preparer = stage->preparer, .generator_user = stage->config->worker_user };
}

/* With the lock held. Large ids, so that nobody guesses them or meets them by
 * chance among the operator's small ones. */
static uint64_t free_id(const struct dh_stage *stage)
{
	uint64_t id;

	do {
		id = ((uint64_t)g_random_int() << 32 | g_random_int()) % (uint64_t)ROOM_ID_MAX + 1;
	} while (g_hash_table_contains(stage->rooms, &id));
	return id;
}

/* With the lock held: whether there may be such a room. */
static int check_new(const struct dh_stage *stage, uint64_t id)
{
	if (stage->closed)
		return -ECANCELED;
	if (id && g_hash_table_contains(stage->rooms, &id))
		return -EEXIST;
	if (g_hash_table_size(stage->rooms) >= (guint)stage->config->max_rooms)
		return -ENOBUFS;
	return 0;
}

/* The room is made under the lock, so that two of one id never exist, even for
 * a moment; making one neither waits nor calls Janus. */
int dh_stage_create_room(struct dh_stage *stage, const struct dh_live_room_facts *given, uint64_t *id)
{
	const struct dh_live_room_context context = {
		.config = stage->config, .signals = stage->signals,
	};
	struct dh_live_room_facts facts = *given;
	struct dh_live_room *room = NULL;

	g_mutex_lock(&stage->lock);
	int error = check_new(stage, facts.id);
	if (!error) {
		char name[32];
		facts.id = facts.id ? facts.id : free_id(stage);
		g_snprintf(name, sizeof(name), "Room %" PRIu64, facts.id);
		facts.description = facts.description ? facts.description : name;
		error = dh_live_room_alloc(&room, &context, &facts);
	}
	if (!error) {
		*id = facts.id;
		g_hash_table_insert(stage->rooms, g_memdup2(&facts.id, sizeof(facts.id)), room);
	}
	g_mutex_unlock(&stage->lock);
	return error;
}

int dh_stage_destroy_room(struct dh_stage *stage, struct dh_live_room *room)
{
	uint64_t id = dh_live_room_facts(room)->id;

	g_mutex_lock(&stage->lock);
	gboolean found = g_hash_table_lookup(stage->rooms, &id) == room && g_hash_table_remove(stage->rooms, &id);
	g_mutex_unlock(&stage->lock);
	if (!found)
		return -ENOENT;
	dh_live_room_close(room);
	return 0;
}

/* ------------------------------------------------------------ sessions */

void dh_stage_add_session(struct dh_stage *stage, struct janus_plugin_session *handle)
{
	struct dh_session *session = dh_session_new(handle);

	g_mutex_lock(&stage->lock);
	handle->plugin_handle = session;
	g_hash_table_add(stage->sessions, session);
	g_mutex_unlock(&stage->lock);
}

struct dh_session *dh_stage_session(struct dh_stage *stage, struct janus_plugin_session *handle)
{
	g_mutex_lock(&stage->lock);
	struct dh_session *session = handle->plugin_handle;
	if (session)
		dh_session_ref(session);
	g_mutex_unlock(&stage->lock);
	return session;
}

struct dh_session *dh_stage_take_session(struct dh_stage *stage, struct janus_plugin_session *handle)
{
	g_mutex_lock(&stage->lock);
	struct dh_session *session = handle->plugin_handle;
	handle->plugin_handle = NULL;
	if (session)
		g_hash_table_steal(stage->sessions, session);
	g_mutex_unlock(&stage->lock);
	return session;
}

/* ---------------------------------------------------------------- life */

static int start_preparer(struct dh_stage *stage)
{
	const struct dh_config *c = stage->config;
	struct dh_preparer_config p;

	dh_preparer_config_init(&p);
	p.worker_path = c->worker;
	p.worker_user = c->worker_user;
	p.warm_workers = (int)c->warm_workers;
	p.max_workers = (int)c->max_workers;
	p.worker_memory_mb = (int)c->worker_memory_mb;
	p.worker_cpu_s = (int)c->worker_cpu_s;
	p.live_silence_ms = (int)c->worker_silence_s * 1000;
	p.max_ms = c->max_segment_ms;
	p.cache_folder = c->cache_mb ? c->cache_folder : "";
	p.cache_bytes = c->cache_mb << 20;
	return dh_preparer_alloc(&stage->preparer, stage->io, &p);
}

static void add_avatars(struct dh_stage *stage)
{
	for (guint i = 0; i < stage->config->avatars->len; i++) {
		const struct dh_config_avatar *avatar = stage->config->avatars->pdata[i];
		g_hash_table_insert(stage->avatars, avatar->name, dh_avatar_new(avatar, stage->io, stage->preparer));
	}
}

static void add_room(struct dh_stage *stage, const struct dh_config_room *room)
{
	const struct dh_live_room_facts facts = {
		.id = (uint64_t)room->id, .description = room->description,
		.secret = room->secret, .pin = room->pin, .is_private = (gboolean)room->is_private,
		.duration = strcmp(room->duration, "longest") ? DH_DURATION_SPEECH : DH_DURATION_LONGEST,
		.avatar = g_hash_table_lookup(stage->avatars, room->avatar),
		.generator = room->generator ? dh_config_generator(stage->config, room->generator) : NULL,
	};
	uint64_t id;
	int error = dh_stage_create_room(stage, &facts, &id);

	if (error == -ENOBUFS)
		dh_log(DH_LOG_ERROR, "room-%s is not created: max_rooms is reached", room->name);
	else if (error)
		dh_log(DH_LOG_ERROR, "room-%s is not created: %s", room->name, g_strerror(-error));
}

int dh_stage_alloc(struct dh_stage **out, const char *folder)
{
	struct dh_stage *stage = g_new0(struct dh_stage, 1);
	int error;

	dh_log_set(to_gateway_log);
	g_mutex_init(&stage->lock);
	stage->avatars = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, avatar_free);
	stage->rooms = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, room_unref);
	stage->sessions = g_hash_table_new_full(NULL, NULL, session_unref, NULL);
	error = dh_config_load(&stage->config, folder);
	if (!error)
		error = dh_signals_alloc(&stage->signals);
	if (!error)
		error = dh_io_alloc(&stage->io);
	if (!error)
		error = start_preparer(stage);
	if (error) {
		dh_stage_free(&stage);
		return error;
	}
	add_avatars(stage);
	for (guint i = 0; i < stage->config->rooms->len; i++)
		add_room(stage, stage->config->rooms->pdata[i]);
	*out = stage;
	return 0;
}

void dh_stage_close(struct dh_stage *stage)
{
	g_mutex_lock(&stage->lock);
	stage->closed = TRUE;
	g_mutex_unlock(&stage->lock);
	dh_signals_mute(stage->signals);
	GPtrArray *rooms = dh_stage_rooms(stage);
	for (guint i = 0; i < rooms->len; i++)
		dh_stage_destroy_room(stage, rooms->pdata[i]);
	g_ptr_array_free(rooms, TRUE);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* In the order in which they need each other: signals hold requests and
 * sessions, sessions hold watches, watches and feeds hold rooms, and the I/O
 * thread the last of the feeds. */
void dh_stage_free(struct dh_stage **out)
{
	struct dh_stage *stage = *out;

	dh_signals_free(&stage->signals);
	g_hash_table_destroy(stage->sessions);
	g_hash_table_destroy(stage->rooms);
	if (stage->io)
		dh_io_call(stage->io, nothing, NULL);
	g_hash_table_destroy(stage->avatars);
	dh_preparer_free(&stage->preparer);
	dh_io_free(&stage->io);
	dh_config_free(&stage->config);
	g_mutex_clear(&stage->lock);
	dh_log_set(NULL);
	g_free(stage);
	*out = NULL;
}
