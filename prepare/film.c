/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "film.h"

#include <stdlib.h>

#include "playout/timebase.h"
#include "stack.h"
#include "videos.h"

/* What a stream can say; a picture that stands for longer is shown until the next one all the same. */
#define DURATION_TICKS_MAX ((int64_t)UINT32_MAX)
/* Of the last picture if its length is unknown. */
#define DURATION_TICKS (40 * DH_TICKS_PER_MS)

struct dh_film {
	struct dh_videos videos;
	struct dh_output *output;
	int width, height; /* as coded */
	bool has_matte;
	int64_t period_ticks; /* of the highest rate */
	int64_t due_ticks;    /* when the next one is due at that rate */
	struct dh_unit *last; /* encoded; its duration is not yet known */
	int64_t last_step_ticks, end_ticks;
};

int dh_film_alloc(struct dh_film **film, const struct dh_video_config *config, int fps_max, const uint8_t *anchor,
	struct dh_output *output, struct dh_fault *fault)
{
	struct dh_film *f = calloc(1, sizeof *f);
	if (!f)
		return dh_fault_memory(fault);
	f->output = output;
	f->width = config->width;
	f->height = config->height;
	f->has_matte = config->has_matte;
	f->period_ticks = DH_TICKS_PER_SECOND / fps_max;
	int code = dh_videos_init(&f->videos, config, anchor, fault);
	if (code) {
		free(f);
		return code;
	}
	*film = f;
	return 0;
}

void dh_film_free(struct dh_film **film)
{
	struct dh_film *f = *film;
	*film = NULL;
	if (!f)
		return;
	dh_videos_clear(&f->videos);
	dh_unit_unref(&f->last);
	free(f);
}

const struct dh_video *dh_film_video(const struct dh_film *film)
{
	return film->videos.at[0];
}

int dh_film_restarts(const struct dh_film *film, const char **why)
{
	return dh_videos_restarts(&film->videos, why);
}

bool dh_film_takes(const struct dh_film *film, int64_t pts_ticks)
{
	if (!film->last)
		return true;
	/* a quarter of tolerance: containers round, and 50 must thin out to 25 */
	return pts_ticks > film->last->pts_ticks && pts_ticks + film->period_ticks / 4 >= film->due_ticks;
}

static int emit_last(struct dh_film *film, int64_t duration_ticks)
{
	struct dh_unit *unit = film->last;
	film->last = NULL;
	if (!unit)
		return 0;
	unit->duration_ticks = duration_ticks < DURATION_TICKS_MAX ? duration_ticks : DURATION_TICKS_MAX;
	film->last_step_ticks = duration_ticks;
	return dh_output_unit(film->output, unit);
}

int dh_film_push(struct dh_film *film, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	struct dh_fault *fault)
{
	struct dh_unit *unit;
	/* a segment starts with its first picture, even if sound starts earlier */
	if (!film->last)
		pts_ticks = 0;
	int code = dh_videos_encode(&film->videos, i420, pts_ticks,
		duration_ticks > 0 ? duration_ticks : DURATION_TICKS, &unit, fault);
	if (code)
		return code;
	dh_stack_thumbnail(i420, film->width, film->height, film->has_matte, unit->luma);
	code = film->last ? emit_last(film, pts_ticks - film->last->pts_ticks) : 0;
	film->last = unit;
	film->due_ticks += film->period_ticks;
	if (film->due_ticks < pts_ticks + film->period_ticks / 2)
		film->due_ticks = pts_ticks + film->period_ticks;
	dh_film_extend(film, duration_ticks > 0 ? pts_ticks + duration_ticks : 0);
	return code ? code : dh_output_horizon(film->output, DH_VIDEO, pts_ticks);
}

void dh_film_extend(struct dh_film *film, int64_t end_ticks)
{
	if (end_ticks > film->end_ticks)
		film->end_ticks = end_ticks;
}

int dh_film_end(struct dh_film *film, int64_t *ticks)
{
	*ticks = 0;
	if (!film->last)
		return 0;
	int64_t pts_ticks = film->last->pts_ticks, duration_ticks = film->end_ticks - pts_ticks;
	if (duration_ticks <= 0)
		duration_ticks = film->last_step_ticks > 0 ? film->last_step_ticks : DURATION_TICKS;
	if (duration_ticks > DURATION_TICKS_MAX)
		duration_ticks = DURATION_TICKS_MAX;
	*ticks = pts_ticks + duration_ticks;
	return emit_last(film, duration_ticks);
}
