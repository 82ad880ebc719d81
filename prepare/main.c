/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-prepare: command-line tool and worker. */
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libavutil/log.h>

#include "clip.h"
#include "export.h"
#include "file.h"
#include "info.h"
#include "options.h"
#include "placement.h"
#include "playout/matte.h"
#include "playout/timebase.h"
#include "prepare.h"
#include "target.h"
#include "tool_version.h"
#include "worker.h"

#define BAR_WIDTH 24

/* --- progress */

struct bar {
	const char *name;
	double begun_s, shown_s;
	int64_t done_ticks, pictures;
	bool is_shown;
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show_bar(void *arg, int64_t done_ticks, int64_t total_ticks, int64_t pictures)
{
	struct bar *bar = arg;
	double now = now_s();
	bar->done_ticks = done_ticks;
	bar->pictures = pictures;
	if (now - bar->shown_s < 0.1)
		return;
	bar->shown_s = now;
	bar->is_shown = true;
	fprintf(stderr, "\r%s ", bar->name);
	if (total_ticks > 0) {
		int part = (int)(done_ticks >= total_ticks ? 100 : done_ticks * 100 / total_ticks);
		fputc('[', stderr);
		for (int i = 0; i < BAR_WIDTH; i++)
			fputc(i * 100 < part * BAR_WIDTH ? '#' : '.', stderr);
		fprintf(stderr, "] %3d %% ", part);
	}
	fprintf(stderr, "%.1f s, %.0f pictures/s\033[K", (double)done_ticks / DH_TICKS_PER_SECOND,
		(double)pictures / (now - bar->begun_s));
}

static void end_bar(const struct bar *bar)
{
	if (bar->is_shown)
		fputs("\r\033[K", stderr);
}

/* --- preparing */

struct avatar {
	struct dh_task *task;
	struct dh_fault *fault;
	struct dh_unit *anchor;
	bool has_matte, has_mark;
};

struct sink {
	struct dh_file_writer file;
	const struct dh_unit *anchor; /* the avatar's, or NULL */
};

/* Shows the notes in the stream, and warns of an anchor that is not the avatar's:
 * every switch between the two costs a key frame. */
static int write_and_tell(void *arg, const void *bytes, size_t size)
{
	struct sink *sink = arg;
	const uint8_t *record = bytes;
	if (sink->anchor && size > 12 && memcmp(record, "ANCH", 4) == 0 &&
		(size - 12 != sink->anchor->size || memcmp(record + 8, sink->anchor->data, size - 12) != 0))
		fprintf(stderr,
			"dh-prepare: the anchor differs from the avatar's: was its idle clip made with "
			"another bit rate or version?\n");
	if (size > 12 && memcmp(bytes, "NOTE", 4) == 0) {
		if (isatty(STDERR_FILENO))
			fputs("\r\033[K", stderr);
		fprintf(stderr, "dh-prepare: %.*s\n", (int)(size - 12), (const char *)bytes + 8);
	}
	return dh_file_write(&sink->file, bytes, size);
}

static int avatar_head(void *arg, const struct dh_stream_head *head)
{
	struct avatar *avatar = arg;
	avatar->task->width = head->width;
	avatar->task->height = dh_head_height(head);
	avatar->has_matte = head->has_matte;
	avatar->has_mark = head->has_mark;
	return 0;
}

static int avatar_mark(void *arg, enum dh_mark_at at, const uint8_t *i420, size_t size)
{
	struct avatar *avatar = arg;
	struct dh_mark *mark = &avatar->task->mark;
	mark->at = at;
	mark->i420 = malloc(size);
	if (!mark->i420)
		return -dh_fault_memory(avatar->fault);
	memcpy(mark->i420, i420, size);
	return 0;
}

static int avatar_picture(void *arg, const uint8_t *i420, size_t size)
{
	struct avatar *avatar = arg;
	avatar->task->anchor = malloc(size);
	if (!avatar->task->anchor)
		return -dh_fault_memory(avatar->fault);
	memcpy(avatar->task->anchor, i420, size);
	return 0;
}

static int avatar_anchor(void *arg, struct dh_unit *anchor)
{
	struct avatar *avatar = arg;
	avatar->anchor = dh_unit_ref(anchor);
	avatar->task->anchor_frame = malloc(anchor->size);
	if (!avatar->task->anchor_frame)
		return -dh_fault_memory(avatar->fault);
	memcpy(avatar->task->anchor_frame, anchor->data, anchor->size);
	avatar->task->anchor_frame_size = anchor->size;
	return 0;
}

static int read_avatar(struct avatar *avatar, const char *path, struct dh_fault *fault)
{
	static const struct dh_stream_sink sink = { .head = avatar_head,
		.anchor = avatar_anchor,
		.picture = avatar_picture,
		.mark = avatar_mark };
	int code = dh_file_read(path, &sink, avatar, fault);
	if (!code && !avatar->task->anchor)
		code = dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is not an avatar's idle clip: it has no anchor picture "
			"(make it with --idle or --portrait)",
			path);
	if (!code && avatar->task->background.is_set && avatar->task->background.is_clear != avatar->has_matte)
		code = dh_fault_set(fault, DH_PREPARE_USAGE, "%s was made %s --background " DH_BACKGROUND_CLEAR, path,
			avatar->has_matte ? "with" : "without");
	if (!code && avatar->has_matte)
		dh_background_parse(&avatar->task->background, DH_BACKGROUND_CLEAR);
	return code;
}

