/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The head without its moving features: skin, ears, nose, light and shadow. */
#include "talker_parts.h"
#include "talker_paint.h"

#define MID DH_MIDDLE

/* The outline; `drop` lowers the jaw. */
static void outline(cairo_t *cr, const struct dh_look *look, double drop)
{
	double jaw = look->jaw, chin = DH_CHIN_Y + drop;

	cairo_move_to(cr, MID, 100);
	cairo_curve_to(cr, MID + 56, 100, MID + 84, 142, MID + 82, 200);
	cairo_curve_to(cr, MID + 82, 238, MID + jaw + 16, 268 + drop * 0.2, MID + jaw, 296 + drop * 0.6);
	cairo_curve_to(cr, MID + jaw - 14, 320 + drop * 0.8, MID + 26, chin, MID, chin);
	cairo_curve_to(cr, MID - 26, chin, MID - jaw + 14, 320 + drop * 0.8, MID - jaw, 296 + drop * 0.6);
	cairo_curve_to(cr, MID - jaw - 16, 268 + drop * 0.2, MID - 82, 238, MID - 82, 200);
	cairo_curve_to(cr, MID - 84, 142, MID - 56, 100, MID, 100);
	cairo_close_path(cr);
}

static void draw_ear(cairo_t *cr, const struct dh_look *look, int side)
{
	double x = MID + side * 82;

	cairo_move_to(cr, x - side * 6, 206);
	cairo_curve_to(cr, x + side * 6, 192, x + side * 17, 198, x + side * 15, 218);
	cairo_curve_to(cr, x + side * 14, 236, x + side * 6, 252, x - side * 4, 254);
	cairo_close_path(cr);
	dh_paint_color(cr, side < 0 ? look->skin : look->skin_shade, 1);
	cairo_fill(cr);
	cairo_set_line_width(cr, 3);
	cairo_move_to(cr, x + side * 1, 210);
	cairo_curve_to(cr, x + side * 9, 204, x + side * 11, 216, x + side * 6, 228);
	cairo_curve_to(cr, x + side * 3, 234, x + side * 5, 240, x, 244);
	dh_paint_soft_stroke(cr, look->skin_deep, 0.6, 4);
	if (look->earrings) {
		double at = x + side * 4;
		cairo_pattern_t *gold = cairo_pattern_create_radial(at - 1, 262, 0, at, 264, 8);
		dh_paint_stop(gold, 0, 0xfff3c4, 1);
		dh_paint_stop(gold, 0.5, 0xe0b04a, 1);
		dh_paint_stop(gold, 1, 0x8a5f17, 1);
		dh_paint_ellipse(cr, at, 264, 7, 7);
		dh_paint_gradient(cr, gold);
	}
}

static void draw_skin(cairo_t *cr, const struct dh_look *look, double drop)
{
	cairo_pattern_t *light = cairo_pattern_create_radial(MID - 26, 190, 20, MID - 6, 218, 150);

	outline(cr, look, drop);
	dh_paint_stop(light, 0, look->skin_light, 1);
	dh_paint_stop(light, 0.5, look->skin, 1);
	dh_paint_stop(light, 0.85, dh_paint_mix(look->skin, look->skin_shade, 0.75), 1);
	dh_paint_stop(light, 1, look->skin_shade, 1);
	dh_paint_gradient(cr, light);
}

