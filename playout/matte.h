/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a transparent picture is coded: its matte lies below it, in the same picture of VP8.
 * The matte's luma is how opaque the pixel above is, its chroma is neutral.
 *
 *     0 … height                 the picture; where it is transparent its colours go on, so
 *                                that edges have no fringe
 *     … dh_matte_seam            its last row, repeated
 *     … dh_matte_top             the matte's first row, repeated
 *     … dh_matte_coded_height    the matte
 *
 * The seam lies between macroblocks, and neither the loop filter, which changes three
 * pixels of each plane beside it, nor a sampler reaches from one into the other. Pure.
 */
#ifndef DH_MATTE_H
#define DH_MATTE_H

#include "stream.h"

/* Rows on each side of the seam that belong to nobody: more than three of the chroma's. */
#define DH_MATTE_SPARE 8
/* The luma of what is not there, and of what is opaque; what is between lies from 16 to 235.
 * Beyond that every decoder cuts, and with it the noise of coding. */
#define DH_MATTE_CLEAR 8
#define DH_MATTE_SOLID 243
/* The largest height that fits a stream with its matte. */
#define DH_MATTE_HEIGHT_MAX 1144

static inline int dh_matte_seam(int height)
{
	return (height + DH_MATTE_SPARE + 15) / 16 * 16;
}

static inline int dh_matte_top(int height)
{
	return dh_matte_seam(height) + DH_MATTE_SPARE;
}

static inline int dh_matte_coded_height(int height)
{
	return dh_matte_top(height) + height;
}

/* The picture's height; 0: none that is coded with its matte has that height. */
static inline int dh_matte_height(int coded_height)
{
	int least = (coded_height - 2 * DH_MATTE_SPARE - 15) / 2;
	for (int height = least + (least & 1); height <= coded_height / 2; height += 2)
		if (height >= DH_STREAM_SIDE_MIN && dh_matte_coded_height(height) == coded_height)
			return height;
	return 0;
}

/* What a stream says about a picture, of which `height` is coded. */
static inline int dh_head_height(const struct dh_stream_head *head)
{
	return head->has_matte ? dh_matte_height(head->height) : head->height;
}

#endif
