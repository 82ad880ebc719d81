/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/gateway_private.h"

#include "tests/support/gateway_config.h"
#include "tests/support/ingest_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNCOUNTED 0x5a5a5a5a /* what a reference count contains before Janus initialises it */

struct gateway gateway;

/* Janus ends its plugins when no more handles are made; it cannot end one between
 * create_session and the initialisation of the reference count. */
static pthread_rwlock_t making = PTHREAD_RWLOCK_INITIALIZER;

/* --- the plugin */

int gateway_start(const char *folder, const struct gateway_options *options)
{
	static const struct gateway_options none;
	int error;

	gateway.options = options ? *options : none;
	gateway_log(gateway.options.is_loud, gateway.options.forbidden);
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
	atomic_store(&gateway.is_stopping, 0);
	atomic_store(&gateway.relayed, 0);
	atomic_store(&gateway.is_running, 1);
	error = dh_plugin.init(&gateway_callbacks, folder);
	if (error)
		atomic_store(&gateway.is_running, 0);
	gateway_config_preset(NULL); /* left unread */
	return error;
}

void gateway_stop(void)
{
	if (!atomic_load(&gateway.is_running))
		return;
	atomic_store(&gateway.is_stopping, 1);
	gateway_pass_offers(-1);
	gateway_hold_events(0);
	pthread_rwlock_wrlock(&making);
	dh_plugin.destroy();
	pthread_rwlock_unlock(&making);
	reap_given_up(gateway_logged(GIVEN_UP));
	if (atomic_load(&gateway.inside))
		gateway_fault("it is destroyed, and a thread of it still is in a call");
	atomic_store(&gateway.is_running, 0);
}

int gateway_sessions(void)
{
	return atomic_load(&gateway.sessions);
}

int gateway_relayed(void)
{
	return atomic_load(&gateway.relayed);
}

/* --- references */

void gateway_handle_ref(struct gateway_handle *handle)
{
	atomic_fetch_add(&handle->refs, 1);
}

void gateway_handle_unref(struct gateway_handle **out)
{
	struct gateway_handle *handle = *out;

	*out = NULL;
	if (atomic_fetch_sub(&handle->refs, 1) != 1)
		return;
	gateway_forget(handle);
	g_queue_clear(&handle->jobs);
	g_hash_table_destroy(handle->asked);
	g_free(handle->peer_sdp);
	pthread_cond_destroy(&handle->change);
	pthread_mutex_destroy(&handle->lock);
	g_free(handle);
}

static void session_free(const janus_refcount *ref)
{
	janus_plugin_session *session = janus_refcount_containerof(ref, janus_plugin_session, ref);
	struct gateway_handle *handle = session->gateway_handle;

	gateway_handle_unref(&handle);
	atomic_fetch_sub(&gateway.sessions, 1);
	g_free(session);
}

static void session_unref(janus_plugin_session *session)
{
	janus_refcount_decrease(&session->ref);
}

/* Returns a reference, or NULL if the handle is detached. */
static janus_plugin_session *take_session(struct gateway_handle *handle)
{
	janus_plugin_session *session = NULL;

	pthread_mutex_lock(&handle->lock);
	if (!handle->is_detached) {
		session = handle->session;
		janus_refcount_increase(&session->ref);
	}
	pthread_mutex_unlock(&handle->lock);
	return session;
}

/* --- the loop */

void gateway_handle_post(struct gateway_handle *handle, enum gateway_job job, int is_urgent)
{
	(is_urgent ? g_queue_push_head : g_queue_push_tail)(&handle->jobs, GINT_TO_POINTER(job));
	pthread_cond_broadcast(&handle->change);
}

/* With the lock held: ends the PeerConnection, if there is one. */
static void end_connection(struct gateway_handle *handle)
{
	handle->is_closing = 0;
	if (!handle->is_offered)
		return;
	handle->is_offered = handle->is_answered = handle->media.is_up = 0;
	handle->is_cleaning = 1;
	gateway_handle_post(handle, JOB_HANGUP, 1);
}

static enum gateway_job next_job(struct gateway_handle *handle)
{
	enum gateway_job job;

	pthread_mutex_lock(&handle->lock);
	while (g_queue_is_empty(&handle->jobs))
		pthread_cond_wait(&handle->change, &handle->lock);
	job = (enum gateway_job)GPOINTER_TO_INT(g_queue_pop_head(&handle->jobs));
	if (job == JOB_CLOSE && handle->is_closing)
		end_connection(handle);
	pthread_mutex_unlock(&handle->lock);
	return job;
}

