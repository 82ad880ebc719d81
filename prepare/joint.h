/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waits for the end of the sound that a segment goes on from (tail.h), and holds the segment's own
 * sound meanwhile: it cannot be encoded before. Pictures can. Private to segment.c.
 */
#ifndef DH_JOINT_H
#define DH_JOINT_H

#include <stdbool.h>

#include "fault.h"
#include "output.h"
#include "sound.h"

/* So much is read of the segment; then it waits for the tail alone. */
#define DH_JOINT_AHEAD_MS 2000

struct dh_joint;

/* `fd`: where the tail comes from. `sound` and `output` go on once it is there: the output holds
 * everything back until then. */
int dh_joint_alloc(struct dh_joint **joint, int fd, struct dh_sound *sound, struct dh_output *output,
	struct dh_fault *fault);
void dh_joint_free(struct dh_joint **joint); /* *joint may be NULL */

/* Keeps a clone of the frame, and pushes it once the tail is there. */
int dh_joint_hold(struct dh_joint *joint, const AVFrame *frame, int64_t pts_ticks, struct dh_fault *fault);

/* Looks for the tail; with `must_end` it waits for it, up to DH_LEAD_WAIT_MS (job.h) in all. *is_over:
 * the sound goes on, with a tail or without, and the joint has nothing more to do. */
int dh_joint_look(struct dh_joint *joint, bool must_end, bool *is_over, struct dh_fault *fault);

#endif