/* What a picture beside the inputs is made to be: a background, or a mark of `size` bytes. */
static int read_still(const char *path, enum dh_task_kind kind, const struct dh_options *o, uint8_t **copy, size_t size,
	struct dh_fault *fault)
{
	struct dh_task made;
	struct dh_clip *clip = NULL;
	const uint8_t *i420;
	dh_task_init(&made);
	made.kind = kind;
	made.width = o->task.width;
	made.height = o->task.height;
	made.max_side = o->task.max_side;
	made.mark.at = o->mark_at;
	if (kind == DH_TASK_MARK)
		dh_background_parse(&made.background, DH_BACKGROUND_CLEAR);
	made.inputs_count = 1;
	snprintf(made.inputs[0].name, sizeof made.inputs[0].name, "%s", path);
	int code = dh_file_open(&made.inputs[0].fd, path, fault);
	if (code)
		return code;
	code = dh_clip_alloc(&clip, &made, 0, true, NULL, fault);
	if (!code)
		code = dh_clip_picture(clip, 0, 1, &i420, fault);
	*copy = code ? NULL : malloc(size);
	if (*copy)
		memcpy(*copy, i420, size);
	else if (!code)
		code = dh_fault_memory(fault);
	dh_clip_free(&clip);
	close(made.inputs[0].fd);
	return code;
}

/* The picture that covers the avatar's size. */
static int read_background(struct dh_options *o, struct dh_fault *fault)
{
	struct dh_task *task = &o->task;
	int code = read_still(o->background, DH_TASK_BACKGROUND, o, &task->background.i420,
		dh_picture_size(task->width, task->height), fault);
	task->background.is_set = task->background.is_set || !code;
	return code;
}

/* An avatar's own mark stays, unless another one is given. */
static int read_mark(struct dh_options *o, const struct avatar *avatar, struct dh_fault *fault)
{
	struct dh_mark *mark = &o->task.mark;
	struct dh_fault why = { 0 };
	if (!o->mark && (!avatar->has_mark || mark->i420))
		return 0;
	if (!o->mark)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "%s was made with --disclosure-mark, and does not hold it",
			o->avatar);
	if (o->avatar && !avatar->has_mark)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "%s was made without --disclosure-mark", o->avatar);
	free(mark->i420);
	mark->at = o->mark_at;
	int code = read_still(o->mark, DH_TASK_MARK, o, &mark->i420, dh_mark_size(o->task.width, o->task.height), &why);
	return code ? dh_fault_set(fault, code, "--disclosure-mark: %s", why.text) : 0;
}

static int open_inputs(struct dh_options *o, struct dh_fault *fault)
{
	const char *files[DH_TASK_INPUTS + 1] = { 0 };
	int count = 0, code = 0;
	for (int i = 0; i < o->files_count; i++)
		files[count++] = o->files[i];
	if (o->portrait)
		files[count++] = o->portrait;
	for (int i = 0; i < count && !code; i++) {
		struct dh_task_input *input = &o->task.inputs[i];
		code = dh_file_open(&input->fd, files[i], fault);
		input->raw = o->raws[i];
		snprintf(input->name, sizeof input->name, "%s", strcmp(files[i], "-") ? files[i] : "standard input");
		o->task.inputs_count++;
	}
	return code;
}

static void close_inputs(struct dh_options *o)
{
	for (int i = 0; i < DH_TASK_INPUTS; i++)
		if (o->task.inputs[i].fd >= 0)
			close(o->task.inputs[i].fd);
	dh_task_clear(&o->task);
}

