/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar's clips, of which one loops where no segment's pictures are shown. It begins at the
 * entry that looks most like the picture shown before, or with a bridge (bridge.h) from that
 * picture. Belongs to its timeline.
 */
#ifndef DH_IDLE_CLIP_H
#define DH_IDLE_CLIP_H

#include <stdbool.h>

#include "segment.h"
#include "stance.h"

/* Zeroed: none yet. */
struct dh_idle_clip {
	struct dh_segment *pictures;          /* one of the clips below; NULL: nothing is shown */
	struct dh_segment *clips[DH_STANCES]; /* owned; all but the first may be missing */
	bool runs;                            /* false: it has to begin again */
	int64_t epoch_ticks;                  /* media time of its time 0 in this round */
	size_t next;                          /* its next picture */
	int64_t leave_ticks;                  /* it runs until then, even if another one is wanted */
	/* the bridge, kept for as long as the same picture may be the last again */
	struct dh_segment *bridge;          /* NULL: none */
	struct dh_unit *bridge_from;        /* the picture that it leads from */
	const struct dh_segment *bridge_to; /* one of the clips, … */
	size_t bridge_back, bridge_next;    /* … where that goes on; its next picture */
	int64_t bridge_ticks;               /* its begin, in media time */
	bool bridge_leaves;                 /* it leads out of the clip that runs, from bridge_back on, instead */
	bool is_bridging;
};

/* A picture of the clip, or of the bridge. */
struct dh_idle_picture {
	const struct dh_segment *of;
	struct dh_unit *unit;
	int64_t media_ticks;
};

/* Takes ownership on success. -EINVAL: it is not complete, has no video, or is shorter than
 * a slot. */
int dh_idle_clip_set(struct dh_idle_clip *clip, struct dh_segment *pictures);

/* The same for another stance, once there is the clip. -EINVAL also: it has another anchor; -EALREADY. */
int dh_idle_clip_set_other(struct dh_idle_clip *clip, enum dh_stance stance, struct dh_segment *pictures);
/* The clip of that stance, or if there is none, that of DH_STANCE_IDLE; NULL: there is no clip yet. */
struct dh_segment *dh_idle_clip_of(const struct dh_idle_clip *clip, enum dh_stance stance);
/* That clip runs from slot `slot_ticks` on, unless another one is not to be left before leave_ticks: it begins where it
 * looks most like what is shown. Nothing happens if it runs already, or if there is no clip yet. */
void dh_idle_clip_use(struct dh_idle_clip *clip, enum dh_stance stance, int64_t slot_ticks);
/* The next entry of the clip that runs behind which it may be left at a slot, *leave_ticks, at `least_ticks` or later.
 * -ENOENT: there is none soon. */
int dh_idle_clip_find_exit(const struct dh_idle_clip *clip, int64_t least_ticks, size_t *index, int64_t *leave_ticks);

/* `bridge` leads from the picture `from` to the entry `back` of the clip for `to`; takes ownership on
 * success. -EINVAL: it is not complete, has no video, has another anchor than the clip, or
 * `back` is no entry. */
int dh_idle_clip_set_bridge(struct dh_idle_clip *clip, struct dh_segment *bridge, struct dh_unit *from,
	enum dh_stance to, size_t back);

/* `bridge` takes the place of the pictures of the clip that runs from `leave_ticks` on;
 * what follows it begins anew. Takes ownership on success. -EINVAL: it does not fit; -EBUSY: another one is shown. */
int dh_idle_clip_set_approach(struct dh_idle_clip *clip, struct dh_segment *bridge, int64_t leave_ticks);
/* The pictures of the clip that runs which are due from `from_ticks` on, before `until_ticks`: the first one, when
 * that is due, and how many. -ENOENT: there are none. */
int dh_idle_clip_find(const struct dh_idle_clip *clip, int64_t from_ticks, int64_t until_ticks, size_t *first,
	int64_t *first_ticks, size_t *count);

/* It begins at slot `slot_ticks`, after `shown` (NULL: after nothing). */
void dh_idle_clip_begin(struct dh_idle_clip *clip, const struct dh_unit *shown, int64_t slot_ticks);
/* The next picture, if it is due before `until_ticks`; false: none is. It runs. */
bool dh_idle_clip_next(struct dh_idle_clip *clip, int64_t until_ticks, struct dh_idle_picture *picture);

/* Not rounded to the grid: the loop is as long as its pictures. */
int64_t dh_idle_clip_length_ticks(const struct dh_idle_clip *clip);
/* Where it will be at `media_ticks` if it goes on until then. It runs. */
int64_t dh_idle_clip_position_ticks(const struct dh_idle_clip *clip, int64_t media_ticks);
/* Its picture there. */
const struct dh_unit *dh_idle_clip_at(const struct dh_idle_clip *clip, int64_t media_ticks);

void dh_idle_clip_clear(struct dh_idle_clip *clip);

#endif
