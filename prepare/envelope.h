/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file's descriptor inside a socket, as in an envelope.
 *
 * Whoever holds a descriptor of a file may have to wait for its file system: even closing
 * it may send a request to a server that never answers, and so may the end of the process.
 * An envelope can be kept, passed on and closed without that. It is a SOCK_SEQPACKET socket
 * in whose queue the descriptor lies; looking at it leaves it there.
 *
 * Only the last close of an envelope closes the file; ingest/opener.h has one for that.
 * Any thread; no library but C's.
 */
#ifndef DH_ENVELOPE_H
#define DH_ENVELOPE_H

#include <stddef.h>
#include <sys/types.h>

/* An envelope with a duplicate of `fd`, which stays the caller's; or a negative errno. */
int dh_envelope_seal(int fd);

/* A duplicate of the descriptor inside, close-on-exec, or a negative errno (-EBADMSG: it is
 * no envelope, or is empty; -EMFILE). */
int dh_envelope_look(int envelope);

/* If *fd is an envelope, closes it and puts the descriptor inside in its place. 0, or a
 * negative errno with *fd as it was. */
int dh_envelope_open(int *fd);

/* One message with up to two parts and, unless `fd` is -1, a descriptor. A negative errno
 * if it cannot be sent; `flags` as for sendmsg. */
int dh_envelope_send(int socket, const void *head, size_t head_size, const void *body, size_t body_size, int fd,
	int flags);

/* Receives such a message: returns its size, 0 at the end, or a negative errno. *fd is the
 * descriptor, -1 if there was none. -EMFILE: there was one, but this process may not have another;
 * the message is gone. */
ssize_t dh_envelope_receive(int socket, void *head, size_t head_size, void *body, size_t body_size, int *fd, int flags);

#endif
