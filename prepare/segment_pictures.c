/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "segment_pictures.h"

#include <stdlib.h>

#include "playout/timebase.h"
#include "task_media.h"

int dh_segment_pictures_start(struct dh_segment_pictures *pictures, const struct dh_task *task,
	struct dh_source *source, const struct dh_frame *first, struct dh_output *output, struct dh_stream_head *head,
	struct dh_fault *fault)
{
	pictures->task = task;
	int width, height;
	dh_task_size(task, first, &width, &height);
	struct dh_video_config config = dh_task_video(task, width, height, first->duration_ticks);
	*head = dh_task_head(&config);
	dh_source_rate(source, &head->rate_num, &head->rate_den);
	if (head->rate_num > head->rate_den * task->fps_max) {
		head->rate_num = 0; /* pictures will be dropped */
		head->rate_den = 1;
	}
	int code = dh_picture_alloc(&pictures->picture, width, height, &task->background, &task->mark, fault);
	if (!code && !(pictures->i420 = malloc(dh_picture_size(head->width, head->height))))
		code = dh_fault_memory(fault);
	const uint8_t *anchor = task->anchor;
	if (!code && !anchor) {
		code = dh_picture_convert(pictures->picture, first->av, &first->turn, pictures->i420, fault);
		anchor = pictures->i420;
	}
	return code ? code : dh_film_alloc(&pictures->film, &config, task->fps_max, anchor, output, fault);
}

void dh_segment_pictures_clear(struct dh_segment_pictures *pictures)
{
	dh_film_free(&pictures->film);
	dh_picture_free(&pictures->picture);
	free(pictures->i420);
	pictures->i420 = NULL;
}

int dh_segment_pictures_take(struct dh_segment_pictures *pictures, const struct dh_frame *frame, int64_t pts_ticks,
	int64_t reached_ticks, struct dh_fault *fault)
{
	if (!dh_film_takes(pictures->film, pts_ticks)) {
		dh_film_extend(pictures->film, reached_ticks);
		return 0;
	}
	int code = dh_picture_convert(pictures->picture, frame->av, &frame->turn, pictures->i420, fault);
	pictures->count++;
	return code ? code : dh_film_push(pictures->film, pictures->i420, pts_ticks, frame->duration_ticks, fault);
}

int dh_segment_pictures_repeat(struct dh_segment_pictures *pictures, int64_t until_ticks, struct dh_fault *fault)
{
	int64_t entry_ticks = pictures->task->entry_ms * DH_TICKS_PER_MS;
	int code = 0;
	while (!code && pictures->still_ticks + entry_ticks < until_ticks) {
		pictures->still_ticks += entry_ticks;
		code = dh_film_push(pictures->film, pictures->i420, pictures->still_ticks, 0, fault);
	}
	dh_film_extend(pictures->film, until_ticks);
	return code;
}
