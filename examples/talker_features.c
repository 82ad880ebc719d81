/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Eyes, eyebrows and mouth: drawn for every picture. */
#include "talker_parts.h"
#include "talker_paint.h"

#include <math.h>
#include <stdlib.h>

#define MID DH_MIDDLE

/* --- eyes */

#define EYE_HALF 20.0 /* half width */
#define EYE_TOP  11.8 /* height of the upper lid's curve above the corners */
#define EYE_LOW  8.0
#define IRIS     10.8

/* The slit between the lids; `lid` 1: open, 0: shut. The outer corner (`side`) is
 * slightly higher than the inner one. */
static void upper_lid(cairo_t *cr, double x, double y, int side, double lid)
{
	double top = y - EYE_TOP * 1.45 * lid + EYE_LOW * 0.9 * (1 - lid);

	cairo_curve_to(cr, x - side * EYE_HALF * 0.55, top + 1, x + side * EYE_HALF * 0.45, top - 1.5 * lid,
		x + side * EYE_HALF, y - 2);
}

static void lower_lid(cairo_t *cr, double x, double y, int side)
{
	cairo_curve_to(cr, x + side * EYE_HALF * 0.6, y + EYE_LOW * 1.15, x - side * EYE_HALF * 0.5, y + EYE_LOW * 1.3,
		x - side * EYE_HALF, y + 2);
}

static void slit(cairo_t *cr, double x, double y, int side, double lid)
{
	cairo_move_to(cr, x - side * EYE_HALF, y + 2);
	upper_lid(cr, x, y, side, lid);
	lower_lid(cr, x, y, side);
	cairo_close_path(cr);
}

static void draw_iris(cairo_t *cr, const struct dh_look *look, double x, double y)
{
	cairo_pattern_t *light = cairo_pattern_create_radial(x, y + 3, 1, x, y, IRIS);

	dh_paint_stop(light, 0, look->iris_light, 1);
	dh_paint_stop(light, 0.55, look->iris, 1);
	dh_paint_stop(light, 0.88, look->iris_dark, 1);
	dh_paint_stop(light, 1, dh_paint_mix(look->iris_dark, 0, 0.5), 1);
	dh_paint_ellipse(cr, x, y, IRIS, IRIS);
	dh_paint_gradient(cr, light);
	dh_paint_ellipse(cr, x, y, 4.7, 4.7);
	dh_paint_color(cr, 0x0b0808, 1);
	cairo_fill(cr);
}

static void draw_eyeball(cairo_t *cr, const struct dh_look *look, double x, double y, int side,
	const struct dh_pose *pose)
{
	double ix = x + pose->gaze_x * 5 - side * 0.6, iy = y - 1.5 + pose->gaze_y * 3.5;
	cairo_pattern_t *white;

	cairo_save(cr);
	slit(cr, x, y, side, 1 - pose->blink);
	cairo_clip(cr);
	white = cairo_pattern_create_linear(0, y - EYE_TOP, 0, y + EYE_LOW);
	dh_paint_stop(white, 0, 0xbfb4b2, 1);
	dh_paint_stop(white, 0.45, 0xf7f3f0, 1);
	dh_paint_stop(white, 1, 0xefe6e2, 1);
	cairo_rectangle(cr, x - EYE_HALF - 1, y - 20, 2 * EYE_HALF + 2, 36);
	dh_paint_gradient(cr, white);
	dh_paint_ellipse(cr, x - side * (EYE_HALF - 1), y + 2, 3.4, 2.6);
	dh_paint_color(cr, dh_paint_mix(look->blush, 0xffffff, 0.25), 0.8);
	cairo_fill(cr);
	draw_iris(cr, look, ix, iy);
	/* The lid's shadow on the eye, then the window's reflection. */
	cairo_move_to(cr, x - side * EYE_HALF, y + 2);
	upper_lid(cr, x, y, side, 1 - pose->blink);
	cairo_set_line_width(cr, 7);
	dh_paint_color(cr, 0x2a1614, 0.30);
	cairo_stroke(cr);
	dh_paint_ellipse(cr, ix - 3.6, iy - 4, 2.9, 2.9);
	dh_paint_color(cr, 0xffffff, 0.95);
	cairo_fill(cr);
	dh_paint_ellipse(cr, ix + 3.6, iy + 4, 1.5, 1.5);
	dh_paint_color(cr, 0xffffff, 0.5);
	cairo_fill(cr);
	cairo_restore(cr);
}

