/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions of Janus that the plugin calls, and what handles get through them. */
#include "tests/support/gateway_private.h"

#include <stdlib.h>
#include <string.h>

#include "rooms/host.h"

/* Janus waits for as long as 3 s, which a busy machine may need for a hang-up alone. */
#define CLEANING_MAX_S 100

static void enter(const char *function)
{
	atomic_fetch_add(&gateway.inside, 1);
	if (!atomic_load(&gateway.is_running))
		gateway_fault("it calls %s when it has been destroyed", function);
}

static void leave(void)
{
	atomic_fetch_sub(&gateway.inside, 1);
}

void gateway_scan_json(const json_t *json)
{
	char *text = json && gateway.options.forbidden ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text)
		gateway_scan(text);
	free(text);
}

static int is_gone(const janus_plugin_session *session)
{
	return g_atomic_int_get(&session->stopped);
}

/* --- events */

/* Which m-lines the plugin's SDP has for sound and pictures. */
static void read_lines(struct gateway_handle *handle, const char *sdp)
{
	int index = 0;

	handle->mindex[DH_AUDIO] = handle->mindex[DH_VIDEO] = -1;
	for (const char *line = strstr(sdp, "\nm="); line; line = strstr(line + 1, "\nm="), index++) {
		if (g_str_has_prefix(line, "\nm=audio 9 "))
			handle->mindex[DH_AUDIO] = index;
		else if (g_str_has_prefix(line, "\nm=video 9 "))
			handle->mindex[DH_VIDEO] = index;
	}
}

/* Answers the handle's own offer, whose PeerConnection it is. */
static int take_plugin_answer(struct gateway_handle *handle, const char *sdp)
{
	if (!handle->is_offered)
		return -1;
	read_lines(handle, sdp);
	handle->is_answered = 1;
	memset(&handle->media, 0, sizeof handle->media);
	return 0;
}

/* An offer makes a PeerConnection once the previous one has gone. */
static int take_sdp(struct gateway_handle *handle, const json_t *jsep)
{
	const char *type = json_string_value(json_object_get(jsep, "type"));
	const char *sdp = json_string_value(json_object_get(jsep, "sdp"));
	struct timespec until;

	if (!type || !sdp || strncmp(sdp, "v=0\r\n", 5) != 0)
		gateway_fault("a JSEP without SDP");
	if (strcmp(type, "answer") == 0)
		return take_plugin_answer(handle, sdp);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLEANING_MAX_S;
	while (handle->is_cleaning) {
		if (pthread_cond_timedwait(&handle->change, &handle->lock, &until) != 0)
			return -1;
	}
	read_lines(handle, sdp);
	handle->is_offered = 1;
	handle->is_answered = 0;
	memset(&handle->media, 0, sizeof handle->media);
	return 0;
}

static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	/* protected by lock */
	int is_holding, waiting, passes, refusals, refusal;
	int holds_events, held_events;
} offers = { .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };

/* Takes a while, as gathering candidates does; returns why there is no connection
 * afterwards, or 0. */
static int gather(void)
{
	int error;

	pthread_mutex_lock(&offers.lock);
	offers.waiting++;
	pthread_cond_broadcast(&offers.change);
	while (offers.is_holding && offers.passes == 0)
		pthread_cond_wait(&offers.change, &offers.lock);
	offers.passes -= offers.is_holding;
	offers.waiting--;
	error = offers.refusals > 0 ? offers.refusal : 0;
	offers.refusals -= offers.refusals > 0;
	pthread_mutex_unlock(&offers.lock);
	return error;
}

void gateway_hold_offers(void)
{
	pthread_mutex_lock(&offers.lock);
	offers.is_holding = 1;
	offers.passes = 0;
	pthread_mutex_unlock(&offers.lock);
}

void gateway_pass_offers(int count)
{
	pthread_mutex_lock(&offers.lock);
	offers.passes += count > 0 ? count : 0;
	offers.is_holding &= count >= 0;
	pthread_cond_broadcast(&offers.change);
	pthread_mutex_unlock(&offers.lock);
}

int gateway_held_offers(void)
{
	int waiting;

	pthread_mutex_lock(&offers.lock);
	waiting = offers.waiting;
	pthread_mutex_unlock(&offers.lock);
	return waiting;
}

void gateway_hold_events(int is_holding)
{
	pthread_mutex_lock(&offers.lock);
	offers.holds_events = is_holding;
	pthread_cond_broadcast(&offers.change);
	pthread_mutex_unlock(&offers.lock);
}

static void wait_to_say(void)
{
	pthread_mutex_lock(&offers.lock);
	offers.held_events++;
	while (offers.holds_events)
		pthread_cond_wait(&offers.change, &offers.lock);
	offers.held_events--;
	pthread_mutex_unlock(&offers.lock);
}

int gateway_held_events(void)
{
	int held;

	pthread_mutex_lock(&offers.lock);
	held = offers.held_events;
	pthread_mutex_unlock(&offers.lock);
	return held;
}

