/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge_task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decoder.h"
#include "film.h"
#include "placement.h"
#include "playout/bridge.h"
#include "playout/timebase.h"
#include "task_media.h"

#define READ_BYTES 65536

struct bridge {
	const struct dh_task *task;
	int coded_height;
	struct dh_output *output;
	struct dh_fault *fault;
	struct dh_decoder *decoder; /* of the input that is being read */
	uint8_t *from, *picture;    /* the segment's last picture; one of the clip */
	struct dh_unit *units[DH_BRIDGE_PICTURES_MAX];
	int count;
	struct dh_film *film;
};

/* --- reading; negative returns say that `fault` is set */

static int on_head(void *arg, const struct dh_stream_head *head)
{
	struct bridge *b = arg;
	if (head->has_video && head->width == b->task->width && head->height == b->coded_height &&
		head->has_matte == b->task->background.is_clear)
		return 0;
	dh_fault_set(b->fault, DH_PREPARE_FORMAT, "A bridge needs pictures of %dx%d%s", b->task->width, b->task->height,
		b->task->background.is_clear ? " with their mattes" : "");
	return -EINVAL;
}

static int on_anchor(void *arg, struct dh_unit *anchor)
{
	struct bridge *b = arg;
	dh_decoder_free(&b->decoder);
	int code = dh_decoder_alloc(&b->decoder, b->task->width, b->coded_height, b->fault);
	if (!code)
		code = dh_decoder_push(b->decoder, anchor->data, anchor->size, NULL, b->fault);
	return code ? -EINVAL : 0;
}

static int on_unit(void *arg, struct dh_unit *unit)
{
	struct bridge *b = arg;
	if (unit->media != DH_VIDEO)
		return 0;
	if (b->count == DH_BRIDGE_PICTURES_MAX) {
		dh_fault_set(b->fault, DH_PREPARE_LIMIT, "A bridge is made of at most %d pictures on either side",
			DH_BRIDGE_PICTURES_MAX);
		return -EFBIG;
	}
	b->units[b->count++] = dh_unit_ref(unit);
	return 0;
}

static void drop_units(struct bridge *b)
{
	while (b->count > 0)
		dh_unit_unref(&b->units[--b->count]);
}

static int read_all(struct bridge *b, struct dh_stream_reader *reader, const struct dh_task_input *input)
{
	uint8_t bytes[READ_BYTES];
	ssize_t n;
	int err = 0;
	while (!err && (n = read(input->fd, bytes, sizeof bytes)) != 0) {
		if (n > 0)
			err = dh_stream_reader_push(reader, bytes, (size_t)n);
		else if (errno != EINTR)
			return dh_fault_set(b->fault, DH_PREPARE_INPUT, "%s: %s", input->name, strerror(errno));
	}
	if (!err)
		err = dh_stream_reader_finish(reader);
	if (!err || b->fault->code)
		return b->fault->code;
	return dh_fault_set(b->fault, DH_PREPARE_FORMAT, "%s: not a prepared stream: %s", input->name,
		dh_stream_reader_error(reader));
}

/* Sets its units, and the decoder has its anchor. */
static int read_input(struct bridge *b, int input)
{
	static const struct dh_stream_sink sink = { .head = on_head, .anchor = on_anchor, .unit = on_unit };
	struct dh_stream_reader *reader;
	drop_units(b);
	if (dh_stream_reader_alloc(&reader, NULL, &sink, b))
		return dh_fault_memory(b->fault);
	int code = read_all(b, reader, &b->task->inputs[input]);
	dh_stream_reader_free(&reader);
	if (!code && b->count == 0)
		code = dh_fault_set(b->fault, DH_PREPARE_EMPTY, "%s: no picture for a bridge",
			b->task->inputs[input].name);
	return code;
}

/* --- making it */

static int decode(struct bridge *b, int unit, uint8_t *i420)
{
	return dh_decoder_push(b->decoder, b->units[unit]->data, b->units[unit]->size, i420, b->fault);
}

static int find_from(struct bridge *b)
{
	int code = read_input(b, 0);
	for (int i = 0; i < b->count && !code; i++)
		code = decode(b, i, i == b->count - 1 ? b->from : NULL);
	return code;
}

/* So much of 256 is the clip's picture; the rest is the segment's. */
static void blend(struct bridge *b, int share)
{
	size_t size = dh_picture_size(b->task->width, b->coded_height);
	for (size_t i = 0; i < size; i++)
		b->picture[i] = (uint8_t)((b->from[i] * (256 - share) + b->picture[i] * share + 128) >> 8);
}

static int start(struct bridge *b, int64_t step_ticks)
{
	const struct dh_task *task = b->task;
	struct dh_video_config config = dh_task_video(task, task->width, task->height, step_ticks);
	struct dh_stream_head head = dh_task_head(&config);
	config.is_short = true;
	int code = dh_film_alloc(&b->film, &config, task->fps_max, task->anchor, b->output, b->fault);
	if (code)
		return code;
	dh_describe(&head, task, dh_film_video(b->film));
	code = dh_output_head(b->output, &head, dh_film_video(b->film), NULL);
	return code ? code : dh_output_horizon(b->output, DH_AUDIO, DH_UNIT_ORDER_NEVER);
}

/* Every picture of the clip gets its own: the clip must go on exactly behind them. */
static int push(struct bridge *b, int unit)
{
	int skip = b->task->skip;
	int64_t pts_ticks = b->units[unit]->pts_ticks - b->units[skip]->pts_ticks;
	int code = decode(b, unit, b->picture);
	if (code)
		return code;
	blend(b, 256 * (b->task->leaves ? b->count - unit : unit - skip + 1) / (b->count - skip + 1));
	return dh_film_push(b->film, b->picture, pts_ticks, b->units[unit]->duration_ticks, b->fault);
}

static int make(struct bridge *b)
{
	struct dh_stream_end end = { 0 };
	int skip = b->task->skip, code = find_from(b);
	if (!code)
		code = read_input(b, 1);
	if (!code && skip >= b->count)
		code = dh_fault_set(b->fault, DH_PREPARE_USAGE, "skip is %d, expected less than the %d pictures", skip,
			b->count);
	if (!code)
		code = start(b, b->units[skip]->duration_ticks);
	for (int i = 0; i < b->count && !code; i++)
		code = i < skip ? decode(b, i, NULL) : push(b, i);
	if (!code)
		code = dh_film_end(b->film, &end.video_ticks);
	return code ? code : dh_output_end(b->output, &end);
}

int dh_prepare_bridge(const struct dh_task *task, struct dh_output *output, struct dh_fault *fault)
{
	int coded_height = dh_background_coded_height(&task->background, task->height);
	size_t size = dh_picture_size(task->width, coded_height);
	struct bridge *b = calloc(1, sizeof *b);
	if (!b)
		return dh_fault_memory(fault);
	b->task = task;
	b->coded_height = coded_height;
	b->output = output;
	b->fault = fault;
	b->from = malloc(size);
	b->picture = malloc(size);
	int code = b->from && b->picture ? make(b) : dh_fault_memory(fault);
	drop_units(b);
	dh_film_free(&b->film);
	dh_decoder_free(&b->decoder);
	free(b->from);
	free(b->picture);
	free(b);
	return code;
}
