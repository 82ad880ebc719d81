/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a connection is still being read: one on a slow line is given time, as long as
 * something of what it is sent arrives, but in all no more than a very slow line needs. Any
 * thread.
 */
#ifndef DH_PUSH_WAIT_H
#define DH_PUSH_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes a second: a line that is slower than this is too slow. */
#define DH_PUSH_READ_RATE 16384

struct dh_push_wait {
	int64_t until_us; /* whatever is read */
	/* when it was last looked at */
	uint64_t sent; /* bytes that the socket has taken, since the connection began */
	int unread;    /* of these, as the socket counts them, those that have not arrived */
};

/* `bytes` are to be read from `now_us` on. */
void dh_push_wait_begin(struct dh_push_wait *wait, int64_t now_us, uint64_t bytes);
/* Progress is counted from here. */
void dh_push_wait_mark(struct dh_push_wait *wait, uint64_t sent, int unread);
/* Whether there has been progress since this was last called, or since the mark, and there is time
 * left. */
bool dh_push_wait_goes_on(struct dh_push_wait *wait, int64_t now_us, uint64_t sent, int unread);

#endif
