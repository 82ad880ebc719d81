/* How a picture is made: what stands still is drawn once and kept as layers;
 * for every picture the layers are put on top of each other, a little moved,
 * and only eyes, eyebrows and mouth are drawn anew.
 */
#include "talker_face.h"
#include "talker_i420.h"
#include "talker_parts.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The chin follows the mouth in this many steps, each a layer of its own. */
#define JAW_STEPS 16

/* The person moves only inside this part of the stage (units): what is outside
 * is drawn and converted once. */
static const struct box { double left, top, right, bottom; } person = { 18, 40, 494, 1400 };
/* What the head's layers cover at most, whatever the look. */
static const struct box head_box = { 96, 40, 416, 412 };

struct dh_face {
	const struct dh_look *look;
	int width, height;
	double scale, shift_x, shift_y;    /* stage units to pixels */
	int left, top, right, bottom;      /* pixels that change, even */
	cairo_surface_t *wall, *body, *hair_back, *hair_front;
	cairo_surface_t *head[JAW_STEPS + 1]; /* made when first needed */
	cairo_surface_t *picture;
	uint8_t *i420;
	int drawn, had_flash;
};

static int even_down(double x) { return (int)floor(x / 2) * 2; }
static int even_up(double x) { return (int)ceil(x / 2) * 2; }

/* The square stage fills the shorter side; what a tall picture has more goes
 * below the shoulders rather than above the head. */
static void place(struct dh_face *face)
{
	int w = face->width, h = face->height, side = w < h ? w : h;

	face->scale = side / DH_STAGE;
	face->shift_x = (w - side) / 2.0;
	face->shift_y = (h - side) * 0.4;
	face->left = even_down(fmax(0, person.left * face->scale + face->shift_x));
	face->top = even_down(fmax(0, person.top * face->scale + face->shift_y));
	face->right = even_up(fmin(w, person.right * face->scale + face->shift_x));
	face->bottom = even_up(fmin(h, person.bottom * face->scale + face->shift_y));
}

/* A context that draws on `surface` in stage units. */
static cairo_t *stage(const struct dh_face *face, cairo_surface_t *surface)
{
	cairo_t *cr = cairo_create(surface);

	cairo_translate(cr, face->shift_x, face->shift_y);
	cairo_scale(cr, face->scale, face->scale);
	return cr;
}

typedef void draw_fn(cairo_t *cr, const struct dh_look *look);

static cairo_surface_t *make_layer(const struct dh_face *face, draw_fn *draw)
{
	cairo_surface_t *layer = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, face->width, face->height);
	cairo_t *cr = stage(face, layer);

	draw(cr, face->look);
	cairo_destroy(cr);
	return layer;
}

static void draw_hair_and_glasses(cairo_t *cr, const struct dh_look *look)
{
	dh_draw_hair_front(cr, look);
	dh_draw_glasses(cr, look);
}

static cairo_surface_t *head_layer(struct dh_face *face, double open)
{
	int step = (int)lround(fmin(1, fmax(0, open)) * JAW_STEPS);

	if (!face->head[step]) {
		cairo_t *cr;
		face->head[step] = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, face->width, face->height);
		cr = stage(face, face->head[step]);
		dh_draw_head(cr, face->look, DH_JAW_DROP * step / JAW_STEPS);
		cairo_destroy(cr);
	}
	return face->head[step];
}

int dh_face_alloc(struct dh_face **result, const struct dh_look *look, int width, int height)
{
	struct dh_face *face;
	cairo_t *cr;

	if (width < DH_FACE_SIDE_MIN || height < DH_FACE_SIDE_MIN || width > DH_FACE_SIDE_MAX
	    || height > DH_FACE_SIDE_MAX || width % 2 || height % 2)
		return -EINVAL;
	face = calloc(1, sizeof(*face));
	if (!face)
		return -ENOMEM;
	face->look = look;
	face->width = width;
	face->height = height;
	place(face);
	face->wall = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
	cr = cairo_create(face->wall);
	dh_draw_wall(cr, look, width, height);
	cairo_destroy(cr);
	face->body = make_layer(face, dh_draw_body);
	face->hair_back = make_layer(face, dh_draw_hair_back);
	face->hair_front = make_layer(face, draw_hair_and_glasses);
	face->picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
	face->i420 = malloc((size_t)width * (size_t)height * 3 / 2);
	if (!face->i420 || cairo_surface_status(face->wall) || cairo_surface_status(face->body)
	    || cairo_surface_status(face->hair_back) || cairo_surface_status(face->hair_front)
	    || cairo_surface_status(face->picture)) {
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
		cairo_surface_destroy(face->head[i]);
	cairo_surface_destroy(face->wall);
	cairo_surface_destroy(face->body);
	cairo_surface_destroy(face->hair_back);
	cairo_surface_destroy(face->hair_front);
	cairo_surface_destroy(face->picture);
	free(face->i420);
	free(face);
	*pointer = NULL;
}

/* Puts a layer where the context's matrix moves it; `box` (stage units) is all
 * that it covers. */
static void put_layer(const struct dh_face *face, cairo_t *cr, cairo_surface_t *layer, const struct box *box)
{
	cairo_save(cr);
	cairo_rectangle(cr, box->left, box->top, box->right - box->left, box->bottom - box->top);
	cairo_scale(cr, 1 / face->scale, 1 / face->scale);
	cairo_translate(cr, -face->shift_x, -face->shift_y);
	cairo_set_source_surface(cr, layer, 0, 0);
	cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BILINEAR);
	cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
	cairo_fill(cr);
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
	put_layer(face, cr, face->hair_back, &head_box);
	cairo_restore(cr);

	cairo_save(cr);
	cairo_translate(cr, 0, -1.6 * pose->breath);
	put_layer(face, cr, face->body, &person);
	cairo_restore(cr);

	cairo_save(cr);
	move_head(cr, pose, 0.35);
	put_layer(face, cr, head_layer(face, pose->mouth.open), &head_box);
	cairo_restore(cr);

	cairo_save(cr);
	move_head(cr, pose, 0.6);
	dh_draw_eyes(cr, face->look, pose);
	dh_draw_brows(cr, face->look, pose->brows);
	dh_draw_mouth(cr, face->look, &pose->mouth);
	cairo_restore(cr);

	cairo_save(cr);
	move_head(cr, pose, 0.55);
	put_layer(face, cr, face->hair_front, &head_box);
	cairo_restore(cr);
}

/* The part that may have changed since the last picture, as I420. */
static void convert(struct dh_face *face, int all)
{
	int left = all ? 0 : face->left, top = all ? 0 : face->top;
	int right = all ? face->width : face->right, bottom = all ? face->height : face->bottom;

	cairo_surface_flush(face->picture);
	dh_i420_convert(face->i420, face->width, face->height, cairo_image_surface_get_data(face->picture),
		cairo_image_surface_get_stride(face->picture), left, top, right - left, bottom - top);
}

const uint8_t *dh_face_draw(struct dh_face *face, const struct dh_pose *pose, int flash)
{
	int all = !face->drawn || flash || face->had_flash;
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
		cairo_rectangle(cr, 0, 0, face->width, face->height * 160 / 512);
		cairo_set_source_rgb(cr, 1, 1, 1);
		cairo_fill(cr);
	}
	status = cairo_status(cr);
	cairo_destroy(cr);
	if (status)
		return NULL;
	convert(face, all);
	face->drawn = 1;
	face->had_flash = flash;
	return face->i420;
}

int dh_face_save(struct dh_face *face, const char *path)
{
	errno = 0;
	return cairo_surface_write_to_png(face->picture, path) ? -EIO : 0;
}
