/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words that are spoken, until their pictures are written: the container has them as subtitles, so
 * that the room knows what was heard when it is interrupted.
 */
#ifndef DH_TALKER_SPOKEN_H
#define DH_TALKER_SPOKEN_H

#include <stddef.h>

#include "talker_mux.h"
#include "talker_voice.h"

struct dh_spoken {
	/* private */
	struct dh_word *words;
	size_t count, capacity, written;
};

/* Words that begin `lead_s` later than they say. 0 or -ENOMEM. */
int dh_spoken_add(struct dh_spoken *spoken, double lead_s, const struct dh_word *words, size_t count);
/* Writes those that begin before `until_s`. 0, or as dh_mux_word. */
int dh_spoken_write(struct dh_spoken *spoken, struct dh_mux *mux, double until_s);
void dh_spoken_clear(struct dh_spoken *spoken);

#endif
