#include "talker_paint.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>


/* Soft masks are drawn at a fraction of the size, at least this one: a blurred
 * edge has no detail that would be lost, and blurring costs a sixteenth. */
#define SHRINK_MOST 4.0
/* Pixels of blur that allow one step of shrinking. */
#define SHRINK_BLUR 3.5

static double red(uint32_t rgb)   { return (rgb >> 16 & 0xff) / 255.0; }
static double green(uint32_t rgb) { return (rgb >> 8 & 0xff) / 255.0; }
static double blue(uint32_t rgb)  { return (rgb & 0xff) / 255.0; }

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
		return; /* a hard edge instead of a soft one */
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

static void paint_soft(cairo_t *cr, uint32_t rgb, double alpha, double blur, int stroked)
{
	cairo_path_t *path = cairo_copy_path(cr);
	cairo_matrix_t matrix;
	double x1, y1, x2, y2, scale, shrink, margin;
	cairo_surface_t *mask;
	cairo_t *small;
	int radius;

	/* The mask covers the path and its blurred margin, in device pixels / shrink. */
	cairo_get_matrix(cr, &matrix);
	scale = sqrt(fabs(matrix.xx * matrix.yy - matrix.xy * matrix.yx));
	shrink = fmin(SHRINK_MOST, fmax(1, floor(blur * scale / SHRINK_BLUR)));
	radius = (int)lround(blur * scale / shrink / 2);
	if (stroked)
		cairo_stroke_extents(cr, &x1, &y1, &x2, &y2);
	else
		cairo_fill_extents(cr, &x1, &y1, &x2, &y2);
	cairo_new_path(cr);
	cairo_save(cr);
	margin = (3 * radius + 2) * shrink;
	x1 = floor((x1 * matrix.xx + matrix.x0 - margin) / shrink);
	y1 = floor((y1 * matrix.yy + matrix.y0 - margin) / shrink);
	x2 = ceil((x2 * matrix.xx + matrix.x0 + margin) / shrink);
	y2 = ceil((y2 * matrix.yy + matrix.y0 + margin) / shrink);
	mask = cairo_image_surface_create(CAIRO_FORMAT_A8, (int)(x2 - x1), (int)(y2 - y1));
	small = cairo_create(mask);
	cairo_translate(small, -x1, -y1);
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
	if (radius > 0)
		blur_mask(mask, radius);

	cairo_identity_matrix(cr);
	cairo_scale(cr, shrink, shrink);
	dh_paint_color(cr, rgb, alpha);
	cairo_mask_surface(cr, mask, x1, y1);
	cairo_surface_destroy(mask);
	cairo_restore(cr);
	cairo_path_destroy(path);
}

void dh_paint_soft_fill(cairo_t *cr, uint32_t rgb, double alpha, double blur)
{
	paint_soft(cr, rgb, alpha, blur, 0);
}

void dh_paint_soft_stroke(cairo_t *cr, uint32_t rgb, double alpha, double blur)
{
	paint_soft(cr, rgb, alpha, blur, 1);
}
