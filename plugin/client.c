/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"

#include <string.h>

#include "janus_api.h"

struct dh_clients {
	GMutex lock;
	/* protected by lock */
	GHashTable *all; /* by identity, struct dh_client */
	unsigned handles;
};

struct dh_clients *dh_clients_new(void)
{
	struct dh_clients *clients = g_new0(struct dh_clients, 1);

	g_mutex_init(&clients->lock);
	clients->all = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return clients;
}

void dh_clients_free(struct dh_clients **clients)
{
	if (!*clients)
		return;
	g_hash_table_destroy((*clients)->all);
	g_mutex_clear(&(*clients)->lock);
	g_free(*clients);
	*clients = NULL;
}

static const void *identity_of(const struct janus_plugin_session *handle)
{
	const void *identity;

	memcpy(&identity, handle->gateway_handle, sizeof(identity));
	return identity;
}

/* With the lock held. */
static struct dh_client *get(struct dh_clients *clients, const void *identity)
{
	struct dh_client *client = g_hash_table_lookup(clients->all, identity);

	if (client)
		return client;
	client = g_new0(struct dh_client, 1);
	client->identity = identity;
	client->clients = clients;
	g_hash_table_insert(clients->all, (gpointer)identity, client);
	return client;
}

struct dh_client *dh_clients_join(struct dh_clients *clients, const struct janus_plugin_session *handle, int64_t most,
	int64_t most_of_all)
{
	struct dh_client *client = NULL;

	g_mutex_lock(&clients->lock);
	if (clients->handles < most_of_all)
		client = get(clients, identity_of(handle));
	if (client && client->handles < most) {
		client->handles++;
		clients->handles++;
	} else {
		client = NULL;
	}
	g_mutex_unlock(&clients->lock);
	return client;
}

void dh_client_unref(struct dh_client **client)
{
	struct dh_client *old = *client;
	struct dh_clients *clients;

	*client = NULL;
	if (!old)
		return;
	clients = old->clients;
	g_mutex_lock(&clients->lock);
	clients->handles--;
	if (--old->handles == 0)
		g_hash_table_remove(clients->all, old->identity);
	g_mutex_unlock(&clients->lock);
}

void dh_clients_count(struct dh_clients *clients, unsigned *count, unsigned *handles)
{
	g_mutex_lock(&clients->lock);
	*count = g_hash_table_size(clients->all);
	*handles = clients->handles;
	g_mutex_unlock(&clients->lock);
}
