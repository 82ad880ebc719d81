/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A UDP socket to which things are sent. */
#ifndef UDP_PORT_H
#define UDP_PORT_H

/* On loopback; receiving from it ends after a minute, or with EINTR at any signal (signal(7)), such as GLib's for
 * children: TEMP_FAILURE_RETRY. Sets *port; returns the descriptor, the caller's. */
int udp_port_open(int *port);

#endif
