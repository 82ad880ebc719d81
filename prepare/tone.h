/* SPDX-License-Identifier: GPL-3.0-or-later */
/* High dynamic range to standard: pictures in BT.2020 with PQ or HLG become BT.709's colours
 * for a screen of BT.1886. The curve is that of BT.2390, from the brightest light of the
 * picture to 203 nits, which BT.2408 names as white.
 */
#ifndef DH_TONE_H
#define DH_TONE_H

#include <stdbool.h>

#include <libavutil/frame.h>

struct dh_tone;

/* Whether the frame says that it has such colours. */
bool dh_tone_is_needed(const AVFrame *frame);

/* NULL: out of memory. Its curve is made for `frame`, and for others like it (dh_tone_fits). */
struct dh_tone *dh_tone_new(const AVFrame *frame);
void dh_tone_free(struct dh_tone **tone);
bool dh_tone_fits(const struct dh_tone *tone, const AVFrame *frame);

/* `from` is RGB48 of the same curve and primaries as that frame, `to` RGB24 of the same size. */
void dh_tone_map(const struct dh_tone *tone, const AVFrame *from, AVFrame *to);

#endif
