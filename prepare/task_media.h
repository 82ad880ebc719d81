/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What segments and idle clips have in common. */
#ifndef DH_TASK_MEDIA_H
#define DH_TASK_MEDIA_H

#include <stdbool.h>

#include "film.h"
#include "output.h"
#include "source.h"
#include "task.h"

/* The size of the task, or of the input's picture if the task has none: what is shown. */
void dh_task_size(const struct dh_task *task, const struct dh_frame *frame, int *width, int *height);

/* Of pictures that show width x height. `step_ticks`: the usual distance between them; 0: unknown. */
struct dh_video_config dh_task_video(const struct dh_task *task, int width, int height, int64_t step_ticks);

/* A head with such pictures. */
struct dh_stream_head dh_task_head(const struct dh_video_config *config);

/* Sets the head's text about encoders and settings; `video` may be NULL. */
void dh_describe(struct dh_stream_head *head, const struct dh_task *task, const struct dh_video *video);

/* Writes notes about a source that was read to its end, at `end_ticks`, and about the
 * encoder. Sets *is_cut if the source ended too early. */
int dh_note_source(struct dh_output *output, const char *name, const struct dh_source *source, int64_t end_ticks,
	bool *is_cut);
int dh_note_film(struct dh_output *output, const struct dh_film *film);

/* The words of a segment's input, and how far they have come. */
struct dh_task_words {
	int64_t from_ticks; /* when the last one begins */
	int64_t end_ticks;  /* when the last of them ends */
};
/* Writes the words that `source` has read; `origin_ticks`: its time that becomes 0. */
int dh_write_words(struct dh_output *output, struct dh_source *source, int64_t origin_ticks,
	struct dh_task_words *words);

/* An input's name for notes: without folders, since every viewer may read them. */
const char *dh_task_input_name(const struct dh_task *task, int input);

/* How one of the task's inputs is opened. */
struct dh_source_config dh_task_source(const struct dh_task *task, int input, int want);

#endif
