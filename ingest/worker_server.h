/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gateway's end of the fork server, which makes its workers (prepare/job.h).
 *
 * I/O thread only. No callback comes from within these functions.
 */
#ifndef DH_WORKER_SERVER_H
#define DH_WORKER_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "io.h"

struct dh_worker_server;

struct dh_worker_server_config {
	struct dh_io *io;
	char *const *argv; /* used at once */
	int limit_ms;      /* from start to ready, and from a request to its answer */
};

struct dh_worker_server_listener {
	/* It may be asked now. */
	void (*ready)(void *arg);
	/* It has made what `asker` asked for: a child of this process, to be adopted (dh_child_adopt);
	 * or a negative errno. */
	void (*forked)(void *arg, void *asker, pid_t pid);
	/* It has ended: free it. Who has got no answer gets none. `text` (g_free it) says why. */
	void (*ended)(void *arg, char *text);
};

/* Starts it. Negative errno if it cannot be started. */
int dh_worker_server_start(struct dh_worker_server **server, const struct dh_worker_server_config *config,
	const struct dh_worker_server_listener *listener, void *arg);

/* Ends it; does not wait. Workers that it was asked for are killed as soon as they have answered: the
 * I/O thread sees to that. *server may be NULL. */
void dh_worker_server_free(struct dh_worker_server **server);

/* Only then may it be asked. */
bool dh_worker_server_is_ready(const struct dh_worker_server *server);

/* Asks for a worker with these descriptors (borrowed) as its output and its control socket. Negative
 * errno: it cannot take more now, or is ending. */
int dh_worker_server_ask(struct dh_worker_server *server, int output, int control, void *asker);

/* Why a dh-prepare has ended, by its wait status (-1: unknown), for people (g_free it); NULL: it did
 * its job. `cpu_s` is its limit; *code becomes an enum dh_prepare_exit. */
char *dh_worker_server_explain(int status, int cpu_s, int *code);

#endif
