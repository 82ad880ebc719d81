/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "continuity.h"

#include <string.h>

#define RTP_VERSION_2   0x80
#define RTP_MARKER      0x80
#define PICTURE_ID_MASK 0x7fffu

void dh_continuity_init(struct dh_continuity *continuity, const struct dh_continuity_seed *seed)
{
	memset(continuity, 0, sizeof *continuity);
	for (int media = DH_AUDIO; media <= DH_VIDEO; media++) {
		continuity->payload_type[media] = seed->payload_type[media] & 0x7f;
		continuity->ssrc[media] = seed->ssrc[media];
		continuity->timestamp_offset[media] = seed->first_timestamp[media];
		continuity->sequence[media] = seed->first_sequence[media];
	}
	continuity->picture_id = seed->first_picture_id & PICTURE_ID_MASK;
	continuity->tl0picidx = seed->first_tl0picidx;
}

void dh_continuity_seed(const struct dh_continuity *continuity, struct dh_continuity_seed *seed)
{
	memset(seed, 0, sizeof *seed);
	for (int media = DH_AUDIO; media <= DH_VIDEO; media++) {
		seed->payload_type[media] = continuity->payload_type[media];
		seed->ssrc[media] = continuity->ssrc[media];
		seed->first_timestamp[media] = continuity->timestamp_offset[media];
		seed->first_sequence[media] = continuity->sequence[media];
	}
	seed->first_picture_id = continuity->picture_id;
	seed->first_tl0picidx = continuity->tl0picidx;
	seed->is_continued = true;
}

void dh_continuity_seed_move(struct dh_continuity_seed *seed, int64_t ticks)
{
	seed->first_timestamp[DH_AUDIO] += (uint32_t)(ticks / DH_TICKS_PER_AUDIO_SAMPLE);
	seed->first_timestamp[DH_VIDEO] += (uint32_t)(ticks / DH_TICKS_PER_VIDEO_CLOCK);
}

void dh_continuity_next_picture(struct dh_continuity *continuity, uint32_t flags, struct dh_vp8_picture *picture)
{
	memset(picture, 0, sizeof *picture);
	picture->picture_id = continuity->picture_id;
	continuity->picture_id = (continuity->picture_id + 1) & PICTURE_ID_MASK;
	picture->is_non_reference = (flags & DH_UNIT_DROPPABLE) != 0;
	if (flags & DH_UNIT_ENTRY) {
		picture->tl0picidx = continuity->tl0picidx++;
		continuity->is_behind_base = true;
		return;
	}
	picture->tl0picidx = (uint8_t)(continuity->tl0picidx - 1);
	picture->tid = 1;
	picture->is_layer_sync = continuity->is_behind_base;
	continuity->is_behind_base &= picture->is_non_reference;
}

void dh_continuity_rewind(struct dh_continuity *continuity, uint8_t tl0picidx)
{
	continuity->tl0picidx = tl0picidx;
}

static void put_be32(uint8_t *out, uint32_t value)
{
	out[0] = (uint8_t)(value >> 24);
	out[1] = (uint8_t)(value >> 16);
	out[2] = (uint8_t)(value >> 8);
	out[3] = (uint8_t)value;
}

void dh_continuity_next_header(struct dh_continuity *continuity, enum dh_media media, int64_t media_ticks, bool marker,
	uint8_t out[DH_RTP_HEADER_SIZE])
{
	uint16_t sequence = dh_continuity_next_sequence(continuity, media);
	out[0] = RTP_VERSION_2;
	out[1] = (uint8_t)((marker ? RTP_MARKER : 0) | continuity->payload_type[media]);
	out[2] = (uint8_t)(sequence >> 8);
	out[3] = (uint8_t)sequence;
	put_be32(out + 4, dh_continuity_timestamp(continuity, media, media_ticks));
	put_be32(out + 8, continuity->ssrc[media]);
}
