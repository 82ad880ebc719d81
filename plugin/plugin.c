/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plugin's functions as Janus calls them; each finds the instance and passes the
 * call on. `create` is the only symbol that the library exports.
 */
#include "janus_api.h"

#include <pthread.h>

#include "dispatch.h"
#include "gateway_log.h"
#include "playlist_enqueue.h"
#include "playlists.h"
#include "push_service.h"
#include "reporter.h"
#include "viewer_rtcp.h"
#include "ingest/log.h"

#ifndef DH_VERSION
#define DH_VERSION "0"
#endif

const janus_callbacks *dh_gateway;

/* Calls come from many threads until `destroy` has returned, and a few may be inside
 * when it begins, so it waits for them. */
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t empty = PTHREAD_COND_INITIALIZER;
static struct dh_instance *current; /* protected by door */
static unsigned inside;             /* protected by door */

static struct dh_instance *enter(void)
{
	pthread_mutex_lock(&door);
	struct dh_instance *instance = current;
	inside += instance != NULL;
	pthread_mutex_unlock(&door);
	return instance;
}

static void leave(void)
{
	pthread_mutex_lock(&door);
	if (--inside == 0)
		pthread_cond_broadcast(&empty);
	pthread_mutex_unlock(&door);
}

/* *instance may be NULL. */
static void end(struct dh_instance **instance)
{
	if (!*instance)
		return;
	dh_reporter_free(&(*instance)->reporter);
	dh_instance_close(*instance);
	pthread_mutex_lock(&door);
	while (inside)
		pthread_cond_wait(&empty, &door);
	pthread_mutex_unlock(&door);
	dh_push_service_free(&(*instance)->pushes);
	dh_instance_free(instance);
}

/* How many rooms there are. */
static guint begin_playlists(struct dh_instance *instance, const char *folder)
{
	const struct dh_player_host host = dh_playlist_host(instance);
	GPtrArray *rooms = dh_instance_rooms(instance);
	guint count = rooms->len;

	instance->playlists = dh_playlists_new(&host, folder);
	for (guint i = 0; i < rooms->len; i++)
		dh_playlists_add(instance->playlists, rooms->pdata[i]);
	dh_playlists_begun(instance->playlists);
	g_ptr_array_free(rooms, TRUE);
	return count;
}

static int plugin_init(janus_callbacks *callbacks, const char *config_path)
{
	struct dh_instance *instance = NULL;
	guint room_count = 0;

	if (!callbacks || !config_path)
		return -1;
	dh_gateway = callbacks;
	dh_gateway_log_open();
	int err = dh_instance_alloc(&instance, config_path);
	if (!err)
		err = dh_push_service_alloc(&instance->pushes, instance);
	if (!err)
		err = dh_reporter_alloc(&instance->reporter, instance);
	if (!err)
		room_count = begin_playlists(instance, config_path);
	if (!err)
		dh_beginning_watch(instance->beginning);
	if (err) {
		end(&instance);
		dh_log(DH_LOG_ERROR, "not started");
		dh_gateway_log_close();
		return -1;
	}
	pthread_mutex_lock(&door);
	current = instance;
	pthread_mutex_unlock(&door);
	dh_log(DH_LOG_INFO, "version %s started: %u rooms", DH_VERSION, room_count);
	return 0;
}

static void plugin_destroy(void)
{
	pthread_mutex_lock(&door);
	struct dh_instance *instance = current;
	current = NULL;
	pthread_mutex_unlock(&door);
	if (!instance)
		return;
	end(&instance);
	dh_log(DH_LOG_INFO, "stopped");
	dh_gateway_log_close();
}

static int plugin_api(void)
{
	return JANUS_PLUGIN_API_VERSION;
}

static int plugin_version(void)
{
	return 1;
}

static const char *plugin_version_string(void)
{
	return DH_VERSION;
}

static const char *plugin_description(void)
{
	return "Plays segments of talking digital humans to rooms of viewers.";
}

static const char *plugin_name(void)
{
	return "Digital human";
}

