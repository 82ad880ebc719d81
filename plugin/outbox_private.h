/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the outbox consists of; for outbox*.c only.
 *
 * One thread, the dispatcher, owns the lanes. A lane is what is said to one handle,
 * or what one handle asks, in order; while it holds something it waits for its turn,
 * or its first item is being done in a pool.
 */
#ifndef DH_OUTBOX_PRIVATE_H
#define DH_OUTBOX_PRIVATE_H

#include "outbox.h"

#include "turns.h"

enum dh_saying_type { DH_SAY_EVENT, DH_SAY_OFFER, DH_SAY_NOTIFY, DH_SAY_CLOSE, DH_SAY_REQUEST, DH_SAY_END };

/* Something that is said, to one handle or many. */
struct dh_saying {
	enum dh_saying_type type;
	const struct dh_outbox *outbox;
	const void *speaker;        /* the thread that said it */
	struct dh_session *session; /* a reference; NULL: none, or many */
	GPtrArray *sessions;        /* of a broadcast, else NULL */
	char *transaction;
	json_t *message, *jsep;
	dh_outbox_fn *run;       /* of a request */
	dh_outbox_done_fn *done; /* of an offer */
	void *arg;
	unsigned closing;
	/* owner: the dispatcher */
	unsigned lanes;                /* that it still waits in */
	struct dh_outbox_lane *pooled; /* it is in a pool, as the first of this lane */
};

struct dh_outbox_lane {
	GHashTable *table;          /* where it is found by its session */
	struct dh_session *session; /* a reference; NULL: of event handlers */
	GQueue sayings;             /* never empty */
	unsigned lost;              /* events that found it full */
	bool is_gated;              /* waits for a request of the handle to be done */
};

/* Threads for what may take its time. */
struct dh_pool {
	/* immutable */
	struct dh_outbox *outbox;
	GAsyncQueue *queue; /* struct dh_saying */
	GPtrArray *threads;
	/* atomic */
	gint busy;
	/* owner: the dispatcher */
	struct dh_turns *waiting; /* lanes whose first item is for it; by client */
};

struct dh_outbox {
	/* immutable */
	struct dh_outbox_config config;
	GAsyncQueue *inbox; /* struct dh_saying: new ones, and those that a pool has done */
	GThread *dispatcher;
	struct dh_pool offers, requests;
	/* atomic */
	gint muted;
	gint events_waiting, requests_waiting, offers_waiting;
	/* owner: the dispatcher */
	GHashTable *events_by_session, *requests_by_session; /* lanes */
	struct dh_turns *quick;                              /* lanes whose first item is said here; by speaker */
	bool is_ending;
};

/* --- outbox_saying.c: what is said, and to whom; no lanes */

struct dh_saying *dh_saying_new(const struct dh_outbox *outbox, enum dh_saying_type type, struct dh_session *session,
	json_t *message);
void dh_saying_free(struct dh_saying **saying);
/* Says it to `session`, one of its own; or handles the request. May wait where it
 * is an offer or a request. */
void dh_saying_say(struct dh_saying *saying, struct dh_session *session);

/* --- outbox_dispatch.c */

/* Threads: the dispatcher, with the outbox as `data`, and one of a struct dh_pool. */
gpointer dh_outbox_dispatch(gpointer data);
gpointer dh_outbox_work(gpointer data);
/* The pool's threads end behind what they have; joins them. */
void dh_outbox_end_pool(struct dh_pool *pool);

#endif
