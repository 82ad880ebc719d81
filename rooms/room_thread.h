/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thread that owns one thing (a room): it runs the commands that others
 * post, in their order, and takes a turn whenever something is due.
 *
 * Only this thread touches the owned thing, from `turn`, `close` and the
 * commands' `run`; so it needs no lock.
 */
#ifndef DH_ROOM_THREAD_H
#define DH_ROOM_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct dh_room_thread;

/* Embed it as the first member of a command. */
struct dh_command {
	/* In the room's thread. A posted command frees itself here. */
	void (*run)(void *owner, struct dh_command *command);
	/* Called instead of `run` once the thread is stopping; any thread. Frees the
	 * command. NULL for called ones. */
	void (*discard)(struct dh_command *command);
	/* private */
	struct dh_command *next;
	pthread_cond_t *done; /* of the caller */
	int state;
};

struct dh_room_thread_owner {
	/* Does what is due at `now_ticks`; returns when the next turn is wanted,
	 * INT64_MAX: after the next command. Commands that arrive together run between
	 * two turns, but a turn comes before the next command once its time has come or
	 * 5 ms have passed. */
	int64_t (*turn)(void *owner, int64_t now_ticks);
	/* The last thing that runs in the thread, at ordinary priority. */
	void (*close)(void *owner);
};

/* CLOCK_MONOTONIC in ticks. */
int64_t dh_now_ticks(void);

/* Starts the thread. `name`: ps shows at most 15 bytes; `realtime`: whether it may be
 * DH_REALTIME_ROOM. An error if the thread cannot be started. */
int dh_room_thread_alloc(struct dh_room_thread **thread, const char *name, bool realtime,
	const struct dh_room_thread_owner *functions, void *owner);

/* Any thread; never waits. Discards `command` if the thread is stopping. */
void dh_room_thread_post(struct dh_room_thread *thread, struct dh_command *command);

/* Runs `command` and returns 0 when it has run. -ETIMEDOUT: it did not begin within
 * `timeout_ms`; -ECANCELED: the thread is stopping. In both cases it has not run and
 * never will. Not from the thread itself. */
int dh_room_thread_call(struct dh_room_thread *thread, struct dh_command *command, int timeout_ms);

/* For use between two steps of a long command: takes a turn if one is due. */
void dh_room_thread_keep_time(struct dh_room_thread *thread);

/* No further command runs; `close` has run when it returns. May be called
 * again, by any other thread. */
void dh_room_thread_stop(struct dh_room_thread *thread);

/* Stops it first, if necessary. Nobody may be using it. *thread may be NULL. */
void dh_room_thread_free(struct dh_room_thread **thread);

#endif
