/* The I/O thread: it spawns and supervises every child process and reads every
 * worker's pipe. It lives as long as the plugin, because a child's
 * parent-death signal follows the thread that spawned it.
 *
 * Nothing in it blocks: disks are read by the loader's threads (loader.h).
 */
#ifndef DH_IO_H
#define DH_IO_H

#include <stdint.h>
#include <glib.h>
#include <glib-unix.h>

struct dh_io;

typedef void dh_io_fn(void *arg);

/* Starts the thread. -ENOMEM, or why there is no thread. */
int dh_io_alloc(struct dh_io **io);

/* Runs what has been posted, also by what then runs, ends the thread and joins
 * it. What was attached to its context must be gone. Not from the I/O thread. */
void dh_io_free(struct dh_io **io);

/* Runs fn(arg) in the I/O thread, later, in the order of posting. Any thread. */
void dh_io_post(struct dh_io *io, dh_io_fn *fn, void *arg);

/* The same, and returns when it has run; at once when called from the I/O thread. */
void dh_io_call(struct dh_io *io, dh_io_fn *fn, void *arg);

int dh_io_is_current(const struct dh_io *io);

/* --- sources; only in the I/O thread. Each is destroyed and forgotten by dh_io_drop. */

/* Calls fn(fd, condition, arg) while `fd` is as `condition` says. */
GSource *dh_io_watch(struct dh_io *io, int fd, GIOCondition condition, GUnixFDSourceFunc fn, void *arg);

/* Calls fn(arg) once when the time of dh_io_timer_set has come; off at first. */
GSource *dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);
/* `ms` from now; negative: off. */
void dh_io_timer_set(GSource *timer, int64_t ms);

/* NULL inside is fine. */
void dh_io_drop(GSource **source);

#endif
