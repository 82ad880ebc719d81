#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picture.h"
#include "playout/stream.h"

#define FIELD(name, min, max, even) { #name, offsetof(struct dh_task, name), min, max, even }

const struct dh_task_field dh_task_fields[] = {
	FIELD(width, DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX, 1),
	FIELD(height, DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX, 1),
	FIELD(kbps, 50, 20000, 0),
	FIELD(audio_kbps, 16, 256, 0),
	FIELD(entry_ms, 40, 10000, 0),
	FIELD(fps_max, 1, 60, 0),
	FIELD(portrait_ms, 40, 60000, 0),
	FIELD(max_ms, 1, 4 * 3600 * 1000, 0),
	FIELD(max_side, DH_STREAM_SIDE_MIN, 16384, 0),
	FIELD(silence_ms, 0, 3600 * 1000, 0),
	{ NULL, 0, 0, 0, 0 },
};

void dh_task_init(struct dh_task *task)
{
	memset(task, 0, sizeof *task);
	task->kbps = 800;
	task->audio_kbps = 48;
	task->entry_ms = 500;
	task->fps_max = 60;
	task->portrait_ms = 2000;
	task->max_ms = 600000;
	task->max_side = 4096;
	for (int i = 0; i < DH_TASK_INPUTS; i++)
		task->inputs[i].fd = -1;
}

void dh_task_clear(struct dh_task *task)
{
	free(task->anchor);
	task->anchor = NULL;
}

int dh_task_set(struct dh_task *task, const char *name, long long value, struct dh_fault *fault)
{
	for (const struct dh_task_field *f = dh_task_fields; f->name; f++) {
		if (strcmp(f->name, name) != 0)
			continue;
		if (value < f->min || value > f->max || (f->even && value % 2))
			return dh_fault_set(fault, DH_PREPARE_USAGE, "%s is %lld, expected %s%d to %d", name, value,
				f->even ? "an even number from " : "", f->min, f->max);
		*(int *)((char *)task + f->offset) = (int)value;
		return 0;
	}
	return dh_fault_set(fault, DH_PREPARE_USAGE, "%s is not a setting", name);
}

int dh_task_read_anchor(struct dh_task *task, int fd, struct dh_fault *fault)
{
	size_t size = dh_picture_size(task->width, task->height), used = 0;
	uint8_t past;
	free(task->anchor);
	task->anchor = malloc(size);
	if (!task->anchor)
		return dh_fault_memory(fault);
	while (used < size) {
		ssize_t n = read(fd, task->anchor + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return dh_fault_set(fault, DH_PREPARE_INPUT, "The anchor's picture cannot be read: %s",
				strerror(errno));
		if (n == 0)
			return dh_fault_set(fault, DH_PREPARE_INPUT, "The anchor's picture has %zu bytes, expected %zu "
				"(I420 of %dx%d)", used, size, task->width, task->height);
		used += (size_t)n;
	}
	if (read(fd, &past, 1) == 1)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "The anchor's picture has more than %zu bytes "
			"(I420 of %dx%d)", size, task->width, task->height);
	return 0;
}
