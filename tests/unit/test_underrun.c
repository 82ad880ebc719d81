/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: what happens when a live segment's media are late, and how
 * the preroll is learnt. */
#include "tests/support/playout_rig_check.h"

#include "playout/preroll.h"
#include "playout/water.h"

#include <stdlib.h>

/* --- policies */

/* The segment starts at 120, `known_ms` of it are there; the rest comes at `rest_ms`. */
static struct rig_viewer *run_underrun(const struct rig_segment *spec, enum dh_underrun policy, int rest_ms)
{
	const struct dh_order order = { .underrun = policy };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, spec, &order, NULL), 0);
	rig_run(&rig, media_ms(rest_ms));
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, "s"), 1);
	rig_arrive(&rig, spec, -1);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(rig_count(&rig, DH_EVENT_RESUMED, "s"), 1);
	CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "s"), 1);
	return v;
}

/* Every picture of the segment is sent with the sound of its time. */
static void check_lips(const struct rig_viewer *v, int64_t begin_ms, int first_index)
{
	int checked = 0;
	for (int i = 0; i < v->picture_count; i++) {
		const struct rig_picture *p = &v->pictures[i];
		if (p->tag != 's' || p->kind == 'K' || p->index < first_index)
			continue;
		CHECK_INT(p->sent_ticks, media_ms(begin_ms + p->index * 40));
		checked++;
	}
	CHECK(checked > 0);
}

static const struct rig_segment late = { "s", 's', 'i', 2000, 25, 1, 5, 2000, 500 };

static void test_idle_meanwhile(void)
{
	struct rig_viewer *v = run_underrun(&late, DH_UNDERRUN_IDLE, 1500);
	int first = rig_first(v, 's', 0), idle = rig_first(v, 'i', first), back = rig_first(v, 's', idle);
	/* It stopped at 620, after picture 12, which looks like idle picture 42. */
	CHECK_INT(v->pictures[idle].sent_ticks, media_ms(620));
	CHECK_INT(v->pictures[idle].index, 40);
	CHECK_INT(v->pictures[idle].kind, 'E');
	CHECK_INT(v->pictures[back].kind, 'E');
	CHECK(v->pictures[back].index >= 15 && v->pictures[back].index <= 20, "%d", v->pictures[back].index);
	/* Held from 620 to 1520: 900 ms later from there on. */
	check_lips(v, 120 + 900, 15);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks, (120 + 900 + 2000) * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 2000 * MS);
	finish_after(500);
}

/* Pictures of the segment look like idle pictures 30 and up: of the entries 15 and 20 (like
 * 45 and 30), the one is taken that looks more like what the avatar shows by then. */
static void test_idle_returns_where_it_looks_alike(void)
{
	int returns[2] = { 0 };
	for (int ms = 1000; ms < 3000; ms += 40) {
		struct rig_viewer *v = run_underrun(&late, DH_UNDERRUN_IDLE, ms);
		int back = rig_first(v, 's', rig_first(v, 'i', rig_first(v, 's', 0)));
		int shown = v->pictures[back - 1].index, is_second = v->pictures[back].index == 20, alike = 0;
		CHECK(v->pictures[back].index == 15 || is_second, "%d ms: %d", ms, v->pictures[back].index);
		/* By then the avatar would show the next one, or the same still. */
		for (int due = shown; due <= shown + 1; due++) {
			int first = abs(45 - (due - 5 * is_second + 50) % 50);
			int second = abs(30 - (due + 5 - 5 * is_second) % 50);
			alike += is_second ? second <= first : first <= second;
		}
		CHECK(alike, "%d ms: %d after idle picture %d", ms, v->pictures[back].index, shown);
		returns[is_second]++;
		finish_after(0);
	}
	CHECK(returns[0] && returns[1], "%d and %d", returns[0], returns[1]);
}

static void test_skip_lets_time_go_on(void)
{
	struct rig_viewer *v = run_underrun(&late, DH_UNDERRUN_SKIP, 1100);
	int first = rig_first(v, 's', 0);
	check_lips(v, 120, 0);
	/* 620 to 1120 are lost. The picture goes on at the next entry, of 25. */
	const struct rig_picture *back = NULL;
	for (int i = first; i < v->picture_count && !back; i++)
		if (v->pictures[i].tag == 's' && v->pictures[i].index > 12)
			back = &v->pictures[i];
	CHECK_INT(back->index, 25);
	CHECK_INT(back->kind, 'E');
	CHECK_INT(rig_event(&rig, DH_EVENT_RESUMED, "s")->media_ticks, 1120 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks, 2120 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 1500 * MS);
	struct dh_playout_counts counts;
	dh_playout_get_counts(rig.playout, &counts);
	CHECK_INT(counts.dropped_ticks, 500 * MS);
	CHECK_INT(counts.held_ticks, 0);
	finish_after(500);
}

