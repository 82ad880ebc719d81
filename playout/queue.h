/* The waiting segments of a room: first in, first out, with limits. */
#ifndef DH_QUEUE_H
#define DH_QUEUE_H

#include "segment.h"

struct dh_queue_limits {
	int segments;   /* that wait */
	int64_t ticks;  /* of media known to wait; checked when one comes */
	size_t bytes;   /* of units that wait; checked when one comes */
};

/* Zeroed is empty. */
struct dh_queue {
	struct dh_segment **at; /* at[0] is next */
	size_t count, capacity;
};

/* Takes the segment. -ENOBUFS beyond a limit, -ENOMEM. */
int dh_queue_push(struct dh_queue *queue, struct dh_segment *segment, const struct dh_queue_limits *limits);

/* Gives back the segment at `index`, which leaves the queue. */
struct dh_segment *dh_queue_take(struct dh_queue *queue, size_t index);

/* Position of the segment of that id, -ENOENT where none is. */
long dh_queue_find(const struct dh_queue *queue, const char *id);

/* Frees all segments. */
void dh_queue_clear(struct dh_queue *queue);

#endif
