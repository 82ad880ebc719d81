/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prepares a segment from one or two inputs with video, audio or both. */
#ifndef DH_PREPARE_SEGMENT_H
#define DH_PREPARE_SEGMENT_H

#include "output.h"
#include "progress.h"
#include "task.h"

int dh_prepare_segment(const struct dh_task *task, struct dh_output *output, const struct dh_progress *progress,
	struct dh_fault *fault);

#endif
