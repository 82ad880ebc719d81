/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands still is drawn once and kept as layers. For each picture the layers
 * are composed, slightly moved, and only eyes, eyebrows and mouth are drawn.
 */
#include "talker_face.h"
#include "talker_i420.h"
#include "talker_parts.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The chin follows the mouth in this many steps, with a layer for each. */
#define JAW_STEPS   16
#define WALL_SHRINK 4
/* How much wider than a tall picture the canvas may be. */
#define TALL_ZOOM 1.3

/* The part of the canvas in which the person moves: what is outside is drawn and
 * converted once. */
struct box {
	double left, top, right, bottom;
};
static const struct box person = { 18, 30, 494, 1400 };
/* The most that the layers cover, for any look. */
static const struct box body_box = { 18, 276, 494, 1400 };
static const struct box hair_box = { 104, 34, 408, 412 };
static const struct box head_box = { 148, 92, 364, 360 };

/* A part of the face that is drawn once. */
struct layer {
	cairo_surface_t *surface;     /* covers part of the picture */
	int left, top, right, bottom; /* which part, in pixels */
};

struct dh_face {
	const struct dh_look *look;
	int width, height;
	double scale, shift_x, shift_y; /* canvas units to pixels */
	int left, top, right, bottom;   /* pixels that change, even */
	cairo_surface_t *wall, *picture;
	struct layer body, hair_back, hair_front;
	struct layer head[JAW_STEPS + 1]; /* made when first needed */
	uint8_t *i420;
	bool is_drawn, had_flash;
};

static int even_down(double x)
{
	return (int)floor(x / 2) * 2;
}
static int even_up(double x)
{
	return (int)ceil(x / 2) * 2;
}

/* The square canvas fills the height of a wide picture. In a tall one it is wider
 * than the picture, whose sides crop the shoulders; most of the extra height goes
 * below. */
static void place(struct dh_face *face)
{
	int w = face->width, h = face->height;
	double side = fmin(h, w * (h > w ? TALL_ZOOM : 1));

	face->scale = side / DH_CANVAS;
	face->shift_x = (w - side) / 2.0;
	face->shift_y = (h - side) * 0.4;
	face->left = even_down(fmax(0, person.left * face->scale + face->shift_x));
	face->top = even_down(fmax(0, person.top * face->scale + face->shift_y));
	face->right = even_up(fmin(w, person.right * face->scale + face->shift_x));
	face->bottom = even_up(fmin(h, person.bottom * face->scale + face->shift_y));
}

typedef void draw_fn(cairo_t *cr, const struct dh_look *look, double jaw_drop);

/* Every pixel of a layer costs time in every picture, empty or not, so a layer is
 * only as large as `box`. */
static void make_layer(const struct dh_face *face, struct layer *layer, const struct box *box, draw_fn *draw,
	double jaw_drop)
{
	cairo_t *cr;

	layer->left = (int)fmax(0, floor(box->left * face->scale + face->shift_x));
	layer->top = (int)fmax(0, floor(box->top * face->scale + face->shift_y));
	layer->right = (int)fmin(face->width, ceil(box->right * face->scale + face->shift_x));
	layer->bottom = (int)fmin(face->height, ceil(box->bottom * face->scale + face->shift_y));
	layer->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, layer->right - layer->left,
		layer->bottom - layer->top);
	/* draw and use it in the picture's coordinates */
	cairo_surface_set_device_offset(layer->surface, -layer->left, -layer->top);
	cr = cairo_create(layer->surface);
	cairo_translate(cr, face->shift_x, face->shift_y);
	cairo_scale(cr, face->scale, face->scale);
	draw(cr, face->look, jaw_drop);
	cairo_destroy(cr);
}

static void draw_body(cairo_t *cr, const struct dh_look *look, double jaw_drop)
{
	(void)jaw_drop;
	dh_draw_body(cr, look);
}

static void draw_hair_back(cairo_t *cr, const struct dh_look *look, double jaw_drop)
{
	(void)jaw_drop;
	dh_draw_hair_back(cr, look);
}

