/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking `dh-prepare --version`: one line, part of the cache's keys. */
#ifndef DH_WORKER_VERSION_H
#define DH_WORKER_VERSION_H

#include "io.h"

struct dh_worker_version;

/* `text` is NULL when there is no answer, and `error` says why; both are lent.
 * It may be freed from here. */
typedef void dh_worker_version_fn(void *arg, const char *text, const char *error);

/* I/O thread, as everything here. The answer comes later. */
int dh_worker_version_ask(struct dh_worker_version **version, struct dh_io *io, const char *path,
	dh_worker_version_fn *fn, void *arg);

/* Asks no more. NULL inside is fine. */
void dh_worker_version_free(struct dh_worker_version **version);

#endif
