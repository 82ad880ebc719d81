/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a generator pushes through a socket: finds out whether it is a prepared
 * stream, and reads it here if it is. Anything else goes to a worker. I/O thread.
 */
#ifndef DH_LIVE_INPUT_H
#define DH_LIVE_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "io.h"

struct dh_live_input;

struct dh_live_input_listener {
	/* It is none: a worker should read it, from its beginning. The last call. */
	void (*foreign)(void *arg);
	/* Bytes of the stream, borrowed. A result other than 0 ends the reading: nothing more
	 * is called. The listener may then have freed the input. */
	int (*data)(void *arg, const void *bytes, size_t size);
	/* The last call: 0, at the end of what the sender sends; -ETIMEDOUT: it has sent
	 * nothing for too long; or the error of the connection. */
	void (*ended)(void *arg, int err);
};

/* `fd`, a socket, is borrowed; `silence_ms`: the longest time without a byte while it is
 * being read. Listener functions are not called from within. */
void dh_live_input_alloc(struct dh_live_input **input, struct dh_io *io, int fd, int silence_ms,
	const struct dh_live_input_listener *listener, void *arg);
void dh_live_input_free(struct dh_live_input **input); /* *input may be NULL */

/* Stops reading for a while; the sender then waits. */
void dh_live_input_hold(struct dh_live_input *input, bool is_held);

#endif
