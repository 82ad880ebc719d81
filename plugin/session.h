/* A Janus handle that is attached to the plugin. It is a member of at most one
 * room. */
#ifndef DH_SESSION_H
#define DH_SESSION_H

#include <glib.h>

struct janus_plugin_session;
struct dh_member;

struct dh_session {
	/* immutable */
	struct janus_plugin_session *handle; /* a reference is held: Janus gave it */
	/* private */
	gatomicrefcount refs;
	GMutex lock;
	struct dh_member *member; /* a reference; NULL: of no room */
	gboolean closed;          /* the handle is gone: nothing begins any more */
	gint64 closing_us;        /* when we asked Janus to hang up; 0: we did not */
};

/* For create_session only: it takes over the reference to `handle` that Janus has
 * for the plugin. One reference to the session is the caller's. */
struct dh_session *dh_session_new(struct janus_plugin_session *handle);
struct dh_session *dh_session_ref(struct dh_session *session);
void dh_session_unref(struct dh_session *session); /* NULL is fine */

/* From now on it is `member` (a reference is taken); FALSE when it is one
 * already, is closing, or closed. */
gboolean dh_session_set_member(struct dh_session *session, struct dh_member *member);

/* A reference to what it is, NULL when it is a member of no room. */
struct dh_member *dh_session_member(struct dh_session *session);

/* It is no member any more. Returns the reference that it held, NULL when there
 * was none: of several callers only one gets it. `only` (NULL: any): nothing
 * happens when it is another one. `closing`: the caller asks Janus to hang up
 * next, and until hangup_media says that it has nothing can begin, which would
 * be hung up too. */
struct dh_member *dh_session_end_member(struct dh_session *session, const struct dh_member *only, gboolean closing);

gboolean dh_session_is_closing(struct dh_session *session);
/* Janus has hung up; TRUE: because we had asked. */
gboolean dh_session_clear_closing(struct dh_session *session);

/* The handle is gone. */
void dh_session_close(struct dh_session *session);

#endif
