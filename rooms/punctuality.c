/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "punctuality.h"

#include <glib.h>

#include "playout/packets.h"

static const struct dh_histogram_edges lateness_edges = { { 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200 } };
static const struct dh_histogram_edges join_edges = { { 20, 40, 60, 100, 200, 400, 700, 1000, 2000, 5000, 10000,
	30000 } };

enum { JOIN_WATCH, JOIN_MEDIA };

void dh_viewer_times_init(struct dh_viewer_times *times, int64_t asked_ticks)
{
	*times = (struct dh_viewer_times){ .asked_ticks = asked_ticks,
		.sound_late_ticks = DH_LATE_NONE,
		.join_ticks = -1 };
}

void dh_punctuality_sent(struct dh_punctuality *punctuality, struct dh_viewer_times *times, const int64_t late_ticks[2])
{
	for (int media = 0; media < 2; media++)
		if (late_ticks[media] != DH_LATE_NONE)
			dh_histogram_count(&punctuality->lateness[media], &lateness_edges, MAX(late_ticks[media], 0));
	if (late_ticks[DH_AUDIO] != DH_LATE_NONE)
		times->sound_late_ticks = late_ticks[DH_AUDIO];
	if (late_ticks[DH_VIDEO] == DH_LATE_NONE || times->sound_late_ticks == DH_LATE_NONE)
		return;
	int64_t skew_ticks = late_ticks[DH_VIDEO] - times->sound_late_ticks;
	dh_histogram_count(&punctuality->skew, &lateness_edges, skew_ticks < 0 ? -skew_ticks : skew_ticks);
}

void dh_punctuality_joined(struct dh_punctuality *punctuality, struct dh_viewer_times *times, int64_t now_ticks)
{
	times->join_ticks = now_ticks - times->asked_ticks;
	if (times->was_held_back)
		return;
	dh_histogram_count(&punctuality->joins[JOIN_WATCH], &join_edges, times->join_ticks);
	dh_histogram_count(&punctuality->joins[JOIN_MEDIA], &join_edges, now_ticks - times->connected_ticks);
}

void dh_punctuality_describe(const struct dh_punctuality *punctuality, json_t *stats)
{
	json_object_set_new(stats, "lateness",
		json_pack("{s:o, s:o, s:o, s:o}", "le_ms", dh_histogram_edges_json(&lateness_edges), "audio",
			dh_histogram_json(&punctuality->lateness[DH_AUDIO]), "video",
			dh_histogram_json(&punctuality->lateness[DH_VIDEO]), "skew",
			dh_histogram_json(&punctuality->skew)));
	json_object_set_new(stats, "joins",
		json_pack("{s:o, s:o, s:o}", "le_ms", dh_histogram_edges_json(&join_edges), "watch",
			dh_histogram_json(&punctuality->joins[JOIN_WATCH]), "media",
			dh_histogram_json(&punctuality->joins[JOIN_MEDIA])));
}
