/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The waiting segments of a room, first in, first out, within limits. */
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

/* Takes ownership of the segment on success. -ENOBUFS: a limit is reached; -ENOMEM. */
int dh_queue_push(struct dh_queue *queue, struct dh_segment *segment, const struct dh_queue_limits *limits);

/* Moves the last one to `index`. */
void dh_queue_move_last(struct dh_queue *queue, size_t index);

/* Removes the segment at `index`. The caller owns it. */
struct dh_segment *dh_queue_take(struct dh_queue *queue, size_t index);

/* The position of the segment with that id; -ENOENT. */
long dh_queue_find(const struct dh_queue *queue, const char *id);

/* Frees all segments; the queue is empty and may be used again. */
void dh_queue_clear(struct dh_queue *queue);

#endif
