/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What to prepare: from a job (job.h) or the command line. */
#ifndef DH_TASK_H
#define DH_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "background.h"
#include "fault.h"
#include "mark.h"
#include "raw.h"

enum dh_task_kind { DH_TASK_SEGMENT, DH_TASK_IDLE, DH_TASK_PORTRAIT, DH_TASK_BRIDGE, DH_TASK_BACKGROUND, DH_TASK_MARK };

#define DH_TASK_INPUTS 2
#define DH_TASK_NAME   256

struct dh_task_input {
	int fd;                  /* the caller's */
	char name[DH_TASK_NAME]; /* for messages */
	struct dh_raw raw;
};

struct dh_task {
	enum dh_task_kind kind;
	struct dh_task_input inputs[DH_TASK_INPUTS];
	int inputs_count;
	int lead_fd, tail_fd;  /* see job.h; the caller's; -1: none */
	uint8_t *anchor;       /* I420 of the coded height, or NULL; the task's */
	uint8_t *anchor_frame; /* that picture, as it was coded before, or NULL; the task's */
	size_t anchor_frame_size;
	struct dh_background background; /* its picture is the task's */
	struct dh_mark mark;             /* its picture is the task's; of a mark that is made, where it goes */
	int width, height;               /* 0, from the command line only: those of the input */
	int kbps, kbps_2, kbps_3, audio_kbps, entry_ms, fps_max, speed, speed_later, portrait_ms, skip, max_ms,
		max_side, silence_ms; /* see job.h */
	bool pingpong, leaves, temporal;
	int first_fd; /* a socket: told when the first byte of an input that is no file has been read; -1: none */
};

/* Sets the defaults of job.h, without inputs. */
void dh_task_init(struct dh_task *task);
void dh_task_clear(struct dh_task *task);

/* Fails with DH_PREPARE_USAGE if its pictures with their mattes are larger than a stream's may be, or bit rates
 * do not fall from each quality to the next. */
int dh_task_check(const struct dh_task *task, struct dh_fault *fault);

#endif
