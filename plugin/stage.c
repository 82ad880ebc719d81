#include "stage.h"

#include <errno.h>

#include "host.h"
#include "log.h"

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

struct dh_feed_context dh_stage_feed_context(const struct dh_stage *stage)
{
	return (struct dh_feed_context){
		.io = stage->io, .preparer = stage->preparer, .generator_user = stage->config->worker_user };
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
	p.max_side = (int)c->max_side;
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

int dh_stage_alloc(struct dh_stage **out, const char *folder)
{
	struct dh_stage *stage = g_new0(struct dh_stage, 1);
	int error;

	dh_log_set(to_gateway_log);
	g_mutex_init(&stage->lock);
	g_mutex_init(&stage->rooms_lock);
	stage->avatars = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, avatar_free);
	stage->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, room_unref);
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
	stage->room_file = dh_room_file_load(stage->config, folder);
	add_avatars(stage);
	dh_stage_add_rooms(stage);
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
		dh_stage_destroy_room(stage, rooms->pdata[i], FALSE);
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
	dh_room_file_free(stage->room_file);
	dh_config_free(&stage->config);
	g_mutex_clear(&stage->rooms_lock);
	g_mutex_clear(&stage->lock);
	dh_log_set(NULL);
	g_free(stage);
	*out = NULL;
}
