/* One thing to prepare: job.h's job, or the command line's. */
#ifndef DH_TASK_H
#define DH_TASK_H

#include <stdint.h>

#include "raw.h"

enum dh_task_kind { DH_TASK_SEGMENT, DH_TASK_IDLE, DH_TASK_PORTRAIT };

#define DH_TASK_INPUTS 2
#define DH_TASK_NAME   256

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

#endif
