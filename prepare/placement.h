/* Where a stored picture lands on the shown one: turned, scaled with its aspect
 * ratio kept, centred. Pure.
 *
 * I420 everywhere in prepare/ is one block without padding: width*height bytes
 * of luma, then twice a quarter of that. Sides are even.
 */
#ifndef DH_PLACEMENT_H
#define DH_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

/* How the stored picture is turned into the shown one: first transposed (x and
 * y swapped), then mirrored. */
struct dh_turn {
	int transpose, flip_x, flip_y;
};

/* `matrix`: 9 values of a display matrix, or NULL. Other angles than multiples
 * of 90 degrees become the nearest one. */
struct dh_turn dh_turn_from_matrix(const int32_t *matrix);

/* Where a stored picture of w x h with pixels of sar_num:sar_den lands on a
 * canvas; even numbers. */
struct dh_rect {
	int x, y, width, height;
};
struct dh_rect dh_picture_fit(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn,
	int canvas_width, int canvas_height);

/* The even size of at most `side` that shows such a picture in full. */
void dh_picture_natural_size(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn, int side,
	int *width, int *height);

static inline size_t dh_picture_size(int width, int height)
{
	return (size_t)width * (size_t)height * 3 / 2;
}

#endif
