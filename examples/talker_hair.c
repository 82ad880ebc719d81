/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hair and glasses: drawn once, so speed does not matter. */
#include "talker_parts.h"
#include "talker_paint.h"

#include <math.h>

#define MID DH_MIDDLE

static void fill_hair(cairo_t *cr, const struct dh_look *look, double top, double bottom)
{
	cairo_pattern_t *light = cairo_pattern_create_linear(MID - 90, top, MID + 60, bottom);

	dh_paint_stop(light, 0, dh_paint_mix(look->hair, look->hair_light, 0.35), 1);
	dh_paint_stop(light, 0.4, look->hair, 1);
	dh_paint_stop(light, 1, look->hair_dark, 1);
	dh_paint_gradient(cr, light);
}

/* Strands between two curves of four points x, y each, alternately dark and
 * light. */
static void strands(cairo_t *cr, const struct dh_look *look, const double a[8], const double b[8], int count)
{
	for (int light = 0; light <= 1; light++) {
		for (int i = 0; i < count; i++) {
			double s = (i + 0.5) / count, p[8];
			if ((i * 7 % 5 < 2) != light)
				continue;
			for (int k = 0; k < 8; k++)
				p[k] = a[k] + (b[k] - a[k]) * s;
			cairo_move_to(cr, p[0], p[1]);
			cairo_curve_to(cr, p[2], p[3], p[4], p[5], p[6], p[7]);
		}
		cairo_set_line_width(cr, light ? 2.6 : 2.2);
		dh_paint_color(cr, light ? look->hair_light : look->hair_dark, light ? 0.17 : 0.22);
		cairo_stroke(cr);
	}
}

/* Fills the current path with hair and clips the strands to it. */
static void fill_lock(cairo_t *cr, const struct dh_look *look, const double outer[8], const double inner[8], int count)
{
	cairo_path_t *outline = cairo_copy_path(cr);

	fill_hair(cr, look, 60, 390);
	cairo_save(cr);
	cairo_append_path(cr, outline);
	cairo_clip(cr);
	strands(cr, look, outer, inner, count);
	cairo_restore(cr);
	cairo_path_destroy(outline);
}

/* --- bob */

static void bob_back(cairo_t *cr, const struct dh_look *look)
{
	cairo_move_to(cr, MID, 54);
	cairo_curve_to(cr, MID - 90, 52, MID - 128, 128, MID - 122, 220);
	cairo_curve_to(cr, MID - 120, 290, MID - 136, 330, MID - 112, 384);
	cairo_curve_to(cr, MID - 84, 402, MID - 50, 396, MID - 30, 372);
	cairo_line_to(cr, MID + 30, 372);
	cairo_curve_to(cr, MID + 50, 396, MID + 84, 402, MID + 112, 384);
	cairo_curve_to(cr, MID + 136, 330, MID + 120, 290, MID + 122, 220);
	cairo_curve_to(cr, MID + 128, 128, MID + 90, 52, MID, 54);
	cairo_close_path(cr);
	cairo_pattern_t *depth = cairo_pattern_create_linear(MID - 122, 0, MID + 122, 0);
	dh_paint_stop(depth, 0, look->hair, 1);
	dh_paint_stop(depth, 0.3, dh_paint_mix(look->hair_dark, 0, 0.25), 1);
	dh_paint_stop(depth, 0.7, dh_paint_mix(look->hair_dark, 0, 0.35), 1);
	dh_paint_stop(depth, 1, look->hair_dark, 1);
	dh_paint_gradient(cr, depth);
}

static void bob_left(cairo_t *cr, const struct dh_look *look)
{
	static const double outer[8] = { 284, 66, 170, 50, 118, 150, 138, 410 };
	static const double inner[8] = { 286, 96, 240, 150, 176, 140, 182, 410 };

	cairo_move_to(cr, MID + 38, 100);
	cairo_curve_to(cr, MID + 8, 142, MID - 56, 138, MID - 74, 196);
	cairo_curve_to(cr, MID - 86, 240, MID - 72, 300, MID - 70, 334);
	cairo_curve_to(cr, MID - 70, 362, MID - 84, 384, MID - 108, 390);
	cairo_curve_to(cr, MID - 140, 346, MID - 124, 292, MID - 124, 222);
	cairo_curve_to(cr, MID - 130, 124, MID - 92, 48, MID + 4, 54);
	cairo_curve_to(cr, MID + 22, 58, MID + 36, 78, MID + 38, 100);
	cairo_close_path(cr);
	fill_lock(cr, look, outer, inner, 22);
}

