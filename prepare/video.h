/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Anchored VP8: one key frame K (the anchor), then frames that never change golden
 * frame, alternate frame or entropy state. Entry frames predict from K alone, so a
 * decoder that holds K can start at any entry of any segment with the same K.
 *
 * All encoders of an avatar start the same way, so the same picture and bit rate give
 * the same K, byte for byte; see video.c.
 */
#ifndef DH_VIDEO_H
#define DH_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "playout/qualities.h"
#include "playout/unit.h"

struct dh_video_config {
	int width, height;          /* as coded; even, DH_STREAM_SIDE_MIN to DH_STREAM_SIDE_MAX */
	bool has_matte;             /* see playout/matte.h */
	int kbps[DH_QUALITIES_MAX]; /* of the film's qualities; K suits the lowest */
	int quality;                /* which of them this is */
	int64_t entry_ticks;        /* distance between entry frames */
	int64_t frame_ticks;        /* usual distance between pictures, for the rate control */
	bool is_temporal;           /* every second picture behind an entry is droppable */
	int speed,
		speed_later; /* of the first second, K apart, and of the rest: DH_SPEED_MIN to DH_SPEED_MAX (job.h) */
	/* K as the avatar's encoder made it, or NULL; borrowed until the video is made. If it is what comes
	 * out at its quantizer, it is K, and nothing is searched. */
	const uint8_t *known_anchor;
	size_t known_anchor_size;
	bool is_short; /* a second at most: finer pictures from the first one on, whatever the bit rate */
};

struct dh_video;

/* Encodes K. `anchor`: its picture, I420 of the configured size; copied. */
int dh_video_alloc(struct dh_video **video, const struct dh_video_config *config, const uint8_t *anchor,
	struct dh_fault *fault);
void dh_video_free(struct dh_video **video);

/* K's bytes, valid as long as the encoder. */
const uint8_t *dh_video_anchor(const struct dh_video *video, size_t *size);

/* Encodes one picture (I420 as above), in rising order of pts. The first is an entry,
 * then one every entry_ticks. The caller owns *unit, whose luma is not set. If the
 * guard refuses a frame, the encoder restarts from K and the picture becomes an
 * entry. `better`: the picture as the encoder of a better quality made it, which decides what kind of picture it is,
 * and whose flags it gets; NULL: this is the best one. */
int dh_video_encode(struct dh_video *video, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	const struct dh_unit *better, struct dh_unit **unit, struct dh_fault *fault);

/* How often the guard made the encoder restart, and why the last time (or NULL). */
int dh_video_restarts(const struct dh_video *video, const char **why);

/* K's quantizer on libvpx's scale, 0 to 63. */
int dh_video_anchor_quantizer(const struct dh_video *video);

#endif
