/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we need to know of a peer's SDP (RFC 8866): its m-lines, and what they say about
 * Opus and VP8. Janus passes it on without anything about transports.
 */
#ifndef DH_SDP_READ_H
#define DH_SDP_READ_H

#include <stdbool.h>

#define DH_SDP_LINES_MAX 32

/* Not all versions of Janus name it. */
#define DH_SDP_CAPTURE_TIME "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

/* Ids of header extensions; 0: none. */
struct dh_sdp_extensions {
	int mid;     /* sdes:mid */
	int time;    /* abs-send-time */
	int delay;   /* playout-delay */
	int capture; /* abs-capture-time */
};

/* One m-line. */
struct dh_sdp_line {
	char type[16], protocol[32], format[32]; /* as written; `format` is the first one */
	int media;                               /* enum dh_media; -1: another */
	bool is_open;                            /* its port is not 0 */
	bool receives, sends;                    /* its direction, the peer's */
	int payload_type;                        /* of our codec; -1: it does not have it */
	struct dh_sdp_extensions extensions;
	int maxptime;       /* ms of sound in a packet, 1 to 255; 0: any */
	char ufrag[260];    /* of its ICE credentials; "": none */
	char candidate[80]; /* the first one's address and port; "": none */
	char bundle[4];     /* the number of its BUNDLE group; "": none */
};

struct dh_sdp {
	int count;
	struct dh_sdp_line lines[DH_SDP_LINES_MAX];
};

/* Reads any text. -EINVAL: it is no SDP with m-lines; -E2BIG: it has more of them. */
int dh_sdp_read(struct dh_sdp *sdp, const char *text);

/* Whether two of its m-lines have transports of their own: they are in no BUNDLE group
 * together (RFC 9143), and their ICE credentials differ, or the addresses where they listen.
 * For SDP as the peer wrote it. */
bool dh_sdp_is_apart(const struct dh_sdp *sdp, int one, int other);

#endif
