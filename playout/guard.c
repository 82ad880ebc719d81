/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard.h"

#include <stdbool.h>
#include <stddef.h>

const char *dh_guard_check_anchor(const struct dh_vp8_header *anchor)
{
	if (!anchor->is_key)
		return "is not a key frame";
	if (!anchor->is_shown)
		return "is hidden";
	if (anchor->has_segmentation)
		return "switches segmentation on";
	return NULL;
}

/* A delta that a header sets must equal the anchor's. Key frames clear all deltas
 * before they set theirs. */
static bool deltas_same(const int *anchor, const int *frame, unsigned set)
{
	for (int i = 0; i < 4; i++)
		if (set >> i & 1 && frame[i] != anchor[i])
			return false;
	return true;
}

const char *dh_guard_check(const struct dh_vp8_header *anchor, const struct dh_vp8_header *frame)
{
	if (frame->is_key)
		return "is a key frame";
	if (frame->version != anchor->version)
		return "has another bitstream version";
	if (!frame->is_shown)
		return "is hidden";
	if (frame->refresh_golden || frame->copy_to_golden)
		return "changes the golden frame";
	if (frame->refresh_alternate || frame->copy_to_alternate)
		return "changes the alternate frame";
	if (frame->sign_bias_golden || frame->sign_bias_alternate)
		return "changes a sign bias";
	if (frame->refresh_entropy)
		return "changes the entropy state";
	if (frame->has_segmentation)
		return "uses segmentation";
	if (frame->has_delta_update &&
		(!deltas_same(anchor->ref_delta, frame->ref_delta, frame->ref_set) ||
			!deltas_same(anchor->mode_delta, frame->mode_delta, frame->mode_set)))
		return "changes loop-filter deltas";
	return NULL;
}

const char *dh_guard_check_layer(const struct dh_vp8_header *frame, bool is_droppable)
{
	if (frame->refresh_last == !is_droppable)
		return NULL;
	return is_droppable ? "is droppable and kept as a reference" : "is not kept as a reference";
}
