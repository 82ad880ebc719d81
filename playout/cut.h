/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an interruption cuts, and where. */
#ifndef DH_CUT_H
#define DH_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "order.h"

enum dh_cut_mode {
	DH_CUT_NOW = 0,   /* what plays ends at the next slot */
	DH_CUT_WORD,      /* at the end of the word that sounds */
	DH_CUT_SEGMENT,   /* it is played to its end */
	DH_CUT_UTTERANCE, /* the same, and with it the rest of its utterance */
};

/* Zeroed: all, now. A segment must match everything that is given. */
struct dh_cut {
	enum dh_cut_mode mode;
	const char *segment;   /* its id, or that of a segment whose rest it says; NULL: any */
	const char *utterance; /* NULL: any */
	bool has_priority;
	enum dh_priority priority; /* this one alone */
	/* WORD: where the word ends, in the playing segment's own time (dh_playout_position_ticks), and how
	 * much later than now that may be at most */
	int64_t word_end_ticks, word_ticks;
};

struct dh_cut_result {
	int dropped;       /* how many end, the playing one included if it is cut */
	int64_t cut_ticks; /* WORD, NOW: when the playing one is cut, in media time; -1: it is not */
};

#endif
