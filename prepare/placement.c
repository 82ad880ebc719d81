/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "placement.h"

#include <stdlib.h>

#include "playout/stream.h"

struct dh_turn dh_turn_from_matrix(const int32_t *m)
{
	struct dh_turn turn = { false, false, false };
	if (!m)
		return turn;
	/* x' = m0 x + m3 y, y' = m1 x + m4 y */
	turn.transpose = llabs((long long)m[1]) > llabs((long long)m[0]);
	turn.flip_x = (turn.transpose ? m[3] : m[0]) < 0;
	turn.flip_y = (turn.transpose ? m[1] : m[4]) < 0;
	return turn;
}

struct dh_turn dh_turn_from_orientation(int orientation)
{
	return (struct dh_turn){
		.transpose = orientation >= 5,
		.flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7,
		.flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8,
	};
}

void dh_picture_shown_size(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, double *width,
	double *height)
{
	double ratio = sar_num > 0 && sar_den > 0 ? (double)sar_num / sar_den : 1.0;
	/* nonsense in a header must not make a line of the picture */
	if (ratio < 0.05 || ratio > 20)
		ratio = 1.0;
	*width = turn->transpose ? h : w * ratio;
	*height = turn->transpose ? w * ratio : h;
}

static int to_even(double side, int most)
{
	int even = (int)(side / 2 + 0.5) * 2;
	if (even < 2)
		even = 2;
	return even > most ? most : even;
}

struct dh_rect dh_picture_fit(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int canvas_width,
	int canvas_height)
{
	double width, height;
	dh_picture_shown_size(w, h, sar_num, sar_den, turn, &width, &height);
	double fx = canvas_width / width, fy = canvas_height / height, f = fx < fy ? fx : fy;
	struct dh_rect rect = { 0, 0, to_even(width * f, canvas_width), to_even(height * f, canvas_height) };
	rect.x = (canvas_width - rect.width) / 4 * 2;
	rect.y = (canvas_height - rect.height) / 4 * 2;
	return rect;
}

void dh_picture_natural_size(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int side, int *width,
	int *height)
{
	double dw, dh, f = 1;
	dh_picture_shown_size(w, h, sar_num, sar_den, turn, &dw, &dh);
	if (dw > side)
		f = side / dw;
	if (dh * f > side)
		f = side / dh;
	*width = to_even(dw * f, side);
	*height = to_even(dh * f, side);
	if (*width < DH_STREAM_SIDE_MIN)
		*width = DH_STREAM_SIDE_MIN;
	if (*height < DH_STREAM_SIDE_MIN)
		*height = DH_STREAM_SIDE_MIN;
}

/* What rounding may leave uncovered lies beyond the canvas. */
#define COVER_SPARE 8

void dh_picture_cover(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int canvas_width,
	int canvas_height, int *width, int *height)
{
	double dw, dh;
	dh_picture_shown_size(w, h, sar_num, sar_den, turn, &dw, &dh);
	double fx = (canvas_width + COVER_SPARE) / dw, fy = (canvas_height + COVER_SPARE) / dh, f = fx > fy ? fx : fy;
	*width = to_even(dw * f, DH_COVER_SIDE_MAX);
	*height = to_even(dh * f, DH_COVER_SIDE_MAX);
}
