/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single messages to Janus. */
#include "outbox_private.h"

#include <janus/apierror.h>

#include "janus_api.h"
#include "rooms/member.h"

#define OFFER_RETRY_US (G_USEC_PER_SEC / 10)
#define OFFER_RETRIES  20

struct dh_saying *dh_saying_new(const struct dh_outbox *outbox, enum dh_saying_type type, struct dh_session *session,
	json_t *message)
{
	struct dh_saying *saying = g_new0(struct dh_saying, 1);

	saying->type = type;
	saying->outbox = outbox;
	saying->speaker = g_thread_self();
	saying->session = session ? dh_session_ref(session) : NULL;
	saying->message = message;
	return saying;
}

void dh_saying_free(struct dh_saying **out)
{
	struct dh_saying *saying = *out;

	if (saying->transaction)
		atomic_fetch_sub(&saying->session->waiting_requests, 1);
	dh_session_unref(&saying->session);
	if (saying->sessions)
		g_ptr_array_unref(saying->sessions);
	g_free(saying->transaction);
	json_decref(saying->message);
	json_decref(saying->jsep);
	g_free(saying);
	*out = NULL;
}

/* --- sending */

/* Janus is going down, or the handle is gone and Janus would log an error. */
static bool is_muted(const struct dh_saying *saying, const struct dh_session *session)
{
	return atomic_load(&saying->outbox->muted) || (session && g_atomic_int_get(&session->handle->stopped));
}

static int push(const struct dh_saying *saying, const struct dh_session *session)
{
	if (is_muted(saying, session))
		return 0;
	int err = dh_gateway->push_event(session->handle, &dh_plugin, saying->transaction, saying->message,
		saying->jsep);
	/* Janus also refuses messages to a handle that is just ending: no error. */
	return is_muted(saying, session) ? 0 : err;
}

/* Janus closes its ICE agent behind hangup_media and says nothing when that is done; until then it takes an offer for
 * one of the connection before, and refuses it. */
static int push_offer(const struct dh_saying *saying, struct dh_session *session)
{
	int err = push(saying, session);

	for (int i = 0; i < OFFER_RETRIES && err == JANUS_ERROR_HANDLE_NOT_FOUND; i++) {
		struct dh_member *member = dh_session_member(session);
		if (!member) /* its connection has really ended */
			break;
		dh_member_unref(&member);
		g_usleep(OFFER_RETRY_US);
		err = push(saying, session);
	}
	return err;
}

/* Janus takes ownership of the event. It would drop one about a handle that is gone. */
static void notify(struct dh_saying *saying)
{
	const struct dh_session *session = saying->session;
	bool is_there = session && !g_atomic_int_get(&session->handle->stopped);

	if (is_muted(saying, NULL))
		return;
	dh_gateway->notify_event(&dh_plugin, is_there ? session->handle : NULL, saying->message);
	saying->message = NULL;
}

void dh_saying_say(struct dh_saying *saying, struct dh_session *session)
{
	switch (saying->type) {
	case DH_SAY_EVENT:
		if (saying->closing)
			dh_session_closed(session, saying->closing);
		push(saying, session);
		break;
	case DH_SAY_OFFER:
		saying->done(saying->arg, push_offer(saying, session));
		break;
	case DH_SAY_NOTIFY:
		notify(saying);
		break;
	case DH_SAY_CLOSE:
		if (!is_muted(saying, session) && dh_session_ask_to_close(session, saying->closing))
			dh_gateway->close_pc(session->handle);
		break;
	case DH_SAY_REQUEST:
		saying->is_waiting = !saying->run(saying->arg, saying->may_wait);
		break;
	case DH_SAY_RESUME:
	case DH_SAY_END:
		break;
	}
}
