/* From whatever a decoder puts out to I420 of the avatar's size: BT.601,
 * limited range, aspect ratio kept, turned as the input says, bars in black,
 * transparent parts on black.
 *
 * I420 everywhere in prepare/ is one block without padding: width*height bytes
 * of luma, then twice a quarter of that. Sides are even.
 */
#ifndef DH_PICTURE_H
#define DH_PICTURE_H

#include <stdint.h>

#include <libavutil/frame.h>

#include "fault.h"

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

struct dh_picture;

int dh_picture_alloc(struct dh_picture **picture, int width, int height, struct dh_fault *fault);
void dh_picture_free(struct dh_picture **picture);

/* `i420` has room for one picture. -> DH_PREPARE_FORMAT where the pixel format
 * cannot be converted. */
int dh_picture_convert(struct dh_picture *picture, const AVFrame *frame, const struct dh_turn *turn,
	uint8_t *i420, struct dh_fault *fault);

static inline size_t dh_picture_size(int width, int height)
{
	return (size_t)width * (size_t)height * 3 / 2;
}

/* DH_LUMA_SIDE x DH_LUMA_SIDE means of the luma. */
void dh_picture_luma(const uint8_t *i420, int width, int height, uint8_t *luma);

#endif
