/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Janus handle that is attached to the plugin. It is a member of at most one
 * room. Any thread.
 */
#ifndef DH_SESSION_H
#define DH_SESSION_H

#include <stdbool.h>

#include <glib.h>

#include "client.h"

struct janus_plugin_session;
struct dh_member;

struct dh_session {
	/* immutable */
	struct janus_plugin_session *handle; /* a reference is held: Janus gave it */
	struct dh_client *client;            /* a reference: whose handle it is */
	/* atomic */
	gint waiting_requests; /* counted by the outbox */
	/* private */
	gatomicrefcount refs;
	GMutex lock;
	struct dh_member *member; /* a reference; NULL: of no room */
	bool closed;              /* the handle is gone: nothing begins any more */
	unsigned closings;        /* how often a hang-up was wanted */
	unsigned closing;         /* the number of the one that is wanted; 0: none */
	gint64 closing_us;        /* when Janus was asked for it; 0: not yet */
};

/* For create_session only: it takes over the reference to `handle` that Janus has
 * for the plugin, and the one to `client`. One reference to the session is the
 * caller's. */
struct dh_session *dh_session_new(struct janus_plugin_session *handle, struct dh_client *client);
struct dh_session *dh_session_ref(struct dh_session *session);
void dh_session_unref(struct dh_session *session);

/* From now on it is `member` (a reference is taken); false when it is one
 * already, is closing, or closed. */
bool dh_session_set_member(struct dh_session *session, struct dh_member *member);

/* A reference to what it is, NULL when it is a member of no room. */
struct dh_member *dh_session_member(struct dh_session *session);

/* It is no member any more. Returns the reference that it held, NULL when there
 * was none: of several callers only one gets it. `only` (NULL: any): nothing
 * happens when it is another one.
 *
 * `closing` (NULL: no): its connection is to be hung up. That gets a number, for
 * dh_session_ask_to_close, and until Janus has hung up nothing can begin. */
struct dh_member *dh_session_end_member(struct dh_session *session, const struct dh_member *only, unsigned *closing);

/* Whether hang-up `closing` is still wanted, which Janus is asked for next: it is
 * not where the connection has ended meanwhile, so that nothing is closed that
 * began later. */
bool dh_session_ask_to_close(struct dh_session *session, unsigned closing);

bool dh_session_is_closing(struct dh_session *session);
/* Janus has hung up; true: because we wanted it. */
bool dh_session_clear_closing(struct dh_session *session);

/* The handle is gone. */
void dh_session_close(struct dh_session *session);

#endif
