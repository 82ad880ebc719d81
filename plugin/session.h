/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Janus handle that is attached to the plugin. It is a member of at most one
 * room. Any thread.
 */
#ifndef DH_SESSION_H
#define DH_SESSION_H

#include <stdatomic.h>
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
	atomic_int waiting_requests; /* and answers; counted by the outbox */
	/* owned by senders.c, under its lock */
	int sender; /* the thread that sends its media; 0: none */
	/* private */
	atomic_int refs;
	GMutex lock;
	struct dh_member *member; /* a reference; NULL: of no room */
	guint last;               /* the viewer whose hang-up is wanted */
	bool is_up;               /* the PeerConnection is up */
	bool closed;              /* the handle is gone: no new member */
	unsigned closings;        /* number of the latest hang-up */
	unsigned closing;         /* number of the hang-up that is wanted; 0: none */
	gint64 closing_us;        /* when Janus was asked for it; 0: not yet */
	bool is_hung_up;          /* it has hung up: nothing is to be asked of it */
};

/* For create_session only. Takes ownership of the plugin's reference to `handle`, and
 * of the one to `client`. One reference to the session is the caller's. */
struct dh_session *dh_session_new(struct janus_plugin_session *handle, struct dh_client *client);
struct dh_session *dh_session_ref(struct dh_session *session);
void dh_session_unref(struct dh_session **session);

/* Sets the member, taking a reference; false if there is one already, or if the session
 * is closing or closed. */
bool dh_session_set_member(struct dh_session *session, struct dh_member *member);

/* Replaces member `old` by `next`, taking a reference; the connection is the same. *is_up: whether
 * it is up. Returns the session's reference to `old`; NULL: it is not the member any more. */
struct dh_member *dh_session_replace_member(struct dh_session *session, const struct dh_member *old,
	struct dh_member *next, bool *is_up);

/* A reference to the member, NULL if it is in no room. */
struct dh_member *dh_session_member(struct dh_session *session);

/* Ends the membership. Returns the session's reference, NULL if there was none: of
 * several callers only one gets it. `only` (NULL: any): does nothing if the member is
 * another one.
 *
 * `closing` (NULL: no): the PeerConnection is to be hung up. *closing is set to a
 * number for dh_session_ask_to_close. No new membership begins until Janus has hung up,
 * or 5 s after it was asked to. */
struct dh_member *dh_session_end_member(struct dh_session *session, const struct dh_member *only, unsigned *closing);

/* A connection that nobody has is to be hung up. The number of the hang-up; 0: the handle has a member, or is
 * closing already. */
unsigned dh_session_end_stray(struct dh_session *session);

/* Call it before asking Janus for hang-up `closing`. False: it is no longer wanted,
 * because the connection has ended meanwhile and a newer one must not be closed. */
bool dh_session_ask_to_close(struct dh_session *session, unsigned closing);

bool dh_session_is_closing(struct dh_session *session);

/* Janus has taken `member`'s offer, or its media is up. Janus takes none while it hangs up the
 * connection before, so if that was wanted, it is done: the next hang-up is this member's. */
void dh_session_connected(struct dh_session *session, const struct dh_member *member);
/* The PeerConnection is up. A reference to the member, NULL if there is none. */
struct dh_member *dh_session_up(struct dh_session *session);
/* Janus has hung up, however late. Returns the viewer whose connection that was; 0: nobody's. If it
 * is not a hang-up that we wanted, *member is the membership that it has ended, as from
 * dh_session_end_member; otherwise it is NULL, and a member that has come meanwhile stays.
 * The session is closing until dh_session_closed(session, *closing), so that what the viewer hears of
 * this end comes before all that it hears of its next membership. */
guint dh_session_hung_up(struct dh_session *session, struct dh_member **member, unsigned *closing);
void dh_session_closed(struct dh_session *session, unsigned closing);

/* The handle is gone. */
void dh_session_close(struct dh_session *session);

#endif
