/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a sound, for the sound that goes on from it: pieces of one utterance are encoded by
 * workers of their own, and yet sound like one.
 *
 * Packets have 20 ms, pieces have not. So the last one or two packets of a piece are encoded
 * once more, by the worker of the piece that follows, with the beginning of that piece in
 * them. They need not have been played: a room plays either those or these (playout/stream.h,
 * LEAD). The worker gets the last samples of the earlier piece as they were before they were
 * resampled, and some before them, from which resampler and encoder get into the state that
 * they would be in had there been no seam.
 *
 * It goes through a pipe from worker to worker, as one message of the fields of struct dh_tail
 * in the machine's own order. Who reads it trusts none of it.
 */
#ifndef DH_TAIL_H
#define DH_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#define DH_TAIL_SAMPLES 8192  /* at most */
#define DH_TAIL_RATE    48000 /* the highest; faster sound leaves no tail */

struct dh_tail {
	int32_t magic;
	int32_t rate;    /* of `samples` */
	int32_t from;    /* where they begin, in samples at 48 kHz from time 0 of what follows */
	int32_t lead;    /* samples at 48 kHz from there to the end, 1 to DH_VOICE_LEAD_MAX */
	int32_t packets; /* that the earlier sound had in all */
	int32_t count;
	float samples[DH_TAIL_SAMPLES];
};

/* The latest samples of a sound. Zeroed: none. */
struct dh_tail_keeper {
	int rate;
	int64_t start; /* where the run began, in samples at 48 kHz */
	int64_t first; /* the number, in its run, of the first that is kept */
	int count;
	float samples[2 * DH_TAIL_SAMPLES];
};

/* A run of samples without gaps begins. */
void dh_tail_begin(struct dh_tail_keeper *keeper, int rate, int64_t start);
/* It turns out that they were heard so many samples at 48 kHz later: sound was stretched. */
void dh_tail_move(struct dh_tail_keeper *keeper, int64_t samples);
void dh_tail_keep(struct dh_tail_keeper *keeper, const float *samples, int count);

/* Of a sound that has ended after `length` samples at 48 kHz. False: it is too short, or too
 * fast. */
bool dh_tail_make(struct dh_tail *tail, const struct dh_tail_keeper *keeper, int64_t length);

/* Writes it, never waiting; what is not taken makes it invalid. */
void dh_tail_write(const struct dh_tail *tail, int fd);

/* Waits at most `wait_ms` for a tail; 0: only looks. 1: it is there; 0: not yet; -1: there will be
 * none. *size: what has come so far, 0 at first. */
int dh_tail_read(struct dh_tail *tail, int fd, int wait_ms, int *size);

#endif
