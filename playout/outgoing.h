/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures on their way to one viewer: a large one leaves in bursts.
 *
 * A picture of at most DH_BURST_PACKETS leaves at once. A larger one would overflow
 * queues along the path, so it leaves in bursts, one every DH_BURST_TICKS. A burst has
 * DH_BURST_PACKETS, or more if the last one would otherwise leave after the next
 * picture is due, or after DH_BURSTS_MAX_TICKS: the picture must not fall behind the
 * sound.
 *
 * All packets of a picture carry the picture's own timestamp. A picture that has
 * begun is finished, and pictures leave in order: there may be two, an anchor and
 * the entry that needs it. Pure; belongs to its viewer.
 */
#ifndef DH_OUTGOING_H
#define DH_OUTGOING_H

#include <stdbool.h>

#include "timebase.h"
#include "unit.h"
#include "vp8.h"

#define DH_BURST_PACKETS    32
#define DH_BURST_TICKS      (5 * DH_TICKS_PER_MS)
#define DH_BURSTS_MAX_TICKS (40 * DH_TICKS_PER_MS)

struct dh_outgoing_picture {
	struct dh_unit *unit; /* a reference */
	bool is_anchor;
	struct dh_vp8_picture numbers;
	int64_t media_ticks;  /* of its RTP timestamp */
	size_t packets, sent; /* in total; sent so far */
};

/* Zeroed is empty. */
struct dh_outgoing {
	struct dh_outgoing_picture pictures[2]; /* [0] leaves first */
	int count;
	int64_t next_ticks;  /* when the next burst is due */
	int64_t until_ticks; /* when the next picture is due, or may come */
};

/* One payload of `picture`, as in dh_vp8_payload_fn; with `marker` it is the last. */
typedef void dh_outgoing_fn(void *arg, const struct dh_outgoing_picture *picture,
	const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE], const uint8_t *data, size_t size, bool marker);

/* Queues a picture; at most one other may still be leaving. Takes a reference to its
 * unit; `packets` and `sent` are set here. The first burst is due at `now_ticks`, the
 * next picture at `until_ticks`. */
void dh_outgoing_add(struct dh_outgoing *outgoing, const struct dh_outgoing_picture *picture, int64_t now_ticks,
	int64_t until_ticks);

/* Sends the bursts that are due. */
void dh_outgoing_send(struct dh_outgoing *outgoing, int64_t now_ticks, dh_outgoing_fn *emit, void *arg);

/* Sends everything that is left at once. */
void dh_outgoing_finish(struct dh_outgoing *outgoing, dh_outgoing_fn *emit, void *arg);

/* When the next burst is due; INT64_MAX when nothing is left. */
int64_t dh_outgoing_next_ticks(const struct dh_outgoing *outgoing);

/* How many packets are left. */
size_t dh_outgoing_packets(const struct dh_outgoing *outgoing);

/* Drops what is left. */
void dh_outgoing_clear(struct dh_outgoing *outgoing);

#endif
