/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "histogram.h"

#include "playout/timebase.h"

void dh_histogram_count(struct dh_histogram *histogram, const struct dh_histogram_edges *edges, int64_t ticks)
{
	int bucket = 0;

	ticks = ticks > 0 ? ticks : 0;
	while (bucket < DH_HISTOGRAM_EDGES && ticks > edges->ms[bucket] * DH_TICKS_PER_MS)
		bucket++;
	histogram->counts[bucket]++;
	histogram->sum_ticks += ticks;
}

json_t *dh_histogram_json(const struct dh_histogram *histogram)
{
	json_t *counts = json_array();

	for (int i = 0; i <= DH_HISTOGRAM_EDGES; i++)
		json_array_append_new(counts, json_integer((json_int_t)histogram->counts[i]));
	return json_pack("{s:o, s:f}", "counts", counts, "sum_ms",
		(double)histogram->sum_ticks / (double)DH_TICKS_PER_MS);
}

json_t *dh_histogram_edges_json(const struct dh_histogram_edges *edges)
{
	json_t *json = json_array();

	for (int i = 0; i < DH_HISTOGRAM_EDGES; i++)
		json_array_append_new(json, json_integer(edges->ms[i]));
	return json;
}
