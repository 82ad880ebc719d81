/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer's browser says of what reached it, in its RTCP reports.
 *
 * One thread at a time writes it, the one that Janus calls with RTCP of that handle; any thread may read.
 */
#ifndef DH_RECEIVER_H
#define DH_RECEIVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "playout/repair.h"
#include "playout/unit.h"

/* Zeroed: no report yet. */
struct dh_receiver {
	/* by medium */
	struct {
		_Atomic uint32_t reports;       /* how many came */
		_Atomic uint32_t ssrc;          /* of the last one */
		_Atomic uint32_t fraction_lost; /* 256ths, in the last one */
		_Atomic uint32_t jitter;        /* in units of the medium's RTP clock */
		_Atomic int32_t said;           /* lost in all of the connection, in the last one */
		_Atomic int32_t before;         /* of those, in another room */
		_Atomic int32_t lost;           /* the most, without `before` */
		_Atomic int32_t rtt_ms;         /* -1: not known */
		_Atomic uint64_t losses;        /* see dh_receiver_take_losses */
	} media[2];
};

/* As numbers. */
struct dh_receiver_stats {
	uint64_t reports[2], lost[2];
	double lost_percent[2], jitter_ms[2]; /* of the last reports; set if there were any */
	int32_t rtt_ms[2];                    /* -1: not known */
};

/* Compound RTCP, of the m-line of `media`: its first block is about that. Those of media that were never first are
 * not counted. `now_ntp`: as dh_receiver_ntp. What is broken changes nothing more. Returns whether the number of lost
 * packets of the picture has changed: then they are to be taken. */
bool dh_receiver_hear(struct dh_receiver *receiver, enum dh_media media, const uint8_t *rtcp, size_t size,
	uint32_t now_ntp);
/* The middle of the NTP time (RFC 3550, 4), of microseconds since 1970. */
uint32_t dh_receiver_ntp(int64_t real_us);

/* `to` goes on with the connection of `from`, in another room, before anybody writes it: what was lost until now is not
 * its own. */
void dh_receiver_continue(struct dh_receiver *to, const struct dh_receiver *from);

/* Any thread, one at a time. What the last report says of losses; `since` is where they were taken before. */
void dh_receiver_take_losses(struct dh_receiver *receiver, enum dh_media media, struct dh_repair_report *losses);
/* Any thread. The highest sequence number that has come, as the last report says. */
uint16_t dh_receiver_highest(const struct dh_receiver *receiver, enum dh_media media);
void dh_receiver_get_stats(const struct dh_receiver *receiver, struct dh_receiver_stats *stats);
/* Reports and losses. */
void dh_receiver_stats_add(struct dh_receiver_stats *sum, const struct dh_receiver_stats *more);

/* {"audio":{…},"video":{…}}: of a viewer, or the sum of many. A new reference. */
json_t *dh_receiver_viewer_json(const struct dh_receiver_stats *stats);
json_t *dh_receiver_sum_json(const struct dh_receiver_stats *stats);

#endif
