/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wall, neck, shoulders and clothes. */
#include "talker_parts.h"
#include "talker_paint.h"

#define MID DH_MIDDLE
/* Below the canvas, for pictures that are taller than wide. */
#define DEEP 1400.0

void dh_draw_wall(cairo_t *cr, const struct dh_look *look, double width, double height)
{
	double size = width > height ? width : height, x = width * 0.5, y = height * 0.42;
	cairo_pattern_t *light;

	light = cairo_pattern_create_linear(0, 0, width * 0.4, height);
	dh_paint_stop(light, 0, look->wall_light, 1);
	dh_paint_stop(light, 0.55, look->wall, 1);
	dh_paint_stop(light, 1, look->wall_dark, 1);
	cairo_rectangle(cr, 0, 0, width, height);
	dh_paint_gradient(cr, light);

	/* a warm lamp out of focus, and its light behind the head */
	light = cairo_pattern_create_radial(x, y, 0, x, y, size * 0.55);
	dh_paint_stop(light, 0, 0xffffff, 0.55);
	dh_paint_stop(light, 0.5, 0xffffff, 0.2);
	dh_paint_stop(light, 1, 0xffffff, 0);
	cairo_rectangle(cr, 0, 0, width, height);
	dh_paint_gradient(cr, light);
	dh_paint_ellipse(cr, width * 0.87, height * 0.2, size * 0.085, size * 0.085);
	dh_paint_soft_fill(cr, look->wall_glow, 0.75, size * 0.03);
	dh_paint_ellipse(cr, width * 0.08, height * 0.58, size * 0.06, size * 0.06);
	dh_paint_soft_fill(cr, look->wall_glow, 0.5, size * 0.035);
	dh_paint_ellipse(cr, width * 0.95, height * 0.52, size * 0.045, size * 0.045);
	dh_paint_soft_fill(cr, 0xffffff, 0.4, size * 0.03);
}

/* Neck and the skin above the neckline. */
static void draw_neck(cairo_t *cr, const struct dh_look *look)
{
	double wide = look->shoulders > 190 ? 46 : 38;
	cairo_pattern_t *light;

	cairo_move_to(cr, MID - wide, 280);
	cairo_curve_to(cr, MID - wide, 345, MID - wide + 2, 372, MID - wide - 26, 392);
	cairo_line_to(cr, MID - 90, 420);
	cairo_line_to(cr, MID, 520);
	cairo_line_to(cr, MID + 90, 420);
	cairo_line_to(cr, MID + wide + 26, 392);
	cairo_curve_to(cr, MID + wide - 2, 372, MID + wide, 345, MID + wide, 280);
	cairo_close_path(cr);
	light = cairo_pattern_create_linear(MID - 60, 0, MID + 70, 0);
	dh_paint_stop(light, 0, look->skin, 1);
	dh_paint_stop(light, 0.4, look->skin, 1);
	dh_paint_stop(light, 1, look->skin_shade, 1);
	dh_paint_gradient(cr, light);

	cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
	/* The head's shadow. */
	cairo_move_to(cr, MID - 80, 260);
	cairo_line_to(cr, MID + 90, 260);
	cairo_line_to(cr, MID + 74, 372);
	cairo_curve_to(cr, MID + 50, 392, MID + 4, 392, MID - 50, 352);
	cairo_close_path(cr);
	dh_paint_soft_fill(cr, look->skin_deep, 0.62, 13);
	/* Collar bones, and the hollow between them. */
	cairo_set_line_width(cr, 5);
	cairo_move_to(cr, MID - 66, 412);
	cairo_curve_to(cr, MID - 42, 410, MID - 24, 416, MID - 11, 428);
	cairo_move_to(cr, MID + 66, 412);
	cairo_curve_to(cr, MID + 42, 410, MID + 24, 416, MID + 11, 428);
	dh_paint_soft_stroke(cr, look->skin_deep, 0.45, 6);
	cairo_set_line_width(cr, 3);
	cairo_move_to(cr, MID - 62, 417);
	cairo_curve_to(cr, MID - 42, 416, MID - 28, 421, MID - 17, 430);
	dh_paint_soft_stroke(cr, look->skin_light, 0.6, 5);
	cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
}

