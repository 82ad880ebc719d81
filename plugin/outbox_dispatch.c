/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outbox's threads: the dispatcher, which decides whose turn it is, and the pools. */
#include "outbox_private.h"

#include "ingest/log.h"

/* How many posts are taken in before the next event is sent, so that a flood of posts
 * does not keep the dispatcher from sending. */
#define INTAKE 256

/* How often the dispatcher looks whether requests need to wait any longer: their handle may have gone,
 * or its hang-up not come. */
#define LOOK_US (G_USEC_PER_SEC / 4)

/* --- lanes */

static struct dh_outbox_lane *lane_of(GHashTable *table, struct dh_session *session)
{
	struct dh_outbox_lane *lane = g_hash_table_lookup(table, session);

	if (lane)
		return lane;
	lane = g_new0(struct dh_outbox_lane, 1);
	lane->table = table;
	lane->session = session ? dh_session_ref(session) : NULL;
	g_queue_init(&lane->sayings);
	g_hash_table_insert(table, session, lane);
	return lane;
}

static void lane_free(struct dh_outbox_lane *lane)
{
	g_hash_table_remove(lane->table, lane->session);
	dh_session_unref(&lane->session);
	g_free(lane);
}

/* While a handle's request runs, what is posted for the handle waits: its answer must
 * not arrive before everything that it promises is done. */
static bool is_asking(const struct dh_outbox *outbox, const struct dh_outbox_lane *lane)
{
	const struct dh_outbox_lane *requests = lane->table == outbox->requests_by_session ?
		NULL :
		g_hash_table_lookup(outbox->requests_by_session, lane->session);
	const struct dh_saying *first = requests ? g_queue_peek_head((GQueue *)&requests->sayings) : NULL;

	return first && first->pooled;
}

/* The event handlers' lane counts as a poster of its own: it carries the events of all
 * rooms. */
static void wait_for_turn(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	const struct dh_saying *first = g_queue_peek_head(&lane->sayings);

	lane->is_gated = is_asking(outbox, lane);
	if (lane->is_gated)
		return;
	if (first->type == DH_SAY_OFFER)
		dh_turns_put(outbox->offers.waiting, lane->session->client, lane);
	else if (first->type == DH_SAY_REQUEST)
		dh_turns_put(outbox->requests.waiting, lane->session->client, lane);
	else
		dh_turns_put(outbox->quick, lane->session ? first->speaker : outbox, lane);
}

static void append(struct dh_outbox *outbox, struct dh_outbox_lane *lane, struct dh_saying *saying)
{
	bool is_first = g_queue_is_empty(&lane->sayings);

	g_queue_push_tail(&lane->sayings, saying);
	saying->lanes++;
	if (is_first)
		wait_for_turn(outbox, lane);
}

/* Reports how many events were lost, once there is space again. */
static void tell_lost(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	json_t *event = json_pack("{s:s, s:s, s:I}", "digitalhuman", "event", "event", "lost", "events",
		(json_int_t)lane->lost);

	dh_also_answer(event, outbox->config.also);
	lane->lost = 0;
	atomic_fetch_add(&outbox->events_waiting, 1);
	append(outbox, lane, dh_saying_new(outbox, DH_SAY_EVENT, lane->session, event));
}

static void saying_done(struct dh_saying *saying)
{
	if (--saying->lanes == 0)
		dh_saying_free(&saying);
}

/* The first item of a lane is done. */
static void advance(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	struct dh_saying *saying = g_queue_pop_head(&lane->sayings);

	if (saying->type != DH_SAY_REQUEST)
		atomic_fetch_sub(&outbox->events_waiting, 1);
	saying_done(saying);
	if (!g_queue_is_empty(&lane->sayings))
		wait_for_turn(outbox, lane);
	if (lane->session && lane->lost && g_queue_get_length(&lane->sayings) <= outbox->config.max_events / 2)
		tell_lost(outbox, lane);
	if (g_queue_is_empty(&lane->sayings))
		lane_free(lane);
}

/* --- requests that wait for the end of a connection */

static void resume(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	if (g_hash_table_remove(outbox->waiting, lane))
		wait_for_turn(outbox, lane);
}

