/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The I/O thread: it spawns and supervises every child process and reads every worker's
 * pipe. It lives as long as the plugin, because a child's parent-death signal is tied to
 * the thread that spawned it.
 *
 * It must never block: the loader's threads read disks (loader.h), and killed processes are
 * reaped once they have ended (child.h). Its longest turn is measured
 * (dh_io_longest_turn_us).
 */
#ifndef DH_IO_H
#define DH_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include <glib-unix.h>

struct dh_io;

typedef void dh_io_fn(void *arg);

/* Starts the thread. An error if it cannot be started. */
int dh_io_alloc(struct dh_io **io);

/* Runs everything posted so far, and what that posts; waits at most DH_IO_LEFT_MS for the
 * objects of dh_io_leave; then ends and joins the thread. All other sources must be gone.
 * Not from the I/O thread. */
void dh_io_free(struct dh_io **io);
#define DH_IO_LEFT_MS 3000

/* Runs fn(arg) in the I/O thread, later, in posting order. Any thread. */
void dh_io_post(struct dh_io *io, dh_io_fn *fn, void *arg);

/* The same, but returns once it has run. From the I/O thread: runs it at once. */
void dh_io_call(struct dh_io *io, dh_io_fn *fn, void *arg);

bool dh_io_is_current(const struct dh_io *io);

/* The longest the thread was busy between two waits in this window of DH_IO_WINDOW_S and the whole one before it,
 * whoever else asks. During a turn nothing else is served. Any thread. */
#define DH_IO_WINDOW_S 60
int64_t dh_io_longest_turn_us(struct dh_io *io);

/* --- sources; I/O thread only. dh_io_drop destroys them. */

/* Calls fn(fd, condition, arg) whenever `fd` meets `condition`. */
GSource *dh_io_watch(struct dh_io *io, int fd, GIOCondition condition, GUnixFDSourceFunc fn, void *arg);

/* Calls fn(arg) once each time dh_io_timer_set expires; off at first. */
GSource *dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);
/* `ms` from now; negative: off. */
void dh_io_timer_set(GSource *timer, int64_t ms);

/* *source may be NULL. */
void dh_io_drop(GSource **source);

/* --- objects that nobody waits for but the I/O thread before it ends; I/O thread only.
 * Embed one in a larger struct. */

struct dh_io_left {
	struct dh_io_left *next, **link; /* private to io.c */
	/* The thread is about to end: finish at once what can be. May call dh_io_forget and
	 * free itself. */
	void (*hurry)(struct dh_io_left *left);
	/* It did not end in time; it has been forgotten. Free it, whatever that leaves behind. */
	void (*abandon)(struct dh_io_left *left);
};

void dh_io_leave(struct dh_io *io, struct dh_io_left *left);
/* Call when it has ended. */
void dh_io_forget(struct dh_io_left *left);

#endif
