#include "session.h"

#include "host.h"
#include "watch.h"

/* Janus hangs up within milliseconds; a handle is never locked out for good. */
#define CLOSING_MAX_US (5 * G_USEC_PER_SEC)

struct dh_session *dh_session_new(struct janus_plugin_session *handle)
{
	struct dh_session *session = g_new0(struct dh_session, 1);

	/* Janus begins to count behind create_session, with a reference for us. */
	session->handle = handle;
	g_atomic_ref_count_init(&session->refs);
	g_mutex_init(&session->lock);
	return session;
}

struct dh_session *dh_session_ref(struct dh_session *session)
{
	g_atomic_ref_count_inc(&session->refs);
	return session;
}

void dh_session_unref(struct dh_session *session)
{
	if (!session || !g_atomic_ref_count_dec(&session->refs))
		return;
	janus_refcount_decrease(&session->handle->ref);
	g_mutex_clear(&session->lock);
	g_free(session);
}

gboolean dh_session_set_watch(struct dh_session *session, struct dh_watch *watch)
{
	g_mutex_lock(&session->lock);
	gboolean is_free = !session->watch && !session->closed;
	if (is_free)
		session->watch = dh_watch_ref(watch);
	g_mutex_unlock(&session->lock);
	return is_free;
}

struct dh_watch *dh_session_watch(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	struct dh_watch *watch = session->watch ? dh_watch_ref(session->watch) : NULL;
	g_mutex_unlock(&session->lock);
	return watch;
}

struct dh_watch *dh_session_take_watch(struct dh_session *session, const struct dh_watch *only)
{
	struct dh_watch *watch = NULL;

	g_mutex_lock(&session->lock);
	if (!only || session->watch == only) {
		watch = session->watch;
		session->watch = NULL;
	}
	g_mutex_unlock(&session->lock);
	return watch;
}

void dh_session_set_closing(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	session->closing_us = g_get_monotonic_time();
	g_mutex_unlock(&session->lock);
}

gboolean dh_session_is_closing(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	gboolean closing = session->closing_us && g_get_monotonic_time() - session->closing_us < CLOSING_MAX_US;
	g_mutex_unlock(&session->lock);
	return closing;
}

gboolean dh_session_clear_closing(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	gboolean closing = session->closing_us != 0;
	session->closing_us = 0;
	g_mutex_unlock(&session->lock);
	return closing;
}

void dh_session_close(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	session->closed = TRUE;
	g_mutex_unlock(&session->lock);
}
