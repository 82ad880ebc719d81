#include "outbox_private.h"

#include <errno.h>

#include "janus_api.h"

static void post(struct dh_outbox *outbox, struct dh_saying *saying)
{
	g_async_queue_push(outbox->inbox, saying);
}

/* --- life */

static void outbox_clear(struct dh_outbox *outbox)
{
	g_async_queue_unref(outbox->inbox);
	g_async_queue_unref(outbox->pool);
	g_hash_table_destroy(outbox->events_by_session);
	g_hash_table_destroy(outbox->requests_by_session);
	dh_turns_free(&outbox->quick);
	dh_turns_free(&outbox->slow);
	g_ptr_array_free(outbox->threads, TRUE);
	g_free(outbox);
}

int dh_outbox_alloc(struct dh_outbox **out, const struct dh_outbox_config *config)
{
	struct dh_outbox *outbox = g_new0(struct dh_outbox, 1);
	int err = 0;

	outbox->config = *config;
	outbox->inbox = g_async_queue_new();
	outbox->pool = g_async_queue_new();
	outbox->events_by_session = g_hash_table_new(NULL, NULL);
	outbox->requests_by_session = g_hash_table_new(NULL, NULL);
	outbox->quick = dh_turns_new();
	outbox->slow = dh_turns_new();
	outbox->threads = g_ptr_array_new();
	outbox->idle = config->threads;
	for (unsigned i = 0; i < config->threads && !err; i++) {
		GThread *thread = g_thread_try_new("dh offers", dh_outbox_work, outbox, NULL);
		if (thread)
			g_ptr_array_add(outbox->threads, thread);
		else
			err = -EAGAIN;
	}
	if (!err)
		outbox->dispatcher = g_thread_try_new("dh outbox", dh_outbox_dispatch, outbox, NULL);
	if (!outbox->dispatcher) {
		for (guint i = 0; i < outbox->threads->len; i++)
			g_async_queue_push(outbox->pool, dh_saying_new(outbox, DH_SAY_END, NULL, NULL));
		g_ptr_array_foreach(outbox->threads, (GFunc)(void (*)(void))g_thread_join, NULL);
		outbox_clear(outbox);
		return -EAGAIN;
	}
	*out = outbox;
	return 0;
}

void dh_outbox_free(struct dh_outbox **out)
{
	struct dh_outbox *outbox = *out;

	if (!outbox)
		return;
	post(outbox, dh_saying_new(outbox, DH_SAY_END, NULL, NULL));
	g_thread_join(outbox->dispatcher);
	for (guint i = 0; i < outbox->threads->len; i++)
		g_thread_join(outbox->threads->pdata[i]);
	outbox_clear(outbox);
	*out = NULL;
}

void dh_outbox_mute(struct dh_outbox *outbox)
{
	g_atomic_int_set(&outbox->muted, 1);
}

/* --- posting */

bool dh_outbox_run(struct dh_outbox *outbox, struct dh_session *session, dh_outbox_fn *fn, void *arg)
{
	if ((unsigned)g_atomic_int_add(&session->waiting_requests, 1) >= outbox->config.max_requests) {
		g_atomic_int_add(&session->waiting_requests, -1);
		return false;
	}
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_REQUEST, session, NULL);
	saying->run = fn;
	saying->arg = arg;
	g_atomic_int_inc(&outbox->requests);
	post(outbox, saying);
	return true;
}

void dh_outbox_push(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message)
{
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_EVENT, session, message);

	saying->transaction = g_strdup(transaction);
	post(outbox, saying);
}

void dh_outbox_offer(struct dh_outbox *outbox, struct dh_session *session, const char *transaction,
	json_t *message, json_t *jsep, dh_outbox_done_fn *done, void *arg)
{
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_OFFER, session, message);

	saying->transaction = g_strdup(transaction);
	saying->jsep = jsep;
	saying->done = done;
	saying->arg = arg;
	g_atomic_int_inc(&outbox->offers);
	post(outbox, saying);
}

void dh_outbox_broadcast(struct dh_outbox *outbox, GPtrArray *sessions, json_t *message)
{
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_EVENT, NULL, message);

	saying->sessions = sessions;
	post(outbox, saying);
}

void dh_outbox_notify(struct dh_outbox *outbox, struct dh_session *session, json_t *event)
{
	if (dh_gateway->events_is_enabled())
		post(outbox, dh_saying_new(outbox, DH_SAY_NOTIFY, session, event));
	else
		json_decref(event);
}

void dh_outbox_close(struct dh_outbox *outbox, struct dh_session *session, unsigned closing)
{
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_CLOSE, session, NULL);

	saying->closing = closing;
	post(outbox, saying);
}

void dh_outbox_stats(struct dh_outbox *outbox, struct dh_outbox_stats *stats)
{
	stats->events = (unsigned)g_atomic_int_get(&outbox->events);
	stats->requests = (unsigned)g_atomic_int_get(&outbox->requests);
	stats->offers = (unsigned)g_atomic_int_get(&outbox->offers);
	stats->busy = (unsigned)g_atomic_int_get(&outbox->busy);
}
