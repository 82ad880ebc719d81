/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_paint.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* Soft masks are drawn at this fraction of the size or less: a blurred edge has no
 * detail to lose, and blurring costs a sixteenth. */
#define SHRINK_MOST 4.0
/* Pixels of blur for each step of shrinking. */
#define SHRINK_BLUR 3.5

static double red(uint32_t rgb)
{
	return (rgb >> 16 & 0xff) / 255.0;
}
static double green(uint32_t rgb)
{
	return (rgb >> 8 & 0xff) / 255.0;
}
static double blue(uint32_t rgb)
{
	return (rgb & 0xff) / 255.0;
}

void dh_paint_color(cairo_t *cr, uint32_t rgb, double alpha)
{
	cairo_set_source_rgba(cr, red(rgb), green(rgb), blue(rgb), alpha);
}

void dh_paint_stop(cairo_pattern_t *gradient, double at, uint32_t rgb, double alpha)
{
	cairo_pattern_add_color_stop_rgba(gradient, at, red(rgb), green(rgb), blue(rgb), alpha);
}

uint32_t dh_paint_mix(uint32_t a, uint32_t b, double share)
{
	uint32_t mixed = 0;

	for (int shift = 0; shift <= 16; shift += 8) {
		double from = a >> shift & 0xff, to = b >> shift & 0xff;
		mixed |= (uint32_t)lround(from + (to - from) * share) << shift;
	}
	return mixed;
}

void dh_paint_half(cairo_t *cr, double middle, int side)
{
	cairo_translate(cr, middle, 0);
	cairo_scale(cr, side, 1);
}

void dh_paint_gradient(cairo_t *cr, cairo_pattern_t *gradient)
{
	cairo_set_source(cr, gradient);
	cairo_fill(cr);
	cairo_pattern_destroy(gradient);
}

void dh_paint_ellipse(cairo_t *cr, double x, double y, double rx, double ry)
{
	cairo_matrix_t saved;

	cairo_get_matrix(cr, &saved);
	cairo_new_sub_path(cr);
	cairo_translate(cr, x, y);
	cairo_scale(cr, rx, ry);
	cairo_arc(cr, 0, 0, 1, 0, 2 * M_PI);
	cairo_close_path(cr);
	cairo_set_matrix(cr, &saved);
}

/* One box blur of `count` bytes that are `step` apart. */
static void blur_line(uint8_t *bytes, int count, int step, int radius, uint8_t *copy)
{
	int sum = 0, size = 2 * radius + 1;

	for (int i = 0; i < count; i++)
		copy[i] = bytes[i * step];
	for (int i = 0; i < radius && i < count; i++)
		sum += copy[i];
	for (int i = 0; i < count; i++) {
		if (i + radius < count)
			/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): filled above */
			sum += copy[i + radius];
		bytes[i * step] = (uint8_t)((sum + size / 2) / size);
		if (i - radius >= 0)
			sum -= copy[i - radius];
	}
}

/* Three box blurs are close to a Gaussian. */
static void blur_mask(cairo_surface_t *mask, int radius)
{
	int width = cairo_image_surface_get_width(mask), height = cairo_image_surface_get_height(mask);
	int stride = cairo_image_surface_get_stride(mask);
	uint8_t *copy = malloc((size_t)(width > height ? width : height));
	uint8_t *bytes;

	cairo_surface_flush(mask);
	bytes = cairo_image_surface_get_data(mask);
	if (!copy || !bytes) {
		free(copy);
		return; /* leaves a hard edge */
	}
	for (int pass = 0; pass < 3; pass++) {
		for (int y = 0; y < height; y++)
			blur_line(bytes + (ptrdiff_t)y * stride, width, 1, radius, copy);
		for (int x = 0; x < width; x++)
			blur_line(bytes + x, height, stride, radius, copy);
	}
	cairo_surface_mark_dirty(mask);
	free(copy);
}

/* The part of the picture that the current path and `margin` pixels around it
 * cover, in pixels / `shrink`. */
struct cover {
	double left, top, right, bottom;
};

static struct cover cover_path(cairo_t *cr, int stroked, double margin, double shrink)
{
	double x1, y1, x2, y2;
	struct cover cover;

	if (stroked)
		cairo_stroke_extents(cr, &x1, &y1, &x2, &y2);
	else
		cairo_fill_extents(cr, &x1, &y1, &x2, &y2);
	cairo_user_to_device(cr, &x1, &y1);
	cairo_user_to_device(cr, &x2, &y2);
	cover.left = floor((fmin(x1, x2) - margin) / shrink);
	cover.top = floor((fmin(y1, y2) - margin) / shrink);
	cover.right = ceil((fmax(x1, x2) + margin) / shrink);
	cover.bottom = ceil((fmax(y1, y2) + margin) / shrink);
	return cover;
}

/* The current path of `cr` as a mask of that part. */
static cairo_surface_t *draw_mask(cairo_t *cr, int stroked, const struct cover *cover, double shrink)
{
	cairo_surface_t *mask = cairo_image_surface_create(CAIRO_FORMAT_A8, (int)(cover->right - cover->left),
		(int)(cover->bottom - cover->top));
	cairo_path_t *path = cairo_copy_path(cr);
	cairo_t *small = cairo_create(mask);
	cairo_matrix_t matrix;

	cairo_get_matrix(cr, &matrix);
	cairo_translate(small, -cover->left, -cover->top);
	cairo_scale(small, 1 / shrink, 1 / shrink);
	cairo_transform(small, &matrix);
	cairo_append_path(small, path);
	cairo_set_line_width(small, cairo_get_line_width(cr));
	cairo_set_line_cap(small, CAIRO_LINE_CAP_ROUND);
	if (stroked)
		cairo_stroke(small);
	else
		cairo_fill(small);
	cairo_destroy(small);
	cairo_path_destroy(path);
	return mask;
}

static void paint_soft(cairo_t *cr, uint32_t rgb, double alpha, double blur, int stroked)
{
	double scale, shrink;
	cairo_surface_t *mask;
	cairo_matrix_t matrix;
	struct cover cover;
	int radius;

	cairo_get_matrix(cr, &matrix);
	scale = sqrt(fabs(matrix.xx * matrix.yy));
	shrink = fmin(SHRINK_MOST, fmax(1, floor(blur * scale / SHRINK_BLUR)));
	radius = (int)lround(blur * scale / shrink / 2);
	cover = cover_path(cr, stroked, (3 * radius + 2) * shrink, shrink);
	mask = draw_mask(cr, stroked, &cover, shrink);
	if (radius > 0)
		blur_mask(mask, radius);
	cairo_new_path(cr);
	cairo_save(cr);
	cairo_identity_matrix(cr);
	cairo_scale(cr, shrink, shrink);
	dh_paint_color(cr, rgb, alpha);
	cairo_mask_surface(cr, mask, cover.left, cover.top);
	cairo_surface_destroy(mask);
	cairo_restore(cr);
}

void dh_paint_soft_fill(cairo_t *cr, uint32_t rgb, double alpha, double blur)
{
	paint_soft(cr, rgb, alpha, blur, 0);
}

void dh_paint_soft_stroke(cairo_t *cr, uint32_t rgb, double alpha, double blur)
{
	paint_soft(cr, rgb, alpha, blur, 1);
}
