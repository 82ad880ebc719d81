/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SDP that a peer has sent, as it was written.
 *
 * Janus passes it on without anything about transports, so whether a peer bundles its
 * media cannot be seen from that. Janus also keeps it as it came, in its own record of the
 * handle, which has had the same beginning in every version from 1.1.1 to 1.4.1. Only with
 * one of these versions is it read there, under Janus's lock, and only if the record names
 * the handle at the expected place. Any other Janus: we do not know, and nothing else.
 */
#ifndef DH_PEER_SDP_H
#define DH_PEER_SDP_H

struct janus_plugin_session;

/* A copy of the newest one, for g_free; NULL: not known. For handle_message only, while
 * Janus holds the handle. */
char *dh_peer_sdp(const struct janus_plugin_session *handle);

#endif
