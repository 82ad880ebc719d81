/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "task_job.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "placement.h"
#include "playout/matte.h"
#include "playout/unit.h"
#include "task_fields.h"

static int wrong(struct dh_fault *fault, const char *field, const char *expected)
{
	return dh_fault_set(fault, DH_PREPARE_USAGE, "Job: %s: expected %s", field, expected);
}

static int take_kind(struct dh_task *task, const json_t *value, struct dh_fault *fault)
{
	static const char *const kinds[] = { "segment", "idle", "portrait", "bridge", "background", "mark" };
	for (int i = 0; i < 6; i++)
		if (json_is_string(value) && strcmp(json_string_value(value), kinds[i]) == 0) {
			task->kind = (enum dh_task_kind)i;
			return 0;
		}
	return wrong(fault, "kind", "\"segment\", \"idle\", \"portrait\", \"bridge\", \"background\" or \"mark\"");
}

static int take_names(struct dh_task *task, const json_t *value, struct dh_fault *fault)
{
	bool is_one = task->kind == DH_TASK_PORTRAIT || task->kind == DH_TASK_BACKGROUND || task->kind == DH_TASK_MARK;
	size_t most = is_one ? 1 : DH_TASK_INPUTS;
	if (!json_is_array(value) || json_array_size(value) < 1 || json_array_size(value) > most)
		return wrong(fault, "names", most == 1 ? "an array of one string" : "an array of one or two strings");
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *name = json_array_get(value, i);
		if (!json_is_string(name))
			return wrong(fault, "names", "strings");
		/* it is UTF-8, which jansson has checked: do not cut a character in two */
		const char *text = json_string_value(name);
		size_t length = strnlen(text, DH_TASK_NAME);
		if (length == DH_TASK_NAME)
			for (length--; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80; length--)
				;
		memcpy(task->inputs[i].name, text, length);
		task->inputs[i].name[length] = '\0';
		task->inputs_count++;
	}
	return 0;
}

/* What follows the inputs' descriptors, in this order. */
struct extras {
	bool anchor, anchor_frame, background, mark, lead, tail;
};

static bool *flag_of(struct dh_task *task, struct extras *has, const char *key)
{
	if (strcmp(key, "anchor") == 0)
		return &has->anchor;
	if (strcmp(key, "anchor_frame") == 0)
		return &has->anchor_frame;
	if (strcmp(key, "lead") == 0)
		return &has->lead;
	if (strcmp(key, "tail") == 0)
		return &has->tail;
	if (strcmp(key, "temporal") == 0)
		return &task->temporal;
	if (strcmp(key, "leaves") == 0)
		return &task->leaves;
	return strcmp(key, "pingpong") == 0 ? &task->pingpong : NULL;
}

static int take_background(struct dh_task *task, const json_t *value, struct extras *has, struct dh_fault *fault)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	has->background = strcmp(text, "picture") == 0;
	if (task->kind == DH_TASK_BACKGROUND || task->kind == DH_TASK_MARK)
		return wrong(fault, "background", "none, where it, or a mark, is what is made");
	if (has->background || dh_background_parse(&task->background, text))
		return 0;
	return wrong(fault, "background", "\"#rrggbb\", \"picture\" or \"" DH_BACKGROUND_CLEAR "\"");
}

/* Where a mark is made it says where on the avatar's pictures that will be. */
static int take_mark(struct dh_task *task, const json_t *value, struct extras *has, struct dh_fault *fault)
{
	has->mark = task->kind != DH_TASK_MARK;
	if (task->kind == DH_TASK_BACKGROUND || task->kind == DH_TASK_BRIDGE)
		return wrong(fault, "mark", "none, where a background or a bridge is made");
	if (json_is_string(value) && dh_mark_at_parse(&task->mark.at, json_string_value(value)))
		return 0;
	return wrong(fault, "mark", DH_MARK_CORNERS);
}

static int take_field(struct dh_task *task, const char *key, const json_t *value, struct extras *has,
	struct dh_fault *fault)
{
	bool *flag = flag_of(task, has, key);
	if (strcmp(key, "background") == 0)
		return take_background(task, value, has, fault);
	if (strcmp(key, "mark") == 0)
		return take_mark(task, value, has, fault);
	if (strcmp(key, "kind") == 0 || strcmp(key, "names") == 0)
		return 0;
	if (flag) {
		if (!json_is_boolean(value))
			return wrong(fault, key, "true or false");
		*flag = json_is_true(value);
		return 0;
	}
	if (!json_is_integer(value))
		return wrong(fault, key, "an integer");
	return dh_task_set(task, key, json_integer_value(value), fault);
}

