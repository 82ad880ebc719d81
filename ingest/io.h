/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The I/O thread: it spawns and supervises every child process and reads every
 * worker's pipe. It lives as long as the plugin, because a child's
 * parent-death signal follows the thread that spawned it.
 *
 * Nothing in it blocks: disks are read by the loader's threads (loader.h), and
 * processes that were killed are reaped when they have ended (child.h). Its
 * longest turn is measured (dh_io_longest_turn_us).
 */
#ifndef DH_IO_H
#define DH_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include <glib-unix.h>

struct dh_io;

typedef void dh_io_fn(void *arg);

/* Starts the thread. -ENOMEM, or why there is no thread. */
int dh_io_alloc(struct dh_io **io);

/* Runs what has been posted, also by what then runs, waits for what was left to
 * end by itself (dh_io_leave) DH_IO_LEFT_MS at most, ends the thread and joins it.
 * What else was attached to its context must be gone. Not from the I/O thread. */
void dh_io_free(struct dh_io **io);
#define DH_IO_LEFT_MS 3000

/* Runs fn(arg) in the I/O thread, later, in the order of posting. Any thread. */
void dh_io_post(struct dh_io *io, dh_io_fn *fn, void *arg);

/* The same, and returns when it has run; at once when called from the I/O thread. */
void dh_io_call(struct dh_io *io, dh_io_fn *fn, void *arg);

bool dh_io_is_current(const struct dh_io *io);

/* The longest that the thread has been busy between two waits, since it was asked
 * last. While a turn lasts, nothing else is served. Any thread. */
int64_t dh_io_longest_turn_us(struct dh_io *io);

/* --- sources; only in the I/O thread. Each is destroyed and forgotten by dh_io_drop. */

/* Calls fn(fd, condition, arg) while `fd` is as `condition` says. */
GSource *dh_io_watch(struct dh_io *io, int fd, GIOCondition condition, GUnixFDSourceFunc fn, void *arg);

/* Calls fn(arg) once when the time of dh_io_timer_set has come; off at first. */
GSource *dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);
/* `ms` from now; negative: off. */
void dh_io_timer_set(GSource *timer, int64_t ms);

/* *source may be NULL. */
void dh_io_drop(GSource **source);

/* --- what nobody waits for any more, but the I/O thread before it ends; only in
 * the I/O thread. Part of something larger. */

struct dh_io_left {
	struct dh_io_left *next, **link; /* io.c */
	/* The thread is about to end. What can be done to end at once, should be; it
	 * may forget itself. */
	void (*hurry)(struct dh_io_left *left);
	/* It has not ended in time: frees it, whatever is then left behind. */
	void (*abandon)(struct dh_io_left *left);
};

void dh_io_leave(struct dh_io *io, struct dh_io_left *left);
/* It has ended. */
void dh_io_forget(struct dh_io_left *left);

#endif
