/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One medium of an RTP forward: where it goes, its sockets, and what has become of its packets.
 *
 * One thread at a time. Nothing here waits.
 */
#ifndef DH_RTP_STREAM_H
#define DH_RTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include <glib.h>

#include "rtp_counts.h"

struct dh_rtp_target {
	int port;         /* 0: the medium is not sent */
	int rtcp_port;    /* 0: no RTCP */
	uint32_t ssrc;    /* 0: a random one */
	int payload_type; /* 0 to 127 */
};

struct dh_rtp_stream {
	guint id; /* its number in requests, see dh_forwards_make_id; 0: the medium is not sent */
	struct dh_rtp_target target;
	int local_rtcp_port;
	int socket, rtcp_socket; /* -1: none */
	bool is_connected;       /* false: there is no network yet */
	bool has_lost_way;       /* there was none for the last packet */
	struct sockaddr_storage rtcp_to;
	socklen_t rtcp_to_size;
	struct dh_rtp_stream_counts counts;
	/* SRTP with this SSRC */
	int sequence;      /* the newest; -1: none */
	bool has_wrapped;  /* it has begun again */
	bool has_left;     /* at least one packet */
	unsigned lost;     /* the newest packets, which have not left */
	unsigned doubtful; /* packets since nobody was there */
};

/* Its sockets, as far as `target` wants any. A permanent one need not have a network yet. Negative errno: that of
 * making or connecting a socket; close it all the same. */
int dh_rtp_stream_open(struct dh_rtp_stream *stream, const char *host, bool is_permanent);
void dh_rtp_stream_close(struct dh_rtp_stream *stream);

/* Tries again where there was no network. -EINVAL: `host` is no address. */
int dh_rtp_stream_connect(struct dh_rtp_stream *stream, const char *host);
/* Where there is none any more: a connected socket keeps its own address, even when the machine has lost that. Another
 * one takes its place if it finds a way. */
void dh_rtp_stream_find_way(struct dh_rtp_stream *stream, const char *host);

/* Whether a packet may be sent; if not, it counts as one for which there is no way. */
bool dh_rtp_stream_has_way(struct dh_rtp_stream *stream);
/* Whether it has left. Counts refusals, and that there is no way. */
bool dh_rtp_stream_send(struct dh_rtp_stream *stream, const uint8_t *packet, size_t size);

#endif
