/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures that stand: slides, the last picture of a segment whose sound is longer, a held one. Newcomers
 * have nothing but the anchor, and wait for an entry, which may be a minute away. A receiver that gets
 * no picture for three seconds asks for a key frame, too.
 */
#include "timeline_private.h"

#include "timebase.h"

#define REPEAT_TICKS (1 * DH_TICKS_PER_SECOND)

static void keep(struct dh_unit **kept, struct dh_unit *unit)
{
	if (*kept == unit)
		return;
	dh_unit_unref(kept);
	*kept = dh_unit_ref(unit);
}

void dh_timeline_note_shown(struct dh_timeline *timeline, struct dh_unit *anchor, struct dh_unit *unit,
	int64_t media_ticks)
{
	keep(&timeline->shown, unit);
	timeline->sent_ticks = media_ticks;
	if (!(unit->flags & DH_UNIT_ENTRY))
		return;
	keep(&timeline->entry, unit);
	keep(&timeline->entry_anchor, anchor);
}

void dh_timeline_fill_repeat(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks)
{
	if (!out->emit || !timeline->entry || slot_ticks - timeline->sent_ticks < REPEAT_TICKS)
		return;
	timeline->sent_ticks = slot_ticks;
	out->emit(out->arg,
		&(struct dh_item){ .media = DH_VIDEO,
			.media_ticks = slot_ticks,
			.unit = timeline->entry,
			.anchor = timeline->entry_anchor,
			.repeats = timeline->entry == timeline->shown ? DH_REPEAT_SHOWN : DH_REPEAT_OLDER });
}
