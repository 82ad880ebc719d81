/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header of an encoded VP8 frame (RFC 6386, sections 9 and 19.2). Pure; any
 * bytes are safe.
 */
#ifndef DH_VP8_HEADER_H
#define DH_VP8_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dh_vp8_header {
	bool is_key, is_shown;
	int version;
	int width, height; /* key frames only, else 0 */
	bool has_segmentation;
	int filter_type, filter_level, sharpness;
	bool has_deltas, has_delta_update;
	int ref_delta[4], mode_delta[4]; /* what this header sets … */
	unsigned ref_set, mode_set;      /* … and which of them (bit i) */
	int quantizer;                   /* y_ac_qi, 0 to 127 */
	bool refresh_golden, refresh_alternate, refresh_entropy, refresh_last;
	int copy_to_golden, copy_to_alternate; /* as in the bitstream; 0: no copy */
	bool sign_bias_golden, sign_bias_alternate;
};

/* 0, or -EBADMSG: not a VP8 frame. */
int dh_vp8_header_parse(struct dh_vp8_header *header, const uint8_t *bytes, size_t size);

#endif
