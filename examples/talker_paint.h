/* Painting helpers of the demonstration face: colours and soft edges.
 *
 * All drawing is in stage units: the person stands in a square of 512 x 512
 * whatever the picture's size (see talker_face.c for the mapping).
 */
#ifndef DH_TALKER_PAINT_H
#define DH_TALKER_PAINT_H

#include <cairo.h>
#include <stdint.h>

/* 0xRRGGBB with an opacity of 0 to 1. */
void dh_paint_color(cairo_t *cr, uint32_t rgb, double alpha);
void dh_paint_stop(cairo_pattern_t *gradient, double at, uint32_t rgb, double alpha);

/* Colour between two, 0: `a`, 1: `b`. */
uint32_t dh_paint_mix(uint32_t a, uint32_t b, double share);

/* Moves the origin to the line that halves the face; to the left of it
 * (`side` -1) x grows to the left: what both sides have is drawn once. */
void dh_paint_half(cairo_t *cr, double middle, int side);

/* Fills and keeps nothing of the current path; the gradient is released. */
void dh_paint_gradient(cairo_t *cr, cairo_pattern_t *gradient);

/* An ellipse as a new closed sub-path. */
void dh_paint_ellipse(cairo_t *cr, double x, double y, double rx, double ry);

/* Fills (or strokes with the current line width) the current path with an edge
 * blurred over about `blur` stage units, then clears the path. Obeys the clip
 * and the operator; the context must not be rotated. For what is drawn once and
 * kept: it is not fast. */
void dh_paint_soft_fill(cairo_t *cr, uint32_t rgb, double alpha, double blur);
void dh_paint_soft_stroke(cairo_t *cr, uint32_t rgb, double alpha, double blur);

#endif
