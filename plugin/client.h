/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client is one session of the Janus API with all its handles. What one client may
 * hold is limited, so that none starves the others.
 *
 * The plugin API does not say to which session a handle belongs. But a handle's
 * gateway_handle is a janus_ice_handle, whose first member is the pointer to its
 * session, in every Janus from 1.0.0 to 1.4.1, from before create_session until the
 * last reference to the handle goes. That pointer is read once and then only compared,
 * never dereferenced: a Janus that keeps something else there would make us mix up
 * clients, nothing worse.
 *
 * Any thread.
 */
#ifndef DH_CLIENT_H
#define DH_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <glib.h>

struct janus_plugin_session;
struct dh_clients;

struct dh_client {
	/* immutable */
	const void *identity;
	struct dh_clients *clients;
	/* protected by the clients' lock */
	unsigned handles;
	/* atomic */
	atomic_int members; /* rooms that its handles watch or observe */
};

/* All clients of one instance. Must outlive them. */
struct dh_clients *dh_clients_new(void);
void dh_clients_free(struct dh_clients **clients);

/* The client of a new handle, with one reference for it. NULL: it has `most` handles already, or all clients
 * together have `most_of_all`. */
struct dh_client *dh_clients_join(struct dh_clients *clients, const struct janus_plugin_session *handle, int64_t most,
	int64_t most_of_all);
void dh_client_unref(struct dh_client **client);

/* Counts clients and handles. */
void dh_clients_count(struct dh_clients *clients, unsigned *count, unsigned *handles);

#endif
