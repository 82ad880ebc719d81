/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pipes between the workers of an utterance's pieces: the end of each piece's sound goes through
 * one to the worker of the piece behind it (prepare/tail.h). Pieces come in any order, so one end
 * of a pipe waits here for its worker. A worker whose pipe is closed at the other end goes on
 * without. The room's thread.
 */
#ifndef DH_SEAMS_H
#define DH_SEAMS_H

#include <stdbool.h>
#include <stdint.h>

/* Ends that wait, in one room. The oldest is closed for another one. */
#define DH_SEAMS_MAX 64

struct dh_seams;

struct dh_seams *dh_seams_new(void);
void dh_seams_free(struct dh_seams **seams); /* *seams may be NULL */

/* The end of a pipe from the piece before `index`, or of one to the piece behind it; the caller
 * owns it. -1: no descriptor is free. */
int dh_seams_lead(struct dh_seams *seams, const char *utterance, int64_t index);
int dh_seams_tail(struct dh_seams *seams, const char *utterance, int64_t index);

/* Pieces `index` to `index` + `count` - 1 have ended, or will not come. */
void dh_seams_pass(struct dh_seams *seams, const char *utterance, int64_t index, int64_t count);
/* Nothing of the utterance plays or waits. */
void dh_seams_forget(struct dh_seams *seams, const char *utterance);

/* How many ends wait. */
int dh_seams_count(const struct dh_seams *seams);

#endif
