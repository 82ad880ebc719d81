/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbox_private.h"

#include <errno.h>

#include "janus_api.h"

void dh_also_answer(json_t *message, const char *also)
{
	json_t *value = json_object_get(message, "digitalhuman");

	if (also && value && !json_object_get(message, also))
		json_object_set_new(message, also, json_copy(value));
}

static void post(struct dh_outbox *outbox, struct dh_saying *saying)
{
	if (saying->type == DH_SAY_EVENT || saying->type == DH_SAY_OFFER)
		dh_also_answer(saying->message, outbox->config.also);
	if (saying->type != DH_SAY_REQUEST && saying->type != DH_SAY_RESUME && saying->type != DH_SAY_END)
		atomic_fetch_add(&outbox->events_waiting, saying->sessions ? (int)saying->sessions->len : 1);
	g_async_queue_push(outbox->inbox, saying);
}

/* --- life */

/* Requests never block, so a few threads are enough for all. */
#define REQUEST_THREADS 2

static int pool_start(struct dh_pool *pool, struct dh_outbox *outbox, const char *name, unsigned threads)
{
	pool->outbox = outbox;
	pool->queue = g_async_queue_new();
	pool->threads = g_ptr_array_new();
	pool->waiting = dh_turns_new();
	for (unsigned i = 0; i < threads; i++) {
		GThread *thread = g_thread_try_new(name, dh_outbox_work, pool, NULL);
		if (!thread)
			return -EAGAIN;
		g_ptr_array_add(pool->threads, thread);
	}
	return 0;
}

static void pool_end(struct dh_pool *pool)
{
	dh_outbox_end_pool(pool);
	g_async_queue_unref(pool->queue);
	g_ptr_array_free(pool->threads, TRUE);
	dh_turns_free(&pool->waiting);
}

int dh_outbox_alloc(struct dh_outbox **out, const struct dh_outbox_config *config)
{
	struct dh_outbox *outbox = g_new0(struct dh_outbox, 1);

	outbox->config = *config;
	outbox->inbox = g_async_queue_new();
	outbox->events_by_session = g_hash_table_new(NULL, NULL);
	outbox->requests_by_session = g_hash_table_new(NULL, NULL);
	outbox->waiting = g_hash_table_new(NULL, NULL);
	outbox->quick = dh_turns_new();
	int err = pool_start(&outbox->offers, outbox, "dh offers", config->offer_threads);
	int second = pool_start(&outbox->requests, outbox, "dh requests", REQUEST_THREADS);
	if (!err && !second)
		outbox->dispatcher = g_thread_try_new("dh outbox", dh_outbox_dispatch, outbox, NULL);
	if (!outbox->dispatcher) {
		dh_outbox_free(&outbox);
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
	if (outbox->dispatcher) {
		post(outbox, dh_saying_new(outbox, DH_SAY_END, NULL, NULL));
		g_thread_join(outbox->dispatcher);
	}
	pool_end(&outbox->offers);
	pool_end(&outbox->requests);
	g_async_queue_unref(outbox->inbox);
	g_hash_table_destroy(outbox->events_by_session);
	g_hash_table_destroy(outbox->requests_by_session);
	g_hash_table_destroy(outbox->waiting);
	dh_turns_free(&outbox->quick);
	g_free(outbox);
	*out = NULL;
}

void dh_outbox_mute(struct dh_outbox *outbox)
{
	atomic_store(&outbox->muted, 1);
}

/* --- posting */

bool dh_outbox_run(struct dh_outbox *outbox, struct dh_session *session, dh_outbox_fn *fn, void *arg)
{
	if ((unsigned)atomic_fetch_add(&session->waiting_requests, 1) >= outbox->config.max_requests) {
		atomic_fetch_sub(&session->waiting_requests, 1);
		return false;
	}
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_REQUEST, session, NULL);
	saying->run = fn;
	saying->arg = arg;
	atomic_fetch_add(&outbox->requests_waiting, 1);
	post(outbox, saying);
	return true;
}

/* Its answer counts as the request's until it is said or dropped: a client that asks
 * without listening fills no queue. */
static void answer_to(struct dh_saying *saying, const char *transaction)
{
	saying->transaction = g_strdup(transaction);
	if (transaction)
		atomic_fetch_add(&saying->session->waiting_requests, 1);
}

void dh_outbox_push(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message)
{
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_EVENT, session, message);

	answer_to(saying, transaction);
	post(outbox, saying);
}

void dh_outbox_offer(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message,
	json_t *jsep, dh_outbox_done_fn *done, void *arg)
{
	struct dh_saying *saying = dh_saying_new(outbox, DH_SAY_OFFER, session, message);

	answer_to(saying, transaction);
	saying->jsep = jsep;
	saying->done = done;
	saying->arg = arg;
	atomic_fetch_add(&outbox->offers_waiting, 1);
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

void dh_outbox_stopped(struct dh_outbox *outbox, struct dh_session *session, unsigned closing, json_t *message)
{
	struct dh_saying *saying = dh_saying_new(outbox, message ? DH_SAY_EVENT : DH_SAY_RESUME, session, message);

	if (message)
		saying->closing = closing;
	else
		dh_session_closed(session, closing);
	post(outbox, saying);
}

void dh_outbox_stats(struct dh_outbox *outbox, struct dh_outbox_stats *stats)
{
	stats->events = (unsigned)atomic_load(&outbox->events_waiting);
	stats->requests = (unsigned)atomic_load(&outbox->requests_waiting);
	stats->offers = (unsigned)atomic_load(&outbox->offers_waiting);
	stats->offer_threads = (unsigned)atomic_load(&outbox->offers.busy);
}
