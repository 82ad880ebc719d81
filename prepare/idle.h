/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prepares an avatar's idle clip, from a clip or from one still picture. */
#ifndef DH_PREPARE_IDLE_H
#define DH_PREPARE_IDLE_H

#include "output.h"
#include "progress.h"
#include "task.h"

int dh_prepare_idle(const struct dh_task *task, struct dh_output *output, const struct dh_progress *progress,
	struct dh_fault *fault);

#endif
