/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Animated WebP, which FFmpeg decodes only picture by picture: takes the file apart, and lays
 * each part over the canvas as the file says. Private to track.c.
 */
#ifndef DH_WEBP_FILM_H
#define DH_WEBP_FILM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavutil/frame.h>

struct dh_webp_film;

/* Whether the bytes are an animated WebP. */
bool dh_webp_film_is_one(const uint8_t *bytes, size_t size);

/* Copies the bytes, for which dh_webp_film_is_one is true. NULL: out of memory. */
struct dh_webp_film *dh_webp_film_new(const uint8_t *bytes, size_t size);
void dh_webp_film_free(struct dh_webp_film **film);

/* Stores the next picture in `av`: RGBA, its times in milliseconds. Errors are AVERROR's:
 * AVERROR_EOF after the last one; AVERROR_INVALIDDATA for one that is damaged, and skipped. */
int dh_webp_film_next(struct dh_webp_film *film, AVFrame *av);

#endif