static int take_job(struct dh_task *task, const json_t *job, struct extras *has, struct dh_fault *fault)
{
	int code = take_kind(task, json_object_get(job, "kind"), fault);
	if (!code)
		code = take_names(task, json_object_get(job, "names"), fault);
	for (void *i = json_object_iter((json_t *)job); i && !code; i = json_object_iter_next((json_t *)job, i))
		code = take_field(task, json_object_iter_key(i), json_object_iter_value(i), has, fault);
	if (!code && task->kind == DH_TASK_MARK)
		dh_background_parse(&task->background, DH_BACKGROUND_CLEAR);
	if (!code && (!task->width || !task->height))
		code = wrong(fault, task->width ? "height" : "width", "a size");
	if (!code)
		code = dh_task_check(task, fault);
	if (!code && task->kind == DH_TASK_BRIDGE && task->inputs_count != 2)
		code = wrong(fault, "names", "an array of two strings");
	if (!code && task->kind == DH_TASK_BRIDGE && !has->anchor)
		code = wrong(fault, "anchor", "true");
	if (!code && task->kind == DH_TASK_MARK && has->anchor)
		code = wrong(fault, "anchor", "false, where a mark is made");
	if (!code && has->anchor_frame && !has->anchor)
		code = wrong(fault, "anchor_frame", "false, where there is no anchor");
	return code;
}

/* Reads up to `most` bytes. Returns how many, or -errno. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t most)
{
	size_t used = 0;
	while (used < most) {
		ssize_t n = read(fd, bytes + used, most - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)used;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* Reads I420 of that size. */
static int read_i420(const char *which, int width, int height, uint8_t **i420, int fd, struct dh_fault *fault)
{
	size_t size = dh_picture_size(width, height);
	uint8_t past;
	*i420 = malloc(size);
	if (!*i420)
		return dh_fault_memory(fault);
	ssize_t used = read_all(fd, *i420, size);
	if (used < 0)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "The %s's picture cannot be read: %s", which,
			strerror((int)-used));
	if ((size_t)used < size)
		return dh_fault_set(fault, DH_PREPARE_INPUT,
			"The %s's picture has %zu bytes, expected %zu (I420 of %dx%d)", which, (size_t)used, size,
			width, height);
	if (read(fd, &past, 1) == 1)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "The %s's picture has more than %zu bytes (I420 of %dx%d)",
			which, size, width, height);
	return 0;
}

/* Reads a picture of the task's coded size. */
static int read_picture(const struct dh_task *task, const char *which, uint8_t **i420, int fd, struct dh_fault *fault)
{
	return read_i420(which, task->width, dh_background_coded_height(&task->background, task->height), i420, fd,
		fault);
}

static int read_mark(struct dh_task *task, int fd, struct dh_fault *fault)
{
	struct dh_mark_place place = dh_mark_place(task->width, task->height);
	return read_i420("mark", place.width, dh_matte_coded_height(place.height), &task->mark.i420, fd, fault);
}

/* One that is too long, or is none, cannot be what the encoder makes. */
static int read_frame(struct dh_task *task, int fd, struct dh_fault *fault)
{
	task->anchor_frame = malloc(DH_VIDEO_UNIT_MAX);
	if (!task->anchor_frame)
		return dh_fault_memory(fault);
	ssize_t used = read_all(fd, task->anchor_frame, DH_VIDEO_UNIT_MAX);
	if (used < 0)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "The anchor's frame cannot be read: %s",
			strerror((int)-used));
	task->anchor_frame_size = (size_t)used;
	return 0;
}

static int take_descriptors(struct dh_task *task, const struct extras *has, const int *fds, int count,
	struct dh_fault *fault)
{
	int wanted = task->inputs_count + has->anchor + has->anchor_frame + has->background + has->mark + has->lead +
		has->tail,
	    n = 0, code = 0;
	if (count != wanted)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "Job: %d descriptors came, expected %d", count, wanted);
	for (; n < task->inputs_count; n++)
		task->inputs[n].fd = fds[n];
	if (has->anchor)
		code = read_picture(task, "anchor", &task->anchor, fds[n++], fault);
	if (!code && has->anchor_frame)
		code = read_frame(task, fds[n++], fault);
	if (!code && has->background) {
		task->background.is_set = true;
		code = read_picture(task, "background", &task->background.i420, fds[n++], fault);
	}
	if (!code && has->mark)
		code = read_mark(task, fds[n++], fault);
	if (has->lead)
		task->lead_fd = fds[n++];
	if (has->tail)
		task->tail_fd = fds[n];
	return code;
}

int dh_task_from_job(struct dh_task *task, const char *json, size_t size, const int *fds, int fds_count,
	struct dh_fault *fault)
{
	json_error_t error;
	struct extras has = { false };
	json_t *job = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
	dh_task_init(task);
	if (!json_is_object(job)) {
		json_decref(job);
		return dh_fault_set(fault, DH_PREPARE_USAGE, "Job: not a JSON object: %s",
			job ? "another value" : error.text);
	}
	int code = take_job(task, job, &has, fault);
	json_decref(job);
	return code ? code : take_descriptors(task, &has, fds, fds_count, fault);
}