static void bob_right(cairo_t *cr, const struct dh_look *look)
{
	static const double outer[8] = { 294, 64, 360, 80, 400, 180, 376, 410 };
	static const double inner[8] = { 290, 94, 326, 160, 340, 200, 330, 410 };

	cairo_move_to(cr, MID + 26, 98);
	cairo_curve_to(cr, MID + 44, 136, MID + 76, 150, MID + 82, 206);
	cairo_curve_to(cr, MID + 86, 250, MID + 72, 300, MID + 70, 334);
	cairo_curve_to(cr, MID + 70, 362, MID + 84, 384, MID + 108, 390);
	cairo_curve_to(cr, MID + 140, 346, MID + 124, 292, MID + 124, 222);
	cairo_curve_to(cr, MID + 128, 128, MID + 96, 50, MID + 10, 54);
	cairo_curve_to(cr, MID + 16, 62, MID + 24, 80, MID + 26, 98);
	cairo_close_path(cr);
	fill_lock(cr, look, outer, inner, 17);
}

/* A band of light across the hair, where it bends. */
static void bob_shine(cairo_t *cr, const struct dh_look *look)
{
	cairo_set_line_width(cr, 17);
	cairo_move_to(cr, MID - 106, 160);
	cairo_curve_to(cr, MID - 88, 112, MID - 50, 90, MID - 2, 86);
	dh_paint_soft_stroke(cr, look->hair_light, 0.75, 18);
	cairo_set_line_width(cr, 4);
	cairo_move_to(cr, MID - 92, 138);
	cairo_curve_to(cr, MID - 74, 106, MID - 48, 92, MID - 20, 88);
	dh_paint_soft_stroke(cr, dh_paint_mix(look->hair_light, 0xffffff, 0.35), 0.55, 8);
	cairo_set_line_width(cr, 9);
	cairo_move_to(cr, MID + 62, 98);
	cairo_curve_to(cr, MID + 84, 114, MID + 98, 138, MID + 104, 166);
	dh_paint_soft_stroke(cr, look->hair_light, 0.45, 16);
	cairo_set_line_width(cr, 8);
	cairo_move_to(cr, MID - 100, 290);
	cairo_curve_to(cr, MID - 102, 320, MID - 104, 340, MID - 98, 366);
	dh_paint_soft_stroke(cr, look->hair_light, 0.4, 12);
}

static void bob_front(cairo_t *cr, const struct dh_look *look)
{
	bob_right(cr, look);
	bob_left(cr, look);
	cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
	bob_shine(cr, look);
	/* The parting. */
	cairo_set_line_width(cr, 3);
	cairo_move_to(cr, MID + 37, 97);
	cairo_curve_to(cr, MID + 34, 78, MID + 24, 62, MID + 8, 56);
	dh_paint_soft_stroke(cr, look->hair_dark, 0.7, 4);
	cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
}

/* --- short */

static void short_front(cairo_t *cr, const struct dh_look *look)
{
	static const double left_low[8] = { 184, 150, 196, 118, 240, 112, 262, 122 };
	static const double left_high[8] = { 178, 120, 196, 66, 260, 50, 330, 78 };
	static const double side_a[8] = { 332, 96, 346, 120, 346, 160, 338, 206 };
	static const double side_b[8] = { 312, 110, 326, 130, 332, 160, 332, 190 };

	cairo_move_to(cr, MID - 80, 222);
	cairo_curve_to(cr, MID - 92, 190, MID - 100, 146, MID - 84, 106);
	cairo_curve_to(cr, MID - 74, 78, MID - 52, 60, MID - 18, 54);
	cairo_curve_to(cr, MID + 2, 44, MID + 38, 44, MID + 58, 60);
	cairo_curve_to(cr, MID + 84, 72, MID + 98, 104, MID + 93, 142);
	cairo_curve_to(cr, MID + 94, 172, MID + 88, 198, MID + 80, 222);
	cairo_curve_to(cr, MID + 78, 200, MID + 80, 176, MID + 70, 156);
	cairo_curve_to(cr, MID + 66, 140, MID + 62, 128, MID + 46, 124);
	cairo_curve_to(cr, MID + 20, 126, MID - 4, 112, MID - 26, 112);
	cairo_curve_to(cr, MID - 44, 114, MID - 60, 128, MID - 68, 152);
	cairo_curve_to(cr, MID - 78, 176, MID - 78, 200, MID - 80, 222);
	cairo_close_path(cr);
	fill_hair(cr, look, 50, 200);
	cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
	strands(cr, look, left_low, left_high, 19);
	strands(cr, look, side_a, side_b, 6);
	cairo_set_line_width(cr, 13);
	cairo_move_to(cr, MID - 62, 104);
	cairo_curve_to(cr, MID - 34, 72, MID + 10, 66, MID + 46, 78);
	dh_paint_soft_stroke(cr, look->hair_light, 0.7, 16);
	cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
}

/* --- curls */

