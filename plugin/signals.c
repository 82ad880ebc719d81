#include "signals.h"

#include <errno.h>

#include "host.h"

struct signal {
	dh_signal_fn *fn; /* NULL: the last one */
	void *arg;
};

struct dh_signals {
	GAsyncQueue *queue;
	GThread *thread;
	gint muted;          /* atomic */
};

static gpointer thread_main(gpointer data)
{
	struct dh_signals *signals = data;
	gboolean ending = FALSE;
	struct signal *signal;

	/* What runs may post more: behind the last one, too. */
	while ((signal = ending ? g_async_queue_try_pop(signals->queue) : g_async_queue_pop(signals->queue))) {
		if (signal->fn)
			signal->fn(signal->arg);
		else
			ending = TRUE;
		g_free(signal);
	}
	return NULL;
}

int dh_signals_alloc(struct dh_signals **out)
{
	struct dh_signals *signals = g_new0(struct dh_signals, 1);

	signals->queue = g_async_queue_new();
	signals->thread = g_thread_try_new("dh signals", thread_main, signals, NULL);
	if (!signals->thread) {
		g_async_queue_unref(signals->queue);
		g_free(signals);
		return -EAGAIN;
	}
	*out = signals;
	return 0;
}

void dh_signals_free(struct dh_signals **signals)
{
	if (!*signals)
		return;
	dh_signals_post(*signals, NULL, NULL);
	g_thread_join((*signals)->thread);
	g_async_queue_unref((*signals)->queue);
	g_free(*signals);
	*signals = NULL;
}

void dh_signals_mute(struct dh_signals *signals)
{
	g_atomic_int_set(&signals->muted, 1);
}

void dh_signals_post(struct dh_signals *signals, dh_signal_fn *fn, void *arg)
{
	struct signal *signal = g_new(struct signal, 1);

	signal->fn = fn;
	signal->arg = arg;
	g_async_queue_push(signals->queue, signal);
}

/* ------------------------------------------------------------- events */

struct event {
	const struct dh_signals *signals;
	struct dh_session *session; /* NULL: none, or many */
	GPtrArray *sessions;
	char *transaction;
	json_t *message, *jsep;
};

static struct event *event_new(const struct dh_signals *signals, struct dh_session *session, json_t *message)
{
	struct event *event = g_new0(struct event, 1);

	event->signals = signals;
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
	return g_atomic_int_get(&event->signals->muted) ||
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

void dh_signals_push(struct dh_signals *signals, struct dh_session *session, const char *transaction,
	json_t *message, json_t *jsep)
{
	struct event *event = event_new(signals, session, message);

	event->transaction = g_strdup(transaction);
	event->jsep = jsep;
	dh_signals_post(signals, push, event);
}

void dh_signals_broadcast(struct dh_signals *signals, GPtrArray *sessions, json_t *message)
{
	struct event *event = event_new(signals, NULL, message);

	event->sessions = sessions;
	dh_signals_post(signals, broadcast, event);
}

void dh_signals_notify(struct dh_signals *signals, struct dh_session *session, json_t *event)
{
	if (dh_gateway->events_is_enabled())
		dh_signals_post(signals, notify, event_new(signals, session, event));
	else
		json_decref(event);
}

void dh_signals_close(struct dh_signals *signals, struct dh_session *session)
{
	dh_session_set_closing(session);
	dh_signals_post(signals, close_connection, event_new(signals, session, NULL));
}