/* Large soft shapes that make the head round; all stay on the skin (ATOP). */
static void draw_shading(cairo_t *cr, const struct dh_look *look, double drop)
{
	/* The side away from the light. */
	cairo_move_to(cr, MID + 96, 110);
	cairo_line_to(cr, MID + 62, 150);
	cairo_curve_to(cr, MID + 74, 200, MID + 72, 262, MID + 44, 318 + drop);
	cairo_line_to(cr, MID + 14, DH_CHIN_Y + 8 + drop);
	cairo_line_to(cr, MID + 110, DH_CHIN_Y + drop);
	cairo_close_path(cr);
	dh_paint_soft_fill(cr, look->skin_shade, 0.75, 20);
	/* A thin reflection from the wall at its edge. */
	cairo_set_line_width(cr, 4);
	cairo_move_to(cr, MID + 80, 225);
	cairo_curve_to(cr, MID + 77, 268, MID + 62, 306 + drop, MID + 30, 332 + drop);
	dh_paint_soft_stroke(cr, look->skin_light, 0.35, 7);
	/* Shadow of the hair on the forehead. */
	cairo_set_line_width(cr, 20);
	cairo_move_to(cr, MID - 84, 216);
	cairo_curve_to(cr, MID - 80, 120, MID - 30, 116, MID, 114);
	cairo_curve_to(cr, MID + 30, 116, MID + 80, 120, MID + 84, 216);
	dh_paint_soft_stroke(cr, look->skin_deep, 0.34, 18);
	/* Eye sockets. */
	for (int side = -1; side <= 1; side += 2) {
		dh_paint_ellipse(cr, MID + side * (DH_EYES_DX - 4), DH_EYES_Y - 12, 25, 10);
		dh_paint_soft_fill(cr, look->skin_shade, side < 0 ? 0.42 : 0.55, 12);
		dh_paint_ellipse(cr, MID + side * DH_EYES_DX, DH_EYES_Y + 15, 20, 4);
		dh_paint_soft_fill(cr, look->skin_shade, 0.35, 8);
	}
	/* Cheeks: blush, and the light on them. */
	for (int side = -1; side <= 1; side += 2) {
		dh_paint_ellipse(cr, MID + side * 50, 261, 21, 14);
		dh_paint_soft_fill(cr, look->blush, side < 0 ? 0.40 : 0.34, 22);
	}
	dh_paint_ellipse(cr, MID - 51, 246, 15, 7);
	dh_paint_soft_fill(cr, look->skin_light, 0.65, 14);
	dh_paint_ellipse(cr, MID + 48, 246, 12, 6);
	dh_paint_soft_fill(cr, look->skin_light, 0.35, 14);
	/* Forehead, chin. */
	dh_paint_ellipse(cr, MID - 14, 158, 34, 16);
	dh_paint_soft_fill(cr, look->skin_light, 0.6, 26);
	dh_paint_ellipse(cr, MID - 3, 323 + drop, 13, 8);
	dh_paint_soft_fill(cr, look->skin_light, 0.55, 12);
	cairo_set_line_width(cr, 8);
	cairo_move_to(cr, MID - 44, 328 + drop);
	cairo_curve_to(cr, MID - 20, 346 + drop, MID + 20, 346 + drop, MID + 44, 328 + drop);
	dh_paint_soft_stroke(cr, look->skin_deep, 0.28, 10);
}

