/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer's data channel, as far as a room sees it: what may be sent on it now, and how long
 * messages are split.
 *
 * The gateway queues without limit, and says when all has been taken (`ready`). So no more than
 * DH_CHANNEL_WINDOW bytes are handed to it in between. What does not fit is dropped: it would
 * be late, and captions that are late are worse than none. Then the channel is behind, and once
 * it is ready again whoever uses it sends the present state. One that is not ready for
 * DH_CHANNEL_STUCK_US counts as closed, until it is.
 *
 * One thread uses it, but dh_channel_ready may be called by another.
 */
#ifndef DH_CHANNEL_H
#define DH_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DH_CHANNEL_WINDOW   65536
#define DH_CHANNEL_STUCK_US 30000000
/* Messages are no longer, in bytes: peers need not take more than 16 KiB (RFC 8831, 6.6). */
#define DH_CHANNEL_MESSAGE_MAX 16000

/* Zero it. */
struct dh_channel {
	/* atomic */
	atomic_int is_ready;   /* it has been ready, and nobody waits for it to be so again */
	atomic_int was_ready;  /* it has been ready, and has not been stuck since */
	atomic_size_t on_way;  /* bytes handed over since it was last ready */
	_Atomic int64_t since; /* CLOCK_MONOTONIC in us: when the first of them were */
	/* owner: who sends */
	bool is_open;
	unsigned missed;   /* messages dropped since the state was last sent */
	unsigned splits;   /* long messages so far */
	uint64_t messages; /* sent, long ones once */
	uint64_t bytes;
	uint64_t dropped;
};

/* All has been taken. True: whoever sends should look at it, because it was not ready before. */
bool dh_channel_ready(struct dh_channel *channel);

/* Whether a message of `size` bytes may be sent at `now_us`; it then counts as sent. Otherwise it
 * is dropped and counted, or the channel is closed now (`is_open`). */
bool dh_channel_take(struct dh_channel *channel, size_t size, int64_t now_us);

/* Whether messages were dropped, and it can take some again. */
bool dh_channel_is_behind(const struct dh_channel *channel);

/* Sends `text`, valid UTF-8, in one piece, or in several, each
 * {"message":N,"part":1,"parts":2,"text":…}: the texts in the order of their parts, put together,
 * are the message. `number`: what tells it from other messages. */
typedef void dh_channel_fn(void *arg, const char *text, size_t size);
void dh_channel_split(const char *text, size_t size, unsigned number, dh_channel_fn *send, void *arg);

#endif
