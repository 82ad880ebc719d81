/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout's output for one viewer: RTP packets and statistics. */
#ifndef DH_PACKETS_H
#define DH_PACKETS_H

#include <stdbool.h>

#include "unit.h"

/* Sends one complete RTP packet (RFC 3550) to a viewer; `viewer_user` is the `user`
 * that it was added with. The bytes are valid only during the call. */
typedef void dh_packet_fn(void *arg, void *viewer_user, enum dh_media media, const uint8_t *rtp, size_t size);

/* Everything that was due for a viewer has been handed to `packet`. `late_ticks`: by medium, how late the latest of
 * it was at the time of that poll, below 0 for a picture that left early (pacer.h); DH_LATE_NONE: none of it was
 * due. */
#define DH_LATE_NONE INT64_MIN
typedef void dh_handed_fn(void *arg, void *viewer_user, const int64_t late_ticks[2]);

/* How much sound is in a packet, in ms (RFC 8866, 6.4): 20, 40 or 60. */
#define DH_PTIME_MIN 20
#define DH_PTIME_MAX 60

static inline bool dh_is_ptime(int64_t ms)
{
	return ms >= DH_PTIME_MIN && ms <= DH_PTIME_MAX && ms % DH_PTIME_MIN == 0;
}

/* How packets go to a viewer. */
struct dh_viewer_way {
	int sender;  /* the thread that sends to it, which other viewers may share; 0: its own */
	int ptime;   /* see dh_is_ptime; everything is sent later by what is more than 20 ms */
	bool relays; /* it hands on what it gets to viewers of its own, who may begin at any time */
};

/* What one viewer was sent. */
struct dh_viewer_stats {
	uint64_t packets[2], bytes[2]; /* RTP packets and their bytes, by enum dh_media */
	uint64_t pictures, anchors;    /* pictures sent, of which anchors (key frames) */
	uint64_t late_dropped;         /* units not sent because they were too late */
	uint64_t plis;                 /* PLI and FIR received */
	uint64_t repairs;              /* entries sent so that they do without what may be lost (repair.h) */
	int64_t lateness_max_ticks;    /* the latest that anything was sent after it was due */
	int quality;                   /* of the newest picture; see qualities.h */
	uint64_t switches;             /* how often that changed */
	uint64_t left_out;             /* droppable pictures that it does without */
};

#endif
