/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `dh-prepare --worker`: see job.h. */
#ifndef DH_PREPARE_WORKER_H
#define DH_PREPARE_WORKER_H

#include "confine.h"

/* Serves one job; returns the exit code. */
int dh_worker_run(const struct dh_confine *confine);

#endif