static void draw_lids(cairo_t *cr, const struct dh_look *look, double x, double y, int side, double blink)
{
	double lid = 1 - blink;

	/* The lower lid's edge. */
	cairo_move_to(cr, x + side * EYE_HALF, y - 2);
	lower_lid(cr, x, y, side);
	cairo_set_line_width(cr, 1.3);
	dh_paint_color(cr, look->skin_deep, 0.55);
	cairo_stroke(cr);
	/* The crease above unfolds when the eye shuts. */
	cairo_move_to(cr, x - side * (EYE_HALF - 3), y - 5 + blink * 2);
	cairo_curve_to(cr, x - side * EYE_HALF * 0.5, y - EYE_TOP - 9 + blink * 4, x + side * EYE_HALF * 0.5,
		y - EYE_TOP - 11 + blink * 4, x + side * (EYE_HALF + 2), y - 8 + blink * 2);
	cairo_set_line_width(cr, 1.7);
	dh_paint_color(cr, look->skin_deep, 0.60 - 0.25 * blink);
	cairo_stroke(cr);
	/* The line of lashes: tapered, thickest towards the outer corner. */
	cairo_move_to(cr, x - side * EYE_HALF, y + 2);
	upper_lid(cr, x, y, side, lid);
	if (look->lashes > 0.5)
		cairo_line_to(cr, x + side * (EYE_HALF + 4.5), y - 6 + 5 * blink);
	cairo_line_to(cr, x + side * EYE_HALF, y - 3.5 + blink);
	cairo_curve_to(cr, x + side * EYE_HALF * 0.45, y - EYE_TOP * 1.45 * lid + EYE_LOW * 0.9 * blink - 4.2,
		x - side * EYE_HALF * 0.55, y - EYE_TOP * 1.45 * lid + EYE_LOW * 0.9 * blink - 1.2, x - side * EYE_HALF,
		y + 1.4);
	cairo_close_path(cr);
	dh_paint_color(cr, dh_paint_mix(look->brow, 0x140b09, 0.75), 0.55 + 0.45 * look->lashes);
	cairo_fill(cr);
}

void dh_draw_eyes(cairo_t *cr, const struct dh_look *look, const struct dh_pose *pose)
{
	for (int side = -1; side <= 1; side += 2) {
		double x = MID + side * DH_EYES_DX;

		/* The skin of the lid covers what the eye leaves. */
		if (pose->blink > 0.01) {
			slit(cr, x, DH_EYES_Y, side, 1);
			dh_paint_color(cr, dh_paint_mix(look->skin, look->skin_shade, 0.55), 1);
			cairo_fill(cr);
		}
		if (pose->blink < 0.97)
			draw_eyeball(cr, look, x, DH_EYES_Y, side, pose);
		draw_lids(cr, look, x, DH_EYES_Y, side, pose->blink);
	}
}

void dh_draw_brows(cairo_t *cr, const struct dh_look *look, double lift)
{
	double y = DH_EYES_Y - 31 - lift * 5, thick = 3.6 * look->brow_size;

	for (int side = -1; side <= 1; side += 2) {
		double x = DH_EYES_DX;
		cairo_pattern_t *fade = cairo_pattern_create_linear(x - 22, 0, x + 26, 0);

		cairo_save(cr);
		dh_paint_half(cr, MID, side);
		dh_paint_stop(fade, 0, look->brow, 0.35);
		dh_paint_stop(fade, 0.3, look->brow, 0.85);
		dh_paint_stop(fade, 1, look->brow, 0.95);
		cairo_move_to(cr, x - 21, y + 1.5);
		cairo_curve_to(cr, x - 10, y - 2.5 - lift, x + 8, y - 6 - lift, x + 26, y + 4.5);
		cairo_curve_to(cr, x + 10, y - 6 + thick - lift, x - 8, y - 2.5 + thick * 1.3, x - 20,
			y + 1.8 + thick * 0.8);
		cairo_curve_to(cr, x - 23, y + 2.6 + thick * 0.7, x - 23.5, y + 2, x - 21, y + 1.5);
		cairo_close_path(cr);
		dh_paint_gradient(cr, fade);
		cairo_restore(cr);
	}
}

