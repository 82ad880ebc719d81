/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections of generators over real sockets, to a server whose owner does with each line what the line says. */
#ifndef DH_TEST_PUSH_RIG_H
#define DH_TEST_PUSH_RIG_H

#include "ingest/push_server.h"
#include "tests/support/check.h"
#include "tests/support/temp_folder.h"

#include <stdatomic.h>

#define LINE_MS 300       /* where a test waits for the end of it */
#define AWAIT_S 100       /* for all else: long, for busy machines */
#define LARGE   (4 << 20) /* more than a socket holds: what is answered to "large" */

extern struct push_run {
	struct dh_io *io;
	struct dh_push_server *server;
	char folder[TEMP_FOLDER_SIZE], path[96];
	GMutex held; /* see push_join_saying */
	GMutex lock;
	GCond change;
	/* protected by lock */
	int lines, closed, media;
	char last[200];
} f;

/* The program wraps accept4: so many more that fail for want of descriptors. */
extern atomic_int refusals;

/* A connection whose time is over when the test says so. The program wraps dh_io_timer and dh_io_timer_set. */
extern struct push_hand {
	atomic_bool is_used; /* from before the connection begins until it has ended */
	/* I/O thread */
	GSource *timer;
	GSourceFunc over;
	void *arg;
	bool is_set;
} hand;

extern const struct dh_push_owner owner;

void push_start_with(int max, int line_ms);
void push_start(int max);
void push_stop(void);

int push_join(void);
void push_say(int fd, const char *text);
/* What it says is there before its time begins, however late this thread gets a processor. */
int push_join_saying(const char *text);
/* Everything until the other side ends. */
GString *push_hear(int fd);
void push_hear_all(int fd, const char *expected);
void push_await_closed(int count);

#endif
