/* Anchored VP8: one key frame K (the anchor), then pictures of which every
 * entry frame predicts from K alone and nothing but K is ever kept in the
 * golden frame, the alternate frame and the entropy state. So a decoder that
 * holds K can be put on any entry of any segment with the same K.
 *
 * Every encoder of an avatar starts the same way, so that K comes out byte for
 * byte the same from the same picture and bit rate; see video.c.
 */
#ifndef DH_VIDEO_H
#define DH_VIDEO_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "playout/unit.h"

struct dh_video_config {
	int width, height;    /* even, DH_STREAM_SIDE_MIN to DH_STREAM_SIDE_MAX */
	int kbps;
	int64_t entry_ticks;  /* distance of entry frames */
	int64_t frame_ticks;  /* how far pictures are usually apart, for the rate control */
};

struct dh_video;

/* `anchor`: I420 of the configured size without padding; copied. Encodes K. */
int dh_video_alloc(struct dh_video **video, const struct dh_video_config *config, const uint8_t *anchor,
	struct dh_fault *fault);
void dh_video_free(struct dh_video **video);

/* K's bytes; they live as long as the encoder. */
const uint8_t *dh_video_anchor(const struct dh_video *video, size_t *size);

/* Encodes one picture (I420 as above); pts rise. The first is an entry, and
 * then one every entry_ticks. The unit's duration is `duration_ticks`, its luma
 * not yet set. The guard has passed it: where it refuses a frame, a new encoder
 * is started from K and the picture becomes an entry of its own. */
int dh_video_encode(struct dh_video *video, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	struct dh_unit **unit, struct dh_fault *fault);

/* How often the guard made it start again, and why the last time (or NULL). */
int dh_video_restarts(const struct dh_video *video, const char **why);

/* Quantizer of K on libvpx's scale (0 to 63). */
int dh_video_anchor_quantizer(const struct dh_video *video);

#endif
