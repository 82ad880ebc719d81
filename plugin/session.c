/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include "janus_api.h"
#include "rooms/member.h"

/* Janus hangs up within milliseconds. After this long the handle may watch again
 * anyway; the hang-up may still come (dh_session_hung_up). */
#define CLOSING_MAX_US (5 * G_USEC_PER_SEC)

struct dh_session *dh_session_new(struct janus_plugin_session *handle, struct dh_client *client)
{
	struct dh_session *session = g_new0(struct dh_session, 1);

	/* Janus initialises the count after create_session, with a reference for us. */
	session->handle = handle;
	session->client = client;
	atomic_init(&session->refs, 1);
	g_mutex_init(&session->lock);
	return session;
}

struct dh_session *dh_session_ref(struct dh_session *session)
{
	atomic_fetch_add(&session->refs, 1);
	return session;
}

/* Drop the client first: while the handle lives, its address belongs to nobody else. */
void dh_session_unref(struct dh_session **session)
{
	struct dh_session *old = *session;

	*session = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	dh_client_unref(&old->client);
	janus_refcount_decrease(&old->handle->ref);
	g_mutex_clear(&old->lock);
	g_free(old);
}

static bool is_closing(const struct dh_session *session)
{
	return session->closing && !session->closed &&
		(!session->closing_us || g_get_monotonic_time() - session->closing_us < CLOSING_MAX_US);
}

bool dh_session_set_member(struct dh_session *session, struct dh_member *member)
{
	g_mutex_lock(&session->lock);
	bool is_free = !session->member && !session->closed && !is_closing(session);
	if (is_free) {
		session->member = dh_member_ref(member);
		atomic_fetch_add(&session->client->members, 1);
	}
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

/* The lock is held. */
static struct dh_member *take_member(struct dh_session *session)
{
	struct dh_member *member = session->member;

	session->member = NULL;
	if (member)
		atomic_fetch_sub(&session->client->members, 1);
	return member;
}

/* The lock is held. Returns the hang-up's number. */
static unsigned begin_closing(struct dh_session *session, guint viewer)
{
	session->closings += 1 + (session->closings == G_MAXUINT);
	session->closing = session->closings;
	session->closing_us = 0;
	session->is_hung_up = false;
	session->last = viewer;
	return session->closing;
}

struct dh_member *dh_session_replace_member(struct dh_session *session, const struct dh_member *old,
	struct dh_member *next, bool *is_up)
{
	struct dh_member *replaced = NULL;

	g_mutex_lock(&session->lock);
	if (session->member == old && !session->closed) {
		replaced = session->member;
		session->member = dh_member_ref(next);
		*is_up = session->is_up;
	}
	g_mutex_unlock(&session->lock);
	return replaced;
}

struct dh_member *dh_session_end_member(struct dh_session *session, const struct dh_member *only, unsigned *closing)
{
	g_mutex_lock(&session->lock);
	struct dh_member *member = !only || session->member == only ? take_member(session) : NULL;
	if (member && closing)
		*closing = begin_closing(session, member->id);
	g_mutex_unlock(&session->lock);
	return member;
}

unsigned dh_session_end_stray(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	unsigned closing = session->member || is_closing(session) ? 0 : begin_closing(session, 0);
	g_mutex_unlock(&session->lock);
	return closing;
}

bool dh_session_ask_to_close(struct dh_session *session, unsigned closing)
{
	g_mutex_lock(&session->lock);
	bool is_wanted = session->closing == closing && !session->member && !session->is_hung_up;
	if (is_wanted)
		session->closing_us = g_get_monotonic_time();
	g_mutex_unlock(&session->lock);
	return is_wanted;
}

bool dh_session_is_closing(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	bool closing = is_closing(session);
	g_mutex_unlock(&session->lock);
	return closing;
}

void dh_session_connected(struct dh_session *session, const struct dh_member *member)
{
	g_mutex_lock(&session->lock);
	if (session->member == member)
		session->closing = 0;
	g_mutex_unlock(&session->lock);
}

struct dh_member *dh_session_up(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	struct dh_member *member = session->member ? dh_member_ref(session->member) : NULL;
	session->is_up = true;
	g_mutex_unlock(&session->lock);
	return member;
}

guint dh_session_hung_up(struct dh_session *session, struct dh_member **member, unsigned *closing)
{
	g_mutex_lock(&session->lock);
	bool is_wanted = session->closing != 0;
	session->is_up = false;
	*member = is_wanted ? NULL : take_member(session);
	guint viewer = is_wanted ? session->last : *member && !(*member)->observes ? (*member)->id : 0;
	*closing = is_wanted ? session->closing : begin_closing(session, viewer);
	session->is_hung_up = true;
	g_mutex_unlock(&session->lock);
	return viewer;
}

void dh_session_closed(struct dh_session *session, unsigned closing)
{
	g_mutex_lock(&session->lock);
	if (session->closing == closing)
		session->closing = 0;
	g_mutex_unlock(&session->lock);
}

void dh_session_close(struct dh_session *session)
{
	g_mutex_lock(&session->lock);
	session->closed = true;
	g_mutex_unlock(&session->lock);
}
