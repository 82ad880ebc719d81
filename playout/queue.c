/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t waiting_ticks(const struct dh_segment *segment)
{
	int64_t whole = dh_segment_duration_ticks(segment, DH_DURATION_LONGEST);
	int repeat = dh_segment_order(segment)->repeat;
	if (whole < 0)
		whole = dh_segment_known_ticks(segment);
	int64_t all = repeat > 1 ? whole * repeat : whole, from = dh_segment_order(segment)->from_ticks;
	return all > from ? all - from : 0;
}

int64_t dh_queue_ticks(const struct dh_queue *queue)
{
	int64_t ticks = 0;
	for (size_t i = 0; i < queue->count; i++)
		ticks += waiting_ticks(queue->at[i]);
	return ticks;
}

size_t dh_queue_bytes(const struct dh_queue *queue)
{
	size_t bytes = 0;
	for (size_t i = 0; i < queue->count; i++)
		bytes += dh_segment_bytes(queue->at[i]);
	return bytes;
}

static bool is_full(const struct dh_queue *queue, const struct dh_queue_limits *limits)
{
	return queue->count >= (size_t)limits->segments || dh_queue_bytes(queue) > limits->bytes ||
		dh_queue_ticks(queue) > limits->ticks;
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

int dh_queue_insert(struct dh_queue *queue, struct dh_segment *segment, size_t at, const struct dh_queue_limits *limits)
{
	if (is_full(queue, limits))
		return -ENOBUFS;
	int err = make_space(queue);
	if (err)
		return err;
	memmove(queue->at + at + 1, queue->at + at, (queue->count - at) * sizeof *queue->at);
	queue->at[at] = segment;
	queue->count++;
	return 0;
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

static void reverse(struct dh_segment **at, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct dh_segment *swapped = at[i];
		at[i] = at[count - 1 - i];
		at[count - 1 - i] = swapped;
	}
}

/* Two neighbouring stretches change places when each is reversed, then both together. */
void dh_queue_move(struct dh_queue *queue, size_t from, size_t count, size_t to)
{
	size_t begin = to < from ? to : from, middle = to < from ? from : from + count;
	size_t end = to < from ? from + count : to;
	reverse(queue->at + begin, middle - begin);
	reverse(queue->at + middle, end - middle);
	reverse(queue->at + begin, end - begin);
}

long dh_queue_find(const struct dh_queue *queue, const char *id)
{
	for (size_t i = 0; i < queue->count; i++)
		if (!strcmp(dh_segment_id(queue->at[i]), id))
			return (long)i;
	return -ENOENT;
}

static bool is_of(const struct dh_segment *segment, const char *utterance)
{
	return !strcmp(dh_segment_order(segment)->utterance, utterance);
}

size_t dh_queue_utterance(const struct dh_queue *queue, const char *utterance, size_t *from)
{
	size_t first = 0, end;
	while (first < queue->count && !is_of(queue->at[first], utterance))
		first++;
	for (end = first; end < queue->count && is_of(queue->at[end], utterance);)
		end++;
	*from = first;
	return end - first;
}

size_t dh_queue_first(const struct dh_queue *queue, enum dh_priority priority)
{
	size_t at = 0;
	while (at < queue->count && dh_segment_order(queue->at[at])->priority > priority)
		at++;
	return at;
}

size_t dh_queue_end(const struct dh_queue *queue, enum dh_priority priority)
{
	size_t at = queue->count;
	while (at > 0 && dh_segment_order(queue->at[at - 1])->priority < priority)
		at--;
	return at;
}

void dh_queue_clear(struct dh_queue *queue)
{
	while (queue->count)
		dh_segment_free(&queue->at[--queue->count]);
	free(queue->memory);
	*queue = (struct dh_queue){ 0 };
}
