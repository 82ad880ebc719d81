/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t waiting_ticks(const struct dh_segment *segment)
{
	int64_t whole = dh_segment_duration_ticks(segment, DH_DURATION_LONGEST);
	return whole >= 0 ? whole : dh_segment_known_ticks(segment);
}

static bool is_full(const struct dh_queue *queue, const struct dh_queue_limits *limits)
{
	int64_t ticks = 0;
	size_t bytes = 0;
	for (size_t i = 0; i < queue->count; i++) {
		ticks += waiting_ticks(queue->at[i]);
		bytes += dh_segment_bytes(queue->at[i]);
	}
	return queue->count >= (size_t)limits->segments || ticks > limits->ticks || bytes > limits->bytes;
}

/* Behind the last one. */
static int make_space(struct dh_queue *queue)
{
	size_t taken = queue->memory ? (size_t)(queue->at - queue->memory) : 0;
	if (taken + queue->count < queue->capacity)
		return 0;
	if (taken <= queue->capacity / 2) {
		size_t capacity = queue->capacity ? queue->capacity * 2 : 16;
		struct dh_segment **memory = realloc(queue->memory, capacity * sizeof *memory);
		if (!memory)
			return -ENOMEM;
		queue->memory = memory;
		queue->capacity = capacity;
	}
	memmove(queue->memory, queue->memory + taken, queue->count * sizeof *queue->memory);
	queue->at = queue->memory;
	return 0;
}

int dh_queue_push(struct dh_queue *queue, struct dh_segment *segment, const struct dh_queue_limits *limits)
{
	if (is_full(queue, limits))
		return -ENOBUFS;
	int err = make_space(queue);
	if (err)
		return err;
	queue->at[queue->count++] = segment;
	return 0;
}

void dh_queue_move_last(struct dh_queue *queue, size_t index)
{
	struct dh_segment *last = queue->at[queue->count - 1];

	memmove(queue->at + index + 1, queue->at + index, (queue->count - 1 - index) * sizeof *queue->at);
	queue->at[index] = last;
}

struct dh_segment *dh_queue_take(struct dh_queue *queue, size_t index)
{
	struct dh_segment *segment = queue->at[index];
	queue->count--;
	if (index == 0)
		queue->at++;
	else
		memmove(queue->at + index, queue->at + index + 1, (queue->count - index) * sizeof *queue->at);
	return segment;
}

long dh_queue_find(const struct dh_queue *queue, const char *id)
{
	for (size_t i = 0; i < queue->count; i++)
		if (!strcmp(dh_segment_id(queue->at[i]), id))
			return (long)i;
	return -ENOENT;
}

void dh_queue_clear(struct dh_queue *queue)
{
	while (queue->count)
		dh_segment_free(&queue->at[--queue->count]);
	free(queue->memory);
	*queue = (struct dh_queue){ 0 };
}
