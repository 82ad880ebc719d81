/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "idle_clip.h"

#include <errno.h>

#include "timebase.h"

/* No exit is looked for further ahead. */
#define EXIT_PICTURES 1000

static struct dh_unit *picture(const struct dh_segment *of, size_t index)
{
	return dh_segment_unit(of, DH_VIDEO, index);
}

static int64_t length_ticks(const struct dh_segment *pictures)
{
	const struct dh_unit *last = picture(pictures, dh_segment_count(pictures, DH_VIDEO) - 1);
	return last->pts_ticks + last->duration_ticks;
}

static bool is_usable(const struct dh_segment *pictures)
{
	return dh_segment_is_complete(pictures) && dh_segment_count(pictures, DH_VIDEO) &&
		length_ticks(pictures) >= DH_SLOT_TICKS;
}

int dh_idle_clip_set(struct dh_idle_clip *clip, struct dh_segment *pictures)
{
	if (!is_usable(pictures))
		return -EINVAL;
	clip->pictures = clip->clips[DH_STANCE_IDLE] = pictures;
	return 0;
}

int dh_idle_clip_set_other(struct dh_idle_clip *clip, enum dh_stance stance, struct dh_segment *pictures)
{
	const struct dh_segment *idle = clip->clips[DH_STANCE_IDLE];
	if (!idle || !is_usable(pictures))
		return -EINVAL;
	if (clip->clips[stance])
		return -EALREADY;
	dh_segment_share_anchor(pictures, dh_segment_anchor(idle));
	if (dh_segment_anchor(pictures) != dh_segment_anchor(idle))
		return -EINVAL;
	clip->clips[stance] = pictures;
	return 0;
}

struct dh_segment *dh_idle_clip_of(const struct dh_idle_clip *clip, enum dh_stance stance)
{
	return clip->clips[stance] ? clip->clips[stance] : clip->clips[DH_STANCE_IDLE];
}

void dh_idle_clip_use(struct dh_idle_clip *clip, enum dh_stance stance, int64_t slot_ticks)
{
	struct dh_segment *wanted = dh_idle_clip_of(clip, stance);
	if (wanted == clip->pictures || (clip->runs && slot_ticks < clip->leave_ticks))
		return;
	clip->pictures = wanted;
	clip->runs = clip->is_bridging = false;
}

int dh_idle_clip_find_exit(const struct dh_idle_clip *clip, int64_t least_ticks, size_t *index, int64_t *leave_ticks)
{
	size_t count = dh_segment_count(clip->pictures, DH_VIDEO), i = clip->next;
	int64_t epoch_ticks = clip->epoch_ticks;
	for (int n = 0; n < EXIT_PICTURES; n++) {
		const struct dh_unit *unit = picture(clip->pictures, i);
		int64_t begin_ticks = epoch_ticks + unit->pts_ticks;
		*index = i;
		*leave_ticks = dh_slot_floor(begin_ticks + unit->duration_ticks);
		/* one that is shorter than a slot may never be the last before one */
		if (unit->flags & DH_UNIT_ENTRY && *leave_ticks > begin_ticks && *leave_ticks >= least_ticks)
			return 0;
		i = (i + 1) % count;
		epoch_ticks += i ? 0 : length_ticks(clip->pictures);
	}
	return -ENOENT;
}

int dh_idle_clip_find(const struct dh_idle_clip *clip, int64_t from_ticks, int64_t until_ticks, size_t *first,
	int64_t *first_ticks, size_t *count)
{
	size_t all = dh_segment_count(clip->pictures, DH_VIDEO), i = clip->next;
	int64_t epoch_ticks = clip->epoch_ticks;
	*count = 0;
	for (int n = 0; n < EXIT_PICTURES; n++) {
		int64_t at_ticks = epoch_ticks + picture(clip->pictures, i)->pts_ticks;
		if (at_ticks >= until_ticks)
			return *count ? 0 : -ENOENT;
		if (at_ticks >= from_ticks && !(*count)++) {
			*first = i;
			*first_ticks = at_ticks;
		}
		i = (i + 1) % all;
		epoch_ticks += i ? 0 : length_ticks(clip->pictures);
	}
	return -ENOENT;
}

/* It has the anchor of `target`, and may take the place of the one before. */
static bool fits(struct dh_segment *bridge, const struct dh_segment *target)
{
	if (!target || !is_usable(bridge))
		return false;
	dh_segment_share_anchor(bridge, dh_segment_anchor(target));
	return dh_segment_anchor(bridge) == dh_segment_anchor(target);
}

static void take_bridge(struct dh_idle_clip *clip, struct dh_segment *bridge, struct dh_unit *from)
{
	if (from)
		dh_unit_ref(from);
	dh_segment_free(&clip->bridge);
	dh_unit_unref(&clip->bridge_from);
	clip->bridge = bridge;
	clip->bridge_from = from;
	clip->bridge_leaves = !from;
}

