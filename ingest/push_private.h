/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of a connection; for push.c, which reads, and push_out.c, which writes. */
#ifndef DH_PUSH_PRIVATE_H
#define DH_PUSH_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "push.h"
#include "push_wait.h"

/* Closing a socket that holds unread bytes resets the connection, and the peer might lose
 * the last line. So they are read and thrown away, for at most so long. */
#define DH_PUSH_DRAIN_MS 2000

enum dh_push_state {
	DH_PUSH_LINE,     /* a line is being read */
	DH_PUSH_ASKED,    /* the owner has the line */
	DH_PUSH_MEDIA,    /* the owner reads */
	DH_PUSH_DRAINING, /* everything is sent; what still comes is thrown away */
	DH_PUSH_CLOSED,
};

struct dh_push {
	atomic_int refs;
	/* immutable */
	struct dh_io *io; /* this and the owner are valid until CLOSED */
	const struct dh_push_owner *owner;
	void *arg;
	int line_ms;
	char *peer;
	void *user; /* see dh_push_set_user */
	/* I/O thread */
	enum dh_push_state state;
	GString *line; /* what has come of it */
	GSource *readable, *writable, *timer;
	gsize sent; /* bytes of the first of `out` */
	uint64_t sent_all;
	struct dh_push_wait wait;
	bool wants_line; /* once all is sent */
	/* protected by lock */
	GMutex lock;
	int fd;     /* -1 once closed */
	GQueue out; /* GBytes */
	gsize unsent;
	bool is_ending; /* when all is sent */
	bool is_posted; /* the I/O thread will look at it */
};

/* I/O thread: sends what it can; then ends, or waits for a line, if that is due. */
void dh_push_flush(struct dh_push *push);
/* I/O thread: the same, with time for the peer to read it. */
void dh_push_flush_in_time(struct dh_push *push);
/* I/O thread, when that time is over: whether the peer is reading and gets more of it. */
bool dh_push_is_being_read(struct dh_push *push);
/* I/O thread. */
void dh_push_await_line(struct dh_push *push);

#endif
