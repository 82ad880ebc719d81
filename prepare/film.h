/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From pictures to units: the first picture moves to time 0, pictures above the
 * highest rate are dropped, each lasts until the next. Then they are encoded, in each quality.
 */
#ifndef DH_FILM_H
#define DH_FILM_H

#include <stdbool.h>

#include "fault.h"
#include "output.h"
#include "video.h"

struct dh_film;

/* `anchor` as in video.h. Units go to `output`, which must outlive the film. */
int dh_film_alloc(struct dh_film **film, const struct dh_video_config *config, int fps_max, const uint8_t *anchor,
	struct dh_output *output, struct dh_fault *fault);
void dh_film_free(struct dh_film **film);

/* The encoder of its best quality. */
const struct dh_video *dh_film_video(const struct dh_film *film);
/* As dh_video_restarts, of all its encoders. */
int dh_film_restarts(const struct dh_film *film, const char **why);

/* Whether a picture at this time will be used. Ask before converting it. */
bool dh_film_takes(const struct dh_film *film, int64_t pts_ticks);

/* Adds a picture for which dh_film_takes is true. `duration_ticks` matters if it is
 * the last one; 0: unknown. */
int dh_film_push(struct dh_film *film, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	struct dh_fault *fault);

/* Extends the last picture to the end of one that was dropped. */
void dh_film_extend(struct dh_film *film, int64_t end_ticks);

/* Emits the last picture; *ticks is the length of the film, in which that one lasts 2^32 ticks (99 minutes) at most. */
int dh_film_end(struct dh_film *film, int64_t *ticks);

#endif