/* Shoulders and trunk as one outline, open above the neckline. */
static void trunk(cairo_t *cr, const struct dh_look *look, double neck)
{
	double wide = look->shoulders;

	cairo_move_to(cr, MID - neck, 384);
	cairo_curve_to(cr, MID - neck - 26, 402, MID - wide + 34, 408, MID - wide + 8, 438);
	cairo_curve_to(cr, MID - wide - 12, 464, MID - wide - 18, 500, MID - wide - 26, 560);
	cairo_line_to(cr, MID - wide - 30, DEEP);
	cairo_line_to(cr, MID + wide + 30, DEEP);
	cairo_line_to(cr, MID + wide + 26, 560);
	cairo_curve_to(cr, MID + wide + 18, 500, MID + wide + 12, 464, MID + wide - 8, 438);
	cairo_curve_to(cr, MID + wide - 34, 408, MID + neck + 26, 402, MID + neck, 384);
}

static void fill_cloth(cairo_t *cr, const struct dh_look *look)
{
	cairo_pattern_t *light = cairo_pattern_create_linear(MID - 150, 380, MID + 160, 560);

	dh_paint_stop(light, 0, look->clothes_light, 1);
	dh_paint_stop(light, 0.45, look->clothes, 1);
	dh_paint_stop(light, 1, look->clothes_dark, 1);
	dh_paint_gradient(cr, light);
}

/* Soft folds at the arms, the same for all clothes. */
static void draw_folds(cairo_t *cr, const struct dh_look *look)
{
	double arm = look->shoulders;

	for (int side = -1; side <= 1; side += 2) {
		cairo_save(cr);
		dh_paint_half(cr, MID, side);
		cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
		cairo_set_line_width(cr, 9);
		cairo_move_to(cr, arm - 44, 530);
		cairo_curve_to(cr, arm - 48, 500, arm - 36, 480, arm - 26, 468);
		dh_paint_soft_stroke(cr, dh_paint_mix(look->clothes_dark, 0, 0.35), 0.5, 10);
		cairo_set_line_width(cr, 5);
		cairo_move_to(cr, 96, 405);
		cairo_curve_to(cr, 120, 412, 140, 416, arm - 20, 434);
		dh_paint_soft_stroke(cr, 0xffffff, side < 0 ? 0.26 : 0.12, 12);
		cairo_restore(cr);
	}
}

typedef void outline_fn(cairo_t *cr);

/* A lapel or collar on both sides: its shadow on the cloth, then itself; `lit`
 * is how much lighter than the cloth it is on the side away from the light. */
static void draw_lapels(cairo_t *cr, const struct dh_look *look, outline_fn *outline, double lit)
{
	for (int side = -1; side <= 1; side += 2) {
		cairo_save(cr);
		dh_paint_half(cr, MID, side);
		cairo_save(cr);
		cairo_translate(cr, 0, 4);
		outline(cr);
		cairo_restore(cr);
		cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
		dh_paint_soft_fill(cr, dh_paint_mix(look->clothes_dark, 0, 0.7), 0.5, 9);
		cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
		outline(cr);
		dh_paint_color(cr, dh_paint_mix(look->clothes, look->clothes_light, side < 0 ? 1 : lit), 1);
		cairo_fill(cr);
		cairo_restore(cr);
	}
}

static void lapel(cairo_t *cr)
{
	cairo_move_to(cr, 60, 382);
	cairo_curve_to(cr, 80, 400, 92, 420, 98, 446);
	cairo_line_to(cr, 78, 452);
	cairo_line_to(cr, 90, 466);
	cairo_curve_to(cr, 60, 500, 26, 530, 4, 545);
	cairo_curve_to(cr, 36, 480, 64, 440, 56, 392);
	cairo_close_path(cr);
}

