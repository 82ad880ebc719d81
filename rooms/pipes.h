/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pipes between the workers of an utterance's pieces: the end of each piece's sound goes through
 * one to the worker of the piece behind it (prepare/tail.h). Pieces come in any order, so one end
 * of a pipe waits here for its worker. A worker whose pipe is closed at the other end goes on
 * without. The room's thread.
 */
#ifndef DH_PIPES_H
#define DH_PIPES_H

#include <stdbool.h>
#include <stdint.h>

/* Ends that wait, in one room. The oldest is closed for another one. */
#define DH_PIPES_MAX 64

struct dh_pipes;

struct dh_pipes *dh_pipes_new(void);
void dh_pipes_free(struct dh_pipes **pipes); /* *pipes may be NULL */

/* The end of a pipe from the piece before `index`, or of one to the piece behind it; the caller
 * owns it. -1: no descriptor is free. */
int dh_pipes_lead(struct dh_pipes *pipes, const char *utterance, int64_t index);
int dh_pipes_tail(struct dh_pipes *pipes, const char *utterance, int64_t index);

/* Pieces `index` to `index` + `count` - 1 have ended, or will not come. */
void dh_pipes_pass(struct dh_pipes *pipes, const char *utterance, int64_t index, int64_t count);
/* Nothing of the utterance plays or waits. */
void dh_pipes_forget(struct dh_pipes *pipes, const char *utterance);

/* How many ends wait. */
int dh_pipes_count(const struct dh_pipes *pipes);

#endif
