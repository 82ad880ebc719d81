/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer's microphone says, by the levels of its RTP packets (RFC 6464), without decoding: whether the
 * viewer speaks, since when, and not what the room's own sound does there (echo.h).
 *
 * Packets that are missing are neither voice nor silence. Where no sequence number is missing but time is,
 * the sender had nothing to say (DTX).
 *
 * Pure: time is an argument, in ticks of the monotonic clock.
 */
#ifndef DH_HEARING_H
#define DH_HEARING_H

#include <stddef.h>

#include "activity.h"
#include "echo.h"

/* One RTP packet of Opus. */
struct dh_heard_packet {
	uint16_t sequence;
	uint32_t timestamp; /* 48 kHz */
	int level;          /* dBov, -127 to 0; 1: it does not say */
	const uint8_t *payload;
	size_t size; /* 0: no sound */
};

enum dh_hearing_change {
	DH_HEARING_SAME,
	DH_HEARING_SPEAKING,
	DH_HEARING_LASTING, /* it has been speaking for as long as was asked for, once more */
	DH_HEARING_SILENT,
};

/* Zero it, then call dh_hearing_init. */
struct dh_hearing {
	/* readable */
	struct dh_activity activity;
	uint64_t packets, lost, late, without_level;
	int64_t from_ticks; /* where the last packet's sound began, in the sender's own time … */
	int64_t base_ticks; /* … and the clock at 0 of that, were it not for the network's moods */
	/* private */
	struct dh_echo echo;
	bool has_packet;
	uint16_t sequence;      /* the last one */
	uint16_t late_sequence; /* the last one of any packet */
	int late_run;           /* late packets in a row */
	uint32_t timestamp;     /* where the next one is expected */
	int64_t media_ticks;    /* the same, without end */
	bool has_base;
	int window_packets;        /* so many have come since the base was last moved … */
	int64_t least_later_ticks; /* … and at least so much later than it says */
};

void dh_hearing_init(struct dh_hearing *hearing);

/* Ticks of sound in an Opus packet (RFC 6716, 3.1); 0: it is none. */
int64_t dh_opus_ticks(const uint8_t *payload, size_t size);

/* How many packets are missing in front of one of that number. Negative: it comes too late, or once more, and
 * dh_hearing_packet only counts it. */
int dh_hearing_missing(const struct dh_hearing *hearing, uint16_t sequence);

/* A packet came. LASTING after each `lasting_ticks` of voice (0: never). Of several changes in one packet, the
 * last one. */
enum dh_hearing_change dh_hearing_packet(struct dh_hearing *hearing, const struct dh_heard_packet *packet,
	const struct dh_sent *sent, int64_t lasting_ticks, int64_t now_ticks);

/* No packet has come: it may be silent. */
enum dh_hearing_change dh_hearing_poll(struct dh_hearing *hearing, int64_t now_ticks);
/* When to call that; INT64_MAX: not before a packet. */
int64_t dh_hearing_deadline_ticks(const struct dh_hearing *hearing);

#endif