static void curl(cairo_t *cr, const struct dh_look *look, double x, double y, double size, double lit)
{
	cairo_pattern_t *light = cairo_pattern_create_radial(x - size * 0.35, y - size * 0.4, size * 0.1, x, y, size);

	dh_paint_stop(light, 0, dh_paint_mix(look->hair, look->hair_light, lit), 1);
	dh_paint_stop(light, 0.55, look->hair, 1);
	dh_paint_stop(light, 1, look->hair_dark, 1);
	dh_paint_ellipse(cr, x, y, size, size);
	dh_paint_gradient(cr, light);
	cairo_set_line_width(cr, 1.6);
	cairo_arc(cr, x, y, size * 0.62, 3.4, 5.6);
	dh_paint_color(cr, look->hair_light, 0.22 + 0.25 * lit);
	cairo_stroke(cr);
}

static void curls_back(cairo_t *cr, const struct dh_look *look)
{
	dh_paint_ellipse(cr, MID, 190, 126, 132);
	dh_paint_color(cr, look->hair_dark, 1);
	cairo_fill(cr);
	for (int i = 0; i < 34; i++) {
		double angle = 2.45 + i * (2 * M_PI - 1.76) / 33;
		double far = 118 + 7 * sin(i * 2.4);
		double x = MID + cos(angle) * far, y = 192 + sin(angle) * (far + 6);
		curl(cr, look, x, y, 19 + 4 * sin(i * 1.7), x < MID && y < 190 ? 0.75 : 0.3);
	}
}

static void curls_front(cairo_t *cr, const struct dh_look *look)
{
	/* Three rows, from the crown down to the hairline. */
	for (int row = 0; row < 3; row++) {
		int count = 15 + row;
		double near = 108 - row * 17;
		for (int i = 0; i < count; i++) {
			double angle = M_PI * (0.93 + (i + row * 0.4) * 1.14 / count);
			double x = MID + cos(angle) * (near - 6), y = 196 + sin(angle) * near;
			double shape = 14 + 3.5 * sin(i * 2.1 + row * 1.3);
			if (y > 172 && fabs(x - MID) < 92)
				continue; /* the brows stay free */
			curl(cr, look, x, y, shape, x < MID + 20 ? 0.8 : 0.35);
		}
	}
}

/* --- glasses */

void dh_draw_glasses(cairo_t *cr, const struct dh_look *look)
{
	if (!look->glasses)
		return;
	for (int shadow = 1; shadow >= 0; shadow--) {
		double y = DH_EYES_Y + 3 + shadow * 4;
		for (int side = -1; side <= 1; side += 2) {
			double x = MID + side * (DH_EYES_DX + 1);
			cairo_move_to(cr, x - 29, y - 12);
			cairo_curve_to(cr, x - 28, y - 22, x + 28, y - 22, x + 29, y - 12);
			cairo_curve_to(cr, x + 31, y + 8, x + 22, y + 22, x, y + 22);
			cairo_curve_to(cr, x - 22, y + 22, x - 31, y + 8, x - 29, y - 12);
			cairo_close_path(cr);
			cairo_move_to(cr, x + side * 29, y - 11);
			cairo_line_to(cr, MID + side * 84, y - 15);
		}
		cairo_move_to(cr, MID - 9, y - 8);
		cairo_curve_to(cr, MID - 5, y - 13, MID + 5, y - 13, MID + 9, y - 8);
		cairo_set_line_width(cr, shadow ? 4 : 3.6);
		cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
		if (shadow) {
			dh_paint_soft_stroke(cr, look->skin_deep, 0.5, 4);
		} else {
			dh_paint_color(cr, 0x2b2420, 1);
			cairo_stroke(cr);
		}
	}
	for (int side = -1; side <= 1; side += 2) {
		double x = MID + side * (DH_EYES_DX + 1), y = DH_EYES_Y + 3;
		cairo_move_to(cr, x - 22, y - 2);
		cairo_line_to(cr, x - 10, y - 15);
		cairo_line_to(cr, x - 1, y - 15);
		cairo_line_to(cr, x - 20, y + 8);
		cairo_close_path(cr);
		dh_paint_color(cr, 0xffffff, 0.13);
		cairo_fill(cr);
	}
}

void dh_draw_hair_back(cairo_t *cr, const struct dh_look *look)
{
	if (look->hair_style == DH_HAIR_BOB)
		bob_back(cr, look);
	else if (look->hair_style == DH_HAIR_CURLS)
		curls_back(cr, look);
}

void dh_draw_hair_front(cairo_t *cr, const struct dh_look *look)
{
	switch (look->hair_style) {
	case DH_HAIR_BOB:
		bob_front(cr, look);
		break;
	case DH_HAIR_SHORT:
		short_front(cr, look);
		break;
	case DH_HAIR_CURLS:
		curls_front(cr, look);
		break;
	}
}