/* When the closing has ended, its requests are resumed. */
static void wait_for_close(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	if (g_hash_table_size(outbox->waiting) == 0)
		outbox->look_us = g_get_monotonic_time() + LOOK_US;
	g_hash_table_add(outbox->waiting, lane);
	if (outbox->is_ending || !dh_session_is_closing(lane->session))
		resume(outbox, lane);
}

/* Resumes those whose session is not closing; all, if nobody hangs up any more. */
static void look_at_waiting(struct dh_outbox *outbox)
{
	GHashTableIter lanes;
	gpointer key;

	outbox->look_us = g_get_monotonic_time() + LOOK_US;
	g_hash_table_iter_init(&lanes, outbox->waiting);
	while (g_hash_table_iter_next(&lanes, &key, NULL)) {
		struct dh_outbox_lane *lane = key;
		if (!outbox->is_ending && dh_session_is_closing(lane->session))
			continue;
		g_hash_table_iter_remove(&lanes);
		wait_for_turn(outbox, lane);
	}
}

/* --- taking in */

static struct dh_pool *pool_of(struct dh_outbox *outbox, const struct dh_saying *saying)
{
	return saying->type == DH_SAY_OFFER ? &outbox->offers : &outbox->requests;
}

/* If too much waits in all, a handle with a short lane still gets events. */
static bool is_full(const struct dh_outbox *outbox, const struct dh_outbox_lane *lane)
{
	guint length = g_queue_get_length((GQueue *)&lane->sayings);

	return length >= outbox->config.max_events ||
		(length >= 16 && (unsigned)atomic_load(&outbox->events_waiting) >= outbox->config.max_all_events);
}

static void lose(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	lane->lost++;
	atomic_fetch_sub(&outbox->events_waiting, 1);
}

static void take_broadcast(struct dh_outbox *outbox, struct dh_saying *saying)
{
	saying->lanes++; /* keeps it alive through the loop */
	for (guint i = 0; i < saying->sessions->len; i++) {
		struct dh_outbox_lane *lane = lane_of(outbox->events_by_session, saying->sessions->pdata[i]);
		if (lane->lost || is_full(outbox, lane))
			lose(outbox, lane);
		else
			append(outbox, lane, saying);
	}
	g_ptr_array_unref(saying->sessions);
	saying->sessions = NULL;
	saying_done(saying);
}

static void take_notification(struct dh_outbox *outbox, struct dh_saying *saying)
{
	struct dh_outbox_lane *lane = lane_of(outbox->events_by_session, NULL);

	if (g_queue_get_length(&lane->sayings) < outbox->config.max_all_events / 10) {
		append(outbox, lane, saying);
		return;
	}
	if (!lane->lost)
		dh_log(DH_LOG_WARNING, "too many events wait for Janus's event handlers: some are lost");
	lose(outbox, lane);
	dh_saying_free(&saying);
}

static void resume_requests(struct dh_outbox *outbox, struct dh_session *session)
{
	struct dh_outbox_lane *lane = g_hash_table_lookup(outbox->requests_by_session, session);

	if (lane)
		resume(outbox, lane);
}

static void take_done(struct dh_outbox *outbox, struct dh_saying *saying)
{
	struct dh_outbox_lane *lane = saying->pooled;
	struct dh_outbox_lane *events = saying->type == DH_SAY_REQUEST ?
		g_hash_table_lookup(outbox->events_by_session, saying->session) :
		NULL;

	atomic_fetch_sub(&pool_of(outbox, saying)->busy, 1);
	saying->pooled = NULL;
	if (saying->is_waiting)
		wait_for_close(outbox, lane);
	else
		advance(outbox, lane);
	if (events && events->is_gated)
		wait_for_turn(outbox, events);
}

