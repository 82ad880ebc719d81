/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist_messages.h"

#include <jansson.h>

struct listener {
	GAsyncQueue *messages; /* a reference */
	guint64 number;
};

static void post(GAsyncQueue *messages, const struct dh_player_message *message)
{
	g_async_queue_push(messages, g_memdup2(message, sizeof *message));
}

void dh_player_message_stop(GAsyncQueue *messages)
{
	const struct dh_player_message stop = { .kind = DH_PLAYER_STOP };

	post(messages, &stop);
}

/* --- the room's thread */

static enum dh_player_ending ending_of(const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "event"));
	const char *reason = json_string_value(json_object_get(event, "reason"));

	if (!g_strcmp0(name, "failed"))
		return DH_PLAYER_FAILED;
	if (g_strcmp0(name, "interrupted"))
		return DH_PLAYER_OVER;
	return g_strcmp0(reason, "priority") ? DH_PLAYER_CUT : DH_PLAYER_OUTRANKED;
}

static void on_event(void *arg, json_t *event, bool is_last)
{
	const struct listener *listener = arg;
	const char *name = json_string_value(json_object_get(event, "event"));
	struct dh_player_message message = { .number = listener->number };

	if (is_last) {
		message.kind = DH_PLAYER_ENDED;
		message.ms = json_integer_value(json_object_get(event, "played_ms"));
		message.ending = ending_of(event);
		post(listener->messages, &message);
	} else if (!g_strcmp0(name, "started")) {
		message.kind = DH_PLAYER_STARTED;
		message.ms = json_integer_value(json_object_get(event, "from_ms"));
		post(listener->messages, &message);
	}
	json_decref(event);
}

static void on_gone(void *arg)
{
	struct listener *listener = arg;

	g_async_queue_unref(listener->messages);
	g_free(listener);
}

struct dh_feed_audience dh_player_message_audience(GAsyncQueue *messages, guint64 number)
{
	struct listener *listener = g_new0(struct listener, 1);

	*listener = (struct listener){ g_async_queue_ref(messages), number };
	return (struct dh_feed_audience){ .arg = listener, .event = on_event, .gone = on_gone };
}
