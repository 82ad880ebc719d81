/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `dh-prepare --fork-server`: see job.h. */
#ifndef DH_PREPARE_WORKER_H
#define DH_PREPARE_WORKER_H

#include "confine.h"

/* Makes workers until nobody asks any more. Returns the exit code: the server's, or a worker's. */
int dh_workers_serve(const struct dh_confine *confine);

#endif
