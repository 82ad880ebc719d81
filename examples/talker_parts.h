/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the person, drawn in canvas units where the rest pose has them;
 * talker_face.c moves them.
 */
#ifndef DH_TALKER_PARTS_H
#define DH_TALKER_PARTS_H

#include <cairo.h>

#include "talker_look.h"
#include "talker_pose.h"

/* Where things are on the canvas. */
#define DH_CANVAS   512.0
#define DH_MIDDLE   256.0 /* the face's middle line */
#define DH_EYES_Y   218.0
#define DH_EYES_DX  37.0 /* from the middle */
#define DH_MOUTH_Y  289.0
#define DH_CHIN_Y   340.0
#define DH_JAW_DROP 11.0 /* how far a wide-open mouth lowers the chin */

/* Drawn once and kept (talker_body.c, talker_head.c, talker_hair.c). */
void dh_draw_wall(cairo_t *cr, const struct dh_look *look, double width, double height);
void dh_draw_body(cairo_t *cr, const struct dh_look *look);
void dh_draw_head(cairo_t *cr, const struct dh_look *look, double jaw_drop);
void dh_draw_hair_back(cairo_t *cr, const struct dh_look *look);
void dh_draw_hair_front(cairo_t *cr, const struct dh_look *look);
void dh_draw_glasses(cairo_t *cr, const struct dh_look *look);

/* Drawn for every picture (talker_features.c): no blur, few gradients. */
void dh_draw_eyes(cairo_t *cr, const struct dh_look *look, const struct dh_pose *pose);
void dh_draw_brows(cairo_t *cr, const struct dh_look *look, double lift);
void dh_draw_mouth(cairo_t *cr, const struct dh_look *look, const struct dh_mouth *mouth);

#endif
