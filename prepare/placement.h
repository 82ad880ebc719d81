/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a stored picture goes on the canvas: turned, scaled with its aspect ratio
 * kept, centred. Pure.
 *
 * I420 everywhere in prepare/ is one block without padding: width*height bytes
 * of luma, then twice a quarter of that. Sides are even.
 */
#ifndef DH_PLACEMENT_H
#define DH_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the stored picture is turned: first transposed (x and y swapped), then
 * mirrored. */
struct dh_turn {
	bool transpose, flip_x, flip_y;
};

/* From the 9 values of a display matrix, or NULL. Angles are rounded to multiples of
 * 90 degrees. */
struct dh_turn dh_turn_from_matrix(const int32_t *matrix);

/* From EXIF's orientation, 1 to 8. */
struct dh_turn dh_turn_from_orientation(int orientation);

/* How large a stored picture of w x h with pixels of sar_num:sar_den is when it is shown. */
void dh_picture_shown_size(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, double *width,
	double *height);

/* Where a stored picture of w x h with pixels of sar_num:sar_den goes on a canvas; all
 * numbers are even. */
struct dh_rect {
	int x, y, width, height;
};
struct dh_rect dh_picture_fit(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int canvas_width,
	int canvas_height);

/* The even size, at most `side`, that shows such a picture in full. */
void dh_picture_natural_size(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int side, int *width,
	int *height);

/* The size, at most DH_COVER_SIDE_MAX, at which it covers a canvas and a little more. */
#define DH_COVER_SIDE_MAX 8192
void dh_picture_cover(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int canvas_width,
	int canvas_height, int *width, int *height);

static inline size_t dh_picture_size(int width, int height)
{
	return (size_t)width * (size_t)height * 3 / 2;
}

#endif