/* All of it comes after its end. */
static void test_skip_may_miss_the_rest(void)
{
	struct rig_segment spec = late;
	run_underrun(&spec, DH_UNDERRUN_SKIP, 1900);
	finish_after(0);
	const struct dh_order order = { .underrun = DH_UNDERRUN_SKIP };
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0); /* nobody watches */
	rig_run(&rig, media_ms(60000));
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, media_ms(61000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 500 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks, 60020 * MS);
	finish_after(0);
}

/* Pictures beyond the speech play until it is known where the speech ends; then the end is
 * past, and comes at the next slot, not before. */
static void test_an_end_that_is_past(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 2000, 25, 1, 10, 1000, 1500 };
	rig_open_idle(&rig, NULL, start);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1310));
	rig_arrive(&rig, &spec, -1);
	CHECK_INT(dh_playout_deadline_ticks(rig.playout), media_ms(1320));
	rig_run(&rig, media_ms(3000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks, 1320 * MS);
	finish_after(0);
}

static void test_sound_alone(void)
{
	const struct rig_segment spec = { "s", 's', 'i', 0, 25, 1, 10, 1000, 500 };
	for (enum dh_underrun policy = DH_UNDERRUN_HOLD; policy <= DH_UNDERRUN_SKIP; policy++) {
		run_underrun(&spec, policy, 1000);
		CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks,
			(policy == DH_UNDERRUN_SKIP ? 600 : 1000) * MS);
		finish_after(0);
	}
}

/* Random stalls: sound and pictures keep together under each policy. */
static void test_lips_after_many_underruns(void)
{
	srand(11);
	for (int policy = DH_UNDERRUN_HOLD; policy <= DH_UNDERRUN_SKIP; policy++) {
		struct rig_segment spec = { "s", 's', 'i', 40000, 33, 1, 8, 40000, 400 };
		const struct dh_order order = { .underrun = (enum dh_underrun)policy };
		rig_open_idle(&rig, NULL, start);
		struct rig_viewer *v = rig_join(&rig, NULL);
		CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
		for (int known = 400; known < 40000; known += rand() % 900) {
			rig_run(&rig, rig.now + (rand() % 1600) * MS);
			rig_arrive(&rig, &spec, known);
		}
		rig_arrive(&rig, &spec, -1);
		rig_run(&rig, rig.now + 45000 * MS);
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "s"), 1);
		CHECK(rig_count(&rig, DH_EVENT_HELD, "s") > (policy == DH_UNDERRUN_SKIP ? 0 : 5), "%d",
			rig_count(&rig, DH_EVENT_HELD, "s"));
		int open = rig_count(&rig, DH_EVENT_HELD, "s") - rig_count(&rig, DH_EVENT_RESUMED, "s");
		CHECK(open == 0 || (open == 1 && policy == DH_UNDERRUN_SKIP), "%d", open); /* it may end unheard */
		/* Under each policy, a picture's place within its slot is that in the segment; in the first 2 ms it
		 * leaves with the sound. */
		for (int i = 0; i < v->picture_count; i++) {
			if (v->pictures[i].tag != 's' || v->pictures[i].kind == 'K')
				continue;
			int64_t place = dh_ticks_of_frame(v->pictures[i].index, 33, 1) % DH_SLOT_TICKS;
			CHECK_INT(v->pictures[i].timestamp * (int64_t)DH_TICKS_PER_VIDEO_CLOCK % DH_SLOT_TICKS,
				place - place % DH_TICKS_PER_VIDEO_CLOCK);
			CHECK_INT((v->pictures[i].sent_ticks - start) % DH_SLOT_TICKS, place <= 2 * MS ? 0 : place);
		}
		finish_after(0);
	}
}

/* --- preroll */

static void test_fixed_preroll(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	const struct dh_order order = { .preroll_ticks = 600 * MS, .source = 1 };
	spec.known_ms = 500;
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	rig_run(&rig, media_ms(200));
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "s"), 0);
	rig_arrive(&rig, &spec, 610);
	rig_run(&rig, media_ms(300));
	CHECK_INT(rig_count(&rig, DH_EVENT_STARTED, "s"), 1);
	CHECK_INT(dh_playout_preroll_ticks(rig.playout, 1), 200 * MS);
	finish_after(0);
}

/* Media that arrive as the table says: within `stall_ms` from `at_ms` on nothing comes. */
static const struct arrival_row {
	const char *name;
	int percent; /* of real time at which it is made */
	int at_ms, stall_ms;
	int preroll_ms; /* that follows, up to a slot more */
} arrival_rows[] = {
	{ "fast", 300, 0, 0, 60 },
	{ "as fast as time", 100, 0, 0, 60 },
	{ "a short stall", 100, 400, 200, 240 },
	{ "a stall after a lead", 200, 1000, 300, 60 },
	{ "a stall that only a long preroll bridges", 100, 2000, 700, 740 },
	{ "a long stall near the beginning", 100, 300, 5000, 300 },
	{ "a stall beyond the longest preroll", 100, 1200, 5000, 1000 },
	{ "slower than time", 80, 0, 0, 620 },
};

