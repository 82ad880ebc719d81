/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "task.h"

#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "playout/matte.h"
#include "playout/qualities.h"

void dh_task_init(struct dh_task *task)
{
	memset(task, 0, sizeof *task);
	dh_background_init(&task->background);
	task->kbps = 800;
	task->audio_kbps = 48;
	task->entry_ms = 500;
	task->fps_max = 60;
	task->speed = 6;
	task->portrait_ms = 2000;
	task->max_ms = 600000;
	task->max_side = 4096;
	task->first_fd = -1;
	task->lead_fd = task->tail_fd = -1;
	for (int i = 0; i < DH_TASK_INPUTS; i++)
		task->inputs[i].fd = -1;
}

static int check_qualities(const struct dh_task *task, struct dh_fault *fault)
{
	const int kbps[DH_QUALITIES_MAX] = { task->kbps, task->kbps_2, task->kbps_3 };
	if (dh_qualities_are_valid(kbps))
		return 0;
	return dh_fault_set(fault, DH_PREPARE_USAGE,
		"kbps, kbps_2 and kbps_3 are %d, %d and %d, expected each lower than the one before, "
		"from %d on, or 0 behind the last",
		kbps[0], kbps[1], kbps[2], DH_KBPS_MIN);
}

int dh_task_check(const struct dh_task *task, struct dh_fault *fault)
{
	int code = check_qualities(task, fault);
	if (code)
		return code;
	if (!task->background.is_clear || task->kind == DH_TASK_MARK || task->height <= DH_MATTE_HEIGHT_MAX)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_USAGE, "height is %d, expected at most %d where the background is %s",
		task->height, DH_MATTE_HEIGHT_MAX, DH_BACKGROUND_CLEAR);
}

void dh_task_clear(struct dh_task *task)
{
	free(task->anchor);
	free(task->anchor_frame);
	free(task->background.i420);
	free(task->mark.i420);
	task->anchor = task->anchor_frame = task->background.i420 = task->mark.i420 = NULL;
}