int dh_idle_clip_set_bridge(struct dh_idle_clip *clip, struct dh_segment *bridge, struct dh_unit *from,
	enum dh_stance to, size_t back)
{
	const struct dh_segment *target = dh_idle_clip_of(clip, to);
	if (!fits(bridge, target) || back >= dh_segment_count(target, DH_VIDEO) ||
		!(picture(target, back)->flags & DH_UNIT_ENTRY))
		return -EINVAL;
	if (clip->is_bridging) /* the one before: the clip goes on without its rest */
		clip->runs = clip->is_bridging = false;
	take_bridge(clip, bridge, from);
	clip->bridge_to = target;
	clip->bridge_back = back;
	return 0;
}

int dh_idle_clip_set_approach(struct dh_idle_clip *clip, struct dh_segment *bridge, int64_t leave_ticks)
{
	if (!fits(bridge, clip->pictures))
		return -EINVAL;
	if (clip->is_bridging)
		return -EBUSY;
	take_bridge(clip, bridge, NULL);
	clip->bridge_to = clip->pictures;
	clip->bridge_ticks = leave_ticks;
	return 0;
}

/* --- the loop */

/* The entry that looks most like `shown`. */
static size_t find_entry(const struct dh_idle_clip *clip, const struct dh_unit *shown)
{
	size_t best = 0, count = dh_segment_count(clip->pictures, DH_VIDEO);
	unsigned least = UINT32_MAX;
	for (size_t i = 0; shown && i < count; i++) {
		const struct dh_unit *unit = picture(clip->pictures, i);
		unsigned distance = unit->flags & DH_UNIT_ENTRY ? dh_unit_luma_distance(unit, shown) : UINT32_MAX;
		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	return best;
}

void dh_idle_clip_begin(struct dh_idle_clip *clip, const struct dh_unit *shown, int64_t slot_ticks)
{
	clip->runs = true;
	clip->is_bridging = clip->bridge && !clip->bridge_leaves && shown == clip->bridge_from &&
		clip->pictures == clip->bridge_to;
	clip->bridge_leaves = false;
	clip->bridge_next = 0;
	clip->bridge_ticks = slot_ticks;
	clip->next = clip->is_bridging ? clip->bridge_back : find_entry(clip, shown);
	clip->epoch_ticks = slot_ticks - picture(clip->pictures, clip->next)->pts_ticks;
	if (clip->is_bridging)
		clip->epoch_ticks += length_ticks(clip->bridge);
}

static bool next_of_bridge(struct dh_idle_clip *clip, int64_t until_ticks, struct dh_idle_picture *out)
{
	struct dh_unit *unit = picture(clip->bridge, clip->bridge_next);
	if (clip->bridge_ticks + unit->pts_ticks >= until_ticks)
		return false;
	*out = (struct dh_idle_picture){ clip->bridge, unit, clip->bridge_ticks + unit->pts_ticks };
	clip->is_bridging = ++clip->bridge_next < dh_segment_count(clip->bridge, DH_VIDEO);
	if (!clip->is_bridging && clip->bridge_leaves)
		clip->runs = clip->bridge_leaves = false;
	return true;
}

/* The clip is left with its next picture. */
static bool is_left(const struct dh_idle_clip *clip)
{
	return clip->bridge_leaves && clip->pictures == clip->bridge_to &&
		clip->epoch_ticks + picture(clip->pictures, clip->next)->pts_ticks == clip->bridge_ticks;
}

bool dh_idle_clip_next(struct dh_idle_clip *clip, int64_t until_ticks, struct dh_idle_picture *out)
{
	if (clip->runs && !clip->is_bridging && is_left(clip)) {
		clip->is_bridging = true;
		clip->bridge_next = 0;
	}
	if (clip->is_bridging)
		return next_of_bridge(clip, until_ticks, out);
	if (!clip->runs)
		return false;
	struct dh_unit *unit = picture(clip->pictures, clip->next);
	if (clip->epoch_ticks + unit->pts_ticks >= until_ticks)
		return false;
	*out = (struct dh_idle_picture){ clip->pictures, unit, clip->epoch_ticks + unit->pts_ticks };
	if (++clip->next == dh_segment_count(clip->pictures, DH_VIDEO)) {
		clip->next = 0;
		clip->epoch_ticks += length_ticks(clip->pictures);
	}
	return true;
}

/* --- where it is */

int64_t dh_idle_clip_length_ticks(const struct dh_idle_clip *clip)
{
	return length_ticks(clip->pictures);
}

/* The epoch may be ahead: of the next round, or of what comes after the bridge. */
int64_t dh_idle_clip_position_ticks(const struct dh_idle_clip *clip, int64_t media_ticks)
{
	int64_t length = length_ticks(clip->pictures), at = (media_ticks - clip->epoch_ticks) % length;
	return at < 0 ? at + length : at;
}

const struct dh_unit *dh_idle_clip_at(const struct dh_idle_clip *clip, int64_t media_ticks)
{
	int64_t at = dh_idle_clip_position_ticks(clip, media_ticks);
	size_t count = dh_segment_count(clip->pictures, DH_VIDEO), i = 0;
	while (i + 1 < count && picture(clip->pictures, i + 1)->pts_ticks <= at)
		i++;
	return picture(clip->pictures, i);
}

void dh_idle_clip_clear(struct dh_idle_clip *clip)
{
	for (int i = 0; i < DH_STANCES; i++)
		dh_segment_free(&clip->clips[i]);
	clip->pictures = NULL;
	dh_segment_free(&clip->bridge);
	dh_unit_unref(&clip->bridge_from);
}
