/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of a subtitle cue, and its words. Pure. */
#ifndef DH_CUE_H
#define DH_CUE_H

#include <stdbool.h>
#include <stddef.h>

/* Turns the text of an ASS event into plain text, in place: no tags, no drawings, no line breaks
 * or other control characters, and nothing that is not UTF-8. */
void dh_cue_clean(char *text);

struct dh_cue_word {
	const char *text; /* in the cue's */
	size_t size;      /* bytes */
	int characters;
	bool is_apart; /* there is a space before it */
};

/* The next word from *at on, a clean text; moves *at behind it. An ideograph is a word of its own,
 * with the punctuation that follows. False: no more. */
bool dh_cue_next(const char **at, struct dh_cue_word *word);

/* The length of a text in characters, with its spaces between words. */
int dh_cue_length(const char *text);

#endif