static void bring_up(struct gateway_handle *handle)
{
	int is_new;

	pthread_mutex_lock(&handle->lock);
	is_new = handle->is_answered && !handle->media.is_up && !handle->is_detached;
	handle->media.is_up |= is_new;
	pthread_mutex_unlock(&handle->lock);
	if (is_new)
		dh_plugin.setup_media(handle->session);
}

static void relay_rtcp(struct gateway_handle *handle, uint8_t *rtcp, int size)
{
	janus_plugin_rtcp packet = { .mindex = 1, .video = TRUE, .buffer = (char *)rtcp, .length = (uint16_t)size };
	int is_up;

	pthread_mutex_lock(&handle->lock);
	is_up = handle->media.is_up && !handle->is_detached;
	pthread_mutex_unlock(&handle->lock);
	if (is_up)
		dh_plugin.incoming_rtcp(handle->session, &packet);
}

static void relay_pli(struct gateway_handle *handle)
{
	uint8_t pli[12] = { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 };

	relay_rtcp(handle, pli, sizeof pli);
}

static void relay_report(struct gateway_handle *handle)
{
	uint8_t rr[32] = { 0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 64, [22] = 900 >> 8, 900 & 0xff };

	pthread_mutex_lock(&handle->lock);
	for (int i = 0; i < 3; i++)
		rr[13 + i] = (uint8_t)(handle->lost >> (16 - 8 * i));
	pthread_mutex_unlock(&handle->lock);
	relay_rtcp(handle, rr, sizeof rr);
}

static void tell_hangup(struct gateway_handle *handle)
{
	pthread_mutex_lock(&handle->lock);
	while (handle->holds_hangups && !handle->is_detached)
		pthread_cond_wait(&handle->change, &handle->lock);
	pthread_mutex_unlock(&handle->lock);
	dh_plugin.hangup_media(handle->session);
	pthread_mutex_lock(&handle->lock);
	handle->is_cleaning = 0;
	pthread_cond_broadcast(&handle->change);
	pthread_mutex_unlock(&handle->lock);
}

static void *loop_main(void *arg)
{
	struct gateway_handle *handle = arg;
	enum gateway_job job;
	int error = 0;

	while ((job = next_job(handle)) != JOB_DETACH) {
		if (job == JOB_UP)
			bring_up(handle);
		else if (job == JOB_PLI)
			relay_pli(handle);
		else if (job == JOB_REPORT)
			relay_report(handle);
		else if (job == JOB_HANGUP)
			tell_hangup(handle);
	}
	dh_plugin.destroy_session(handle->session, &error);
	if (error && !atomic_load(&gateway.is_stopping))
		gateway_fault("it does not know a handle that it has accepted");
	return NULL;
}

static void post(struct gateway_handle *handle, enum gateway_job job)
{
	pthread_mutex_lock(&handle->lock);
	gateway_handle_post(handle, job, 0);
	pthread_mutex_unlock(&handle->lock);
}

void gateway_up(struct gateway_handle *handle)
{
	post(handle, JOB_UP);
}

void gateway_pli(struct gateway_handle *handle)
{
	post(handle, JOB_PLI);
}

void gateway_report(struct gateway_handle *handle, int lost)
{
	pthread_mutex_lock(&handle->lock);
	handle->lost = lost;
	gateway_handle_post(handle, JOB_REPORT, 0);
	pthread_mutex_unlock(&handle->lock);
}

void gateway_hangup(struct gateway_handle *handle)
{
	pthread_mutex_lock(&handle->lock);
	end_connection(handle);
	pthread_mutex_unlock(&handle->lock);
}

void gateway_hold_hangups(struct gateway_handle *handle, int is_holding)
{
	pthread_mutex_lock(&handle->lock);
	handle->holds_hangups = is_holding;
	pthread_cond_broadcast(&handle->change);
	pthread_mutex_unlock(&handle->lock);
}

int gateway_is_hanging_up(struct gateway_handle *handle)
{
	int is_cleaning;

	pthread_mutex_lock(&handle->lock);
	is_cleaning = handle->is_cleaning;
	pthread_mutex_unlock(&handle->lock);
	return is_cleaning;
}

/* --- a handle */

static struct gateway_handle *handle_new(const void *client)
{
	struct gateway_handle *handle = g_new0(struct gateway_handle, 1);

	handle->client = client ? client : handle;
	handle->refs = 1;
	pthread_mutex_init(&handle->lock, NULL);
	pthread_cond_init(&handle->change, NULL);
	handle->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	handle->session = g_new0(janus_plugin_session, 1);
	handle->session->gateway_handle = handle;
	handle->session->ref.count = UNCOUNTED;
	return handle;
}

