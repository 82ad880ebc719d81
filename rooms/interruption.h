/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupting a room, putting it on hold, and going on: for requests, and for whoever else notices that
 * it should fall silent. docs/api.md says what each does.
 */
#ifndef DH_INTERRUPTION_H
#define DH_INTERRUPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "playout/cut.h"

struct dh_room;

#define DH_WORD_MS       500 /* how much later the end of a word may be at most, unless said otherwise */
#define DH_WORD_MS_MAX   5000
#define DH_REGRET_MS     500
#define DH_REGRET_MS_MAX 10000

/* Which part of a segment goes on. */
enum dh_resume_at { DH_RESUME_ENTRY, DH_RESUME_WORD, DH_RESUME_SENTENCE };

/* What to interrupt; strings are borrowed. dh_room_cut_init: all, now. */
struct dh_room_cut {
	enum dh_cut_mode mode;
	int64_t word_ms;                 /* of mode WORD */
	const char *segment, *utterance; /* NULL: any */
	bool has_priority;
	enum dh_priority priority;
	int64_t asked_us; /* when it was asked for (g_get_monotonic_time); dh_room_cut_init sets it */
};
void dh_room_cut_init(struct dh_room_cut *cut);
/* "now", "word", "segment", "utterance"; "entry", "word", "sentence". False: none of them. */
bool dh_cut_mode_parse(const char *name, enum dh_cut_mode *mode);
bool dh_resume_at_parse(const char *name, enum dh_resume_at *at);

/* --- any thread but the room's. They wait for it, and return -ETIMEDOUT (nothing has changed) or -ECANCELED
 * (the room has ended). On success *reply, unless `reply` is NULL, is a new reference to the answer's
 * fields. */

/* -ENOENT: the segment or utterance is not there any more. */
int dh_room_interrupt(struct dh_room *room, const struct dh_room_cut *cut, json_t **reply);
/* -ENOENT: nothing plays; -EALREADY: it is on hold. */
int dh_room_hold(struct dh_room *room, int64_t regret_ms, json_t **reply);
/* -ENOENT: nothing is on hold; so, too: */
int dh_room_resume(struct dh_room *room, enum dh_resume_at at, json_t **reply);
/* The hold was an interruption of all, after all. */
int dh_room_discard(struct dh_room *room, json_t **reply);

/* --- the same, posted: any thread, never waits. Nothing happens if there is nothing to do. */

void dh_room_post_interrupt(struct dh_room *room, const struct dh_room_cut *cut);
void dh_room_post_hold(struct dh_room *room, int64_t regret_ms, int64_t asked_us);
void dh_room_post_resume(struct dh_room *room, enum dh_resume_at at);
void dh_room_post_discard(struct dh_room *room);

/* --- the same in the room's thread; errors as above */

int dh_room_cut_now(struct dh_room *room, const struct dh_room_cut *cut, struct dh_cut_result *result);
int dh_room_hold_now(struct dh_room *room, int64_t regret_ms, int64_t asked_us);
int dh_room_resume_now(struct dh_room *room, enum dh_resume_at at);
int dh_room_discard_now(struct dh_room *room, struct dh_cut_result *result);

#endif