void gateway_refuse_offers(int count, int error)
{
	pthread_mutex_lock(&offers.lock);
	offers.refusals = count;
	offers.refusal = error;
	pthread_mutex_unlock(&offers.lock);
}

int gateway_refusals(void)
{
	int refusals;

	pthread_mutex_lock(&offers.lock);
	refusals = offers.refusals;
	pthread_mutex_unlock(&offers.lock);
	return refusals;
}

/* A copy that says how many events came before it. */
static json_t *numbered(const json_t *message)
{
	static atomic_int count;
	json_t *copy = json_deep_copy(message);

	json_object_set_new(copy, "number", json_integer(atomic_fetch_add(&count, 1)));
	return copy;
}

static int push_event(janus_plugin_session *session, janus_plugin *plugin, const char *transaction, json_t *message,
	json_t *jsep)
{
	struct gateway_handle *handle = session->gateway_handle;
	int error = 0;

	enter("push_event");
	if (plugin != &dh_plugin || !json_is_object(message))
		gateway_fault("an event that is no object");
	gateway_scan_json(message);
	if (jsep && !is_gone(session))
		error = gather();
	else if (!jsep)
		wait_to_say();
	if (!is_gone(session)) {
		pthread_mutex_lock(&handle->lock);
		if (jsep && !error)
			error = take_sdp(handle, jsep);
		/* A refused offer is not sent, so it answers nothing. */
		if (!error && transaction && !g_hash_table_remove(handle->asked, transaction))
			gateway_fault("an answer to \"%s\", which nobody waits for", transaction);
		if (!error)
			g_queue_push_tail(&handle->said, numbered(message));
		pthread_cond_broadcast(&handle->change);
		pthread_mutex_unlock(&handle->lock);
	} else {
		error = -2;
	}
	leave();
	return error;
}

static gboolean events_is_enabled(void)
{
	return gateway.options.notified != NULL;
}

static void notify_event(janus_plugin *plugin, janus_plugin_session *session, json_t *event)
{
	enter("notify_event");
	if (plugin != &dh_plugin || !json_is_object(event))
		gateway_fault("a notification that is no object");
	gateway_scan_json(event);
	if (gateway.options.notified && (!session || !is_gone(session)))
		gateway.options.notified(gateway.options.arg, event);
	json_decref(event);
	leave();
}

/* --- media */

/* The plugin's payload type, or any other where the peer has the codec. */
static bool is_type(const struct gateway_handle *handle, int media, int type)
{
	return type == (media == DH_VIDEO ? DH_PAYLOAD_TYPE_VP8 : DH_PAYLOAD_TYPE_OPUS) ||
		(handle->peer_sdp && strcasestr(handle->peer_sdp, media == DH_VIDEO ? " VP8/90000" : " opus/48000"));
}

/* A copy of exactly its size, so that sanitizers see reads beyond the end. */
static void check_packet(struct gateway_handle *handle, const janus_plugin_rtp *packet, int media)
{
	uint8_t *copy = g_memdup2(packet->buffer, packet->length);

	if (packet->length <= 12 || packet->length > 1400 || copy[0] >> 6 != 2)
		gateway_fault("it relays what is no RTP packet of this medium (%d bytes)", packet->length);
	pthread_mutex_lock(&handle->lock);
	if (!is_type(handle, media, copy[1] & 127))
		gateway_fault("it relays payload type %d, which was not agreed on", copy[1] & 127);
	if (packet->mindex != handle->mindex[media])
		gateway_fault("it relays to m-line %d what belongs to another", packet->mindex);
	pthread_mutex_unlock(&handle->lock);
	g_free(copy);
}

/* Of every picture's first packet. */
static void note_delay(struct gateway_media *media, const janus_plugin_rtp_extensions *extensions)
{
	int is_same = media->alike && media->delay[0] == extensions->min_delay &&
		media->delay[1] == extensions->max_delay;

	media->delay[0] = extensions->min_delay;
	media->delay[1] = extensions->max_delay;
	media->alike = is_same ? media->alike + 1 : 1;
}

static void note_extensions(struct gateway_media *media, const janus_plugin_rtp *packet)
{
	const janus_plugin_rtp_extensions *extensions = &packet->extensions;
	int has_delay = extensions->min_delay >= 0 || extensions->max_delay >= 0;
	int begins = packet->video && packet->buffer[12] & 0x10;

	if (has_delay &&
		(!begins || extensions->min_delay > extensions->max_delay || extensions->min_delay < 0 ||
			extensions->max_delay > 4095))
		gateway_fault("it relays a playout delay of %d to %d", extensions->min_delay, extensions->max_delay);
	if (begins)
		note_delay(media, extensions);
#ifdef DH_HAS_CAPTURE_TIME
	media->captures[packet->video ? DH_VIDEO : DH_AUDIO] += extensions->abs_capture_ts != 0;
#endif
}

