/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to a gateway: TCP, TLS or a Unix socket. One thread, with the default main context. */
#ifndef DH_SEND_CONNECTION_H
#define DH_SEND_CONNECTION_H

#include <gio/gio.h>

#include "address.h"
#include "fault.h"

#define DH_SEND_CONNECT_S 10 /* longest wait for any step of connecting */

struct dh_send_connection;

/* Waits until it is there. `ca`: a PEM file of the certificates to trust; NULL: the system's. Fails
 * with DH_SEND_NO_CONNECTION, or DH_SEND_USAGE for `ca`; *connection is NULL then. */
int dh_send_connection_alloc(struct dh_send_connection **connection, const struct dh_send_address *address,
	const char *ca, struct dh_send_fault *fault);
void dh_send_connection_free(struct dh_send_connection **connection);

/* Reading and writing that has waited for so long fails; 0: never. */
void dh_send_connection_set_timeout(struct dh_send_connection *connection, unsigned seconds);

/* Borrowed; both can be polled. */
GInputStream *dh_send_connection_input(struct dh_send_connection *connection);
GOutputStream *dh_send_connection_output(struct dh_send_connection *connection);

/* Ends the sending side behind what was written; what the gateway says can still be read. With TLS it
 * sends a close_notify, a few bytes: call it when the output is writable, and it does not wait. */
void dh_send_connection_end(struct dh_send_connection *connection);

#endif
