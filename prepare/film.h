/* The pictures' way to units: the first stands at time 0, those that come too
 * fast are thinned out, each lasts until the next; then the anchored encoder.
 */
#ifndef DH_FILM_H
#define DH_FILM_H

#include "fault.h"
#include "output.h"
#include "video.h"

struct dh_film;

/* `anchor` as in video.h. Units go to `output`, which outlives the film. */
int dh_film_alloc(struct dh_film **film, const struct dh_video_config *config, int fps_max,
	const uint8_t *anchor, struct dh_output *output, struct dh_fault *fault);
void dh_film_free(struct dh_film **film);

const struct dh_video *dh_film_video(const struct dh_film *film);

/* Whether a picture at this time will be taken; asked before it is converted. */
int dh_film_takes(const struct dh_film *film, int64_t pts_ticks);

/* A picture that dh_film_takes. `duration_ticks` counts where it is the last;
 * 0: unknown. */
int dh_film_push(struct dh_film *film, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	struct dh_fault *fault);

/* The end of a picture that was not taken; the last one stands until then. */
void dh_film_extend(struct dh_film *film, int64_t end_ticks);

/* Emits the last one; *ticks is the length of the film. */
int dh_film_end(struct dh_film *film, int64_t *ticks);

#endif