/* --- mouth */

/* The mouth's outline, relative to the middle between the lips. */
struct lips {
	double half;         /* half width at the corners */
	double corner;       /* y of the corners */
	double top, bottom;  /* y of the opening's edges */
	double upper, lower; /* thickness of the lips */
};

static void measure(struct lips *lips, const struct dh_look *look, const struct dh_mouth *mouth)
{
	double open = mouth->open * 25;

	lips->half = 32 * (1 + 0.13 * mouth->wide - 0.30 * mouth->round - 0.05 * mouth->open);
	lips->top = -open * 0.22 + 0.4 * mouth->tuck;
	lips->bottom = open * 0.78 + mouth->open * 2;
	lips->corner = -4.0 - 1.2 * mouth->wide + mouth->open * 4;
	lips->corner += ((lips->top + lips->bottom) / 2 - lips->corner) * 0.75 * mouth->round;
	lips->upper = look->lip_size *
		(8.6 + 1.6 * mouth->round - 1.2 * mouth->wide - 4.2 * mouth->press - 1.2 * mouth->open);
	lips->lower = look->lip_size *
		(10.8 + 2.2 * mouth->round - 1.0 * mouth->wide - 5.0 * mouth->press - 1.6 * mouth->open -
			3.5 * mouth->tuck);
}

static void opening_path(cairo_t *cr, const struct lips *l)
{
	cairo_move_to(cr, MID - l->half, l->corner);
	cairo_curve_to(cr, MID - l->half * 0.55, l->top - 1.4, MID - l->half * 0.22, l->top - 0.6, MID, l->top + 0.9);
	cairo_curve_to(cr, MID + l->half * 0.22, l->top - 0.6, MID + l->half * 0.55, l->top - 1.4, MID + l->half,
		l->corner);
	cairo_curve_to(cr, MID + l->half * 0.62, l->bottom + 0.8, MID + l->half * 0.4, l->bottom + 1.2, MID,
		l->bottom + 1.2);
	cairo_curve_to(cr, MID - l->half * 0.4, l->bottom + 1.2, MID - l->half * 0.62, l->bottom + 0.8, MID - l->half,
		l->corner);
	cairo_close_path(cr);
}

static void draw_tongue(cairo_t *cr, const struct lips *l, const struct dh_mouth *mouth)
{
	/* Low, or behind the teeth. */
	double y = l->bottom + 7 - mouth->tongue * fmin((l->bottom - l->top) * 0.55, 9);

	dh_paint_ellipse(cr, MID, y, l->half * 0.62, 8.5);
	dh_paint_color(cr, 0xc4605f, 1);
	cairo_fill(cr);
	dh_paint_ellipse(cr, MID, y - 2.4, l->half * 0.42, 4.2);
	dh_paint_color(cr, 0xdd827d, 0.7);
	cairo_fill(cr);
}

/* They show a little when the mouth is wide. */
static void draw_lower_teeth(cairo_t *cr, const struct lips *l, const struct dh_mouth *mouth)
{
	double low = mouth->teeth * fmax(0, mouth->wide) * 2.6;

	if (low <= 0.3 || l->bottom - l->top <= 7)
		return;
	dh_paint_ellipse(cr, MID, l->bottom + 2.4, l->half * 0.55, 1.6 + low);
	dh_paint_color(cr, 0xe3d8cf, 0.9);
	cairo_fill(cr);
}

