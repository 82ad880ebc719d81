/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A UDP socket to which things are sent. */
#ifndef UDP_PORT_H
#define UDP_PORT_H

/* On loopback; receiving from it ends after a minute. Sets *port; returns the descriptor, the caller's. */
int udp_port_open(int *port);

#endif
