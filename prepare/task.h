/* One thing to prepare: job.h's job, or the command line's. */
#ifndef DH_TASK_H
#define DH_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"

enum dh_task_kind { DH_TASK_SEGMENT, DH_TASK_IDLE, DH_TASK_PORTRAIT };

#define DH_TASK_INPUTS 2
#define DH_TASK_NAME   256

/* An array without a container, as numpy's tofile writes it. */
struct dh_raw {
	int is_video, is_audio; /* neither: not raw */
	char format[32];        /* pixel format, or sample format (f32le) */
	int width, height;
	int rate_num, rate_den; /* pictures a second */
	int sample_rate, channels;
};

struct dh_task_input {
	int fd;                  /* owned by who made the task */
	char name[DH_TASK_NAME]; /* for messages */
	struct dh_raw raw;
};

struct dh_task {
	enum dh_task_kind kind;
	struct dh_task_input inputs[DH_TASK_INPUTS];
	int inputs_count;
	uint8_t *anchor; /* I420 of width x height, or NULL; owned */
	int width, height; /* 0, command line only: the input's own */
	int kbps, audio_kbps, entry_ms, fps_max, pingpong, portrait_ms, max_ms, max_side, silence_ms;
};

/* The defaults of job.h; no inputs. */
void dh_task_init(struct dh_task *task);
void dh_task_clear(struct dh_task *task);

/* One line per field: the name, its range, where it stands. The table is ended
 * by a NULL name. Both the job and the command line are read by it. */
struct dh_task_field {
	const char *name;
	size_t offset; /* of the int in struct dh_task */
	int min, max, even;
};
extern const struct dh_task_field dh_task_fields[];

/* `fields`' range check; the fault names the field and what was expected. */
int dh_task_set(struct dh_task *task, const char *name, long long value, struct dh_fault *fault);

/* A job (job.h) with the descriptors that came with it. Takes over nothing: the
 * caller closes them when the task is done. */
int dh_task_from_job(struct dh_task *task, const char *json, size_t size, const int *fds, int fds_count,
	struct dh_fault *fault);

/* Reads an anchor's picture from `fd`. */
int dh_task_read_anchor(struct dh_task *task, int fd, struct dh_fault *fault);

#endif
