/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cut_times.h"

#include "playout/timebase.h"

static const int edges_ms[DH_CUT_BUCKETS - 1] = { 10, 20, 30, 40, 60, 100, 200, 400, 700, 1000 };

void dh_cut_times_asked(struct dh_cut_times *times, enum dh_cut_kind kind, int64_t asked_ticks)
{
	if (times->pending == DH_CUT_PENDING)
		return;
	times->asked[times->pending].kind = kind;
	times->asked[times->pending++].asked_ticks = asked_ticks;
}

/* What had been sent before it was asked for took no time. */
static void count(struct dh_cut_times *times, enum dh_cut_kind kind, int64_t ticks)
{
	int bucket = 0;

	ticks = ticks > 0 ? ticks : 0;
	while (bucket < DH_CUT_BUCKETS - 1 && ticks > edges_ms[bucket] * DH_TICKS_PER_MS)
		bucket++;
	times->counts[kind][bucket]++;
	times->sum_ticks[kind] += ticks;
}

void dh_cut_times_over(struct dh_cut_times *times, int64_t last_ticks)
{
	for (int i = 0; i < times->pending && last_ticks >= 0; i++)
		count(times, times->asked[i].kind, last_ticks - times->asked[i].asked_ticks);
	times->pending = 0;
}

static json_t *histogram_json(const struct dh_cut_times *times, enum dh_cut_kind kind)
{
	json_t *counts = json_array();

	for (int i = 0; i < DH_CUT_BUCKETS; i++)
		json_array_append_new(counts, json_integer((json_int_t)times->counts[kind][i]));
	return json_pack("{s:o, s:I}", "counts", counts, "sum_ms",
		(json_int_t)dh_ms_from_ticks(times->sum_ticks[kind]));
}

json_t *dh_cut_times_json(const struct dh_cut_times *times)
{
	json_t *edges = json_array();

	for (int i = 0; i < DH_CUT_BUCKETS - 1; i++)
		json_array_append_new(edges, json_integer(edges_ms[i]));
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "le_ms", edges, "now",
		histogram_json(times, DH_CUT_KIND_NOW), "word", histogram_json(times, DH_CUT_KIND_WORD), "asked",
		(json_int_t)times->interruptions, "holds", (json_int_t)times->holds, "resumed",
		(json_int_t)times->resumed, "undone", (json_int_t)times->undone, "discarded",
		(json_int_t)times->discarded);
}
