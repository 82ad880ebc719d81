/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that is said to Janus and is not media: events, offers, hang-ups, what event
 * handlers hear; and the requests that are answered by an event. Nobody who says
 * something waits for a transport, or for somebody else's offer:
 *
 * - What is said to one handle is said in order.
 * - Handles do not wait for each other. Janus gathers candidates while it takes an
 *   offer, which is as long as a STUN server likes: offers are handed over by a
 *   pool of threads, everything else by one thread of its own.
 * - Those who speak take turns: a thread (each room has its own) that says much
 *   delays what others say by one event for each that speaks. With offers and
 *   requests, clients take turns.
 * - Requests of one handle are handled in order, by threads of their own, beside
 *   what is said to others. What is said to it meanwhile, its answer too, it hears
 *   when the request is done.
 *
 * All functions may be called from any thread and never wait.
 */
#ifndef DH_OUTBOX_H
#define DH_OUTBOX_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "session.h"

struct dh_outbox;

/* Nothing may be 0. */
struct dh_outbox_config {
	unsigned offer_threads;
	unsigned max_requests;   /* of one handle that wait */
	unsigned max_events;     /* for one handle that wait */
	unsigned max_all_events; /* the same for all handles, each copy of a broadcast counted */
};

/* Starts the threads; sets *outbox only on success. -EAGAIN: a thread cannot be started. */
int dh_outbox_alloc(struct dh_outbox **outbox, const struct dh_outbox_config *config);

/* Handles and says all that was posted, and what that posts; then ends and joins
 * the threads. */
void dh_outbox_free(struct dh_outbox **outbox);

/* From now on nothing is said to Janus any more: it is going down. */
void dh_outbox_mute(struct dh_outbox *outbox);

/* Runs fn(arg) in a thread of the outbox, after what has been posted for the same handle. False:
 * max_requests wait already, and `arg` remains the caller's. */
typedef void dh_outbox_fn(void *arg);
bool dh_outbox_run(struct dh_outbox *outbox, struct dh_session *session, dh_outbox_fn *fn, void *arg);

/* An event for one handle; the answer to `transaction` where that is not NULL
 * (copied). Takes ownership of `message`. */
void dh_outbox_push(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message);

/* The same with an offer, `jsep` (ownership is taken, too). done(arg, err) is called
 * exactly once, in a thread of the outbox: err is 0, or what Janus has refused the
 * offer with, in which case the event was not sent either. Where nothing is said
 * any more it is 0. */
typedef void dh_outbox_done_fn(void *arg, int err);
void dh_outbox_offer(struct dh_outbox *outbox, struct dh_session *session, const char *transaction, json_t *message,
	json_t *jsep, dh_outbox_done_fn *done, void *arg);

/* An event for many handles. Takes ownership of `message`, and of `sessions`: an
 * array that frees its elements, which are references to struct dh_session.
 *
 * A handle for which more than max_events wait loses those that follow, and then
 * gets {"event":"lost","events":how many}. */
void dh_outbox_broadcast(struct dh_outbox *outbox, GPtrArray *sessions, json_t *message);

/* For Janus's event handlers, where there are any; about a handle, or none
 * (NULL). Takes ownership of `event`. */
void dh_outbox_notify(struct dh_outbox *outbox, struct dh_session *session, json_t *event);

/* Hangs up the handle's PeerConnection, if that is still wanted when it is its
 * turn: `closing` is dh_session_end_member's. */
void dh_outbox_close(struct dh_outbox *outbox, struct dh_session *session, unsigned closing);

/* What waits, or is being done. */
struct dh_outbox_stats {
	unsigned events, requests, offers;
	unsigned offer_threads; /* that have an offer in hand */
};
void dh_outbox_stats(struct dh_outbox *outbox, struct dh_outbox_stats *stats);

#endif
