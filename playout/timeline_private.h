/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of a timeline; for timeline*.c only. */
#ifndef DH_TIMELINE_PRIVATE_H
#define DH_TIMELINE_PRIVATE_H

#include "timeline.h"

struct dh_emitter {
	dh_item_fn *emit;
	void *arg;
};

void dh_timeline_emit_picture(struct dh_timeline *timeline, const struct dh_emitter *out, struct dh_unit *anchor,
	struct dh_unit *unit, int64_t media_ticks);

/* The sound of what plays stops here: it fades in the next slot, if there is a packet for that. */
void dh_timeline_cut_sound(struct dh_timeline *timeline);

/* --- timeline_hold.c */

/* The playing segment, which has just begun, begins later: see from_ticks in order.h. */
void dh_timeline_begin_late(struct dh_timeline *timeline, int64_t slot_ticks);

/* --- timeline_repeat.c */

/* `unit` is shown from `media_ticks` on. */
void dh_timeline_note_shown(struct dh_timeline *timeline, struct dh_unit *anchor, struct dh_unit *unit,
	int64_t media_ticks);
/* At the end of a slot: repeats what has stood for a second. */
void dh_timeline_fill_repeat(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks);

/* --- timeline_join.c */

/* The playing segment's packet `index`, or what takes its place. */
struct dh_unit *dh_timeline_packet(const struct dh_timeline *timeline, size_t index);
/* How much of the playing segment's beginning is another one's alone, and is not played after
 * silence. */
int64_t dh_timeline_skipped_ticks(const struct dh_timeline *timeline);
/* Pictures that were left of the segment before it, up to the end of the slot; they are dropped
 * unless they are `wanted`. */
void dh_timeline_fill_rest(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks, bool wanted);
void dh_timeline_drop_rest(struct dh_timeline *timeline);

#endif
