/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks for what viewers notice in an idle clip: lips that move though nobody speaks, and a
 * loop that jumps. It does not know what a face is: it compares how much the mouth's place
 * moves with the place above it, and with the clip's median second.
 */
#ifndef DH_CHECK_IDLE_H
#define DH_CHECK_IDLE_H

#include "fault.h"
#include "task.h"

/* Where the mouth is, in per cent of the picture. As much is compared above it. */
struct dh_mouth_place {
	int x, y, width, height;
};

/* Where it is in a head-and-shoulders picture. */
void dh_mouth_init(struct dh_mouth_place *mouth);
/* "X,Y,WxH". Fails with DH_PREPARE_USAGE. */
int dh_mouth_parse(struct dh_mouth_place *mouth, const char *text, struct dh_fault *fault);

/* Checks the task's first input, and prints what it finds to standard output. 0: all is well;
 * DH_PREPARE_FOUND, without a fault: it is not. */
int dh_check_idle(const struct dh_task *task, const struct dh_mouth_place *mouth, struct dh_fault *fault);

#endif
