/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room_host.h"

#include "janus_api.h"
#include "rooms/member.h"
#include "session.h"

static void *handle_ref(void *handle)
{
	return dh_session_ref(handle);
}

static void handle_unref(void *handle)
{
	struct dh_session *session = handle;

	dh_session_unref(&session);
}

static void relay(void *handle, enum dh_media media, int mindex, const uint8_t *rtp, size_t size,
	const struct dh_extensions *extensions)
{
	const struct dh_session *session = handle;
	janus_plugin_rtp packet = {
		.mindex = mindex,
		.video = media == DH_VIDEO,
		.buffer = (char *)rtp, /* Janus copies it */
		.length = (uint16_t)size,
	};

	janus_plugin_rtp_extensions_reset(&packet.extensions);
	if (extensions->has_delay) {
		packet.extensions.min_delay = (int16_t)extensions->delay[0];
		packet.extensions.max_delay = (int16_t)extensions->delay[1];
	}
#ifdef DH_HAS_CAPTURE_TIME
	packet.extensions.abs_capture_ts = extensions->capture_ntp;
#endif
	dh_gateway->relay_rtp(session->handle, &packet);
}

/* Janus opens the channel with the first message, under the name that Streaming's clients know. */
static void data(void *handle, const char *text, size_t size)
{
	const struct dh_session *session = handle;
	janus_plugin_data packet = {
		.buffer = (char *)text, /* Janus copies it */
		.length = (uint16_t)size,
	};

	dh_gateway->relay_data(session->handle, &packet);
}

static void push(void *arg, void *handle, json_t *event)
{
	dh_outbox_push(arg, handle, NULL, event);
}

static void broadcast(void *arg, GPtrArray *handles, json_t *event)
{
	dh_outbox_broadcast(arg, handles, event);
}

static bool has_event_handlers(void *arg)
{
	(void)arg;
	return dh_gateway->events_is_enabled();
}

static void notify(void *arg, void *handle, json_t *event)
{
	dh_outbox_notify(arg, handle, event);
}

static void dismiss(void *arg, void *handle, struct dh_member *member, json_t *event)
{
	unsigned closing = 0;
	struct dh_member *ended = dh_session_end_member(handle, member, member->observes ? NULL : &closing);

	if (ended && event)
		dh_outbox_push(arg, handle, NULL, event);
	else
		json_decref(event);
	if (ended && !ended->observes)
		dh_outbox_close(arg, handle, closing);
	dh_member_unref(&ended);
}

struct dh_host dh_room_host_table(struct dh_outbox *outbox)
{
	return (struct dh_host){
		.arg = outbox,
		.handle_ref = handle_ref,
		.handle_unref = handle_unref,
		.relay = relay,
#ifdef DH_HAS_CAPTURE_TIME
		.has_capture_time = true,
#endif
		.data = data,
		.push = push,
		.broadcast = broadcast,
		.has_event_handlers = has_event_handlers,
		.notify = notify,
		.dismiss = dismiss,
	};
}
