/* What the kinds of task have in common. */
#ifndef DH_TASK_MEDIA_H
#define DH_TASK_MEDIA_H

#include <stdbool.h>

#include "film.h"
#include "output.h"
#include "source.h"
#include "task.h"

/* The task's size, or else that of the input's picture. */
void dh_task_size(const struct dh_task *task, const struct dh_frame *frame, int *width, int *height);

/* `step_ticks`: how far pictures are usually apart, 0: unknown. */
struct dh_video_config dh_task_video(const struct dh_task *task, int width, int height, int64_t step_ticks);

/* The text for people in the head; `video` may be NULL. */
void dh_describe(struct dh_stream_head *head, const struct dh_task *task, const struct dh_video *video);

/* Notes what was wrong with a source that has been read to its end at `end_ticks`,
 * and with the encoder. Sets *is_cut where the source ended too early, else leaves
 * it alone. */
int dh_note_source(struct dh_output *output, const char *name, const struct dh_source *source,
	int64_t end_ticks, bool *is_cut);
int dh_note_film(struct dh_output *output, const struct dh_film *film);

/* What notes call one of the task's inputs: its name without folders, since every
 * viewer of a room may read them. */
const char *dh_task_input_name(const struct dh_task *task, int input);

/* How one of the task's inputs is opened. */
struct dh_source_config dh_task_source(const struct dh_task *task, int input, int want);

#endif
