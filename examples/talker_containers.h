/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that NUT and Matroska put around raw pictures and sound. */
#ifndef DH_TALKER_CONTAINERS_H
#define DH_TALKER_CONTAINERS_H

#include "talker_bytes.h"
#include "talker_format.h"

struct dh_mux_frame {
	int64_t number;       /* of the picture, from 0 */
	size_t picture_size;  /* bytes */
	int64_t first_sample; /* of the sound that goes with it, from 0 */
	size_t sound_size;    /* bytes; 0: none */
};

/* Each appends to its `bytes`; `before_sound` stays empty without sound. */
void dh_nut_header(struct dh_bytes *bytes, const struct dh_mux_format *format);
void dh_nut_frame(struct dh_bytes *before_picture, struct dh_bytes *before_sound, const struct dh_mux_format *format,
	const struct dh_mux_frame *frame);
/* A word, with all that belongs to it; `ms`: when it begins. */
void dh_nut_word(struct dh_bytes *bytes, const struct dh_mux_format *format, int64_t ms, const char *text);
void dh_matroska_word(struct dh_bytes *bytes, int64_t ms, const char *text);
/* The index after `frames` pictures, where demuxers look for the length. */
void dh_nut_end(struct dh_bytes *bytes, const struct dh_mux_format *format, int64_t frames);

void dh_matroska_header(struct dh_bytes *bytes, const struct dh_mux_format *format);
void dh_matroska_frame(struct dh_bytes *before_picture, struct dh_bytes *before_sound,
	const struct dh_mux_format *format, const struct dh_mux_frame *frame);

#endif
