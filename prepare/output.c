/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "playout/matte.h"
#include "playout/timebase.h"

static int check(struct dh_output *output, int err)
{
	if (err == 0)
		return 0;
	if (err == -ENOMEM)
		return dh_fault_memory(output->fault);
	if (err == -EINVAL)
		return dh_fault_set(output->fault, DH_PREPARE_INTERNAL, "A record would be invalid");
	return dh_fault_set(output->fault, DH_PREPARE_OUTPUT, "The output cannot be written: %s", strerror(-err));
}

void dh_output_init(struct dh_output *output, const struct dh_stream_writer *writer, struct dh_fault *fault)
{
	memset(output, 0, sizeof *output);
	output->writer = *writer;
	output->fault = fault;
}

void dh_output_clear(struct dh_output *output)
{
	dh_unit_order_clear(&output->order);
}

int dh_output_head(struct dh_output *output, const struct dh_stream_head *head, const struct dh_video *video,
	const uint8_t *i420)
{
	int code = check(output, dh_stream_write_head(&output->writer, head));
	if (!code && video) {
		size_t size;
		const uint8_t *anchor = dh_video_anchor(video, &size);
		code = check(output, dh_stream_write_anchor(&output->writer, anchor, size));
	}
	if (!code && i420)
		code = check(output,
			dh_stream_write_picture(&output->writer, i420,
				(size_t)head->width * (size_t)head->height * 3 / 2));
	return code;
}

int dh_output_mark(struct dh_output *output, const struct dh_stream_head *head, const struct dh_mark *mark)
{
	return check(output,
		dh_stream_write_mark(&output->writer, mark->at, mark->i420,
			dh_mark_size(head->width, dh_head_height(head))));
}

int dh_output_note(struct dh_output *output, const char *code, const char *format, ...)
{
	char text[DH_STREAM_TEXT_MAX + 1];
	int used = snprintf(text, sizeof text, "[%s] ", code);
	va_list list;
	va_start(list, format);
	vsnprintf(text + used, sizeof text - (size_t)used, format, list);
	va_end(list);
	return check(output, dh_stream_write_note(&output->writer, text));
}

int dh_output_word(struct dh_output *output, const struct dh_stream_word *word)
{
	return check(output, dh_stream_write_word(&output->writer, word));
}

static int drain(struct dh_output *output)
{
	int code = 0;
	if (output->is_held)
		return 0;
	for (struct dh_unit *unit; !code && (unit = dh_unit_order_next(&output->order));) {
		code = check(output, dh_stream_write_unit(&output->writer, unit));
		output->units++;
		dh_unit_unref(&unit);
	}
	return code;
}

void dh_output_hold(struct dh_output *output)
{
	output->is_held = true;
}

int dh_output_release(struct dh_output *output, int64_t lead_ticks, int64_t packets)
{
	output->is_held = false;
	output->lead_ticks = lead_ticks;
	output->lead_packets = packets;
	dh_unit_order_shift(&output->order, DH_VIDEO, lead_ticks);
	return drain(output);
}

int dh_output_lead(void *arg, struct dh_unit *unit)
{
	struct dh_output *output = arg;
	unit->flags = DH_UNIT_LEAD;
	unit->pts_ticks = output->lead_ticks;
	unit->duration_ticks = output->lead_packets * DH_SLOT_TICKS;
	int code = check(output, dh_stream_write_unit(&output->writer, unit));
	dh_unit_unref(&unit);
	return code;
}

static int64_t shift_of(const struct dh_output *output, enum dh_media media)
{
	return media == DH_VIDEO ? output->lead_ticks : 0;
}

int dh_output_unit(void *arg, struct dh_unit *unit)
{
	struct dh_output *output = arg;
	unit->pts_ticks += shift_of(output, unit->media);
	int code = check(output, dh_unit_order_push(&output->order, unit));
	return code ? code : drain(output);
}

int dh_output_horizon(struct dh_output *output, enum dh_media media, int64_t ticks)
{
	if (ticks != DH_UNIT_ORDER_NEVER)
		ticks += shift_of(output, media);
	dh_unit_order_horizon(&output->order, media, ticks);
	return drain(output);
}

int dh_output_end(struct dh_output *output, const struct dh_stream_end *end)
{
	struct dh_stream_end moved = *end;
	if (moved.video_ticks)
		moved.video_ticks += output->lead_ticks;
	int code = dh_output_horizon(output, DH_AUDIO, DH_UNIT_ORDER_NEVER);
	if (!code)
		code = dh_output_horizon(output, DH_VIDEO, DH_UNIT_ORDER_NEVER);
	return code ? code : check(output, dh_stream_write_end(&output->writer, &moved));
}
