/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From any number of channels to one, with speech at its level wherever it lies: in the
 * middle of a stereo pair, in a centre channel, or in a pair whose channels are each other's
 * negative, which would cancel out. Private to sound.c.
 */
#ifndef DH_MIX_H
#define DH_MIX_H

#include <stdbool.h>

#include <libavutil/frame.h>
#include <libswresample/swresample.h>

#include "fault.h"

/* Zero-initialise it. */
struct dh_mix {
	bool was_inverted; /* one channel of a pair was taken, at least for a while */
	/* private */
	bool is_pair, is_wide; /* two channels; more */
	bool is_inverted;
	int rate;
	float left;       /* how much more of the left channel is taken, 0 to 1 */
	double mid, side; /* energy of the sum and of the difference, lately */
};

/* Opens a converter for sound like `frame`, to interleaved floats of the same rate. */
int dh_mix_open(struct dh_mix *mix, SwrContext **swr, const AVFrame *frame, struct dh_fault *fault);

/* How many channels it yields. */
int dh_mix_channels(const struct dh_mix *mix);

/* Mixes `count` samples of what it yielded, in place. */
void dh_mix_down(struct dh_mix *mix, float *samples, int count);

#endif