static const char *plugin_author(void)
{
	return "The janus-digitalhuman authors";
}

static const char *plugin_package(void)
{
	return DH_PACKAGE;
}

/* --- handles */

static void plugin_create_session(janus_plugin_session *handle, int *error)
{
	struct dh_instance *instance = enter();

	if (!instance || dh_instance_add_session(instance, handle) < 0)
		*error = -1;
	if (instance)
		leave();
}

/* The instance, and a reference to the handle's session; NULL if either is gone. */
static struct dh_instance *enter_session(janus_plugin_session *handle, struct dh_session **session)
{
	struct dh_instance *instance = enter();

	*session = instance ? dh_instance_session(instance, handle) : NULL;
	if (*session)
		return instance;
	if (instance)
		leave();
	return NULL;
}

static void leave_session(struct dh_session *session)
{
	dh_session_unref(&session);
	leave();
}

/* Ends the handle's membership, whatever the reason. */
static void end_watch(struct dh_session *session)
{
	struct dh_member *member = dh_session_end_member(session, NULL, NULL);

	if (member)
		dh_room_member_leave(member);
	dh_member_unref(&member);
}

static void plugin_destroy_session(janus_plugin_session *handle, int *error)
{
	struct dh_instance *instance = enter();
	struct dh_session *session = instance ? dh_instance_take_session(instance, handle) : NULL;

	if (session) {
		dh_session_close(session);
		dh_senders_leave(instance->senders, session);
		end_watch(session);
		dh_session_unref(&session);
	} else {
		*error = -1;
	}
	if (instance)
		leave();
}

static json_t *plugin_query_session(janus_plugin_session *handle)
{
	struct dh_session *session;

	if (!enter_session(handle, &session))
		return NULL;
	struct dh_member *member = dh_session_member(session);
	json_t *info = json_pack("{s:s}", "state", !member ? "idle" : member->observes ? "observing" : "watching");
	json_t *sent = NULL;
	uint32_t rtp_start[2];
	if (member) {
		json_object_set_new(info, "id", dh_room_id_json(member->room));
		json_object_set_new(info, "viewer", json_integer(member->id));
	}
	if (member && !member->observes) {
		json_object_set_new(info, "answered", json_boolean(atomic_load(&member->answered)));
		json_object_set_new(info, "media", json_boolean(atomic_load(&member->media)));
		json_object_set_new(info, "paused", json_boolean(atomic_load(&member->paused)));
		json_object_set_new(info, "audio", json_boolean(dh_member_gets(member, DH_AUDIO)));
		json_object_set_new(info, "video", json_boolean(dh_member_gets(member, DH_VIDEO)));
		dh_member_get_rtp_start(member, rtp_start);
		json_object_set_new(info, "rtp_start", dh_rtp_start_json(rtp_start));
		if (dh_room_viewer(member->room, member, &sent) == 0)
			json_object_set_new(info, "sent", sent);
	}
	dh_member_unref(&member);
	leave_session(session);
	return info;
}

static struct janus_plugin_result *plugin_handle_message(janus_plugin_session *handle, char *transaction,
	json_t *message, json_t *jsep)
{
	struct dh_session *session;
	struct dh_instance *instance = enter_session(handle, &session);

	if (!instance) {
		g_free(transaction);
		json_decref(message);
		json_decref(jsep);
		return janus_plugin_result_new(JANUS_PLUGIN_ERROR, "The plugin is going down, or the handle is", NULL);
	}
	struct janus_plugin_result *result = dh_dispatch(instance, session, transaction, message, jsep);
	leave_session(session);
	return result;
}

static json_t *plugin_handle_admin_message(json_t *message)
{
	struct dh_instance *instance = enter();

	if (!instance)
		return NULL;
	json_t *reply = dh_dispatch_admin(instance, message);
	leave();
	return reply;
}

/* --- media */

