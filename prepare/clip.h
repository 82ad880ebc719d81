/* The pictures of one input by number, in any order, in bounded memory: what
 * does not fit is decoded again. So it needs an input that can be read again
 * (a file) where the clip is long.
 */
#ifndef DH_CLIP_H
#define DH_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "output.h"
#include "progress.h"
#include "task.h"

struct dh_clip;

/* Decodes input number `input` of the task once: all of it, or the first
 * picture only. `progress` may be NULL. `task` need not outlive the call, its
 * descriptors must. */
int dh_clip_alloc(struct dh_clip **clip, const struct dh_task *task, int input, int first_only,
	const struct dh_progress *progress, struct dh_fault *fault);
void dh_clip_free(struct dh_clip **clip);

void dh_clip_size(const struct dh_clip *clip, int *width, int *height);
int dh_clip_count(const struct dh_clip *clip); /* at least 1 */
void dh_clip_rate(const struct dh_clip *clip, int64_t *num, int64_t *den);
int64_t dh_clip_duration(const struct dh_clip *clip, int frame);

/* The picture whose thumbnail is nearest to all the others'. */
int dh_clip_medoid(const struct dh_clip *clip);

/* Picture `frame` as I420, valid until the next call. `step` (1 or -1) is the
 * direction in which the next ones will be asked for. */
int dh_clip_picture(struct dh_clip *clip, int frame, int step, const uint8_t **i420, struct dh_fault *fault);

/* Notes what was wrong with the input; *is_cut as in task_media.h. */
int dh_clip_notes(const struct dh_clip *clip, struct dh_output *output, bool *is_cut);

#endif
