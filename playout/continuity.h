/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbering of one viewer's packets: RTP sequence numbers, timestamps, VP8 picture
 * IDs and TL0PICIDX.
 *
 * Numbers count only what this viewer was sent, so segments, anchors and dropped
 * pictures leave no gaps. Timestamps are media time plus a constant, never a sum, so
 * they cannot drift. All of them wrap. Pure; allocates nothing; belongs to its viewer.
 *
 * Pictures that can be shown without the one before them, anchors and entries, are in temporal layer 0, all others in
 * layer 1 (RFC 7741, 4.2). So a browser that misses some of the others goes on at the next entry by itself, as it would
 * without an upper layer: for layer 0 it needs nothing else. If all were in layer 0 it would wait for a key frame.
 */
#ifndef DH_CONTINUITY_H
#define DH_CONTINUITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timebase.h"
#include "unit.h"
#include "vp8.h"

#define DH_RTP_HEADER_SIZE 12

/* The starts of all counters, random (RFC 3550, 5.1); arrays by enum dh_media. */
struct dh_continuity_seed {
	uint8_t payload_type[2]; /* 7 bits are used */
	uint32_t ssrc[2];        /* 0: the sender fills it in */
	uint16_t first_sequence[2];
	uint32_t first_timestamp[2]; /* at media time 0 */
	uint16_t first_picture_id;   /* 15 bits are used */
	uint8_t first_tl0picidx;
	bool is_continued;  /* of a connection that has had media: its browser takes an anchor for one of many */
	int64_t from_ticks; /* nothing is sent of an earlier media time; 0: as soon as it may be */
};

struct dh_continuity {
	/* immutable */
	uint8_t payload_type[2];
	uint32_t ssrc[2];
	uint32_t timestamp_offset[2];
	/* the next values */
	uint16_t sequence[2];
	uint16_t picture_id;
	uint8_t tl0picidx;
	bool is_behind_base; /* nothing that others refer to has come behind the last picture of layer 0 */
};

void dh_continuity_init(struct dh_continuity *continuity, const struct dh_continuity_seed *seed);

/* A seed from which another one goes on after this. */
void dh_continuity_seed(const struct dh_continuity *continuity, struct dh_continuity_seed *seed);
/* Media time 0 becomes what was media time `ticks`; rounded to a tick of each clock. */
void dh_continuity_seed_move(struct dh_continuity_seed *seed, int64_t ticks);

static inline uint16_t dh_continuity_next_sequence(struct dh_continuity *continuity, enum dh_media media)
{
	return continuity->sequence[media]++;
}

/* The RTP timestamp of a media time, which is not negative. */
static inline uint32_t dh_continuity_timestamp(const struct dh_continuity *continuity, enum dh_media media,
	int64_t media_ticks)
{
	int64_t clock_ticks = media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
	return continuity->timestamp_offset[media] + (uint32_t)(media_ticks / clock_ticks);
}

/* The numbers of the viewer's next picture; `flags` are its unit's, of an anchor DH_UNIT_ENTRY. */
void dh_continuity_next_picture(struct dh_continuity *continuity, uint32_t flags, struct dh_vp8_picture *picture);

/* The next picture of layer 0 has that index. */
void dh_continuity_rewind(struct dh_continuity *continuity, uint8_t tl0picidx);

/* Writes the RTP header (RFC 3550, 5.1: no padding, extension or contributing
 * source) of the viewer's next packet of `media`, and takes its sequence number. */
void dh_continuity_next_header(struct dh_continuity *continuity, enum dh_media media, int64_t media_ticks, bool marker,
	uint8_t out[DH_RTP_HEADER_SIZE]);

#endif
