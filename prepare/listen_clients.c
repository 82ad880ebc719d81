/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listen_clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	int socket;        /* -1: none */
	bool has_said_all; /* it will write nothing any more */
	char *unread;
	size_t size, capacity;
};

struct dh_recognisers {
	struct sockaddr_un address;
	int listener, max;
	struct client all[DH_LISTEN_CLIENTS_MAX];
};

/* --- life */

/* Whether the socket is one that nobody listens on. */
static bool is_left_over(const struct sockaddr_un *address)
{
	struct stat st;
	int probe = -1, err = 0;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0)
		err = errno;
	if (probe >= 0)
		close(probe);
	return err == ECONNREFUSED;
}

static int listen_on(const struct sockaddr_un *address)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	int err = listener < 0 ? -errno : 0;

	if (!err && bind(listener, (const struct sockaddr *)address, sizeof(*address)) < 0)
		err = -errno;
	umask(mask);
	if (!err && listen(listener, DH_LISTEN_CLIENTS_MAX) < 0)
		err = -errno;
	if (err && listener >= 0)
		close(listener);
	return err ? err : listener;
}

int dh_recognisers_alloc(struct dh_recognisers **out, const char *path, int max)
{
	struct dh_recognisers *clients = calloc(1, sizeof(*clients));

	if (!clients)
		return -ENOMEM;
	clients->max = max;
	clients->address.sun_family = AF_UNIX;
	for (int i = 0; i < DH_LISTEN_CLIENTS_MAX; i++)
		clients->all[i].socket = -1;
	size_t length = strlen(path);
	if (length >= sizeof(clients->address.sun_path)) {
		free(clients);
		return -ENAMETOOLONG;
	}
	memcpy(clients->address.sun_path, path, length);
	if (is_left_over(&clients->address))
		unlink(path);
	clients->listener = listen_on(&clients->address);
	if (clients->listener < 0) {
		int err = clients->listener;
		free(clients);
		return err;
	}
	*out = clients;
	return 0;
}

static void drop(struct client *client)
{
	if (client->socket >= 0)
		close(client->socket);
	free(client->unread);
	*client = (struct client){ .socket = -1 };
}

void dh_recognisers_free(struct dh_recognisers **clients)
{
	if (!*clients)
		return;
	for (int i = 0; i < DH_LISTEN_CLIENTS_MAX; i++)
		drop(&(*clients)->all[i]);
	close((*clients)->listener);
	unlink((*clients)->address.sun_path);
	free(*clients);
	*clients = NULL;
}

/* --- writing */

static void flush(struct client *client)
{
	size_t sent = 0;

	while (sent < client->size) {
		ssize_t count = send(client->socket, client->unread + sent, client->size - sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno != EAGAIN) {
			drop(client);
			return;
		}
		if (count < 0)
			break;
		sent += (size_t)count;
	}
	client->size -= sent;
	memmove(client->unread, client->unread + sent, client->size);
}

static void append(struct client *client, const void *bytes, size_t size)
{
	if (client->size + size > DH_LISTEN_UNREAD_MAX) {
		fprintf(stderr, "dh-listen: a recogniser does not read, and is disconnected\n");
		drop(client);
		return;
	}
	if (!client->unread || client->size + size > client->capacity) {
		size_t capacity = 2 * (client->size + size);
		char *unread = realloc(client->unread, capacity);
		if (!unread) {
			drop(client);
			return;
		}
		client->unread = unread;
		client->capacity = capacity;
	}
	memcpy(client->unread + client->size, bytes, size);
	client->size += size;
	flush(client);
}

void dh_recognisers_send(struct dh_recognisers *clients, const void *bytes, size_t size)
{
	for (int i = 0; i < clients->max; i++) {
		if (clients->all[i].socket >= 0)
			append(&clients->all[i], bytes, size);
	}
}

bool dh_recognisers_any(const struct dh_recognisers *clients)
{
	for (int i = 0; i < clients->max; i++) {
		if (clients->all[i].socket >= 0)
			return true;
	}
	return false;
}

/* --- coming and going */

static struct client *free_place(struct dh_recognisers *clients)
{
	for (int i = 0; i < clients->max; i++) {
		if (clients->all[i].socket < 0)
			return &clients->all[i];
	}
	return NULL;
}

static void accept_all(struct dh_recognisers *clients, const char *hello)
{
	int socket;

	while ((socket = accept4(clients->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct client *place = free_place(clients);
		if (!place) {
			close(socket);
			continue;
		}
		place->socket = socket;
		append(place, hello, strlen(hello));
	}
}

/* They have nothing to say; what they do say is thrown away. One that ends its writing may read on. */
static bool has_gone(struct client *client)
{
	char bytes[4096];
	struct pollfd hangup = { .fd = client->socket };
	ssize_t count = recv(client->socket, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (count == 0) {
		client->has_said_all = true;
		return poll(&hangup, 1, 0) > 0;
	}
	return count < 0 && errno != EAGAIN && errno != EINTR;
}

int dh_recognisers_poll(const struct dh_recognisers *clients, struct pollfd *polls)
{
	int count = 0;

	polls[count++] = (struct pollfd){ .fd = clients->listener, .events = POLLIN };
	for (int i = 0; i < clients->max; i++) {
		const struct client *client = &clients->all[i];
		if (client->socket >= 0)
			polls[count++] = (struct pollfd){ .fd = client->socket,
				.events = (short)((client->has_said_all ? 0 : POLLIN) | (client->size ? POLLOUT : 0)) };
	}
	return count;
}

void dh_recognisers_serve(struct dh_recognisers *clients, const char *hello)
{
	for (int i = 0; i < clients->max; i++) {
		struct client *client = &clients->all[i];
		if (client->socket >= 0 && has_gone(client))
			drop(client);
		if (client->socket >= 0)
			flush(client);
	}
	accept_all(clients, hello);
}
