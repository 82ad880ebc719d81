/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prepares one task: reads its inputs and writes a segment stream. */
#ifndef DH_PREPARE_H
#define DH_PREPARE_H

#include "playout/stream.h"
#include "progress.h"
#include "task.h"

/* On failure the stream ends wherever it was, without FAIL. `progress` may be NULL. */
int dh_prepare(const struct dh_task *task, const struct dh_stream_writer *writer, const struct dh_progress *progress,
	struct dh_fault *fault);

#endif