static void plugin_setup_media(janus_plugin_session *handle)
{
	struct dh_session *session;
	struct dh_instance *instance = enter_session(handle, &session);

	if (!instance)
		return;
	/* This is Janus's thread that sends to the viewer. */
	int sender = dh_senders_enter(instance->senders, session, instance->config->realtime);
	struct dh_member *member = dh_session_up(session);
	if (member) {
		dh_session_connected(session, member);
		dh_room_member_up(member, sender);
	}
	dh_member_unref(&member);
	leave_session(session);
}

static void plugin_incoming_rtp(janus_plugin_session *handle, janus_plugin_rtp *packet)
{
	struct dh_session *session;

	/* Only viewers send media whose microphones are listened to. */
	if (packet->video || packet->length < 1 || !enter_session(handle, &session))
		return;
	struct dh_member *member = dh_session_member(session);
	int level = (int)packet->extensions.audio_level;
	if (member)
		dh_room_member_sound(member, packet->mindex, (const uint8_t *)packet->buffer, (size_t)packet->length,
			level < 0 ? 1 : -level);
	dh_member_unref(&member);
	leave_session(session);
}

static void plugin_incoming_rtcp(janus_plugin_session *handle, janus_plugin_rtcp *packet)
{
	struct dh_session *session;

	if (packet->length < 1 || !enter_session(handle, &session))
		return;
	struct dh_member *member = dh_session_member(session);
	if (member)
		dh_viewer_rtcp(member, packet);
	dh_member_unref(&member);
	leave_session(session);
}

/* The data channel is open, or has taken all that it was given. */
static void plugin_data_ready(janus_plugin_session *handle)
{
	struct dh_session *session;

	if (!enter_session(handle, &session))
		return;
	struct dh_member *member = dh_session_member(session);
	if (member)
		dh_room_member_data_ready(member);
	dh_member_unref(&member);
	leave_session(session);
}

static void plugin_slow_link(janus_plugin_session *handle, int mindex, gboolean video, gboolean uplink)
{
	struct dh_session *session;

	(void)mindex;
	(void)uplink; /* where a viewer sends media, too, its link is slow all the same */
	if (!enter_session(handle, &session))
		return;
	struct dh_member *member = dh_session_member(session);
	if (member)
		dh_room_member_slow_link(member, video ? DH_VIDEO : DH_AUDIO);
	dh_member_unref(&member);
	leave_session(session);
}

static void plugin_hangup_media(janus_plugin_session *handle)
{
	struct dh_session *session;
	struct dh_instance *instance = enter_session(handle, &session);

	if (!instance)
		return;
	dh_senders_leave(instance->senders, session);
	struct dh_member *ended;
	unsigned closing;
	guint viewer = dh_session_hung_up(session, &ended, &closing);
	if (ended)
		dh_room_member_leave(ended);
	dh_member_unref(&ended);
	dh_outbox_stopped(instance->outbox, session, closing, viewer ? dh_viewer_status(viewer, "stopped") : NULL);
	leave_session(session);
}

/* --- create */

/* What is not named is NULL, as with JANUS_PLUGIN_INIT. */
janus_plugin dh_plugin = {
	.init = plugin_init,
	.destroy = plugin_destroy,
	.get_api_compatibility = plugin_api,
	.get_version = plugin_version,
	.get_version_string = plugin_version_string,
	.get_description = plugin_description,
	.get_name = plugin_name,
	.get_author = plugin_author,
	.get_package = plugin_package,
	.create_session = plugin_create_session,
	.handle_message = plugin_handle_message,
	.handle_admin_message = plugin_handle_admin_message,
	.setup_media = plugin_setup_media,
	.incoming_rtp = plugin_incoming_rtp,
	.incoming_rtcp = plugin_incoming_rtcp,
	.data_ready = plugin_data_ready,
	.slow_link = plugin_slow_link,
	.hangup_media = plugin_hangup_media,
	.destroy_session = plugin_destroy_session,
	.query_session = plugin_query_session,
};

janus_plugin *create(void);

__attribute__((visibility("default"))) janus_plugin *create(void)
{
	return &dh_plugin;
}
