/* The task that a worker's job (job.h) asks for. */
#ifndef DH_TASK_JOB_H
#define DH_TASK_JOB_H

#include <stddef.h>

#include "task.h"

/* Reads the JSON of a job and the anchor's picture, where one comes with it. The
 * descriptors stay the caller's, who closes them when the task is done. */
int dh_task_from_job(struct dh_task *task, const char *json, size_t size, const int *fds, int fds_count,
	struct dh_fault *fault);

#endif
