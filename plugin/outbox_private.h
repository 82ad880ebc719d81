/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of the outbox; for outbox*.c only.
 *
 * One thread, the dispatcher, owns the lanes. A lane queues the messages to one handle,
 * or the requests of one handle. It is never empty: it waits for its turn, for a request
 * of its handle or for the end of its handle's connection, or its first item is in a pool.
 */
#ifndef DH_OUTBOX_PRIVATE_H
#define DH_OUTBOX_PRIVATE_H

#include <stdatomic.h>

#include "outbox.h"

#include "turns.h"

enum dh_saying_type {
	DH_SAY_EVENT,
	DH_SAY_OFFER,
	DH_SAY_NOTIFY,
	DH_SAY_CLOSE,
	DH_SAY_REQUEST,
	DH_SAY_RESUME,
	DH_SAY_END
};

/* A message to one handle or many, or a request. */
struct dh_saying {
	enum dh_saying_type type;
	const struct dh_outbox *outbox;
	const void *speaker;        /* the thread that posted it */
	struct dh_session *session; /* a reference; NULL: none, or many */
	GPtrArray *sessions;        /* of a broadcast, else NULL */
	char *transaction;
	json_t *message, *jsep;
	dh_outbox_fn *run;       /* of a request */
	dh_outbox_done_fn *done; /* of an offer */
	void *arg;
	unsigned closing; /* the hang-up that is wanted, or that the event tells of; 0: none */
	/* of a request; owner: the thread that runs it, else the dispatcher */
	bool may_wait;
	bool is_waiting; /* it is to be run again when the connection before is closed */
	/* owner: the dispatcher */
	unsigned lanes;                /* how many it still waits in */
	struct dh_outbox_lane *pooled; /* the lane it is the first of, while in a pool */
};

struct dh_outbox_lane {
	GHashTable *table;          /* the one that holds it, by session */
	struct dh_session *session; /* a reference; NULL: of event handlers */
	GQueue sayings;             /* never empty */
	unsigned lost;              /* events dropped because it was full */
	bool is_gated;              /* waits until the handle's request is done */
};

/* Threads for work that may block. */
struct dh_pool {
	/* immutable */
	struct dh_outbox *outbox;
	GAsyncQueue *queue; /* struct dh_saying */
	GPtrArray *threads;
	/* atomic */
	atomic_int busy;
	/* owner: the dispatcher */
	struct dh_turns *waiting; /* lanes whose first item is for the pool; by client */
};

struct dh_outbox {
	/* immutable */
	struct dh_outbox_config config;
	GAsyncQueue *inbox; /* struct dh_saying: new ones, and those done by a pool */
	GThread *dispatcher;
	struct dh_pool offers, requests;
	/* atomic */
	atomic_int muted;
	atomic_int events_waiting, requests_waiting, offers_waiting;
	/* owner: the dispatcher */
	GHashTable *events_by_session, *requests_by_session; /* lanes */
	GHashTable *waiting;    /* lanes whose first request waits until the session is not closing */
	gint64 look_us;         /* when to look at them next: a hang-up may not come */
	struct dh_turns *quick; /* lanes whose first item the dispatcher sends; by poster */
	bool is_ending;
};

/* --- outbox_saying.c: single messages; no lanes */

struct dh_saying *dh_saying_new(const struct dh_outbox *outbox, enum dh_saying_type type, struct dh_session *session,
	json_t *message);
void dh_saying_free(struct dh_saying **saying);
/* Sends it to `session`, one of its recipients, or runs the request. Offers may block. */
void dh_saying_say(struct dh_saying *saying, struct dh_session *session);

/* --- outbox_dispatch.c */

/* Threads: the dispatcher, with the outbox as `data`, and one of a struct dh_pool. */
gpointer dh_outbox_dispatch(gpointer data);
gpointer dh_outbox_work(gpointer data);
/* Lets the pool's threads finish their queue, and joins them. */
void dh_outbox_end_pool(struct dh_pool *pool);

#endif
