/* Prepares a segment: speech, any of picture and sound, from one input or two. */
#ifndef DH_PREPARE_SEGMENT_H
#define DH_PREPARE_SEGMENT_H

#include "output.h"
#include "progress.h"
#include "task.h"

int dh_prepare_segment(const struct dh_task *task, struct dh_output *output,
	const struct dh_progress *progress, struct dh_fault *fault);

#endif
