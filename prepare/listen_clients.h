/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recognisers that are connected to dh-listen's Unix socket. What one of them does not read is kept, up to a
 * limit; then that one is disconnected. None makes the others wait.
 */
#ifndef DH_LISTEN_CLIENTS_H
#define DH_LISTEN_CLIENTS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define DH_LISTEN_CLIENTS_MAX 16
#define DH_LISTEN_UNREAD_MAX  (4u << 20) /* bytes: a minute of one viewer */

struct dh_recognisers;

/* Listens on `path`, a new socket that only its owner can use; one that is left over, and that nobody listens on, is
 * replaced. Negative errno; -EADDRINUSE: somebody listens there. */
int dh_recognisers_alloc(struct dh_recognisers **clients, const char *path, int max);
/* Closes all, and removes the socket. */
void dh_recognisers_free(struct dh_recognisers **clients);

/* Fills at most DH_LISTEN_CLIENTS_MAX + 1 places; returns how many. */
int dh_recognisers_poll(const struct dh_recognisers *clients, struct pollfd *polls);
/* Accepts (who comes is sent `hello`), writes, and forgets those that have gone. */
void dh_recognisers_serve(struct dh_recognisers *clients, const char *hello);
/* Whether anybody listens. */
bool dh_recognisers_any(const struct dh_recognisers *clients);
/* To all of them: a line, and what follows it. */
void dh_recognisers_send(struct dh_recognisers *clients, const void *bytes, size_t size);

#endif
