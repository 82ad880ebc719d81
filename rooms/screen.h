/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which captions stand on the screen, and which markers have been passed, as a segment plays.
 *
 * Pure, and for one thread. Times are the segment's, but for what `out` gets: it says at
 * which time of the segment something changes, and the caller knows when that is.
 */
#ifndef DH_SCREEN_H
#define DH_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timed_text.h"

#define DH_SCREEN_MAX 8 /* captions at a time; given ones may overlap */

struct dh_screen_caption {
	unsigned number; /* of its room, rising */
	struct dh_caption caption;
};

/* What plays: `timed_text` and `script` may be NULL. */
struct dh_screen_play {
	const struct dh_timed_text *timed_text;
	const struct dh_script *script;
	bool is_complete; /* no more words will come */
};

struct dh_screen_out {
	void *arg;
	/* It is shown, or (again) has more words. */
	void (*shown)(void *arg, const struct dh_screen_caption *caption, int64_t at_ticks);
	/* Its time is over. */
	void (*ended)(void *arg, const struct dh_screen_caption *caption, int64_t at_ticks);
	void (*marked)(void *arg, json_t *data, int64_t at_ticks);
};

/* Zero it. */
struct dh_screen {
	struct dh_screen_caption shown[DH_SCREEN_MAX];
	size_t count;
	size_t next;                     /* the caption to come (its first word) */
	size_t next_marker;              /* all markers before it have been passed … */
	bool has_passed[DH_MARKERS_MAX]; /* … and of the others these: after a hold it went on before them */
	int64_t reached_ticks;
	bool was_held;
	unsigned numbers;
};

/* Another segment begins. Nothing is shown. */
void dh_screen_begin(struct dh_screen *screen);

/* There is one more marker, at `index`. */
void dh_screen_marker_added(struct dh_screen *screen, size_t index);

/* What plays is on hold: what is shown is said no more. It may go on anywhere; captions there come (again),
 * markers that were passed do not. */
void dh_screen_hold(struct dh_screen *screen, int64_t at_ticks, const struct dh_screen_out *out);

/* All before `reached_ticks` has been played; it is less than before when the segment begins
 * again. `slot_ticks`: what lies further back was passed over, and its captions are not shown;
 * markers never are left out. */
void dh_screen_advance(struct dh_screen *screen, const struct dh_screen_play *play, int64_t reached_ticks,
	int64_t slot_ticks, const struct dh_screen_out *out);

/* When there will be something to do, in the segment's time; INT64_MAX: never, as far as is known. */
int64_t dh_screen_next_ticks(const struct dh_screen *screen, const struct dh_screen_play *play);

#endif
