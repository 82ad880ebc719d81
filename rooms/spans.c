/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spans.h"

#include "playout/timebase.h"

static struct dh_span *last_of(GArray *spans)
{
	return spans && spans->len ? &g_array_index(spans, struct dh_span, spans->len - 1) : NULL;
}

static void begin(GArray **spans, int64_t at_ticks, int64_t begun_ticks, int64_t reached_ticks)
{
	const struct dh_span span = { at_ticks, begun_ticks + at_ticks, reached_ticks - at_ticks };

	if (!*spans)
		*spans = g_array_new(FALSE, FALSE, sizeof(struct dh_span));
	if ((*spans)->len == DH_SPANS_MAX)
		g_array_remove_index(*spans, 0);
	g_array_append_val(*spans, span);
}

void dh_spans_begin(GArray **spans, int64_t at_ticks, int64_t media_ticks)
{
	begin(spans, at_ticks, media_ticks - at_ticks, at_ticks);
}

void dh_spans_note(GArray **spans, int64_t begun_ticks, int64_t reached_ticks)
{
	struct dh_span *last = last_of(*spans);
	int64_t end_ticks = last ? last->at_ticks + last->length_ticks : 0;

	if (reached_ticks == end_ticks || reached_ticks <= 0)
		return;
	if (last && last->media_ticks - last->at_ticks == begun_ticks && reached_ticks > end_ticks)
		last->length_ticks = reached_ticks - last->at_ticks;
	else if (reached_ticks > end_ticks)
		begin(spans, end_ticks, begun_ticks, reached_ticks);
	else /* it has begun again, or gone back: one slot of it is known to have been played */
		begin(spans, MAX(reached_ticks - DH_SLOT_TICKS, 0), begun_ticks, reached_ticks);
}

int64_t dh_spans_reached_ticks(const GArray *spans)
{
	int64_t reached_ticks = 0;

	for (guint i = 0; spans && i < spans->len; i++) {
		const struct dh_span *span = &g_array_index(spans, struct dh_span, i);
		if (span->length_ticks > 0)
			reached_ticks = MAX(reached_ticks, span->at_ticks + span->length_ticks);
	}
	return reached_ticks;
}

void dh_gates_note(GArray **gates, bool is_open, int64_t media_ticks)
{
	if (!*gates)
		*gates = g_array_new(FALSE, FALSE, sizeof(int64_t));
	if (((*gates)->len % 2 == 1) == is_open)
		return;
	if ((*gates)->len == DH_GATES_MAX)
		g_array_remove_range(*gates, 0, 2);
	g_array_append_val(*gates, media_ticks);
}

static void add(GArray *heard, const struct dh_span *span, int64_t from_ticks, int64_t to_ticks)
{
	struct dh_span *last = last_of(heard);
	const struct dh_span part = { span->at_ticks + from_ticks - span->media_ticks, from_ticks,
		to_ticks - from_ticks };

	if (to_ticks <= from_ticks)
		return;
	if (last && last->at_ticks + last->length_ticks == part.at_ticks)
		last->length_ticks += part.length_ticks;
	else
		g_array_append_val(heard, part);
}

GArray *dh_spans_heard(const GArray *spans, const GArray *gates, int64_t now_ticks)
{
	GArray *heard = g_array_new(FALSE, FALSE, sizeof(struct dh_span));

	for (guint s = 0; spans && s < spans->len; s++) {
		const struct dh_span *span = &g_array_index(spans, struct dh_span, s);
		for (guint g = 0; gates && g < gates->len; g += 2) {
			int64_t open_ticks = g_array_index(gates, int64_t, g);
			int64_t shut_ticks = g + 1 < gates->len ? g_array_index(gates, int64_t, g + 1) : now_ticks;
			add(heard, span, MAX(span->media_ticks, open_ticks),
				MIN(span->media_ticks + span->length_ticks, shut_ticks));
		}
	}
	return heard;
}
