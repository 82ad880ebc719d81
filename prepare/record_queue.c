/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "record_wire.h"

struct dh_record_queue {
	int socket;
	pthread_t thread;
	size_t bytes_max;
	int64_t epoch_us; /* Unix time when the monotonic clock was 0 */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* protected by lock */
	struct dh_record_message *first, **end;
	size_t bytes;
	uint64_t dropped;
	bool is_over;
};

static int64_t now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void put(struct dh_record_queue *queue, const uint8_t *bytes, size_t size)
{
	struct dh_record_message *message = malloc(sizeof(*message) + size);

	if (message) {
		*message = (struct dh_record_message){ .received_us = queue->epoch_us + now_us(CLOCK_MONOTONIC),
			.size = size };
		memcpy(message->bytes, bytes, size);
	}
	pthread_mutex_lock(&queue->lock);
	if (message && queue->bytes + size <= queue->bytes_max) {
		*queue->end = message;
		queue->end = &message->next;
		queue->bytes += size;
		message = NULL;
		pthread_cond_signal(&queue->changed);
	} else {
		queue->dropped++;
	}
	pthread_mutex_unlock(&queue->lock);
	free(message);
}

static void *read_all(void *arg)
{
	struct dh_record_queue *queue = arg;
	uint8_t bytes[DH_RECORD_MESSAGE_MAX];
	ssize_t size;

	do {
		size = recv(queue->socket, bytes, sizeof(bytes), 0);
		if (size > 0)
			put(queue, bytes, (size_t)size);
	} while (size > 0 || (size < 0 && errno == EINTR));
	pthread_mutex_lock(&queue->lock);
	queue->is_over = true;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

int dh_record_queue_alloc(struct dh_record_queue **out, int socket, size_t bytes_max)
{
	struct dh_record_queue *queue = calloc(1, sizeof(*queue));

	*out = queue;
	if (!queue)
		return -ENOMEM;
	queue->socket = socket;
	queue->bytes_max = bytes_max;
	queue->epoch_us = now_us(CLOCK_REALTIME) - now_us(CLOCK_MONOTONIC);
	queue->end = &queue->first;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	int err = pthread_create(&queue->thread, NULL, read_all, queue);
	if (err) {
		free(queue);
		*out = NULL;
	}
	return -err;
}

struct dh_record_message *dh_record_queue_take(struct dh_record_queue *queue)
{
	struct dh_record_message *message;

	pthread_mutex_lock(&queue->lock);
	while (!queue->first && !queue->is_over)
		pthread_cond_wait(&queue->changed, &queue->lock);
	message = queue->first;
	if (message) {
		queue->first = message->next;
		queue->end = queue->first ? queue->end : &queue->first;
		queue->bytes -= message->size;
	}
	pthread_mutex_unlock(&queue->lock);
	return message;
}

uint64_t dh_record_queue_dropped(struct dh_record_queue *queue)
{
	uint64_t dropped;

	pthread_mutex_lock(&queue->lock);
	dropped = queue->dropped;
	pthread_mutex_unlock(&queue->lock);
	return dropped;
}

void dh_record_queue_free(struct dh_record_queue **queue)
{
	struct dh_record_queue *old = *queue;

	*queue = NULL;
	if (!old)
		return;
	pthread_join(old->thread, NULL);
	pthread_cond_destroy(&old->changed);
	pthread_mutex_destroy(&old->lock);
	free(old);
}
