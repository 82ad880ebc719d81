/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge.h"

#include <errno.h>
#include <stdbool.h>

static const struct dh_unit *picture(const struct dh_segment *of, size_t index)
{
	return dh_segment_unit(of, DH_VIDEO, index % dh_segment_count(of, DH_VIDEO));
}

static bool is_entry(const struct dh_segment *of, size_t index)
{
	return (picture(of, index)->flags & DH_UNIT_ENTRY) != 0;
}

/* How many pictures before `back` last so long. */
static size_t span(const struct dh_segment *clip, size_t back, int64_t ticks)
{
	size_t count = dh_segment_count(clip, DH_VIDEO), n = 0;
	for (int64_t sum = 0; sum < ticks && n < count; n++)
		sum += picture(clip, back + count - n - 1)->duration_ticks;
	return n;
}

/* In the middle of the bridge both are seen equally: there they should be most alike. */
static size_t find_back(const struct dh_segment *clip, const struct dh_unit *from, int64_t fade_ticks)
{
	size_t best = 0, count = dh_segment_count(clip, DH_VIDEO);
	unsigned least = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		if (!is_entry(clip, i))
			continue;
		size_t half = (span(clip, i, fade_ticks) + 1) / 2;
		unsigned distance = dh_unit_luma_distance(picture(clip, i + count - half), from);
		if (distance >= least)
			continue;
		least = distance;
		best = i;
	}
	return best;
}

static bool is_little(const struct dh_segment *of, size_t first, size_t count)
{
	size_t bytes = 0;
	if (count > DH_BRIDGE_PICTURES_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		bytes += picture(of, first + i)->size;
	return bytes <= DH_BRIDGE_BYTES_MAX;
}

static bool have_one_size(const struct dh_segment *segment, const struct dh_segment *clip)
{
	const struct dh_stream_head *a = dh_segment_head(segment), *b = dh_segment_head(clip);
	return a->width == b->width && a->height == b->height && a->has_matte == b->has_matte;
}

/* `blended` pictures of the clip from lead_first on, and what has to be decoded for them. */
static int plan_lead(struct dh_bridge_plan *plan, size_t blended)
{
	plan->skip = 0;
	while (!is_entry(plan->clip, plan->lead_first)) {
		plan->lead_first--;
		plan->skip++;
	}
	plan->lead_count = plan->skip + blended;
	return is_little(plan->from, plan->tail_first, plan->tail_count) &&
			is_little(plan->clip, plan->lead_first, plan->lead_count) ?
		0 :
		-E2BIG;
}

int dh_bridge_plan(struct dh_bridge_plan *plan, const struct dh_segment *segment, size_t last,
	const struct dh_segment *clip, int64_t fade_ticks)
{
	size_t count = dh_segment_count(clip, DH_VIDEO), blended;
	if (!have_one_size(segment, clip))
		return -EINVAL;
	plan->from = segment;
	plan->clip = clip;
	plan->leave_ticks = 0;
	plan->tail_first = last;
	while (!is_entry(segment, plan->tail_first)) /* the first picture is one */
		plan->tail_first--;
	plan->tail_count = last - plan->tail_first + 1;
	plan->back = find_back(clip, dh_segment_unit(segment, DH_VIDEO, last), fade_ticks);
	blended = span(clip, plan->back, fade_ticks);
	plan->lead_first = (plan->back + count - blended) % count;
	return plan_lead(plan, blended);
}

int dh_bridge_plan_out(struct dh_bridge_plan *plan, const struct dh_segment *segment, const struct dh_segment *clip,
	size_t first, size_t count)
{
	if (!have_one_size(segment, clip))
		return -EINVAL;
	plan->from = segment;
	plan->clip = clip;
	plan->tail_first = 0;
	plan->tail_count = 1;
	plan->lead_first = plan->back = first;
	return plan_lead(plan, count);
}
