/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "task_fields.h"

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "playout/bridge.h"
#include "playout/stream.h"
#include "job.h"

#define FIELD(name, min, max, is_even) \
	{ \
#name, offsetof(struct dh_task, name), min, max, is_even \
	}

static const struct field {
	const char *name;
	size_t offset; /* of an int in struct dh_task */
	int min, max;
	bool is_even;
} fields[] = {
	FIELD(width, DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX, true),
	FIELD(height, DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX, true),
	FIELD(kbps, DH_KBPS_MIN, DH_KBPS_MAX, false),
	FIELD(kbps_2, 0, DH_KBPS_MAX, false),
	FIELD(kbps_3, 0, DH_KBPS_MAX, false),
	FIELD(audio_kbps, 16, 256, false),
	FIELD(entry_ms, 40, 10000, false),
	FIELD(fps_max, 1, 60, false),
	FIELD(speed, DH_SPEED_MIN, DH_SPEED_MAX, false),
	FIELD(speed_later, DH_SPEED_MIN, DH_SPEED_MAX, false),
	FIELD(portrait_ms, 40, 60000, false),
	FIELD(skip, 0, DH_BRIDGE_PICTURES_MAX - 1, false),
	FIELD(max_ms, 1, DH_SEGMENT_MS_MAX, false),
	FIELD(max_side, DH_STREAM_SIDE_MIN, 16384, false),
	FIELD(silence_ms, 0, 3600 * 1000, false),
};

int dh_task_set(struct dh_task *task, const char *name, long long value, struct dh_fault *fault)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const struct field *f = &fields[i];
		if (strcmp(f->name, name) != 0)
			continue;
		if (value < f->min || value > f->max || (f->is_even && value % 2))
			return dh_fault_set(fault, DH_PREPARE_USAGE, "%s is %lld, expected %s%d to %d", name, value,
				f->is_even ? "an even number from " : "", f->min, f->max);
		*(int *)((char *)task + f->offset) = (int)value;
		return 0;
	}
	return dh_fault_set(fault, DH_PREPARE_USAGE, "%s is not a setting", name);
}
