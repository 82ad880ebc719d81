/* The I/O thread: it spawns and supervises every child process and reads every
 * worker's pipe. It lives as long as the plugin, because a child's
 * parent-death signal follows the thread that spawned it.
 *
 * Nothing in it blocks: disks are read by the loader's threads (loader.h).
 */
#ifndef DH_IO_H
#define DH_IO_H

#include <glib.h>

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

/* For sources of the I/O thread's own; attach and destroy them there only. */
GMainContext *dh_io_context(struct dh_io *io);

#endif
