/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws the person in one pose. */
#ifndef DH_TALKER_FACE_H
#define DH_TALKER_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "talker_look.h"
#include "talker_pose.h"

struct dh_face;

/* A face of `width` x `height` pixels (even, 64 to 2304). `look` must outlive
 * the face. 0, -EINVAL or -ENOMEM. */
#define DH_FACE_SIDE_MIN 64
#define DH_FACE_SIDE_MAX 2304
int dh_face_alloc(struct dh_face **face, const struct dh_look *look, int width, int height);
void dh_face_free(struct dh_face **face);

/* Draws the pose; with `flash` a white band covers the top 160/512 of the
 * picture. Returns I420 (BT.601, limited range, planes without padding, width *
 * height * 3 / 2 bytes), valid until the next call and owned by the face; NULL
 * when out of memory. */
const uint8_t *dh_face_draw(struct dh_face *face, const struct dh_pose *pose, bool flash);

/* Writes the last picture as a PNG. 0, or -EIO with errno set. */
int dh_face_save(struct dh_face *face, const char *path);

#endif
