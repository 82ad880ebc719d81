/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a segment says, and how much of it viewers have heard by a certain time.
 *
 * With the times of its words it is known exactly; otherwise in proportion to the time, cut
 * at the end of a word. Refcounted; any thread, and immutable but for dh_script_add,
 * dh_script_add_text and dh_script_cut, which replace *script if others hold it: only for the
 * thread that gives others their references. *script may be NULL.
 */
#ifndef DH_HEARD_H
#define DH_HEARD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "playout/stream.h"

struct dh_script;

/* `words`: as dh_script_check accepts it, or NULL; `text` NULL: the words themselves. NULL if
 * both are. Both are copied. One reference is the caller's. */
struct dh_script *dh_script_new(const char *text, const json_t *words);
struct dh_script *dh_script_ref(struct dh_script *script); /* NULL is allowed, as below */
void dh_script_unref(struct dh_script **script);

/* NULL: `words` is an array of [word, from_ms, to_ms] in order; else what is expected. */
const char *dh_script_check(const json_t *words);

/* More words, in order, as they come with the segment itself; nothing if it was made with words.
 * Without a text they are the text, too. */
void dh_script_add(struct dh_script **script, const struct dh_stream_word *const *words, size_t count);
/* More of its text, which is still being written; nothing if its text consists of its words. */
void dh_script_add_text(struct dh_script **script, const char *text);

/* Somebody else says the rest of its text, which `rest` is; nothing if it does not end so. */
void dh_script_cut(struct dh_script **script, const char *rest);
bool dh_script_is_cut(const struct dh_script *script); /* NULL: it is not */

/* Where the word ends that sounds at `at_ticks`, in the segment's own time: `at_ticks` itself between two
 * words; -1 if it is not known when words sound. */
int64_t dh_script_word_end(const struct dh_script *script, int64_t at_ticks);
/* Where the word (`whole_sentence`: its sentence) begins that sounds at `at_ticks`, or the next one if none
 * does, but never later than `at_ticks`; -1 as above. */
int64_t dh_script_begin(const struct dh_script *script, int64_t at_ticks, bool whole_sentence);

/* A word and when it sounds. */
struct dh_script_word {
	int64_t from_ticks, to_ticks;
	const char *text; /* as the script's text has it, or as it was given; borrowed, until the script changes */
	size_t size;
};
/* False beyond the last that is known. NULL has none. */
bool dh_script_word(const struct dh_script *script, size_t index, struct dh_script_word *word);
/* What the text says from word `first` to the one before word `end`, with punctuation; g_free it. */
char *dh_script_passage(const struct dh_script *script, size_t first, size_t end);

/* What had been heard when `played_ms` had been played from `from_ms` on, as a text that the caller frees
 * (g_free); NULL without a script. `duration_ms`: how long the whole is; -1 while it is not
 * known: then `known_ms` of it are there, and its length is guessed from its text. */
char *dh_script_heard(const struct dh_script *script, int64_t from_ms, int64_t played_ms, int64_t duration_ms,
	int64_t known_ms);

#endif
