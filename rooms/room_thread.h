/* One thread that owns one thing (a room): it runs the commands that others
 * post, in their order, and takes a turn whenever something is due.
 *
 * The owned thing is touched by this thread only, from `turn`, `close` and the
 * commands' `run`; so it needs no lock.
 */
#ifndef DH_ROOM_THREAD_H
#define DH_ROOM_THREAD_H

#include <stdint.h>

struct dh_room_thread;

/* Embedded as the first member in what a command is about. */
struct dh_command {
	/* In the room's thread. A posted command frees itself here. */
	void (*run)(void *owner, struct dh_command *command);
	/* The thread has ended and the command was not run; any thread. Frees a
	 * posted command. NULL for called ones. */
	void (*discard)(struct dh_command *command);
	/* private */
	struct dh_command *next;
	int state;
};

struct dh_room_thread_owner {
	/* Does what is due at `now_ticks`; returns when the next turn is wanted,
	 * INT64_MAX: after the next command. Runs before and after every batch of
	 * commands. */
	int64_t (*turn)(void *owner, int64_t now_ticks);
	/* The last thing that runs in the thread. */
	void (*close)(void *owner);
};

/* CLOCK_MONOTONIC in ticks. */
int64_t dh_now_ticks(void);

/* Starts the thread. `name`: at most 15 bytes are shown by ps; `realtime`: as
 * dh_realtime. -ENOMEM, or why there is no thread. */
int dh_room_thread_alloc(struct dh_room_thread **thread, const char *name, int realtime,
	const struct dh_room_thread_owner *functions, void *owner);

/* Any thread; never waits. */
void dh_room_thread_post(struct dh_room_thread *thread, struct dh_command *command);

/* Runs `command` and returns when it has run: 0. -ETIMEDOUT: its turn did not
 * come within `timeout_ms`; -ECANCELED: the thread has ended. In both cases it
 * has not run and never will. Not from the thread itself. */
int dh_room_thread_call(struct dh_room_thread *thread, struct dh_command *command, int timeout_ms);

/* No further command runs; `close` has run when it returns. May be called
 * again, by any thread but itself. */
void dh_room_thread_stop(struct dh_room_thread *thread);

/* Stops it, if that has not been done. Nobody may use it any more. */
void dh_room_thread_free(struct dh_room_thread **thread);

#endif
