#include "task_fields.h"

#include <stddef.h>
#include <string.h>

#include "playout/stream.h"

#define FIELD(name, min, max, even) { #name, offsetof(struct dh_task, name), min, max, even }

static const struct field {
	const char *name;
	size_t offset; /* of the int in struct dh_task */
	int min, max, even;
} fields[] = {
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
};

int dh_task_set(struct dh_task *task, const char *name, long long value, struct dh_fault *fault)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const struct field *f = &fields[i];
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
