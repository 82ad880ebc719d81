/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "idle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clip.h"
#include "film.h"
#include "playout/timebase.h"
#include "task_media.h"

#define IDLE_MS_MAX  60000
#define PORTRAIT_FPS 25

struct idle {
	const struct dh_task *task;
	struct dh_output *output;
	const struct dh_progress *progress;
	struct dh_fault *fault;
	struct dh_clip *clip;
	struct dh_film *film;
	int64_t total_ticks;
	struct dh_stream_end end;
};

/* The given anchor, the portrait, or the most typical picture. */
static int pick_anchor(struct idle *p, uint8_t *anchor)
{
	const struct dh_task *task = p->task;
	int width, height, code;
	const uint8_t *i420;
	dh_clip_size(p->clip, &width, &height);
	size_t size = dh_picture_size(width, dh_background_coded_height(&task->background, height));
	if (task->anchor) {
		memcpy(anchor, task->anchor, size);
		return 0;
	}
	if (task->inputs_count == 2) {
		struct dh_task sized = *task;
		struct dh_clip *portrait = NULL;
		sized.width = width;
		sized.height = height;
		code = dh_clip_alloc(&portrait, &sized, 1, true, NULL, p->fault);
		if (!code)
			code = dh_clip_picture(portrait, 0, 1, &i420, p->fault);
		if (!code)
			memcpy(anchor, i420, size);
		dh_clip_free(&portrait);
		return code;
	}
	code = dh_clip_picture(p->clip, dh_clip_medoid(p->clip), 1, &i420, p->fault);
	if (!code)
		memcpy(anchor, i420, size);
	return code;
}

static int start(struct idle *p, int64_t rate_num, int64_t rate_den, int64_t step_ticks)
{
	int width, height;
	dh_clip_size(p->clip, &width, &height);
	struct dh_video_config config = dh_task_video(p->task, width, height, step_ticks);
	struct dh_stream_head head = dh_task_head(&config);
	head.rate_num = rate_num;
	head.rate_den = rate_den;
	uint8_t *anchor = malloc(dh_picture_size(head.width, head.height));
	int code = anchor ? pick_anchor(p, anchor) : dh_fault_memory(p->fault);
	if (!code)
		code = dh_film_alloc(&p->film, &config, p->task->fps_max, anchor, p->output, p->fault);
	if (!code) {
		dh_describe(&head, p->task, dh_film_video(p->film));
		code = dh_output_head(p->output, &head, dh_film_video(p->film), anchor);
	}
	if (!code && head.has_mark)
		code = dh_output_mark(p->output, &head, &p->task->mark);
	if (!code)
		code = dh_output_horizon(p->output, DH_AUDIO, DH_UNIT_ORDER_NEVER);
	free(anchor);
	return code;
}

static int push(struct idle *p, int frame, int step, int64_t pts_ticks, int64_t duration_ticks)
{
	const uint8_t *i420;
	if (!dh_film_takes(p->film, pts_ticks)) {
		dh_film_extend(p->film, pts_ticks + duration_ticks);
		return 0;
	}
	int code = dh_clip_picture(p->clip, frame, step, &i420, p->fault);
	if (!code)
		code = dh_film_push(p->film, i420, pts_ticks, duration_ticks, p->fault);
	if (p->progress->report)
		p->progress->report(p->progress->arg, pts_ticks, p->total_ticks, frame);
	return code;
}

static int finish(struct idle *p)
{
	int code = dh_film_end(p->film, &p->end.video_ticks);
	if (!code)
		code = dh_note_film(p->output, p->film);
	return code ? code : dh_output_end(p->output, &p->end);
}

static int run_clip(struct idle *p)
{
	int64_t num, den, ticks = 0;
	int count = dh_clip_count(p->clip), code;
	dh_clip_rate(p->clip, &num, &den);
	for (int i = 0; i < count; i++)
		p->total_ticks += dh_clip_duration(p->clip, i);
	if (p->task->pingpong)
		p->total_ticks += p->total_ticks - dh_clip_duration(p->clip, 0) - dh_clip_duration(p->clip, count - 1);
	code = start(p, num, den, dh_clip_duration(p->clip, 0));
	for (int i = 0; i < count && !code; i++) {
		code = push(p, i, 1, ticks, dh_clip_duration(p->clip, i));
		ticks += dh_clip_duration(p->clip, i);
	}
	/* and back, without showing either end twice */
	for (int i = count - 2; i > 0 && p->task->pingpong && !code; i--) {
		code = push(p, i, -1, ticks, dh_clip_duration(p->clip, i));
		ticks += dh_clip_duration(p->clip, i);
	}
	if (!code)
		code = dh_clip_notes(p->clip, p->output, &p->end.is_incomplete);
	return code ? code : finish(p);
}

static int run_portrait(struct idle *p)
{
	int64_t end_ticks = p->task->portrait_ms * DH_TICKS_PER_MS;
	int code = start(p, PORTRAIT_FPS, 1, DH_TICKS_PER_SECOND / PORTRAIT_FPS);
	p->total_ticks = end_ticks;
	for (int n = 0; !code; n++) {
		int64_t pts_ticks = dh_ticks_of_frame(n, PORTRAIT_FPS, 1);
		int64_t next_ticks = dh_ticks_of_frame(n + 1, PORTRAIT_FPS, 1);
		if (pts_ticks >= end_ticks)
			break;
		code = push(p, 0, 1, pts_ticks, (next_ticks < end_ticks ? next_ticks : end_ticks) - pts_ticks);
	}
	return code ? code : finish(p);
}

int dh_prepare_idle(const struct dh_task *task, struct dh_output *output, const struct dh_progress *progress,
	struct dh_fault *fault)
{
	struct idle p = { .task = task, .output = output, .progress = progress, .fault = fault };
	struct dh_task shorter = *task;
	if (shorter.max_ms > IDLE_MS_MAX)
		shorter.max_ms = IDLE_MS_MAX;
	bool is_portrait = task->kind != DH_TASK_IDLE;
	int code = dh_clip_alloc(&p.clip, &shorter, 0, is_portrait, progress, fault);
	if (!code)
		code = is_portrait ? run_portrait(&p) : run_clip(&p);
	dh_film_free(&p.film);
	dh_clip_free(&p.clip);
	return code;
}
