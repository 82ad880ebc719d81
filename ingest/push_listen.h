/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets that listen for generators. Any thread. */
#ifndef DH_PUSH_LISTEN_H
#define DH_PUSH_LISTEN_H

#include <stdbool.h>

/* Options of the plugin that appear in error messages. */
#define DH_PUSH_LISTEN_OPTION "push_listen"
#define DH_PUSH_SOCKET_OPTION "push_socket"
#define DH_PUSH_GROUP_OPTION  "push_socket_group"

/* Whether `address` is "HOST:PORT" or "[HOST]:PORT" in numbers, PORT not 0, and whether other machines
 * may reach it. */
bool dh_push_address_is_valid(const char *address, bool *is_public);

/* A listening socket, non-blocking; or a negative errno with *error, a text that names the
 * option (g_free it). */
int dh_push_listen_tcp(const char *address, char **error);
/* The same at `path`, with the permissions `mode`, for a group unless that is NULL. A
 * socket file that nobody listens on any more is replaced. */
int dh_push_listen_local(const char *path, int mode, const char *group, char **error);

#endif