static void relay_rtp(janus_plugin_session *session, janus_plugin_rtp *packet)
{
	struct gateway_handle *handle = session->gateway_handle;
	int media = packet->video ? DH_VIDEO : DH_AUDIO;

	enter("relay_rtp");
	if (!is_gone(session)) {
		check_packet(handle, packet, media);
		uint16_t sequence = (uint16_t)((uint8_t)packet->buffer[2] << 8 | (uint8_t)packet->buffer[3]);
		pthread_mutex_lock(&handle->lock);
		if (handle->media.is_up) {
			uint16_t expected = (uint16_t)(handle->last_sequence[media] + 1);
			handle->media.breaks[media] += handle->media.packets[media] && sequence != expected;
			handle->media.packets[media]++;
			note_extensions(&handle->media, packet);
			handle->last_sequence[media] = sequence;
			atomic_fetch_add(&gateway.relayed, 1);
		}
		pthread_mutex_unlock(&handle->lock);
	}
	leave();
}

static void relay_rtcp(janus_plugin_session *session, janus_plugin_rtcp *packet)
{
	(void)session;
	(void)packet;
	enter("relay_rtcp");
	leave();
}

static void relay_data(janus_plugin_session *session, janus_plugin_data *packet)
{
	(void)session;
	enter("relay_data");
	if (!packet->buffer || packet->length == 0)
		gateway_fault("it relays no data");
	leave();
}

static void send_pli(janus_plugin_session *session)
{
	(void)session;
}

static void send_pli_stream(janus_plugin_session *session, int mindex)
{
	(void)session;
	(void)mindex;
}

static void send_remb(janus_plugin_session *session, guint32 bitrate)
{
	(void)session;
	(void)bitrate;
}

/* --- ends */

static void close_pc(janus_plugin_session *session)
{
	struct gateway_handle *handle = session->gateway_handle;

	enter("close_pc");
	pthread_mutex_lock(&handle->lock);
	if (!is_gone(session) && !handle->is_closing) {
		handle->is_closing = 1;
		gateway_handle_post(handle, JOB_CLOSE, 0);
	}
	pthread_mutex_unlock(&handle->lock);
	leave();
}

/* Its owner detaches the handle sooner or later; the hang-up comes at once. */
static void end_session(janus_plugin_session *session)
{
	close_pc(session);
}

/* --- tokens */

static gboolean auth_is_signed(void)
{
	return gateway.options.is_signed;
}

static gboolean auth_is_signature_valid(janus_plugin *plugin, const char *token)
{
	return plugin == &dh_plugin && token && g_str_has_prefix(token, "signed:");
}

static gboolean auth_signature_contains(janus_plugin *plugin, const char *token, const char *descriptor)
{
	return auth_is_signature_valid(plugin, token) && strcmp(token + strlen("signed:"), descriptor) == 0;
}

janus_callbacks gateway_callbacks = {
	.push_event = push_event,
	.relay_rtp = relay_rtp,
	.relay_rtcp = relay_rtcp,
	.relay_data = relay_data,
	.send_pli = send_pli,
	.send_pli_stream = send_pli_stream,
	.send_remb = send_remb,
	.close_pc = close_pc,
	.end_session = end_session,
	.events_is_enabled = events_is_enabled,
	.notify_event = notify_event,
	.auth_is_signed = auth_is_signed,
	.auth_is_signature_valid = auth_is_signature_valid,
	.auth_signature_contains = auth_signature_contains,
};

/* --- what it was sent */

static int is_kind(const json_t *event, const char *kind)
{
	const char *status = json_string_value(json_object_get(json_object_get(event, "result"), "status"));
	const char *name = json_string_value(json_object_get(event, "event"));
	json_int_t code = json_integer_value(json_object_get(event, "error_code"));

	if (g_str_has_prefix(kind, "status:"))
		return g_strcmp0(status, kind + 7) == 0;
	if (g_str_has_prefix(kind, "event:"))
		return g_strcmp0(name, kind + 6) == 0;
	return *kind == '\0' || (g_str_has_prefix(kind, "error:") && code == atoi(kind + 6));
}

json_t *gateway_await(struct gateway_handle *handle, const char *kind, int timeout_ms)
{
	json_t *event = NULL;
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&handle->lock);
	while (!event && !error) {
		event = g_queue_pop_head(&handle->said);
		if (event && !is_kind(event, kind))
			g_clear_pointer(&event, json_decref);
		else if (!event)
			error = pthread_cond_timedwait(&handle->change, &handle->lock, &until);
	}
	pthread_mutex_unlock(&handle->lock);
	return event;
}

void gateway_forget(struct gateway_handle *handle)
{
	json_t *event;

	pthread_mutex_lock(&handle->lock);
	while ((event = g_queue_pop_head(&handle->said)))
		json_decref(event);
	pthread_mutex_unlock(&handle->lock);
}

void gateway_media(struct gateway_handle *handle, struct gateway_media *media)
{
	pthread_mutex_lock(&handle->lock);
	*media = handle->media;
	pthread_mutex_unlock(&handle->lock);
}
