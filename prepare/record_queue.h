/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between the socket, which is read at once, and the files, which may be slow. */
#ifndef DH_RECORD_QUEUE_H
#define DH_RECORD_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct dh_record_queue;

struct dh_record_message {
	struct dh_record_message *next;
	int64_t received_us; /* Unix time, but for steps of the clock since the queue began */
	size_t size;
	uint8_t bytes[];
};

/* Starts a thread that reads `socket` to its end. Messages wait, up to `bytes_max` of them; further ones are
 * dropped. */
int dh_record_queue_alloc(struct dh_record_queue **queue, int socket, size_t bytes_max);
/* The next message (free it), after waiting for it; NULL at the end. */
struct dh_record_message *dh_record_queue_take(struct dh_record_queue *queue);
/* How many have been dropped. */
uint64_t dh_record_queue_dropped(struct dh_record_queue *queue);
/* After the end. */
void dh_record_queue_free(struct dh_record_queue **queue);

#endif
