/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection through which a generator pushes a segment (docs/push.md): a line, or
 * several, and then media come in, lines go out.
 *
 * This module moves lines and bytes; what they mean is up to the owner. Once the owner has
 * taken the media, it reads them from a descriptor of its own, and the connection only
 * writes.
 *
 * Any thread, unless noted. A connection that has ended accepts everything and does
 * nothing.
 */
#ifndef DH_PUSH_H
#define DH_PUSH_H

#include <stddef.h>
#include <glib.h>
#include <jansson.h>

#include "io.h"

#define DH_PUSH_LINE_MAX    65536         /* bytes of a line, with its line feed */
#define DH_PUSH_LINE_OPTION "push_line_s" /* the option behind `line_ms` */

struct dh_push;

struct dh_push_owner {
	/* A line, without its line feed and with a 0 after it; borrowed. I/O thread: it must
	 * not wait. The owner then calls one of dh_push_next, dh_push_take, dh_push_end. */
	void (*line)(void *arg, struct dh_push *push, const char *line, size_t size);
	/* The line that tells a generator why it is refused, and then its connection is
	 * ended: `limit` is the limit's name. A new reference. I/O thread. */
	json_t *(*refusal)(void *arg, const char *limit);
	/* The connection has ended. Called once, in the I/O thread. */
	void (*closed)(void *arg, struct dh_push *push);
};

/* Takes ownership of `fd`, a connected stream socket in blocking mode, and of `peer`, a text
 * for people. `line_ms`: the longest time to the end of a line. `io` and `owner` must
 * outlive the connection, but need not outlive its last reference. I/O thread. */
struct dh_push *dh_push_new(struct dh_io *io, int fd, char *peer, int line_ms, const struct dh_push_owner *owner,
	void *arg);
/* Sends the owner's refusal and then ends it. I/O thread. */
void dh_push_refuse(struct dh_push *push, const char *limit);
/* Ends it at once. I/O thread. */
void dh_push_close(struct dh_push *push);

struct dh_push *dh_push_ref(struct dh_push *push);
void dh_push_unref(struct dh_push **push); /* *push may be NULL */

/* Where it comes from, for people. */
const char *dh_push_peer(const struct dh_push *push);

/* Whatever the owner wants to keep with it: NULL at first. From within `line` and
 * `closed` only. */
void dh_push_set_user(struct dh_push *push, void *user);
void *dh_push_user(const struct dh_push *push);

/* Sends a line. Takes ownership of `line`. A generator that reads nothing loses what goes
 * beyond DH_PUSH_UNREAD_MAX bytes, but not what is sent with dh_push_end. */
void dh_push_say(struct dh_push *push, json_t *line);
#define DH_PUSH_UNREAD_MAX (1 << 20)
/* Sends bytes. Takes a reference. */
void dh_push_send(struct dh_push *push, GBytes *bytes);

/* Waits for another line, once all is sent; a generator that reads nothing for `line_ms`, or less
 * than DH_PUSH_READ_RATE (push_wait.h), is cut off. */
void dh_push_next(struct dh_push *push);
/* From now on the media are read by the caller, from the descriptor that is returned, a
 * blocking socket, which the caller closes. Negative errno: the connection has ended. */
int dh_push_take(struct dh_push *push);
/* Sends `last` (takes ownership; may be NULL) after everything else, then ends the
 * connection; a generator that does not read it is cut off in the same way. Only the first
 * call counts. */
void dh_push_end(struct dh_push *push, json_t *last);

#endif
