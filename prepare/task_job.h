/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the job of a worker (job.h). */
#ifndef DH_TASK_JOB_H
#define DH_TASK_JOB_H

#include <stddef.h>

#include "task.h"

/* Parses the JSON and reads the anchor's picture if there is one. The descriptors
 * remain the caller's, who closes them when the task is done. */
int dh_task_from_job(struct dh_task *task, const char *json, size_t size, const int *fds, int fds_count,
	struct dh_fault *fault);

#endif
