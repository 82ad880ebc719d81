/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The waiting segments of a room, within limits, in the order in which they play:
 * by priority, those of equal priority in the order in which they came, but pieces of an
 * utterance together and by their index.
 */
#ifndef DH_QUEUE_H
#define DH_QUEUE_H

#include "segment.h"

struct dh_queue_limits {
	int segments; /* waiting segments */
	/* A segment is accepted while those that already wait have at most this: */
	int64_t ticks; /* known media */
	size_t bytes;  /* of units */
};

/* Zeroed is empty. */
struct dh_queue {
	struct dh_segment **at; /* at[0] is next */
	size_t count;
	/* private */
	struct dh_segment **memory; /* `at` points into it: taking the first moves nothing */
	size_t capacity;
};

/* Puts the segment at position `at`, 0 to the queue's count. Takes ownership of it on
 * success. -ENOBUFS: a limit is reached; -ENOMEM. */
int dh_queue_insert(struct dh_queue *queue, struct dh_segment *segment, size_t at,
	const struct dh_queue_limits *limits);

/* Removes the segment at `index`. The caller owns it. */
struct dh_segment *dh_queue_take(struct dh_queue *queue, size_t index);

/* Moves `count` segments from position `from` so that they come before what is at position
 * `to` now (the queue's count: to the end). `to` is not among them. */
void dh_queue_move(struct dh_queue *queue, size_t from, size_t count, size_t to);

/* The position of the segment with that id; -ENOENT. */
long dh_queue_find(const struct dh_queue *queue, const char *id);

/* Pieces of an utterance are neighbours: *from is the position of its first, and the
 * result how many there are. */
size_t dh_queue_utterance(const struct dh_queue *queue, const char *utterance, size_t *from);

/* The positions before the first and after the last segment of a priority. */
size_t dh_queue_first(const struct dh_queue *queue, enum dh_priority priority);
size_t dh_queue_end(const struct dh_queue *queue, enum dh_priority priority);

/* Media known of all that wait, with repetitions. */
int64_t dh_queue_ticks(const struct dh_queue *queue);

/* Their units. */
size_t dh_queue_bytes(const struct dh_queue *queue);

/* Frees all segments; the queue is empty and may be used again. */
void dh_queue_clear(struct dh_queue *queue);

#endif
