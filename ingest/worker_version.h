/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs `dh-prepare --version`, confined as a worker is: one line, part of the cache keys. I/O
 * thread only. */
#ifndef DH_WORKER_VERSION_H
#define DH_WORKER_VERSION_H

#include "io.h"
#include "worker.h"

struct dh_worker_version;

/* Either `text` is the answer, or it is NULL and `error` says why; both are borrowed. You
 * may free the query from here. */
typedef void dh_worker_version_fn(void *arg, const char *text, const char *error);

/* The answer comes later. `config` need not outlive the call. Negative errno if the process
 * cannot be started. */
int dh_worker_version_ask(struct dh_worker_version **version, struct dh_io *io, const struct dh_workers_config *config,
	dh_worker_version_fn *fn, void *arg);

/* Cancels the query. *version may be NULL. */
void dh_worker_version_free(struct dh_worker_version **version);

#endif
