/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: segments that do not begin at their beginning, and segments that let
 * others wait. */
#include "tests/support/playout_rig_check.h"

#include <string.h>

static void begin_from(const struct rig_segment *spec, int64_t from_ms)
{
	const struct dh_order order = { .index = -1, .from_ticks = from_ms * MS };
	CHECK_INT(rig_order(&rig, spec, &order, NULL), 0);
}

static int64_t played_ms(const char *id)
{
	const struct rig_event *end = rig_event(&rig, DH_EVENT_FINISHED, id);
	return end ? end->played_ticks / MS : -1;
}

static int first_sound(const struct rig_viewer *v, char tag)
{
	const char *at = strchr(v->sound, tag);
	return at ? v->sound_index[at - v->sound] : -1;
}

struct from_row {
	const char *name;
	int from_ms, picture, sound, played_ms;
};

/* A second of speech, an entry every 400 ms. */
static const struct from_row from_rows[] = {
	{ "the beginning", 0, 0, 0, 1000 },
	{ "before the second entry", 399, 0, 0, 1000 },
	{ "at an entry", 400, 10, 20, 600 },
	{ "between two entries", 790, 10, 20, 600 },
	{ "the last entry", 999, 20, 40, 200 },
	{ "its end", 1000, 20, 40, 200 },
};

static void test_begins_at_an_entry(const void *arg)
{
	const struct from_row *row = arg;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	begin_from(&(struct rig_segment)SPEECH("s", 's'), row->from_ms);
	rig_run(&rig, media_ms(1500));
	CHECK_INT(v->pictures[rig_first(v, 's', 0)].kind, 'E');
	CHECK_INT(v->pictures[rig_first(v, 's', 0)].index, row->picture);
	CHECK_INT(first_sound(v, 's'), row->sound);
	CHECK_INT(played_ms("s"), row->played_ms);
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "s")->position_ticks, (1000 - row->played_ms) * MS);
	finish_after(100);
}

static void test_sound_alone_begins_there(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 0, 25, 1, 10, 1000, -1 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	begin_from(&spec, 730);
	rig_run(&rig, media_ms(1500));
	CHECK_INT(first_sound(v, 's'), 36);
	CHECK_INT(played_ms("s"), 280);
	begin_from(&(struct rig_segment){ "t", 't', 'i', 0, 25, 1, 10, 1000, -1 }, 60000);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(first_sound(v, 't'), -1);
	CHECK_INT(played_ms("t"), 0);
	finish_after(100);
}

static void test_waits_until_that_is_there(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 1000, 25, 1, 10, 1000, 300 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	begin_from(&spec, 800);
	rig_run(&rig, media_ms(500));
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "s"), 0);
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[rig_first(v, 's', 0)].index, 20);
	CHECK_INT(played_ms("s"), 200);
	finish_after(100);
}

/* It plays from its beginning when it plays again. */
static void test_repeats_the_whole(void)
{
	const struct rig_segment spec = SPEECH("s", 's');
	const struct dh_order order = { .index = -1, .from_ticks = 800 * MS, .repeat = 2 };
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	rig_run(&rig, media_ms(2500));
	CHECK_INT(played_ms("s"), 1200);
	finish_after(100);
}

static void test_a_patient_one_is_not_interrupted(void)
{
	for (int is_patient = 0; is_patient < 2; is_patient++) {
		const struct dh_order order = { .index = -1,
			.priority = DH_PRIORITY_BACKGROUND,
			.is_patient = is_patient };
		rig_open_idle(&rig, NULL, start);
		rig_join(&rig, NULL);
		rig_order(&rig, &(struct rig_segment)SPEECH("b", 'b'), &order, NULL);
		CHECK(!dh_playout_interrupting(rig.playout)); /* nothing plays */
		rig_run(&rig, media_ms(500));
		CHECK(!dh_playout_interrupting(rig.playout));
		rig_enqueue(&rig, &(struct rig_segment)SPEECH("n", 'n'));
		CHECK_INT(dh_playout_interrupting(rig.playout) != NULL, !is_patient);
		rig_run(&rig, media_ms(2500));
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "b"), is_patient);
		CHECK_INT(rig_count(&rig, DH_EVENT_INTERRUPTED, "b"), !is_patient);
		CHECK_INT(played_ms("n"), 1000);
		finish_after(100);
	}
}

static const struct check_test tests[] = {
	TABLE(test_begins_at_an_entry, from_rows),
	TEST(test_sound_alone_begins_there),
	TEST(test_waits_until_that_is_there),
	TEST(test_repeats_the_whole),
	TEST(test_a_patient_one_is_not_interrupted),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
