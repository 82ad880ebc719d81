/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a microphone hears what the room has just sent, by levels alone.
 *
 * What a loudspeaker says comes back later and at another level, and both are unknown. So for each delay
 * the most that can come back with it is learnt: an echo is never louder than what the microphone
 * hears, so wherever it hears less, less comes back. In the beginning anything may; after half
 * a second of a silent microphone beside an avatar that speaks, nothing can. What is not clearly
 * louder than the most that can come back is explained by it, and so is what rises and falls with
 * what was sent: a loudspeaker has been turned up.
 *
 * Levels as in activity.h. Pure. A dh_sent belongs to one writer; any thread may read it.
 */
#ifndef DH_ECHO_H
#define DH_ECHO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "timebase.h"

#define DH_SENT_SLOTS 128 /* of 20 ms: two and a half seconds */
#define DH_ECHO_LAGS  32  /* the longest delay: from a packet that leaves to its echo that comes */

/* The levels of what a room has sent, by the 20 ms of the clock in which it left. Zeroed is empty. */
struct dh_sent {
	_Atomic uint64_t slots[DH_SENT_SLOTS];
};

/* `level` of the sound that left at `now_ticks`. */
void dh_sent_put(struct dh_sent *sent, int level, int64_t now_ticks);
/* DH_LEVEL_SILENCE where nothing left. `slot`: ticks / DH_SLOT_TICKS. */
float dh_sent_level(const struct dh_sent *sent, int64_t slot);

/* Of one microphone. Zero it, then call dh_echo_init. */
struct dh_echo {
	float most[DH_ECHO_LAGS];   /* by delay: how much louder it is than what was sent, at most */
	float heard[DH_SENT_SLOTS]; /* the last levels, by slot */
	int64_t slot;               /* the last one; 0: none yet */
};

void dh_echo_init(struct dh_echo *echo);

/* The microphone hears `level` in `slot`, which is higher than the one before. True: what was sent explains it. */
bool dh_echo_explains(struct dh_echo *echo, const struct dh_sent *sent, float level, int64_t slot);

/* Whether what was heard in the last frames, of which `voiced` (at most DH_SENT_SLOTS / 2) are a voice, rises and falls
 * with what was sent. If it does, that much comes back. */
bool dh_echo_correlates(struct dh_echo *echo, const struct dh_sent *sent, int voiced);

#endif
