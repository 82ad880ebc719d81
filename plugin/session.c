#include "session.h"

#include "janus_api.h"
#include "rooms/member.h"

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

static gboolean is_closing(const struct dh_session *session)
{
	return session->closing_us && g_get_monotonic_time() - session->closing_us < CLOSING_MAX_US;
}

gboolean dh_session_set_member(struct dh_session *session, struct dh_member *member)
{
	g_mutex_lock(&session->lock);
	gboolean is_free = !session->member && !session->closed && !is_closing(session);
	if (is_free)
		session->member = dh_member_ref(member);
	g_mutex_unlock(&session->lock);
	return is_free;
}

struct dh_member *dh_session_member(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	struct dh_member *member = session->member ? dh_member_ref(session->member) : NULL;
	g_mutex_unlock(&session->lock);
	return member;
}

struct dh_member *dh_session_end_member(struct dh_session *session, const struct dh_member *only, gboolean closing)
{
	struct dh_member *member = NULL;

	g_mutex_lock(&session->lock);
	if (!only || session->member == only) {
		member = session->member;
		session->member = NULL;
		if (member && closing)
			session->closing_us = g_get_monotonic_time();
	}
	g_mutex_unlock(&session->lock);
	return member;
}

gboolean dh_session_is_closing(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	gboolean closing = is_closing(session);
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