/* An output that would replace an input is a mistake. */
static int check_output(const struct dh_options *o, struct dh_fault *fault)
{
	int code = 0;
	for (int i = 0; i < o->files_count && !code; i++)
		code = dh_target_check(o->output, o->files[i], fault);
	if (!code && o->portrait)
		code = dh_target_check(o->output, o->portrait, fault);
	if (!code && o->avatar)
		code = dh_target_check(o->output, o->avatar, fault);
	if (!code && o->background)
		code = dh_target_check(o->output, o->background, fault);
	if (!code && o->mark)
		code = dh_target_check(o->output, o->mark, fault);
	if (!code && strcmp(o->output, "-") == 0 && isatty(STDOUT_FILENO))
		code = dh_fault_set(fault, DH_PREPARE_USAGE, "media cannot be written to a terminal");
	return code;
}

static int prepare_to_file(const struct dh_options *o, const struct dh_unit *anchor, struct dh_fault *fault)
{
	struct sink sink = { .anchor = anchor };
	const struct dh_stream_writer writer = { write_and_tell, &sink };
	struct bar bar = { .name = o->task.inputs[0].name, .begun_s = now_s(), .shown_s = now_s() };
	const struct dh_progress progress = { show_bar, &bar };
	bool tell = isatty(STDERR_FILENO) && !o->is_quiet;
	int code = dh_file_create(&sink.file, o->output, fault);
	if (code)
		return code;
	code = dh_prepare(&o->task, &writer, tell ? &progress : NULL, fault);
	int finish = dh_file_finish(&sink.file, code == 0, fault);
	if (tell) {
		end_bar(&bar);
		if (!code && !finish)
			fprintf(stderr, "%s: %.1f s, %.0f kB, made in %.1f s\n", o->output,
				(double)bar.done_ticks / DH_TICKS_PER_SECOND, (double)sink.file.bytes / 1000,
				now_s() - bar.begun_s);
	}
	return code ? code : finish;
}

static int prepare(struct dh_options *o, struct dh_fault *fault)
{
	struct avatar avatar = { .task = &o->task, .fault = fault };
	int code = open_inputs(o, fault);
	if (!code)
		code = check_output(o, fault);
	if (!code && o->avatar)
		code = read_avatar(&avatar, o->avatar, fault);
	if (!code && o->background && o->task.background.is_clear)
		code = dh_fault_set(fault, DH_PREPARE_USAGE, "%s was made with --background " DH_BACKGROUND_CLEAR,
			o->avatar);
	if (!code && o->background)
		code = read_background(o, fault);
	if (!code)
		code = read_mark(o, &avatar, fault);
	if (!code)
		code = prepare_to_file(o, avatar.anchor, fault);
	dh_unit_unref(&avatar.anchor);
	close_inputs(o);
	return code;
}

static int check_idle(struct dh_options *o, struct dh_fault *fault)
{
	int code = open_inputs(o, fault);
	if (!code)
		code = dh_check_idle(&o->task, &o->mouth, fault);
	close_inputs(o);
	return code;
}

/* Confined like a worker if the options say so: the gateway asks before it trusts the program. */
static int tell_version(const struct dh_options *o, struct dh_fault *fault)
{
	const char *what = "";
	int err = dh_confine(&o->confine, &what);
	if (err < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "%s: %s", what, strerror(-err));
	puts(dh_prepare_version());
	return 0;
}

static int export(const struct dh_options *o, struct dh_fault *fault)
{
	int code = check_output(o, fault);
	return code ? code : dh_export(o->files[0], o->output, fault);
}

static int act(struct dh_options *o, struct dh_fault *fault)
{
	switch (o->action) {
	case DH_ACTION_HELP:
		dh_options_help();
		return 0;
	case DH_ACTION_VERSION:
		return tell_version(o, fault);
	case DH_ACTION_FORK_SERVER:
		return dh_workers_serve(&o->confine);
	case DH_ACTION_INFO:
		return dh_info(o->info, o->as_json, fault);
	case DH_ACTION_EXPORT:
		return export(o, fault);
	case DH_ACTION_CHECK_IDLE:
		return check_idle(o, fault);
	case DH_ACTION_PREPARE:
		return prepare(o, fault);
	}
	return DH_PREPARE_INTERNAL;
}

int main(int argc, char **argv)
{
	struct dh_options options;
	struct dh_fault fault = { 0 };
	av_log_set_level(AV_LOG_QUIET);
	int code = dh_options_parse(&options, argc, argv, &fault);
	if (!code)
		code = act(&options, &fault);
	if (fault.code)
		fprintf(stderr, "dh-prepare: %s\n", fault.text);
	return code;
}
