#include "outbox.h"

#include <errno.h>

#include "janus_api.h"

struct signal {
	dh_outbox_fn *fn; /* NULL: the last one */
	void *arg;
};

struct dh_outbox {
	GAsyncQueue *queue;
	GThread *thread;
	gint muted;          /* atomic */
};

static gpointer thread_main(gpointer data)
{
	struct dh_outbox *outbox = data;
	gboolean ending = FALSE;
	struct signal *signal;

	/* What runs may post more: behind the last one, too. */
	while ((signal = ending ? g_async_queue_try_pop(outbox->queue) : g_async_queue_pop(outbox->queue))) {
		if (signal->fn)
			signal->fn(signal->arg);
		else
			ending = TRUE;
		g_free(signal);
	}
	return NULL;
}

int dh_outbox_alloc(struct dh_outbox **out)
{
	struct dh_outbox *outbox = g_new0(struct dh_outbox, 1);

	outbox->queue = g_async_queue_new();
	outbox->thread = g_thread_try_new("dh outbox", thread_main, outbox, NULL);
	if (!outbox->thread) {
		g_async_queue_unref(outbox->queue);
		g_free(outbox);
		return -EAGAIN;
	}
	*out = outbox;
	return 0;
}

void dh_outbox_free(struct dh_outbox **outbox)
{
	if (!*outbox)
		return;
	dh_outbox_post(*outbox, NULL, NULL);
	g_thread_join((*outbox)->thread);
	g_async_queue_unref((*outbox)->queue);
	g_free(*outbox);
	*outbox = NULL;
}

void dh_outbox_mute(struct dh_outbox *outbox)
{
	g_atomic_int_set(&outbox->muted, 1);
}

void dh_outbox_post(struct dh_outbox *outbox, dh_outbox_fn *fn, void *arg)
{
	struct signal *signal = g_new(struct signal, 1);

	signal->fn = fn;
	signal->arg = arg;
	g_async_queue_push(outbox->queue, signal);
}

/* --- events */

struct event {
	const struct dh_outbox *outbox;
	struct dh_session *session; /* NULL: none, or many */
	GPtrArray *sessions;
	char *transaction;
	json_t *message, *jsep;
};

static struct event *event_new(const struct dh_outbox *outbox, struct dh_session *session, json_t *message)
{
	struct event *event = g_new0(struct event, 1);

	event->outbox = outbox;
	event->session = session ? dh_session_ref(session) : NULL;
	event->message = message;
	return event;
}

static void event_free(struct event *event)
{
	dh_session_unref(event->session);
	if (event->sessions)
		g_ptr_array_unref(event->sessions);
	g_free(event->transaction);
	json_decref(event->message);
	json_decref(event->jsep);
	g_free(event);
}

/* Janus goes down, or the handle is gone and would only be complained about. */
static gboolean muted(const struct event *event, const struct dh_session *session)
{
	return g_atomic_int_get(&event->outbox->muted) ||
		(session && g_atomic_int_get(&session->handle->stopped));
}

static void push(void *arg)
{
	struct event *event = arg;

	if (!muted(event, event->session))
		dh_gateway->push_event(event->session->handle, &dh_plugin, event->transaction, event->message,
			event->jsep);
	event_free(event);
}

static void broadcast(void *arg)
{
	struct event *event = arg;

	for (guint i = 0; i < event->sessions->len; i++) {
		struct dh_session *session = event->sessions->pdata[i];
		if (!muted(event, session))
			dh_gateway->push_event(session->handle, &dh_plugin, NULL, event->message, NULL);
	}
	event_free(event);
}

/* Janus takes over the event that it is notified of, and would drop one of a
 * handle that has gone. */
static void notify(void *arg)
{
	struct event *event = arg;
	gboolean is_there = event->session && !g_atomic_int_get(&event->session->handle->stopped);

	if (!muted(event, NULL)) {
		dh_gateway->notify_event(&dh_plugin, is_there ? event->session->handle : NULL, event->message);
		event->message = NULL;
	}
	event_free(event);
}

static void close_connection(void *arg)
{
	struct event *event = arg;

	if (!muted(event, event->session))
		dh_gateway->close_pc(event->session->handle);
	event_free(event);
}

void dh_outbox_push(struct dh_outbox *outbox, struct dh_session *session, const char *transaction,
	json_t *message, json_t *jsep)
{
	struct event *event = event_new(outbox, session, message);

	event->transaction = g_strdup(transaction);
	event->jsep = jsep;
	dh_outbox_post(outbox, push, event);
}

void dh_outbox_broadcast(struct dh_outbox *outbox, GPtrArray *sessions, json_t *message)
{
	struct event *event = event_new(outbox, NULL, message);

	event->sessions = sessions;
	dh_outbox_post(outbox, broadcast, event);
}

void dh_outbox_notify(struct dh_outbox *outbox, struct dh_session *session, json_t *event)
{
	if (dh_gateway->events_is_enabled())
		dh_outbox_post(outbox, notify, event_new(outbox, session, event));
	else
		json_decref(event);
}

void dh_outbox_close(struct dh_outbox *outbox, struct dh_session *session)
{
	dh_outbox_post(outbox, close_connection, event_new(outbox, session, NULL));
}
