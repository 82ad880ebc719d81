/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint.h"

#include <stdlib.h>

#include "job.h"
#include "playout/timebase.h"

struct held {
	AVFrame *frame; /* a clone */
	int64_t pts_ticks;
};

struct dh_joint {
	int fd, size;
	struct dh_sound *sound;
	struct dh_output *output;
	struct held *held;
	size_t count, capacity;
	struct dh_tail tail;
};

int dh_joint_alloc(struct dh_joint **joint, int fd, struct dh_sound *sound, struct dh_output *output,
	struct dh_fault *fault)
{
	struct dh_joint *j = calloc(1, sizeof *j);
	if (!j)
		return dh_fault_memory(fault);
	j->fd = fd;
	j->sound = sound;
	j->output = output;
	dh_output_hold(output);
	*joint = j;
	return 0;
}

void dh_joint_free(struct dh_joint **joint)
{
	struct dh_joint *j = *joint;
	*joint = NULL;
	if (!j)
		return;
	for (size_t i = 0; i < j->count; i++)
		av_frame_free(&j->held[i].frame);
	free(j->held);
	free(j);
}

int dh_joint_hold(struct dh_joint *j, const AVFrame *frame, int64_t pts_ticks, struct dh_fault *fault)
{
	if (j->count == j->capacity) {
		size_t capacity = j->capacity ? j->capacity * 2 : 64;
		struct held *held = realloc(j->held, capacity * sizeof *held);
		if (!held)
			return dh_fault_memory(fault);
		j->held = held;
		j->capacity = capacity;
	}
	AVFrame *clone = av_frame_clone(frame);
	if (!clone)
		return dh_fault_memory(fault);
	j->held[j->count++] = (struct held){ clone, pts_ticks };
	return 0;
}

/* `tail` NULL: there is none. */
static int go_on(struct dh_joint *j, const struct dh_tail *tail, struct dh_fault *fault)
{
	int code = tail ? dh_sound_lead(j->sound, tail, dh_output_lead, fault) : 0;
	if (!code)
		code = dh_output_release(j->output, tail ? tail->lead * (int64_t)DH_TICKS_PER_AUDIO_SAMPLE : 0,
			tail ? tail->packets : 0);
	for (size_t i = 0; i < j->count && !code; i++)
		code = dh_sound_push(j->sound, j->held[i].frame, j->held[i].pts_ticks, fault);
	return code;
}

int dh_joint_look(struct dh_joint *j, bool must_end, bool *is_over, struct dh_fault *fault)
{
	int got = dh_tail_read(&j->tail, j->fd, must_end ? DH_LEAD_WAIT_MS : 0, &j->size);
	*is_over = got != 0 || must_end;
	return *is_over ? go_on(j, got > 0 ? &j->tail : NULL, fault) : 0;
}
