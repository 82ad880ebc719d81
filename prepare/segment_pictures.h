/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A segment's pictures: converted to its size, and encoded; a still one is repeated. Private to
 * segment.c.
 */
#ifndef DH_SEGMENT_PICTURES_H
#define DH_SEGMENT_PICTURES_H

#include "film.h"
#include "picture.h"
#include "source.h"
#include "task.h"

/* Zero-initialise it. */
struct dh_segment_pictures {
	const struct dh_task *task;
	struct dh_picture *picture;
	uint8_t *i420;
	struct dh_film *film; /* NULL: there are no pictures */
	int64_t count;
	int64_t still_ticks; /* when a still picture was last repeated */
};

/* `first` is the first of the pictures that `source` has. Makes `head`, but for the sound. */
int dh_segment_pictures_start(struct dh_segment_pictures *pictures, const struct dh_task *task,
	struct dh_source *source, const struct dh_frame *first, struct dh_output *output, struct dh_stream_head *head,
	struct dh_fault *fault);
void dh_segment_pictures_clear(struct dh_segment_pictures *pictures);

/* The next one, or one that is too many; they reach to `reached_ticks`. */
int dh_segment_pictures_take(struct dh_segment_pictures *pictures, const struct dh_frame *frame, int64_t pts_ticks,
	int64_t reached_ticks, struct dh_fault *fault);

/* Repeats a still picture at each entry until then, so that late viewers see it too. */
int dh_segment_pictures_repeat(struct dh_segment_pictures *pictures, int64_t until_ticks, struct dh_fault *fault);

#endif
