/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Voice activity by levels alone: is somebody speaking, and since when?
 *
 * Levels are dBov, as in RFC 6464 without its sign turned: 0 is the loudest, -127 digital silence.
 * A level is voice if it stands out of the noise floor, with hysteresis. The floor is the least of
 * the last seconds, so that it falls at once and rises where no pause of speech is as quiet any more; what does
 * not fluctuate at all is noise however loud it is, after a second. How far noise fluctuates by
 * itself is learnt, too.
 *
 * Pure: time is an argument.
 */
#ifndef DH_ACTIVITY_H
#define DH_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "timebase.h"

#define DH_LEVEL_SILENCE (-127)

#define DH_ACTIVITY_FRAME_TICKS (20 * DH_TICKS_PER_MS)
/* Silence, after which nobody speaks any more. */
#define DH_ACTIVITY_HANG_TICKS (500 * DH_TICKS_PER_MS)

#define DH_ACTIVITY_WINDOWS       6  /* of the floor's memory */
#define DH_ACTIVITY_WINDOW_FRAMES 20 /* each */
#define DH_ACTIVITY_STEADY_FRAMES 50

/* Zero it, then call dh_activity_init. */
struct dh_activity {
	/* readable */
	bool is_speaking;
	int64_t onset_ticks; /* when the voice began, if it speaks */
	/* private */
	float windows[DH_ACTIVITY_WINDOWS], window;
	int window_frames;
	float history[DH_ACTIVITY_STEADY_FRAMES]; /* the last levels, a ring */
	unsigned frames;                          /* how many there have been */
	float spread;                             /* how far noise is above its floor: mean */
	bool is_voice;
	int recent;                 /* frames of voice lately: a leaky count */
	int64_t run_ticks;          /* when the run of voice began that may become speech; 0: none */
	int64_t last_voice_ticks;   /* end of the last frame of voice */
	int64_t voiced_ticks;       /* of the run */
	float run_sum, run_squares; /* of its levels */
	int run_frames;
};

enum dh_activity_change { DH_ACTIVITY_SAME, DH_ACTIVITY_SPEAKING, DH_ACTIVITY_SILENT };

void dh_activity_init(struct dh_activity *activity);

/* The next frame: it began at `from_ticks`, and is loud by `level`. `is_masked`: it is something else's sound,
 * whatever its level. */
enum dh_activity_change dh_activity_frame(struct dh_activity *activity, float level, bool is_masked,
	int64_t from_ticks);

/* Nothing is known of the frame at `from_ticks`: its packet was lost. */
enum dh_activity_change dh_activity_lost(struct dh_activity *activity, int64_t from_ticks);

/* Time goes on without frames. */
enum dh_activity_change dh_activity_poll(struct dh_activity *activity, int64_t now_ticks);

/* Whether it is speaking, and has been for `ticks`: at least half of that time was voice, and its level is not as
 * steady as no voice's is. */
bool dh_activity_lasts(const struct dh_activity *activity, int64_t ticks);
/* From now on that counts what follows. */
void dh_activity_count_anew(struct dh_activity *activity);

/* What it knows of happened `by_ticks` later than was said. */
void dh_activity_move(struct dh_activity *activity, int64_t by_ticks);

/* The noise floor, in dBov. */
float dh_activity_floor(const struct dh_activity *activity);

#endif
