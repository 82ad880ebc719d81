/* The task's numbers by name: one table, by which both the job and the command
 * line are read.
 */
#ifndef DH_TASK_FIELDS_H
#define DH_TASK_FIELDS_H

#include "task.h"

/* Sets the field `name` of the task. -> DH_PREPARE_USAGE where there is no such
 * field or `value` is out of its range; the fault says what was expected. */
int dh_task_set(struct dh_task *task, const char *name, long long value, struct dh_fault *fault);

#endif