static void take_in(struct dh_outbox *outbox, struct dh_saying *saying)
{
	if (saying->pooled) {
		take_done(outbox, saying);
	} else if (saying->type == DH_SAY_END) {
		outbox->is_ending = true;
		look_at_waiting(outbox);
		dh_saying_free(&saying);
	} else if (saying->sessions) {
		take_broadcast(outbox, saying);
	} else if (saying->type == DH_SAY_RESUME) {
		resume_requests(outbox, saying->session);
		dh_saying_free(&saying);
	} else if (saying->type == DH_SAY_NOTIFY) {
		take_notification(outbox, saying);
	} else if (saying->type == DH_SAY_REQUEST) {
		append(outbox, lane_of(outbox->requests_by_session, saying->session), saying);
	} else {
		append(outbox, lane_of(outbox->events_by_session, saying->session), saying);
	}
}

/* --- the dispatcher */

static void hand_to_pool(struct dh_pool *pool)
{
	struct dh_outbox_lane *lane;

	while ((guint)atomic_load(&pool->busy) < pool->threads->len && (lane = dh_turns_take(pool->waiting))) {
		struct dh_saying *saying = g_queue_peek_head(&lane->sayings);
		atomic_fetch_add(&pool->busy, 1);
		saying->pooled = lane;
		saying->may_wait = !pool->outbox->is_ending && !atomic_load(&pool->outbox->muted);
		g_async_queue_push(pool->queue, saying);
	}
}

static bool is_empty(const struct dh_outbox *outbox)
{
	return g_hash_table_size(outbox->events_by_session) == 0 && g_hash_table_size(outbox->requests_by_session) == 0;
}

static void say_first(struct dh_outbox *outbox, struct dh_outbox_lane *lane)
{
	const struct dh_saying *saying = g_queue_peek_head(&lane->sayings);

	dh_saying_say(g_queue_peek_head(&lane->sayings), lane->session);
	if (saying->type == DH_SAY_EVENT && saying->closing)
		resume_requests(outbox, lane->session);
	advance(outbox, lane);
}

/* The next post; NULL: there is none, and something else is to be done. */
static struct dh_saying *next_post(struct dh_outbox *outbox, bool has_work)
{
	if (has_work)
		return g_async_queue_try_pop(outbox->inbox);
	if (g_hash_table_size(outbox->waiting) > 0)
		return g_async_queue_timeout_pop(outbox->inbox, LOOK_US);
	return g_async_queue_pop(outbox->inbox);
}

gpointer dh_outbox_dispatch(gpointer data)
{
	struct dh_outbox *outbox = data;
	struct dh_outbox_lane *lane = NULL;

	while (lane || !outbox->is_ending || !is_empty(outbox)) {
		struct dh_saying *saying = next_post(outbox, lane != NULL);
		for (int i = 0; saying; i++) {
			take_in(outbox, saying);
			saying = i < INTAKE ? g_async_queue_try_pop(outbox->inbox) : NULL;
		}
		if (lane)
			say_first(outbox, lane);
		if (g_hash_table_size(outbox->waiting) > 0 && g_get_monotonic_time() >= outbox->look_us)
			look_at_waiting(outbox);
		hand_to_pool(&outbox->offers);
		hand_to_pool(&outbox->requests);
		lane = dh_turns_take(outbox->quick);
	}
	return NULL;
}

/* --- a pool */

gpointer dh_outbox_work(gpointer data)
{
	struct dh_pool *pool = data;
	struct dh_outbox *outbox = pool->outbox;
	struct dh_saying *saying;

	while ((saying = g_async_queue_pop(pool->queue))->type != DH_SAY_END) {
		dh_saying_say(saying, saying->session);
		if (saying->type == DH_SAY_OFFER) {
			atomic_fetch_sub(&outbox->offers_waiting, 1);
		} else if (!saying->is_waiting) {
			atomic_fetch_sub(&outbox->requests_waiting, 1);
			atomic_fetch_sub(&saying->session->waiting_requests, 1);
		}
		g_async_queue_push(outbox->inbox, saying);
	}
	dh_saying_free(&saying);
	return NULL;
}

void dh_outbox_end_pool(struct dh_pool *pool)
{
	for (guint i = 0; i < pool->threads->len; i++)
		g_async_queue_push(pool->queue, dh_saying_new(pool->outbox, DH_SAY_END, NULL, NULL));
	for (guint i = 0; i < pool->threads->len; i++)
		g_thread_join(pool->threads->pdata[i]);
}
