/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encoders that keep one key frame in a reference that nothing else updates (anchored coding),
 * behind one interface, for bench/codecs/run. One encoder in a process, one thread. */
#ifndef BENCH_CODER_H
#define BENCH_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
	KEY,
	ENTRY, /* predicts from the first key frame alone */
	REST,  /* predicts from the frame before, too */
	FREE,  /* as the encoder likes: what anchored coding is compared with */
};

struct settings {
	int width, height, fps;
	int quantizer;     /* of the codec's own scale; with kbps the finest one; a key frame's is key_quantizer */
	int key_quantizer; /* of the first frame; 0: quantizer, and nothing changes after the first frame */
	int coarsest;      /* with kbps */
	int kbps;          /* constant bit rate; 0: constant quantizer */
	int speed;         /* the codec's own scale */
	bool is_good;      /* VP8, VP9: the deadline `good` for all but the first frame */
	bool is_anchored;  /* the references are the caller's */
	bool has_entropy;  /* VP9: not error resilient; AV1: frames between entries go on with the entropy state of
	                       * the frame before */
	const char *roi;   /* "": none; else see coder_vpx.c */
	int mouth[4];      /* x, y, width, height */
};

/* Everything that a frame became; valid until the next call. */
struct access_unit {
	const uint8_t *bytes;
	size_t size;
};

struct coder {
	const char *name;
	char fourcc[5];
	int (*open)(const struct settings *settings);
	int (*encode)(const uint8_t *i420, enum kind kind, int64_t number, struct access_unit *unit);
	void (*close)(void);
};

extern const struct coder coder_vp8, coder_vp9, coder_av1, coder_h264;

#endif
