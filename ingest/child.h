/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One child process: spawned with nothing of the gateway's but what it is
 * given, in a process group of its own, supervised without a signal handler.
 *
 * Everything here belongs to the I/O thread.
 */
#ifndef DH_CHILD_H
#define DH_CHILD_H

#include "io.h"

#define DH_CHILD_FDS 4

struct dh_child;

struct dh_child_spec {
	char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
	char *const *envp; /* NULL: the gateway's */
	/* What becomes descriptor 0, 1, 2, 3; borrowed. -1: 0 and 1 are
	 * /dev/null, 2 is the gateway's, 3 is closed. All others are closed. */
	int fds[DH_CHILD_FDS];
	/* It is a dh-scope (prepare/scope.c): SIGTERM ends it and all that it has
	 * begun; it is killed only if it does not heed that. */
	bool is_scope;
};

/* It ended: `status` as from waitpid, -1 when nobody knows. By then its whole
 * group has been killed. The child may be freed from here. */
typedef void dh_child_exit_fn(void *arg, int status);

/* All signals are unblocked and have their default action in the child.
 * Negative errno: why it could not be started (a missing program is -ENOENT). */
int dh_child_spawn(struct dh_child **child, struct dh_io *io, const struct dh_child_spec *spec,
	dh_child_exit_fn *exited, void *arg);

/* Kills its group (ends a scope); `exited` follows. */
void dh_child_kill(struct dh_child *child);

/* The same where it still runs, and `exited` is not called. Waits for nothing:
 * the I/O thread reaps it when it has ended. *child may be NULL. */
void dh_child_free(struct dh_child **child);

#endif
