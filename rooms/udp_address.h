/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where forwards send. */
#ifndef DH_UDP_ADDRESS_H
#define DH_UDP_ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

/* `host` is a numeric address, IPv4 or IPv6: nothing is looked up. False: it is none. */
bool dh_udp_address(struct sockaddr_storage *to, socklen_t *size, const char *host, int port);

#endif
