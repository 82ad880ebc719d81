/* The demonstration's person: draws one picture for one pose. */
#ifndef DH_TALKER_FACE_H
#define DH_TALKER_FACE_H

#include <stddef.h>
#include <stdint.h>

#include "talker_look.h"
#include "talker_mouth.h"

/* All 0 is the rest pose: looks at the viewer, eyes open, mouth closed. Speech
 * begins and ends with it, the idle clip too, so that every seam looks alike.
 * Lengths are stage units: a square picture is 512 of them wide. */
struct dh_pose {
	double x, y;         /* the head moves to the right, down */
	double roll;         /* the head tilts clockwise, radians */
	double yaw, pitch;   /* the head turns right, down: -1 to 1 */
	double breath;       /* 0 to 1: shoulders rise */
	double blink;        /* 0 open to 1 shut */
	double gaze_x, gaze_y; /* the eyes look right, down: -1 to 1 */
	double brows;        /* 0 to 1: eyebrows lifted */
	struct dh_mouth mouth;
};

struct dh_face;

/* A face of `width` x `height` pixels (even, 64 to 2304). `look` stays the
 * caller's and must outlive the face. 0, -EINVAL or -ENOMEM. */
#define DH_FACE_SIDE_MIN 64
#define DH_FACE_SIDE_MAX 2304
int dh_face_alloc(struct dh_face **face, const struct dh_look *look, int width, int height);
void dh_face_free(struct dh_face **face);

/* Draws the pose; with `flash` a white band covers the top 160/512 of the
 * picture. Returns the picture as I420 (BT.601, limited range, planes without
 * padding, width * height * 3 / 2 bytes), the face's own until the next call;
 * NULL when memory is short. */
const uint8_t *dh_face_draw(struct dh_face *face, const struct dh_pose *pose, int flash);

/* Writes the picture drawn last as a PNG: 0, or -EIO (errno says more). */
int dh_face_save(struct dh_face *face, const char *path);

#endif
