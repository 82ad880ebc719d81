/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a segment says, and how much of it viewers have heard by a certain time.
 *
 * With the times of its words it is known exactly; otherwise in proportion to the time, cut
 * at the end of a word. Refcounted; any thread, and immutable but for dh_script_add.
 */
#ifndef DH_HEARD_H
#define DH_HEARD_H

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
 * *script may be NULL: then they are its text, too. Replaces *script if others hold it. Only the
 * thread that gives others their references. */
void dh_script_add(struct dh_script **script, const struct dh_stream_word *const *words, size_t count);

/* What had been heard when `played_ms` had been played, as a text that the caller frees
 * (g_free); NULL without a script. `duration_ms`: how long the whole is; -1 while it is not
 * known: then `known_ms` of it are there, and its length is guessed from its text. */
char *dh_script_heard(const struct dh_script *script, int64_t played_ms, int64_t duration_ms, int64_t known_ms);

#endif
