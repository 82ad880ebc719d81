/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Painting: colours and soft edges.
 *
 * All drawing is in canvas units: the person fills a square of 512 x 512, whatever
 * the picture's size (talker_face.c maps it).
 */
#ifndef DH_TALKER_PAINT_H
#define DH_TALKER_PAINT_H

#include <cairo.h>
#include <stdint.h>

/* 0xRRGGBB with an opacity of 0 to 1. */
void dh_paint_color(cairo_t *cr, uint32_t rgb, double alpha);
void dh_paint_stop(cairo_pattern_t *gradient, double at, uint32_t rgb, double alpha);

/* A colour between `a` (share 0) and `b` (share 1). */
uint32_t dh_paint_mix(uint32_t a, uint32_t b, double share);

/* Moves the origin to the face's middle line; with `side` -1, x grows to the
 * left, so that one function draws both halves. */
void dh_paint_half(cairo_t *cr, double middle, int side);

/* Fills and clears the current path; releases the gradient. */
void dh_paint_gradient(cairo_t *cr, cairo_pattern_t *gradient);

/* An ellipse as a new closed sub-path. */
void dh_paint_ellipse(cairo_t *cr, double x, double y, double rx, double ry);

/* Fills (or strokes with the current line width) the current path with an edge
 * blurred over about `blur` canvas units, then clears the path. Obeys clip
 * and operator; the context must not be rotated. Slow: for layers that are drawn
 * once. */
void dh_paint_soft_fill(cairo_t *cr, uint32_t rgb, double alpha, double blur);
void dh_paint_soft_stroke(cairo_t *cr, uint32_t rgb, double alpha, double blur);

#endif