/* One bright band with hints of gaps. */
static void draw_upper_teeth(cairo_t *cr, const struct lips *l, const struct dh_mouth *mouth)
{
	double reach = l->top + 1.5 + mouth->teeth * (3.2 + 3.6 * fmin(1, (l->bottom - l->top) / 13));
	double half = l->half * 0.80;

	if (mouth->teeth <= 0.05)
		return;
	cairo_move_to(cr, MID - half, l->top - 8);
	cairo_line_to(cr, MID + half, l->top - 8);
	cairo_curve_to(cr, MID + half, reach - 2.5, MID + half * 0.7, reach, MID, reach + 0.6);
	cairo_curve_to(cr, MID - half * 0.7, reach, MID - half, reach - 2.5, MID - half, l->top - 8);
	dh_paint_color(cr, 0xf6f0ea, fmin(1, mouth->teeth * 2.5));
	cairo_fill(cr);
	cairo_set_line_width(cr, 0.6);
	for (int i = -2; i <= 2; i++) {
		cairo_move_to(cr, MID + i * 6.6, l->top);
		cairo_line_to(cr, MID + i * 6.4, reach - 0.6 - abs(i) * 0.5);
	}
	dh_paint_color(cr, 0xa89488, 0.40 * mouth->teeth);
	cairo_stroke(cr);
}

static void draw_inside(cairo_t *cr, const struct lips *l, const struct dh_mouth *mouth)
{
	cairo_pattern_t *dark;

	cairo_save(cr);
	opening_path(cr, l);
	cairo_clip(cr);
	dark = cairo_pattern_create_linear(0, l->top, 0, l->bottom + 2);
	dh_paint_stop(dark, 0, 0x2a0b0d, 1);
	dh_paint_stop(dark, 1, 0x5e2023, 1);
	cairo_rectangle(cr, MID - 40, l->top - 8, 80, l->bottom - l->top + 18);
	dh_paint_gradient(cr, dark);
	draw_tongue(cr, l, mouth);
	draw_lower_teeth(cr, l, mouth);
	draw_upper_teeth(cr, l, mouth);
	/* The upper lip's shadow. */
	cairo_rectangle(cr, MID - 40, l->top - 8, 80, 10.5);
	dh_paint_color(cr, 0x2a0b0d, 0.22);
	cairo_fill(cr);
	cairo_restore(cr);
}

static void draw_upper_lip(cairo_t *cr, const struct dh_look *look, const struct lips *l)
{
	double top = l->top - l->upper, bow = l->half * 0.25;
	cairo_pattern_t *light = cairo_pattern_create_linear(0, top, 0, l->top + 2);

	cairo_move_to(cr, MID - l->half - 1.5, l->corner);
	cairo_curve_to(cr, MID - l->half * 0.66, l->corner - l->upper * 0.55, MID - bow * 1.9, top - 0.6, MID - bow,
		top - 0.8);
	cairo_curve_to(cr, MID - bow / 2, top - 0.8, MID - bow * 0.3, top + 2.1, MID, top + 2.1);
	cairo_curve_to(cr, MID + bow * 0.3, top + 2.1, MID + bow / 2, top - 0.8, MID + bow, top - 0.8);
	cairo_curve_to(cr, MID + bow * 1.9, top - 0.6, MID + l->half * 0.66, l->corner - l->upper * 0.55,
		MID + l->half + 1.5, l->corner);
	cairo_curve_to(cr, MID + l->half * 0.55, l->top - 1.2, MID + bow, l->top - 0.4, MID, l->top + 1.3);
	cairo_curve_to(cr, MID - bow, l->top - 0.4, MID - l->half * 0.55, l->top - 1.2, MID - l->half - 1.5, l->corner);
	cairo_close_path(cr);
	dh_paint_stop(light, 0, dh_paint_mix(look->lip_upper, look->lip_light, 0.25), 1);
	dh_paint_stop(light, 0.55, look->lip_upper, 1);
	dh_paint_stop(light, 1, dh_paint_mix(look->lip_upper, 0x3a0f10, 0.3), 1);
	dh_paint_gradient(cr, light);
}

