/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prepare.h"

#include <libavutil/log.h>
#include <libavutil/mem.h>

#include "bridge_task.h"
#include "idle.h"
#include "output.h"
#include "segment.h"

/* The largest block that libav may allocate is eight bytes a pixel of the largest
 * picture, but at least this. */
#define BLOCK_MIN (64u * 1024 * 1024)

static int make(const struct dh_task *task, struct dh_output *output, const struct dh_progress *progress,
	struct dh_fault *fault)
{
	switch (task->kind) {
	case DH_TASK_SEGMENT:
		return dh_prepare_segment(task, output, progress, fault);
	case DH_TASK_BRIDGE:
		return dh_prepare_bridge(task, output, fault);
	case DH_TASK_IDLE:
	case DH_TASK_PORTRAIT:
	case DH_TASK_BACKGROUND:
	case DH_TASK_MARK:
		break;
	}
	return dh_prepare_idle(task, output, progress, fault);
}

int dh_prepare(const struct dh_task *task, const struct dh_stream_writer *writer, const struct dh_progress *progress,
	struct dh_fault *fault)
{
	static const struct dh_progress nobody;
	struct dh_output output;
	size_t side = (size_t)task->max_side + 64, block = side * side * 8;
	av_log_set_level(AV_LOG_QUIET);
	av_max_alloc(block > BLOCK_MIN ? block : BLOCK_MIN);
	dh_output_init(&output, writer, fault);
	int code = make(task, &output, progress ? progress : &nobody, fault);
	dh_output_clear(&output);
	return code;
}
