/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room remembers of its utterances: which piece is next, which never come, and
 * which utterances are over. Belongs to its playout's thread.
 */
#ifndef DH_UTTERANCES_H
#define DH_UTTERANCES_H

#include "order.h"

#include <stddef.h>

/* Utterances that nothing waits for any more, and that are still known: a piece that comes
 * too late is recognised. */
#define DH_UTTERANCES_KEPT 64
/* Indices that will never come, for each utterance. */
#define DH_GONE_MAX 64

struct dh_utterance {
	char name[DH_UTTERANCE_MAX + 1];
	enum dh_priority priority; /* of its first piece */
	int64_t next;              /* the index that plays next */
	int64_t highest;           /* the highest index so far; -1: none */
	int64_t last;              /* its last index; -1: not known */
	size_t waiting;            /* pieces in the queue */
	bool is_over;              /* no piece plays any more */
	bool is_cut;               /* it was ended before its time */
	int64_t gone[DH_GONE_MAX]; /* indices that were removed, have failed or expired */
	int gone_count;
};

/* Zeroed is empty. The most recently used come last. */
struct dh_utterances {
	struct dh_utterance **at;
	size_t count, capacity;
};

/* NULL: none of that name is known. */
struct dh_utterance *dh_utterances_find(const struct dh_utterances *utterances, const char *name);
/* Makes one. NULL: no memory. */
struct dh_utterance *dh_utterances_add(struct dh_utterances *utterances, const char *name, enum dh_priority priority);
void dh_utterances_remove(struct dh_utterances *utterances, struct dh_utterance *utterance);
/* Forgets the oldest that nothing waits for, but not `keep` (may be NULL), beyond
 * DH_UTTERANCES_KEPT. */
void dh_utterances_trim(struct dh_utterances *utterances, const struct dh_utterance *keep);
void dh_utterances_clear(struct dh_utterances *utterances);

/* A piece of that order has come: `index` is set. */
void dh_utterance_note(struct dh_utterance *utterance, const struct dh_order *order);
/* Notes that the piece `index` never comes. */
void dh_utterance_lose(struct dh_utterance *utterance, int64_t index);
/* Whether that is so. */
bool dh_utterance_has_lost(const struct dh_utterance *utterance, int64_t index);
/* It comes after all. */
void dh_utterance_regain(struct dh_utterance *utterance, int64_t index);
/* Moves `next` past pieces that never come. */
void dh_utterance_pass(struct dh_utterance *utterance);

#endif