static void draw_lower_lip(cairo_t *cr, const struct dh_look *look, const struct lips *l)
{
	double low = l->bottom + l->lower, bend = l->corner + (low - l->corner) * 0.70;
	cairo_pattern_t *light = cairo_pattern_create_linear(0, l->bottom, 0, low);

	cairo_move_to(cr, MID - l->half - 0.5, l->corner + 0.2);
	cairo_curve_to(cr, MID - l->half * 0.62, l->bottom + 0.2, MID - l->half * 0.4, l->bottom + 0.6, MID,
		l->bottom + 0.6);
	cairo_curve_to(cr, MID + l->half * 0.4, l->bottom + 0.6, MID + l->half * 0.62, l->bottom + 0.2,
		MID + l->half + 0.5, l->corner + 0.2);
	cairo_curve_to(cr, MID + l->half * 0.78, bend, MID + l->half * 0.45, low, MID, low);
	cairo_curve_to(cr, MID - l->half * 0.45, low, MID - l->half * 0.78, bend, MID - l->half - 0.5, l->corner + 0.2);
	cairo_close_path(cr);
	dh_paint_stop(light, 0, dh_paint_mix(look->lip_lower, 0x3a0f10, 0.22), 1);
	dh_paint_stop(light, 0.4, look->lip_lower, 1);
	dh_paint_stop(light, 1, dh_paint_mix(look->lip_lower, look->lip_upper, 0.5), 1);
	dh_paint_gradient(cr, light);
	dh_paint_ellipse(cr, MID - 3, l->bottom + l->lower * 0.45, l->half * 0.34, fmax(0.8, l->lower * 0.17));
	dh_paint_color(cr, look->lip_light, 0.55);
	cairo_fill(cr);
}

void dh_draw_mouth(cairo_t *cr, const struct dh_look *look, const struct dh_mouth *mouth)
{
	cairo_pattern_t *shade;
	struct lips l;

	measure(&l, look, mouth);
	cairo_save(cr);
	cairo_translate(cr, 0, DH_MOUTH_Y);
	/* The shadow below the lower lip. */
	double low = l.bottom + l.lower;
	cairo_save(cr);
	cairo_translate(cr, MID, low + 3);
	cairo_scale(cr, 24, 8);
	shade = cairo_pattern_create_radial(0, 0, 0, 0, 0, 1);
	dh_paint_stop(shade, 0, look->skin_deep, 0.5);
	dh_paint_stop(shade, 1, look->skin_deep, 0);
	cairo_rectangle(cr, -1, -1, 2, 2);
	dh_paint_gradient(cr, shade);
	cairo_restore(cr);

	draw_inside(cr, &l, mouth);
	draw_upper_lip(cr, look, &l);
	draw_lower_lip(cr, look, &l);
	/* Where the lips meet, and the corners of a slight smile. */
	if (l.bottom - l.top < 3) {
		cairo_move_to(cr, MID - l.half, l.corner);
		cairo_curve_to(cr, MID - l.half * 0.55, l.top - 0.6, MID - 7, l.top, MID, l.top + 1.2);
		cairo_curve_to(cr, MID + 7, l.top, MID + l.half * 0.55, l.top - 0.6, MID + l.half, l.corner);
		cairo_set_line_width(cr, 1.5);
		dh_paint_color(cr, dh_paint_mix(look->lip_upper, 0x2a0708, 0.6), 0.8);
		cairo_stroke(cr);
	}
	for (int side = -1; side <= 1; side += 2) {
		cairo_move_to(cr, MID + side * (l.half - 2), l.corner + 0.8);
		cairo_curve_to(cr, MID + side * (l.half + 1), l.corner, MID + side * (l.half + 2.4), l.corner - 0.8,
			MID + side * (l.half + 3.2), l.corner - 2.4);
		cairo_set_line_width(cr, 1.8);
		dh_paint_color(cr, look->skin_deep, 0.45);
		cairo_stroke(cr);
	}
	cairo_restore(cr);
}
