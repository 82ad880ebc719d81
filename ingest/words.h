/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of a segment and when each sounds, as JSON: [["Hello",0,320],…], in milliseconds
 * from the segment's start, in order. In requests, in the first line of a push, and in lines
 * {"words":[…]} between the records of a stream.
 *
 * Pure; any thread.
 */
#ifndef DH_WORDS_H
#define DH_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "playout/stream.h"

/* Bytes between a word and the next one in which that is looked for. */
#define DH_WORDS_NEARBY 200

/* NULL: `words` is such an array, and its first word begins no sooner than `from_ticks`; else
 * what is expected. */
const char *dh_words_check(const json_t *words, int64_t from_ticks);

/* A word of an array that was checked. */
void dh_words_get(const json_t *words, size_t index, struct dh_stream_word *word);

/* Parses a line. The caller gets a reference to its array; NULL: *why says what is expected. */
json_t *dh_words_from_line(const char *json, size_t size, int64_t from_ticks, const char **why);

/* Whether it is written without spaces between words, as Chinese and Japanese are. Hangul is as wide, but has them. */
bool dh_words_is_ideograph(gunichar character);
/* Whether a word may end between two characters (`after` 0: at the text's end); ideographs are words. */
bool dh_words_end_between(gunichar before, gunichar after);

/* Where `word` is in `text`, as a word of its own, not a part of another one, at most `nearby`
 * bytes behind `from`. NULL: it is not there. */
const char *dh_words_find(const GString *text, size_t from, size_t nearby, const char *word);

#endif
