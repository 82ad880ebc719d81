/* The header of an encoded VP8 frame (RFC 6386, sections 9 and 19.2). Pure; any
 * bytes are safe.
 */
#ifndef DH_VP8_HEADER_H
#define DH_VP8_HEADER_H

#include <stddef.h>
#include <stdint.h>

struct dh_vp8_header {
	int key, version, show;
	int width, height;          /* key frames only, else 0 */
	int segmentation;
	int filter_type, filter_level, sharpness;
	int delta_enabled, delta_update;
	int ref_delta[4], mode_delta[4]; /* what this header sets ... */
	unsigned ref_set, mode_set;      /* ... and which of them (bit i) */
	int quantizer;              /* y_ac_qi, 0 to 127 */
	int refresh_golden, refresh_alternate;
	int copy_to_golden, copy_to_alternate;
	int sign_bias_golden, sign_bias_alternate;
	int refresh_entropy, refresh_last;
};

/* 0, or -EBADMSG: not a VP8 frame. */
int dh_vp8_header_parse(struct dh_vp8_header *header, const uint8_t *bytes, size_t size);

#endif
