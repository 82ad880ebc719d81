/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a bridge (playout/bridge.h). The task's inputs are prepared streams: the end of a
 * segment, of which the last picture counts, and a piece of the idle clip. The first `skip`
 * pictures of that are only decoded; into the others the segment's picture fades.
 */
#ifndef DH_BRIDGE_TASK_H
#define DH_BRIDGE_TASK_H

#include "output.h"
#include "task.h"

int dh_prepare_bridge(const struct dh_task *task, struct dh_output *output, struct dh_fault *fault);

#endif
