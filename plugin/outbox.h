/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything sent to Janus except media: events, offers, hang-ups, and what event
 * handlers get; and the requests that are answered by an event. Nobody who posts
 * waits for a transport, or for another handle's offer:
 *
 * - What is posted for one handle is sent in order.
 * - Handles do not wait for each other. Janus gathers candidates while it processes an
 *   offer, for as long as the STUN server needs. So a pool of threads sends offers, and
 *   one thread sends everything else.
 * - Posting threads take turns (each room has its own): however much one posts, it
 *   delays each event of another by one event. Offers and requests take turns by
 *   client.
 * - Requests of one handle run in order, in threads of their own. Events posted for the
 *   handle during a request, the answer included, are sent when it is done. A request
 *   may wait, at the head of its handle's, until the handle's connection is closed.
 *
 * All functions may be called from any thread. None waits but dh_outbox_free.
 */
#ifndef DH_OUTBOX_H
#define DH_OUTBOX_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "session.h"

struct dh_outbox;

/* Gives `message` the value of its "digitalhuman" under the key `also`, too (NULL: nowhere). */
void dh_also_answer(json_t *message, const char *also);

/* No field may be 0. */
struct dh_outbox_config {
	unsigned offer_threads;
	unsigned max_requests;   /* of one handle that wait, or whose answers do */
	unsigned max_events;     /* waiting for one handle; only broadcasts are limited */
	unsigned max_all_events; /* the same over all handles, each copy of a broadcast counted */
	/* Every message also has its "digitalhuman" under this key. NULL: none. Outlives the outbox. */
	const char *also;
};

/* Starts the threads; sets *outbox only on success. -EAGAIN: a thread cannot be started. */
int dh_outbox_alloc(struct dh_outbox **outbox, const struct dh_outbox_config *config);

/* Completes everything that was posted, and what that posts; then joins the threads.
 * Waits for that. *outbox may be NULL. */
void dh_outbox_free(struct dh_outbox **outbox);

/* Sends nothing more to Janus: it is going down. */
void dh_outbox_mute(struct dh_outbox *outbox);

/* Runs fn(arg, may_wait) in a thread of the outbox, after the handle's earlier requests, but
 * without waiting for its events and offers. If it returns false, it is run again once the
 * session is not closing any more; that is for where `may_wait` is true only: otherwise
 * nobody will hang up. False: max_requests wait already, and the caller keeps `arg`. */
typedef bool dh_outbox_fn(void *arg, bool may_wait);
bool dh_outbox_run(struct dh_outbox *outbox, struct dh_session *session, dh_outbox_fn *fn, void *arg);

/* An event for one handle; the answer to `transaction` unless that is NULL (copied).
 * Takes ownership of `message`. Not limited: it is never dropped. */
void dh_outbox_push(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message);

/* The same with an offer, `jsep` (takes ownership, too). done(arg, err) is called
 * exactly once, in a thread of the outbox: err is 0, or Janus's error if it refused the
 * offer, and then the event was not sent either. It is also 0 if the outbox is muted or
 * the handle is gone. */
typedef void dh_outbox_done_fn(void *arg, int err);
void dh_outbox_offer(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message,
	json_t *jsep, dh_outbox_done_fn *done, void *arg);

/* An event for many handles. Takes ownership of `message`, and of one reference to
 * `sessions`: an array that frees its elements, which are references to struct
 * dh_session.
 *
 * A handle with max_events waiting loses further ones, and so does one with 16 waiting
 * while max_all_events wait in all. Later it gets {"event":"lost","events":how many}. */
void dh_outbox_broadcast(struct dh_outbox *outbox, GPtrArray *sessions, json_t *message);

/* An event for Janus's event handlers, if there are any, about a handle or none (NULL).
 * Takes ownership of `event`. Dropped if max_all_events / 10 wait for them. */
void dh_outbox_notify(struct dh_outbox *outbox, struct dh_session *session, json_t *event);

/* The connection has ended: `closing` is from dh_session_hung_up. The session is closed (dh_session_closed)
 * when the handle gets `message`, so that whoever got it may begin again; without one (NULL), at once.
 * A request that waits for that is run again. Takes ownership of `message`. */
void dh_outbox_stopped(struct dh_outbox *outbox, struct dh_session *session, unsigned closing, json_t *message);

/* Hangs up the handle's PeerConnection, if that is still wanted when its turn comes:
 * `closing` is from dh_session_end_member. */
void dh_outbox_close(struct dh_outbox *outbox, struct dh_session *session, unsigned closing);

/* What waits or is in progress. */
struct dh_outbox_stats {
	unsigned events, requests, offers;
	unsigned offer_threads; /* busy ones */
};
void dh_outbox_stats(struct dh_outbox *outbox, struct dh_outbox_stats *stats);

#endif