static int create_session(janus_plugin_session *session)
{
	int error = 0;

	pthread_rwlock_rdlock(&making);
	dh_plugin.create_session(session, &error);
	if (session->ref.count != UNCOUNTED)
		gateway_fault("it counts references to a handle before there is a count");
	if (!error) {
		janus_refcount_init(&session->ref, session_free);
		janus_refcount_increase(&session->ref);
	}
	pthread_rwlock_unlock(&making);
	return error;
}

struct gateway_handle *gateway_attach(void)
{
	return gateway_attach_to(NULL);
}

struct gateway_handle *gateway_attach_to(const void *client)
{
	struct gateway_handle *handle = handle_new(client);

	if (create_session(handle->session) != 0) {
		g_free(handle->session);
		gateway_handle_unref(&handle);
		return NULL;
	}
	gateway_handle_ref(handle);
	atomic_fetch_add(&gateway.sessions, 1);
	pthread_create(&handle->loop, NULL, loop_main, handle);
	return handle;
}

void gateway_detach(struct gateway_handle **out)
{
	struct gateway_handle *handle = *out;

	if (!handle)
		return;
	*out = NULL;
	pthread_mutex_lock(&handle->lock);
	end_connection(handle);
	handle->is_detached = 1;
	g_atomic_int_set(&handle->session->stopped, 1);
	gateway_handle_post(handle, JOB_DETACH, 0);
	pthread_mutex_unlock(&handle->lock);
	session_unref(handle->session);
	pthread_join(handle->loop, NULL);
	gateway_handle_unref(&handle);
}

/* --- messages */

static json_t *content_of(janus_plugin_result *result)
{
	json_t *content = NULL;

	if (!result)
		gateway_fault("a message has no result");
	if (result->type == JANUS_PLUGIN_OK && !json_is_object(result->content))
		gateway_fault("an answer that is no object");
	if (result->type == JANUS_PLUGIN_ERROR && (!result->text || !atomic_load(&gateway.is_stopping)))
		gateway_fault("a message fails: %s", result->text ? result->text : "nothing says why");
	if (result->type == JANUS_PLUGIN_OK)
		content = json_incref(result->content);
	gateway_scan_json(content);
	return content;
}

/* Janus sees an answer, or an offer, before the plugin does. */
static void see_answer(struct gateway_handle *handle, const json_t *jsep)
{
	const char *type = json_string_value(json_object_get(jsep, "type"));
	const char *sdp = json_string_value(json_object_get(jsep, "sdp"));

	if (!type || !sdp)
		return;
	pthread_mutex_lock(&handle->lock);
	if (strcmp(type, "answer") == 0 && handle->is_offered)
		handle->is_answered = 1;
	if (strcmp(type, "offer") == 0)
		handle->is_offered = 1;
	g_free(handle->peer_sdp);
	handle->peer_sdp = g_strdup(sdp);
	pthread_mutex_unlock(&handle->lock);
}

json_t *gateway_ask(struct gateway_handle *handle, json_t *body, json_t *jsep)
{
	static atomic_int count;
	char transaction[16];

	snprintf(transaction, sizeof transaction, "t%d", atomic_fetch_add(&count, 1));
	return gateway_ask_as(handle, transaction, body, jsep);
}

json_t *gateway_ask_as(struct gateway_handle *handle, const char *transaction, json_t *body, json_t *jsep)
{
	janus_plugin_session *session = take_session(handle);
	janus_plugin_result *result;
	json_t *content;

	if (!session)
		gateway_fault("the test: it asks with a handle that it has detached");
	see_answer(handle, jsep);
	pthread_mutex_lock(&handle->lock);
	g_hash_table_add(handle->asked, g_strdup(transaction));
	pthread_mutex_unlock(&handle->lock);
	result = dh_plugin.handle_message(session, g_strdup(transaction), body, jsep);
	content = content_of(result);
	pthread_mutex_lock(&handle->lock);
	if (result->type != JANUS_PLUGIN_OK_WAIT && !g_hash_table_remove(handle->asked, transaction))
		gateway_fault("it answers twice");
	pthread_mutex_unlock(&handle->lock);
	janus_plugin_result_destroy(result);
	session_unref(session);
	return content;
}

json_t *gateway_ask_admin(json_t *body)
{
	json_t *answer = dh_plugin.handle_admin_message(body);

	gateway_scan_json(answer);
	json_decref(body);
	return answer;
}

json_t *gateway_query(struct gateway_handle *handle)
{
	janus_plugin_session *session = take_session(handle);
	json_t *answer = session ? dh_plugin.query_session(session) : NULL;

	if (session)
		session_unref(session);
	gateway_scan_json(answer);
	return answer;
}

json_t *gateway_answer(void)
{
	static const char sdp[] =
		"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\n"
		"a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n";

	return json_pack("{s:s, s:s}", "type", "answer", "sdp", sdp);
}
