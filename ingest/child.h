/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One child process. It inherits nothing from the gateway but what it is given, runs in its
 * own process group, and is supervised without a signal handler.
 *
 * I/O thread only, but for dh_child_start.
 */
#ifndef DH_CHILD_H
#define DH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "io.h"

#define DH_CHILD_FDS 5

struct dh_child;

struct dh_child_spec {
	char *const *argv; /* argv[0] without a slash is looked up in PATH */
	char *const *envp; /* NULL: the gateway's */
	/* Become descriptors 0 to 4; borrowed. -1: 0 and 1 are /dev/null, 2 is the
	 * gateway's, 3 and 4 are closed. All other descriptors are closed. */
	int fds[DH_CHILD_FDS];
	/* A dh-scope (prepare/scope.c): SIGTERM makes it kill everything it started and
	 * exit. It gets SIGKILL only if it does not react. */
	bool is_scope;
	/* What is in its process group is not killed with it. */
	bool is_alone;
	/* If the scope is killed, it has not killed what it started: a command to do that, as
	 * `argv` (copied). Nobody waits for it but the I/O thread before it ends. NULL: none. */
	char *const *sweep;
};

/* The child has ended, and its whole process group has been killed. `status` is as from
 * waitpid, or -1 if unknown. You may free the child from here. */
typedef void dh_child_exit_fn(void *arg, int status);

/* The child starts with all signals unblocked and at their default action. Negative errno
 * if it cannot be started (-ENOENT: no such program). */
int dh_child_spawn(struct dh_child **child, struct dh_io *io, const struct dh_child_spec *spec,
	dh_child_exit_fn *exited, void *arg);

/* A child that somebody else made for this process (clone(2) with CLONE_PARENT): puts it into its
 * own process group, and watches it from now on. Negative errno: there is no such child; or it has executed a
 * program, and so is another one, which is left alone; or it gets no pidfd: then it is killed, and reaped by
 * `io`. */
int dh_child_adopt(struct dh_child **child, struct dh_io *io, pid_t pid, dh_child_exit_fn *exited, void *arg);

/* Starts a child, and no more: the caller watches and reaps it by its pidfd, which is
 * returned. One that gets no pidfd is killed with its group; it is reaped by `io`, or if that is NULL waited for.
 * Any thread. */
int dh_child_start(pid_t *pid, struct dh_io *io, const struct dh_child_spec *spec);

/* Kills its process group, or ends the scope; `exited` follows. */
void dh_child_kill(struct dh_child *child);

/* Whether it would run if it had a processor, and how much of its time it has used, with its
 * threads, so far. */
bool dh_child_is_runnable(const struct dh_child *child, int64_t *used_us);

/* Kills it if it still runs; `exited` is not called. Does not wait: the I/O thread reaps it
 * later. *child may be NULL. */
void dh_child_free(struct dh_child **child);

/* Frees it and leaves the process to itself: it is not killed, and `exited` is not called. For the end of the gateway,
 * since this thread does not reap it any more. *child may be NULL. */
void dh_child_disown(struct dh_child **child);

#endif
