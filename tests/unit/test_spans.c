/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was played when, and what of it one viewer was sent. */
#include "tests/support/check.h"

#include "playout/timebase.h"
#include "rooms/spans.h"

#define MS DH_TICKS_PER_MS

/* Each step: [begun, reached] in ms, {0, 0} at the end. Gates: times in ms, 0 at the end; each opens or
 * shuts. `heard`: "from-to@media" in ms. */
static const struct row {
	const char *name;
	int steps[10][2];
	int gates[8];
	const char *heard;
} rows[] = {
	{ "all", { { 1000, 20 }, { 1000, 500 }, { 1000, 2000 } }, { 10 }, "0-2000@1000 " },
	{ "who joined in the middle", { { 1000, 2000 } }, { 1500 }, "500-2000@1500 " },
	{ "who joined later", { { 1000, 2000 } }, { 3000 }, "" },
	{ "who was never sent sound", { { 1000, 2000 } }, { 0 }, "" },
	{ "paused", { { 1000, 2000 } }, { 10, 1500, 2000 }, "0-500@1000 1000-2000@2000 " },
	{ "paused before", { { 1000, 2000 } }, { 10, 20, 30 }, "0-2000@1000 " },
	{ "gone", { { 1000, 2000 } }, { 10, 1500 }, "0-500@1000 " },
	{ "it begins with the end of another", { { 1000, -20 }, { 1000, 0 }, { 1000, 400 } }, { 10 }, "0-400@1000 " },
	{ "a hold", { { 1000, 500 }, { 1020, 500 }, { 1300, 500 }, { 1300, 520 }, { 1300, 900 } }, { 10 },
		"0-900@1000 " },
	{ "joined while it was held", { { 1000, 500 }, { 1300, 500 }, { 1300, 900 } }, { 1600 }, "500-900@1800 " },
	{ "paused while it was held", { { 1000, 500 }, { 2000, 900 } }, { 10, 1600, 2400 }, "0-900@1000 " },
	{ "paused for longer", { { 1000, 500 }, { 2000, 900 } }, { 10, 1600, 2700 }, "0-500@1000 700-900@2700 " },
	{ "again", { { 1000, 500 }, { 1500, 20 }, { 1500, 500 } }, { 10 }, "0-500@1000 0-500@1500 " },
	{ "back", { { 1000, 500 }, { 2000, 320 }, { 2000, 600 } }, { 10 }, "0-500@1000 300-600@2300 " },
};

static void test_heard(const void *arg)
{
	const struct row *row = arg;
	GArray *spans = NULL, *gates = NULL;
	GString *text = g_string_new(NULL);

	for (int i = 0; row->steps[i][0]; i++)
		dh_spans_note(&spans, row->steps[i][0] * MS, row->steps[i][1] * MS);
	for (int i = 0; row->gates[i]; i++)
		dh_gates_note(&gates, i % 2 == 0, row->gates[i] * MS);
	GArray *heard = dh_spans_heard(spans, gates, 10000 * MS);
	for (guint i = 0; i < heard->len; i++) {
		const struct dh_span *span = &g_array_index(heard, struct dh_span, i);
		g_string_append_printf(text, "%d-%d@%d ", (int)(span->at_ticks / MS),
			(int)((span->at_ticks + span->length_ticks) / MS), (int)(span->media_ticks / MS));
	}
	CHECK_STR(text->str, row->heard);
	g_string_free(text, TRUE);
	g_array_unref(heard);
	g_clear_pointer(&spans, g_array_unref);
	g_clear_pointer(&gates, g_array_unref);
}

static void test_limits(void)
{
	GArray *spans = NULL, *gates = NULL;

	for (int i = 1; i <= 1000; i++) {
		dh_spans_note(&spans, i * 100 * MS, i * 20 * MS);
		dh_gates_note(&gates, i % 2, i * 100 * MS);
		dh_gates_note(&gates, i % 2, i * 100 * MS + 1);
	}
	CHECK_INT(spans->len, DH_SPANS_MAX);
	CHECK_INT(gates->len, DH_GATES_MAX);
	GArray *heard = dh_spans_heard(spans, gates, 200000 * MS);
	CHECK(heard->len > 0 && heard->len <= DH_SPANS_MAX);
	g_array_unref(heard);
	g_array_unref(spans);
	g_array_unref(gates);
}

static const struct check_test tests[] = {
	TABLE(test_heard, rows),
	TEST(test_limits),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
