/* A Janus handle that is attached to the plugin. It watches at most one room. */
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
	struct dh_member *member;   /* a reference; NULL: watches nothing */
	gboolean closed;          /* the handle is gone: nothing begins any more */
	gint64 closing_us;        /* when we asked Janus to hang up; 0: we did not */
};

/* For create_session only: it takes over the reference to `handle` that Janus has
 * for the plugin. One reference to the session is the caller's. */
struct dh_session *dh_session_new(struct janus_plugin_session *handle);
struct dh_session *dh_session_ref(struct dh_session *session);
void dh_session_unref(struct dh_session *session); /* NULL is fine */

/* From now on it watches with `watch` (a reference is taken); FALSE when it
 * watches already, or is closed. */
gboolean dh_session_set_member(struct dh_session *session, struct dh_member *member);

/* A reference to how it watches, NULL when it does not. */
struct dh_member *dh_session_member(struct dh_session *session);

/* It watches no more. Returns the reference that it held, NULL when there was
 * none: of several callers only one gets it. `only` (NULL: any): nothing
 * happens when it watches with another one. */
struct dh_member *dh_session_take_member(struct dh_session *session, const struct dh_member *only);

/* We ask Janus to hang up, until hangup_media says that it has: whatever the
 * handle begins in between would be hung up too. */
void dh_session_set_closing(struct dh_session *session);
gboolean dh_session_is_closing(struct dh_session *session);
/* It has; TRUE: because we had asked. */
gboolean dh_session_clear_closing(struct dh_session *session);

/* The handle is gone. */
void dh_session_close(struct dh_session *session);

#endif
