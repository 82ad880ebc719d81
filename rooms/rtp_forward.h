/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One RTP forward of a room: a viewer of its playout whose packets leave by UDP sockets of its own, as SRTP by choice,
 * with RTCP where the target wants it.
 *
 * Made in any thread, then the room's; whoever has taken it out of the room frees it. Sending never waits: what a
 * socket does not take is dropped and counted.
 */
#ifndef DH_RTP_FORWARD_H
#define DH_RTP_FORWARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

#include <glib.h>
#include <jansson.h>

#include "outlet.h"
#include "playout/continuity.h"
#include "playout/packets.h"
#include "playout/rtcp.h"
#include "rtp_stream.h"

struct dh_srtp;
struct dh_viewer;

struct dh_rtp_forward_config {
	const char *host; /* a numeric address, IPv4 or IPv6 */
	struct dh_rtp_target targets[2];
	int srtp_suite; /* 0: no SRTP, otherwise as in srtp.h */
	const char *srtp_crypto;
	int64_t keyframe_ms;  /* see dh_playout_viewer_keyframes */
	bool hides_keyframes; /* they are decoded, and not shown */
	json_t *record;       /* it is permanent: what is kept of it, takes a reference; NULL: it is not */
	bool begins_again;    /* before a restart there was one, which may have ended without a word */
};

struct dh_rtp_forward {
	struct dh_outlet outlet; /* must be first */
	/* immutable */
	char host[INET6_ADDRSTRLEN];
	int64_t keyframe_ms;
	bool hides_keyframes;
	struct dh_continuity_seed seed;
	char cname[DH_RTCP_CNAME_MAX + 1];
	struct dh_srtp *srtp; /* NULL: none */
	atomic_int *count;    /* it is one of these, as long as it lives */
	bool begins_again;
	/* owner: the room's thread */
	struct dh_rtp_stream streams[2]; /* by medium */
	struct dh_viewer *viewer;
	bool has_begun;
	int64_t ntp_origin_us; /* Unix time at `now_ticks` 0, by the room's clock */
	int64_t report_ticks;  /* when the next reports are due */
	int64_t listen_ticks;  /* when to look for RTCP */
	bool lost_picture;     /* a packet of one was dropped */
	json_t *record;        /* NULL: none */
	/* whether somebody is there, see dh_rtp_forward_is_back */
	bool is_away;
	uint64_t failed, sent; /* counts, when something was last refused, or could not be sent there */
	int64_t failed_ticks;
};

/* *count has been raised for it, and falls when it is freed, or could not be made. -EINVAL: no such address, or no such
 * suite; -EKEYREJECTED: no such key; or the error of making or connecting a socket. A permanent one needs no network:
 * until there is one, all is dropped. */
int dh_rtp_forward_alloc(struct dh_rtp_forward **forward, const struct dh_rtp_forward_config *config,
	atomic_int *count);
/* Says BYE where there is RTCP, if it has begun. */
void dh_rtp_forward_free(struct dh_rtp_forward **forward);

/* Before anything else: whoever is still there from before a restart, and waits for more of that, learns that it has
 * ended. */
void dh_rtp_forward_begin(struct dh_rtp_forward *forward);

/* A packet of its viewer. With SRTP the SSRC changes where so many could not be sent that receivers cannot go on. */
void dh_rtp_forward_send(struct dh_rtp_forward *forward, enum dh_media media, const uint8_t *rtp, size_t size);

/* Whether somebody listens again where nobody did, or where there was no way to: two seconds after the last packet
 * that was refused, or could not be sent there. It knows nothing of what was before: it needs a key frame, reports are
 * due at once, and with SRTP it gets SSRCs whose sequence numbers have not begun again, without which it could decrypt
 * nothing. */
bool dh_rtp_forward_is_back(struct dh_rtp_forward *forward, int64_t now_ticks);

/* Sends reports that are due, more often while nobody listens, so that whoever comes back knows soon whom to ask for a
 * key frame; `media_ticks` is the room's media time at `now_ticks`. */
void dh_rtp_forward_report(struct dh_rtp_forward *forward, int64_t now_ticks, int64_t media_ticks);
/* Reads what RTCP has come, at most a little at a time. Whether it asks for a key frame. */
bool dh_rtp_forward_listen(struct dh_rtp_forward *forward, int64_t now_ticks);

/* The medium is not sent any more; BYE, if it has begun. */
void dh_rtp_forward_stop(struct dh_rtp_forward *forward, enum dh_media media);

/* {"stream_id":…,"type":…,"host":…,"port":…,…} as VideoRoom has it. A new reference. */
json_t *dh_rtp_stream_json(const struct dh_rtp_forward *forward, enum dh_media media);

#endif
