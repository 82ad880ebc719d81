/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a gateway listens, as people write it:
 *
 *     gateway:8189  [::1]:8189  tcp://gateway:8189    TCP
 *     tls://gateway:8190                              TLS
 *     unix:/run/janus/push.sock                       a Unix socket
 *
 * Without a port it is the usual one.
 */
#ifndef DH_SEND_ADDRESS_H
#define DH_SEND_ADDRESS_H

#include "fault.h"

#define DH_SEND_TCP_PORT 8189
#define DH_SEND_TLS_PORT 8190
#define DH_SEND_PATH_MAX 107 /* bytes of a Unix socket's path */

enum dh_send_scheme { DH_SEND_TCP, DH_SEND_TLS, DH_SEND_UNIX };

struct dh_send_address {
	enum dh_send_scheme scheme;
	const char *text; /* for people; borrowed, all of it */
	const char *rest; /* behind the scheme: HOST:PORT, or a path */
	int default_port;
};

/* Fails with DH_SEND_USAGE. `text` is borrowed. */
int dh_send_address_parse(struct dh_send_address *address, const char *text, struct dh_send_fault *fault);

#endif
