/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The task's numbers by name, for both the job and the command line.
 */
#ifndef DH_TASK_FIELDS_H
#define DH_TASK_FIELDS_H

#include "task.h"

/* Sets the field `name`. Fails with DH_PREPARE_USAGE if there is no such field or
 * `value` is out of its range, and says what was expected. */
int dh_task_set(struct dh_task *task, const char *name, long long value, struct dh_fault *fault);

#endif
