/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accepts connections of generators, on a TCP port and on a Unix socket. */
#ifndef DH_PUSH_SERVER_H
#define DH_PUSH_SERVER_H

#include <stdint.h>

#include "io.h"
#include "push.h"

/* The option behind `max`, for error messages. */
#define DH_PUSH_MAX_OPTION "max_pushes"

struct dh_push_config {
	const char *listen;       /* "127.0.0.1:8189", "[::1]:8189"; NULL: no TCP */
	const char *socket;       /* the path of a Unix socket; NULL: none */
	int socket_mode;          /* its permissions */
	const char *socket_group; /* NULL: unchanged */
	int max;                  /* connections at a time */
	int line_ms;              /* to the end of a line */
};

struct dh_push_server;

/* `io` and `owner` (with its `arg`) must outlive the server. A negative errno with *error,
 * a text that names the option (g_free it). */
int dh_push_server_alloc(struct dh_push_server **server, struct dh_io *io, const struct dh_push_config *config,
	const struct dh_push_owner *owner, void *arg, char **error);

/* Ends every connection (`closed` is called for each). Waits for the I/O thread. */
void dh_push_server_free(struct dh_push_server **server);

/* Connections now. Any thread. */
int dh_push_server_count(const struct dh_push_server *server);

#endif