static void draw_hair_front(cairo_t *cr, const struct dh_look *look, double jaw_drop)
{
	(void)jaw_drop;
	dh_draw_hair_front(cr, look);
	dh_draw_glasses(cr, look);
}

static const struct layer *head_layer(struct dh_face *face, double open)
{
	int step = (int)lround(fmin(1, fmax(0, open)) * JAW_STEPS);

	if (!face->head[step].surface)
		make_layer(face, &face->head[step], &head_box, dh_draw_head, DH_JAW_DROP * step / JAW_STEPS);
	return &face->head[step];
}

/* The wall has no detail: drawn at a quarter of its size and enlarged, it looks the
 * same and takes a quarter of the time. */
static void make_wall(struct dh_face *face)
{
	int width = face->width / WALL_SHRINK + 1, height = face->height / WALL_SHRINK + 1;
	cairo_surface_t *small = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
	cairo_t *cr = cairo_create(small);

	cairo_scale(cr, 1.0 / WALL_SHRINK, 1.0 / WALL_SHRINK);
	dh_draw_wall(cr, face->look, width * WALL_SHRINK, height * WALL_SHRINK);
	cairo_destroy(cr);
	face->wall = cairo_image_surface_create(CAIRO_FORMAT_RGB24, face->width, face->height);
	cr = cairo_create(face->wall);
	cairo_scale(cr, WALL_SHRINK, WALL_SHRINK);
	cairo_set_source_surface(cr, small, 0, 0);
	cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BILINEAR);
	cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
	cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
	cairo_paint(cr);
	cairo_destroy(cr);
	cairo_surface_destroy(small);
}

int dh_face_alloc(struct dh_face **result, const struct dh_look *look, int width, int height)
{
	struct dh_face *face;

	if (width < DH_FACE_SIDE_MIN || height < DH_FACE_SIDE_MIN || width > DH_FACE_SIDE_MAX ||
		height > DH_FACE_SIDE_MAX || width % 2 || height % 2)
		return -EINVAL;
	face = calloc(1, sizeof(*face));
	if (!face)
		return -ENOMEM;
	face->look = look;
	face->width = width;
	face->height = height;
	place(face);
	make_wall(face);
	make_layer(face, &face->body, &body_box, draw_body, 0);
	make_layer(face, &face->hair_back, &hair_box, draw_hair_back, 0);
	make_layer(face, &face->hair_front, &hair_box, draw_hair_front, 0);
	face->picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
	face->i420 = malloc((size_t)width * (size_t)height * 3 / 2);
	if (!face->i420 || cairo_surface_status(face->wall) || cairo_surface_status(face->body.surface) ||
		cairo_surface_status(face->hair_back.surface) || cairo_surface_status(face->hair_front.surface) ||
		cairo_surface_status(face->picture)) {
		dh_face_free(&face);
		return -ENOMEM;
	}
	*result = face;
	return 0;
}

void dh_face_free(struct dh_face **pointer)
{
	struct dh_face *face = *pointer;

	if (!face)
		return;
	for (int i = 0; i <= JAW_STEPS; i++)
		cairo_surface_destroy(face->head[i].surface);
	cairo_surface_destroy(face->wall);
	cairo_surface_destroy(face->body.surface);
	cairo_surface_destroy(face->hair_back.surface);
	cairo_surface_destroy(face->hair_front.surface);
	cairo_surface_destroy(face->picture);
	free(face->i420);
	free(face);
	*pointer = NULL;
}

/* Puts a layer where the context's matrix moves it. The clip keeps to whole
 * pixels: cairo is fast then. */
