/* The thread from which everything goes to Janus that is not media: events,
 * hang-ups, and the asynchronous requests. So a room's thread never waits for
 * a transport, and what one part says in order arrives in order.
 *
 * All functions may be called from any thread and never wait.
 */
#ifndef DH_OUTBOX_H
#define DH_OUTBOX_H

#include <glib.h>
#include <jansson.h>

#include "session.h"

struct dh_outbox;

typedef void dh_outbox_fn(void *arg);

/* Starts the thread. -ENOMEM, or why there is no thread. */
int dh_outbox_alloc(struct dh_outbox **outbox);

/* Runs what has been posted, and what that posts; then ends and joins the thread. */
void dh_outbox_free(struct dh_outbox **outbox);

/* From now on nothing is said to Janus any more: it is going down. */
void dh_outbox_mute(struct dh_outbox *outbox);

/* Runs fn(arg) there. */
void dh_outbox_post(struct dh_outbox *outbox, dh_outbox_fn *fn, void *arg);

/* An event for one handle; the answer to `transaction` where that is not NULL
 * (copied). Takes over `message` and `jsep` (NULL: none). */
void dh_outbox_push(struct dh_outbox *outbox, struct dh_session *session, const char *transaction,
	json_t *message, json_t *jsep);

/* An event for many handles. Takes over `message`, and `sessions`, whose
 * elements are references to struct dh_session that it frees. */
void dh_outbox_broadcast(struct dh_outbox *outbox, GPtrArray *sessions, json_t *message);

/* For Janus' event handlers, where there are any; about a handle, or none
 * (NULL). Takes over `event`. */
void dh_outbox_notify(struct dh_outbox *outbox, struct dh_session *session, json_t *event);

/* Hangs up the handle's PeerConnection; see dh_session_end_member. */
void dh_outbox_close(struct dh_outbox *outbox, struct dh_session *session);

#endif
