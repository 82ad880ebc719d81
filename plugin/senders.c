/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "senders.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "rooms/realtime.h"
#include "session.h"

struct dh_senders {
	GMutex lock;
	GHashTable *viewers; /* how many, by thread id */
};

/* Janus's own, which has no public header. A Janus without it has threads that may be shared. */
extern int janus_ice_get_static_event_loops(void) __attribute__((weak));

static _Thread_local bool is_sender;
static _Thread_local struct dh_realtime_before before; /* if it is a sender */

struct dh_senders *dh_senders_new(void)
{
	struct dh_senders *senders = g_new0(struct dh_senders, 1);

	g_mutex_init(&senders->lock);
	senders->viewers = g_hash_table_new(NULL, NULL);
	return senders;
}

void dh_senders_free(struct dh_senders **senders)
{
	g_hash_table_unref((*senders)->viewers);
	g_mutex_clear(&(*senders)->lock);
	g_free(*senders);
	*senders = NULL;
}

static int this_thread(void)
{
	return (int)syscall(SYS_gettid);
}

/* The lock is held. */
static int count(struct dh_senders *senders, int thread, int change)
{
	gpointer key = GINT_TO_POINTER(thread);
	int viewers = GPOINTER_TO_INT(g_hash_table_lookup(senders->viewers, key)) + change;

	if (viewers > 0)
		g_hash_table_insert(senders->viewers, key, GINT_TO_POINTER(viewers));
	else
		g_hash_table_remove(senders->viewers, key);
	return viewers;
}

/* Moves the session to `thread` (0: none); returns how many viewers this thread then has. */
static int move(struct dh_senders *senders, struct dh_session *session, int thread)
{
	g_mutex_lock(&senders->lock);
	if (session->sender)
		count(senders, session->sender, -1);
	session->sender = thread;
	if (thread)
		count(senders, thread, 1);
	int viewers = count(senders, this_thread(), 0);
	g_mutex_unlock(&senders->lock);
	return viewers;
}

/* --- any thread */

int dh_senders_enter(struct dh_senders *senders, struct dh_session *session, bool is_realtime)
{
	int thread = this_thread();

	if (!is_sender)
		dh_realtime_enter(DH_REALTIME_SENDER, is_realtime, &before);
	is_sender = true;
	move(senders, session, thread);
	return !janus_ice_get_static_event_loops || janus_ice_get_static_event_loops() > 0 ? thread : 0;
}

void dh_senders_leave(struct dh_senders *senders, struct dh_session *session)
{
	if (move(senders, session, 0) > 0 || !is_sender)
		return;
	dh_realtime_leave(&before);
	is_sender = false;
}
