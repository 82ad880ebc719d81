/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random access to the pictures of one input in bounded memory: pictures that do
 * not fit are decoded again, once if they are wanted in their order, so a long clip must come from a file, not a pipe.
 */
#ifndef DH_CLIP_H
#define DH_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "output.h"
#include "progress.h"
#include "task.h"

struct dh_clip;

/* Decodes input number `input` of the task once, or only its first picture.
 * `progress` may be NULL. The task's descriptors must outlive the clip; the task
 * itself need not. */
int dh_clip_alloc(struct dh_clip **clip, const struct dh_task *task, int input, bool first_only,
	const struct dh_progress *progress, struct dh_fault *fault);
void dh_clip_free(struct dh_clip **clip);

void dh_clip_size(const struct dh_clip *clip, int *width, int *height); /* what is shown */
int dh_clip_count(const struct dh_clip *clip);                          /* at least 1 */
void dh_clip_rate(const struct dh_clip *clip, int64_t *num, int64_t *den);
int64_t dh_clip_duration(const struct dh_clip *clip, int frame);

/* The picture whose thumbnail is closest to all others. */
int dh_clip_medoid(const struct dh_clip *clip);

/* Picture `frame` as I420 of the coded height, valid until the next call. `step` (1 or -1) is the
 * direction of the next calls. */
int dh_clip_picture(struct dh_clip *clip, int frame, int step, const uint8_t **i420, struct dh_fault *fault);

/* Notes what was wrong with the input; *is_cut as in task_media.h. */
int dh_clip_notes(const struct dh_clip *clip, struct dh_output *output, bool *is_cut);

#endif
