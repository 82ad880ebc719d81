/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a segment is read from: one source, or one for the picture and one for the sound. Private
 * to segment.c.
 */
#ifndef DH_SEGMENT_INPUTS_H
#define DH_SEGMENT_INPUTS_H

#include "fault.h"
#include "playout/unit.h"
#include "source.h"
#include "task.h"

/* Zero-initialise it. */
struct dh_segment_inputs {
	struct dh_source *sources[DH_TASK_INPUTS];
	int of[2];    /* by medium: its source, -1: none */
	int words_of; /* the source of words, -1: none */
};

int dh_segment_inputs_open(struct dh_segment_inputs *inputs, const struct dh_task *task, struct dh_fault *fault);
void dh_segment_inputs_clear(struct dh_segment_inputs *inputs);

#endif