static void collar(cairo_t *cr)
{
	cairo_move_to(cr, 62, 378);
	cairo_curve_to(cr, 86, 396, 96, 420, 94, 446);
	cairo_curve_to(cr, 70, 440, 40, 456, 0, 492);
	cairo_curve_to(cr, 30, 456, 62, 420, 60, 386);
	cairo_close_path(cr);
}

static void draw_blazer(cairo_t *cr, const struct dh_look *look)
{
	/* A light top beneath. */
	cairo_move_to(cr, MID - 74, 396);
	cairo_curve_to(cr, MID - 62, 424, MID - 40, 446, MID, 448);
	cairo_curve_to(cr, MID + 40, 446, MID + 62, 424, MID + 74, 396);
	cairo_line_to(cr, MID + 110, DEEP);
	cairo_line_to(cr, MID - 110, DEEP);
	cairo_close_path(cr);
	dh_paint_color(cr, look->shirt, 1);
	cairo_fill(cr);
	cairo_set_line_width(cr, 8);
	cairo_move_to(cr, MID + 34, 448);
	cairo_curve_to(cr, MID + 20, 480, MID + 14, 500, MID + 10, 540);
	dh_paint_soft_stroke(cr, 0x9a8f86, 0.4, 10);

	trunk(cr, look, 60);
	cairo_curve_to(cr, MID + 66, 430, MID + 40, 478, MID + 4, 540);
	cairo_line_to(cr, MID + 4, DEEP);
	cairo_line_to(cr, MID - 4, DEEP);
	cairo_line_to(cr, MID - 4, 540);
	cairo_curve_to(cr, MID - 40, 478, MID - 66, 430, MID - 60, 384);
	fill_cloth(cr, look);
	draw_folds(cr, look);
	draw_lapels(cr, look, lapel, 0.35);
}

static void draw_sweater(cairo_t *cr, const struct dh_look *look)
{
	cairo_path_t *band;

	trunk(cr, look, 66);
	cairo_curve_to(cr, MID + 50, 432, MID - 50, 432, MID - 66, 384);
	fill_cloth(cr, look);
	draw_folds(cr, look);
	/* The ribbed collar: shadow, band, ribs. */
	cairo_set_line_width(cr, 17);
	cairo_move_to(cr, MID - 68, 388);
	cairo_curve_to(cr, MID - 52, 438, MID + 52, 438, MID + 68, 388);
	band = cairo_copy_path(cr);
	cairo_save(cr);
	cairo_translate(cr, 0, 5);
	cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
	dh_paint_soft_stroke(cr, 0x0b1428, 0.5, 9);
	cairo_restore(cr);
	cairo_append_path(cr, band);
	dh_paint_color(cr, dh_paint_mix(look->clothes, look->clothes_light, 0.25), 1);
	cairo_stroke(cr);
	cairo_append_path(cr, band);
	dh_paint_color(cr, look->clothes_dark, 0.35);
	cairo_set_dash(cr, (double[]){ 1.6, 3.4 }, 2, 0);
	cairo_stroke(cr);
	cairo_set_dash(cr, NULL, 0, 0);
	cairo_path_destroy(band);
}

static void draw_blouse(cairo_t *cr, const struct dh_look *look)
{
	trunk(cr, look, 64);
	cairo_curve_to(cr, MID + 60, 424, MID + 30, 462, MID, 488);
	cairo_curve_to(cr, MID - 30, 462, MID - 60, 424, MID - 64, 384);
	fill_cloth(cr, look);
	draw_folds(cr, look);
	draw_lapels(cr, look, collar, 0.5);
}

void dh_draw_body(cairo_t *cr, const struct dh_look *look)
{
	draw_neck(cr, look);
	switch (look->clothes_style) {
	case DH_CLOTHES_BLAZER:
		draw_blazer(cr, look);
		break;
	case DH_CLOTHES_SWEATER:
		draw_sweater(cr, look);
		break;
	case DH_CLOTHES_BLOUSE:
		draw_blouse(cr, look);
		break;
	}
}