static void put_layer(const struct dh_face *face, cairo_t *cr, const struct layer *layer)
{
	double left = face->width, top = face->height, right = 0, bottom = 0;
	cairo_matrix_t matrix;

	cairo_save(cr);
	cairo_scale(cr, 1 / face->scale, 1 / face->scale);
	cairo_translate(cr, -face->shift_x, -face->shift_y);
	for (int corner = 0; corner < 4; corner++) {
		double x = corner & 1 ? layer->left : layer->right;
		double y = corner & 2 ? layer->top : layer->bottom;
		cairo_user_to_device(cr, &x, &y);
		left = fmin(left, x);
		right = fmax(right, x);
		top = fmin(top, y);
		bottom = fmax(bottom, y);
	}
	cairo_get_matrix(cr, &matrix);
	cairo_identity_matrix(cr);
	cairo_rectangle(cr, floor(left), floor(top), ceil(right) - floor(left), ceil(bottom) - floor(top));
	cairo_clip(cr);
	cairo_set_matrix(cr, &matrix);
	cairo_set_source_surface(cr, layer->surface, 0, 0);
	cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BILINEAR);
	cairo_paint(cr);
	cairo_restore(cr);
}

/* The head turns about the neck's upper end; `depth` is how far in front of
 * that axis a layer is: 1 the face, negative the back of the head. */
static void move_head(cairo_t *cr, const struct dh_pose *pose, double depth)
{
	cairo_translate(cr, DH_MIDDLE + pose->x, DH_CHIN_Y + pose->y);
	cairo_rotate(cr, pose->roll);
	cairo_translate(cr, -DH_MIDDLE + pose->yaw * 4 * depth, -DH_CHIN_Y + pose->pitch * 3 * depth);
}

static void draw_person(struct dh_face *face, cairo_t *cr, const struct dh_pose *pose)
{
	cairo_save(cr);
	move_head(cr, pose, -0.5);
	put_layer(face, cr, &face->hair_back);
	cairo_restore(cr);

	cairo_save(cr);
	cairo_translate(cr, 0, -1.6 * pose->breath);
	put_layer(face, cr, &face->body);
	cairo_restore(cr);

	cairo_save(cr);
	move_head(cr, pose, 0.35);
	put_layer(face, cr, head_layer(face, pose->mouth.open));
	cairo_restore(cr);

	cairo_save(cr);
	move_head(cr, pose, 0.6);
	dh_draw_eyes(cr, face->look, pose);
	dh_draw_brows(cr, face->look, pose->brows);
	dh_draw_mouth(cr, face->look, &pose->mouth);
	cairo_restore(cr);

	cairo_save(cr);
	move_head(cr, pose, 0.55);
	put_layer(face, cr, &face->hair_front);
	cairo_restore(cr);
}

/* The part that may have changed since the last picture, as I420. */
static void convert(struct dh_face *face, bool all)
{
	int left = all ? 0 : face->left, top = all ? 0 : face->top;
	int right = all ? face->width : face->right, bottom = all ? face->height : face->bottom;

	cairo_surface_flush(face->picture);
	dh_i420_convert(face->i420, face->width, face->height, cairo_image_surface_get_data(face->picture),
		cairo_image_surface_get_stride(face->picture), left, top, right - left, bottom - top);
}

const uint8_t *dh_face_draw(struct dh_face *face, const struct dh_pose *pose, bool flash)
{
	bool all = !face->is_drawn || flash || face->had_flash;
	cairo_t *cr = cairo_create(face->picture);
	cairo_status_t status;

	if (!all) {
		cairo_rectangle(cr, face->left, face->top, face->right - face->left, face->bottom - face->top);
		cairo_clip(cr);
	}
	cairo_set_source_surface(cr, face->wall, 0, 0);
	cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
	cairo_paint(cr);
	cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
	cairo_translate(cr, face->shift_x, face->shift_y);
	cairo_scale(cr, face->scale, face->scale);
	draw_person(face, cr, pose);
	if (flash) {
		cairo_identity_matrix(cr);
		cairo_rectangle(cr, 0, 0, face->width, floor(face->height * 160.0 / 512));
		cairo_set_source_rgb(cr, 1, 1, 1);
		cairo_fill(cr);
	}
	status = cairo_status(cr);
	cairo_destroy(cr);
	if (status)
		return NULL;
	convert(face, all);
	face->is_drawn = true;
	face->had_flash = flash;
	return face->i420;
}

int dh_face_save(struct dh_face *face, const char *path)
{
	errno = 0;
	return cairo_surface_write_to_png(face->picture, path) ? -EIO : 0;
}