static void play_live(const char *id, const struct arrival_row *row)
{
	struct rig_segment spec = { id, 's', 'i', 3000, 25, 1, 5, 3000, 0 };
	const struct dh_order order = { .source = 2 };
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	for (int made = 0, known = 0; known < 3000; made += 20) {
		bool stalls = made >= row->at_ms && made < row->at_ms + row->stall_ms;
		rig_run(&rig, rig.now + 20 * MS);
		known += stalls ? 0 : 20 * row->percent / 100;
		rig_arrive(&rig, &spec, known);
	}
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, rig.now + 10000 * MS);
	CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, id), 1);
}

static void test_preroll_is_learnt(const void *arg)
{
	const struct arrival_row *row = arg;
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(dh_playout_preroll_ticks(rig.playout, 2), 200 * MS);
	play_live("first", row);
	int64_t ticks = dh_playout_preroll_ticks(rig.playout, 2);
	CHECK(ticks >= (row->preroll_ms - 45) * MS && ticks <= (row->preroll_ms + 45) * MS, "%d ms", (int)(ticks / MS));
	CHECK(ticks >= DH_PREROLL_MIN_TICKS && ticks <= DH_PREROLL_MAX_TICKS);
	CHECK_INT(dh_playout_preroll_ticks(rig.playout, 1), 200 * MS); /* another source's */
	play_live("second", row);
	if (row->preroll_ms < 1000)
		CHECK_INT(rig_count(&rig, DH_EVENT_HELD, "second"), 0);
	finish_after(0);
}

/* Of random arrivals: with the preroll that was found nothing is held; with one that is two
 * slots shorter, something is. */
static bool is_held(const int *known_ms, int slots, int64_t preroll_ticks)
{
	int begin = 0;
	while (begin < slots && known_ms[begin] * MS < preroll_ticks)
		begin++;
	for (int slot = begin; slot < slots; slot++)
		if (known_ms[slot] != INT32_MAX && known_ms[slot] < (slot - begin + 1) * 20)
			return true;
	return false;
}

static void test_preroll_is_the_least(void)
{
	enum { SLOTS = 300 };
	int known_ms[SLOTS], tight = 0;
	srand(3);
	for (int run = 0; run < 2000; run++) {
		struct dh_arrivals arrivals = { 0 };
		int known = 0, stall = 0;
		for (int slot = 0; slot < SLOTS; slot++) {
			stall = stall ? stall - 1 : rand() % 40 ? 0 : rand() % 30;
			if (!stall)
				known += rand() % 60;
			known_ms[slot] = slot > SLOTS - 20 ? INT32_MAX : known;
			if (known_ms[slot] == INT32_MAX)
				dh_arrivals_note(&arrivals, slot * DH_SLOT_TICKS, INT64_MAX);
			else if (!slot || known > known_ms[slot - 1])
				dh_arrivals_note(&arrivals, slot * DH_SLOT_TICKS, known * MS);
		}
		int64_t preroll = dh_arrivals_preroll_ticks(&arrivals);
		CHECK(preroll >= 0);
		if (preroll >= DH_PREROLL_MAX_TICKS)
			continue;
		CHECK(!is_held(known_ms, SLOTS, preroll), "run %d: %d ms", run, (int)(preroll / MS));
		if (preroll > 100 * MS) {
			/* One arrival earlier is too early. */
			int64_t less = 0;
			for (int slot = 0; slot < SLOTS && known_ms[slot] * MS < preroll; slot++)
				less = known_ms[slot] * MS;
			CHECK(is_held(known_ms, SLOTS, less), "run %d: %d ms would do", run, (int)(less / MS));
			tight++;
		}
	}
	CHECK(tight > 100, "%d", tight);
}

/* --- marks */

static const struct water_row {
	const char *name;
	int low, high;
	const char *levels; /* a digit each */
	const char *marks;  /* . none, l low, h high */
} water_rows[] = {
	{ "none", 0, 0, "0950", "...." },
	{ "low", 3, 0, "012345432101543", ".......l......l" },
	{ "high", 0, 6, "05678655670", "..h.....h.." },
	{ "both alternate", 3, 6, "0567656531567", "..h.....l..h." },
	{ "from low to high and back at once", 3, 6, "090909", ".hlhlh" },
};

static void test_water(const void *arg)
{
	const struct water_row *row = arg;
	struct dh_water water = { .low_ticks = row->low, .high_ticks = row->high };
	for (int i = 0; row->levels[i]; i++)
		CHECK(".lh"[dh_water_level(&water, row->levels[i] - '0')] == row->marks[i], "level %d", i);
}

static const struct check_test tests[] = {
	TEST(test_idle_meanwhile),
	TEST(test_idle_returns_where_it_looks_alike),
	TEST(test_skip_lets_time_go_on),
	TEST(test_skip_may_miss_the_rest),
	TEST(test_an_end_that_is_past),
	TEST(test_sound_alone),
	TEST(test_lips_after_many_underruns),
	TEST(test_fixed_preroll),
	TABLE(test_preroll_is_learnt, arrival_rows),
	TEST(test_preroll_is_the_least),
	TABLE(test_water, water_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
