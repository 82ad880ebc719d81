/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the person is posed in one picture. */
#ifndef DH_TALKER_POSE_H
#define DH_TALKER_POSE_H

#include "talker_mouth.h"

/* All zeros is the rest pose: facing the viewer, eyes open, mouth closed. Speech
 * and idle clips start and end with it, so that seams do not jump. Lengths are in
 * canvas units: a square picture is 512 of them wide. */
struct dh_pose {
	double x, y;           /* the head moves to the right, down */
	double roll;           /* the head tilts clockwise, radians */
	double yaw, pitch;     /* the head turns right, down: -1 to 1 */
	double breath;         /* 0 to 1: shoulders rise */
	double blink;          /* 0 open to 1 shut */
	double gaze_x, gaze_y; /* the eyes look right, down: -1 to 1 */
	double brows;          /* 0 to 1: eyebrows lifted */
	struct dh_mouth mouth;
};

#endif