static void draw_nose(cairo_t *cr, const struct dh_look *look)
{
	/* The bridge: shadow on one side, light on the other. */
	cairo_move_to(cr, MID + 9, 204);
	cairo_curve_to(cr, MID + 8, 226, MID + 12, 240, MID + 19, 256);
	cairo_line_to(cr, MID + 8, 262);
	cairo_curve_to(cr, MID + 5, 240, MID + 3, 222, MID + 9, 204);
	dh_paint_soft_fill(cr, look->skin_deep, 0.40, 8);
	dh_paint_ellipse(cr, MID - 15, 205, 5, 9);
	dh_paint_soft_fill(cr, look->skin_deep, 0.22, 8);
	dh_paint_ellipse(cr, MID + 15, 205, 5, 9);
	dh_paint_soft_fill(cr, look->skin_deep, 0.28, 8);
	cairo_set_line_width(cr, 6);
	cairo_move_to(cr, MID - 2, 200);
	cairo_line_to(cr, MID - 2, 240);
	dh_paint_soft_stroke(cr, look->skin_light, 0.75, 8);
	/* Beneath the tip, and the wings. */
	cairo_move_to(cr, MID - 18, 258);
	cairo_curve_to(cr, MID - 10, 271, MID + 10, 271, MID + 18, 258);
	cairo_curve_to(cr, MID + 14, 276, MID - 10, 276, MID - 18, 258);
	dh_paint_soft_fill(cr, look->skin_deep, 0.62, 5);
	cairo_set_line_width(cr, 1.8);
	cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
	cairo_move_to(cr, MID - 17.5, 251);
	cairo_curve_to(cr, MID - 21.5, 255, MID - 20, 262, MID - 15, 261);
	cairo_move_to(cr, MID + 17.5, 251);
	cairo_curve_to(cr, MID + 21.5, 255, MID + 20, 262, MID + 15, 261);
	dh_paint_soft_stroke(cr, look->skin_deep, 0.55, 1.8);
	for (int side = -1; side <= 1; side += 2) {
		cairo_move_to(cr, MID + side * 4.5, 263.5);
		cairo_curve_to(cr, MID + side * 8, 260, MID + side * 12.5, 260.5, MID + side * 13.5, 262.5);
		cairo_curve_to(cr, MID + side * 11, 265.5, MID + side * 7, 265.5, MID + side * 4.5, 263.5);
		dh_paint_color(cr, dh_paint_mix(look->skin_deep, 0x2a0d08, 0.45), 0.85);
		cairo_fill(cr);
	}
	dh_paint_ellipse(cr, MID - 3, 251, 6, 5);
	dh_paint_soft_fill(cr, 0xffffff, 0.42, 6);
	/* The groove above the lips. */
	cairo_set_line_width(cr, 3.5);
	cairo_move_to(cr, MID, 270);
	cairo_line_to(cr, MID, 279);
	dh_paint_soft_stroke(cr, look->skin_shade, 0.7, 4);
}

static void draw_beard(cairo_t *cr, const struct dh_look *look, double drop)
{
	cairo_move_to(cr, MID - 84, 214);
	cairo_curve_to(cr, MID - 74, 250, MID - 66, 268, MID - 46, 274 + drop * 0.3);
	cairo_curve_to(cr, MID - 30, 272, MID - 14, 268, MID, 272);
	cairo_curve_to(cr, MID + 14, 268, MID + 30, 272, MID + 46, 274 + drop * 0.3);
	cairo_curve_to(cr, MID + 66, 268, MID + 74, 250, MID + 84, 214);
	cairo_line_to(cr, MID + 96, 360 + drop);
	cairo_line_to(cr, MID - 96, 360 + drop);
	cairo_close_path(cr);
	dh_paint_soft_fill(cr, dh_paint_mix(look->hair, look->skin_deep, 0.35), 0.36, 12);
	/* Denser along the jaw and above the lip. */
	cairo_set_line_width(cr, 20);
	cairo_move_to(cr, MID - 80, 236);
	cairo_curve_to(cr, MID - 72, 300 + drop, MID - 40, 338 + drop, MID, 338 + drop);
	cairo_curve_to(cr, MID + 40, 338 + drop, MID + 72, 300 + drop, MID + 80, 236);
	dh_paint_soft_stroke(cr, look->hair, 0.34, 14);
	cairo_set_line_width(cr, 7);
	cairo_move_to(cr, MID - 34, 286 + drop * 0.2);
	cairo_curve_to(cr, MID - 22, 276, MID - 8, 274, MID, 276);
	cairo_curve_to(cr, MID + 8, 274, MID + 22, 276, MID + 34, 286 + drop * 0.2);
	dh_paint_soft_stroke(cr, look->hair, 0.26, 6);
}

void dh_draw_head(cairo_t *cr, const struct dh_look *look, double drop)
{
	if (look->hair_style != DH_HAIR_BOB) {
		draw_ear(cr, look, -1);
		draw_ear(cr, look, 1);
	}
	draw_skin(cr, look, drop);
	cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
	draw_shading(cr, look, drop);
	if (look->beard)
		draw_beard(cr, look, drop);
	draw_nose(cr, look);
	cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
}
