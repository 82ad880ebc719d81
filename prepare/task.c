/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "task.h"

#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "playout/matte.h"

void dh_task_init(struct dh_task *task)
{
	memset(task, 0, sizeof *task);
	dh_background_init(&task->background);
	task->kbps = 800;
	task->audio_kbps = 48;
	task->entry_ms = 500;
	task->fps_max = 60;
	task->speed = DH_SPEED_MIN;
	task->portrait_ms = 2000;
	task->max_ms = 600000;
	task->max_side = 4096;
	task->first_fd = -1;
	task->lead_fd = task->tail_fd = -1;
	for (int i = 0; i < DH_TASK_INPUTS; i++)
		task->inputs[i].fd = -1;
}

int dh_task_check_height(const struct dh_task *task, struct dh_fault *fault)
{
	if (!task->background.is_clear || task->height <= DH_MATTE_HEIGHT_MAX)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_USAGE, "height is %d, expected at most %d where the background is %s",
		task->height, DH_MATTE_HEIGHT_MAX, DH_BACKGROUND_CLEAR);
}

void dh_task_clear(struct dh_task *task)
{
	free(task->anchor);
	free(task->anchor_frame);
	free(task->background.i420);
	task->anchor = task->anchor_frame = task->background.i420 = NULL;
}
