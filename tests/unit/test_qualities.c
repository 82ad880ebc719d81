/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: each viewer is sent its own quality, and another one from an entry on. */
#include "tests/support/playout_rig_check.h"

static const struct rig_segment speech = { "s", 's', 'i', 4000, 25, 1, 10, 4000, -1 };

/* `count` viewers of an avatar with three qualities. */
static void begin(int count)
{
	rig_qualities(3);
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < count; i++)
		rig_join(&rig, NULL);
}

static void set_quality(int viewer, int quality)
{
	dh_playout_viewer_quality(rig.viewers[viewer]->viewer, quality, false);
}

static void set_thin(int viewer, bool thin)
{
	dh_playout_viewer_quality(rig.viewers[viewer]->viewer, 0, thin);
}

static int count(const struct rig_viewer *v, char kind)
{
	int n = 0;
	for (int i = 0; i < v->picture_count; i++)
		n += v->pictures[i].kind == kind;
	return n;
}

static struct dh_viewer_stats stats_of(int viewer)
{
	struct dh_viewer_stats stats;
	dh_playout_viewer_stats(rig.viewers[viewer]->viewer, &stats);
	return stats;
}

/* How often a viewer's quality changed; each time at an entry. */
static int changes(const struct rig_viewer *v)
{
	int last = 0, count = 0;
	for (int i = 0; i < v->picture_count; i++) {
		const struct rig_picture *p = &v->pictures[i];
		if (p->kind == 'K')
			continue;
		if (p->quality != last)
			CHECK(p->kind == 'E', "picture %d changes from %d to %d", i, last, p->quality);
		count += p->quality != last;
		last = p->quality;
	}
	return count;
}

static int anchors(const struct rig_viewer *v)
{
	return count(v, 'K');
}

static void test_each_its_own(void)
{
	begin(3);
	for (int i = 0; i < 3; i++)
		set_quality(i, i);
	rig_run(&rig, media_ms(5000));
	for (int i = 0; i < 3; i++) {
		const struct rig_viewer *v = rig.viewers[i];
		for (int k = 1; k < v->picture_count; k++)
			CHECK_INT(v->pictures[k].quality, i);
		CHECK_INT(anchors(v), 1);
		CHECK_INT(stats_of(i).quality, i);
		CHECK_INT(v->picture_count, rig.viewers[0]->picture_count);
	}
	finish_after(0);
}

/* The next entry is 400 ms away at most, and no anchor is needed for it. */
static void test_a_change_takes_an_entry(void)
{
	static const int wanted[] = { 2, 0, 1, 2, 1, 0 };
	begin(1);
	rig_run(&rig, media_ms(430));
	for (int i = 0; i < 6; i++) {
		set_quality(0, wanted[i]);
		rig_run(&rig, rig.now + 401 * MS);
		const struct rig_viewer *v = rig.viewers[0];
		CHECK_INT(v->pictures[v->picture_count - 1].quality, wanted[i]);
	}
	CHECK_INT(changes(rig.viewers[0]), 6);
	CHECK_INT(anchors(rig.viewers[0]), 1);
	CHECK_INT((int)stats_of(0).switches, 6);
	finish_after(1000);
}

/* A change that is taken back before an entry changes nothing. */
static void test_a_change_taken_back(void)
{
	begin(1);
	rig_run(&rig, media_ms(430));
	set_quality(0, 2);
	rig_run(&rig, media_ms(700));
	set_quality(0, 0);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(changes(rig.viewers[0]), 0);
	finish_after(0);
}

/* Segments with fewer qualities: the nearest that they have. */
static void test_fewer_qualities(void)
{
	static const int speech_has[] = { 1, 2, 3 };
	for (int n = 0; n < 3; n++) {
		CHECK_AT("%d qualities", speech_has[n]);
		begin(3);
		for (int i = 0; i < 3; i++)
			set_quality(i, i);
		rig_run(&rig, media_ms(1030));
		rig_qualities(speech_has[n]);
		rig_enqueue(&rig, &speech);
		rig_run(&rig, media_ms(7000));
		for (int i = 0; i < 3; i++) {
			const struct rig_viewer *v = rig.viewers[i];
			int nearest = i < speech_has[n] ? i : speech_has[n] - 1, seen = 0;
			for (int k = 0; k < v->picture_count; k++) {
				if (v->pictures[k].tag != 's')
					continue;
				CHECK_INT(v->pictures[k].quality, nearest);
				seen++;
			}
			CHECK_INT(seen, 100);
			CHECK_INT(v->pictures[v->picture_count - 1].quality, i);
			changes(v);
			CHECK_INT(anchors(v), 1);
		}
		finish_after(0);
	}
}

/* What stands is repeated, and goes on in the quality in which it was repeated. */
static void test_a_change_while_a_picture_stands(void)
{
	static const struct rig_segment stops = { "s", 's', 'i', 4000, 25, 1, 10, 4000, 820 };
	begin(2);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &stops);
	rig_run(&rig, media_ms(1500));
	set_quality(1, 2);
	rig_run(&rig, media_ms(3000));
	const struct rig_viewer *v = rig.viewers[1];
	CHECK_INT(v->pictures[v->picture_count - 1].index, 20);
	CHECK_INT(v->pictures[v->picture_count - 1].quality, 2);
	rig_arrive(&rig, &stops, -1);
	rig_run(&rig, media_ms(3200));
	CHECK_INT(v->pictures[v->picture_count - 1].quality, 2);
	changes(v);
	finish_after(5000);
}

/* After a PLI the answer is in the quality that is wanted by then. */
static void test_a_request_in_between(void)
{
	begin(1);
	rig_run(&rig, media_ms(1030));
	set_quality(0, 1);
	dh_playout_viewer_pli(rig.playout, rig.viewers[0]->viewer, rig.now);
	int before = rig.viewers[0]->picture_count;
	rig_run(&rig, media_ms(2000));
	CHECK_INT(rig.viewers[0]->pictures[before].kind, 'K');
	CHECK_INT(rig.viewers[0]->pictures[before + 1].kind, 'E');
	CHECK_INT(rig.viewers[0]->pictures[before + 1].quality, 1);
	finish_after(0);
}

/* --- temporal layers */

/* One viewer does without droppable pictures, the other one does not. */
static void test_without_droppable_pictures(void)
{
	rig_temporal(true);
	begin(2);
	set_thin(1, true);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &speech);
	rig_run(&rig, media_ms(5990));
	const struct rig_viewer *all = rig.viewers[0], *thin = rig.viewers[1];
	CHECK(count(all, 'T') >= 70, "%d", count(all, 'T'));
	CHECK_INT(count(thin, 'T'), 0);
	CHECK_INT(count(thin, 'E'), count(all, 'E'));
	CHECK_INT(count(thin, 'D'), count(all, 'D'));
	CHECK_INT((int)stats_of(1).left_out, count(all, 'T'));
	CHECK_INT((int)stats_of(0).left_out, 0);
	CHECK_INT(anchors(thin), 1);
	finish_after(0);
}

/* At any picture, since nothing refers to them. */
static void test_a_change_of_layers_is_at_once(void)
{
	rig_temporal(true);
	begin(1);
	for (int i = 0; i < 40; i++) {
		rig_run(&rig, rig.now + 130 * MS);
		set_thin(0, i % 2 == 0);
		int before = count(rig.viewers[0], 'T');
		rig_run(&rig, rig.now + 200 * MS);
		CHECK_INT(count(rig.viewers[0], 'T') > before, i % 2);
	}
	CHECK_INT(anchors(rig.viewers[0]), 1);
	finish_after(1000);
}

/* One that comes too late is not missed: nobody waits for an entry because of it. */
static void test_a_late_droppable_picture(void)
{
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.late_ticks = 10 * MS;
	rig_temporal(true);
	rig_open_idle(&rig, &config, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1095)); /* the picture of 1060 is number 26, that of 1100 droppable */
	int last = v->picture_count - 1;
	CHECK_INT(v->pictures[last].kind, 'D');
	rig_stall(&rig, 20 * MS);
	rig_run(&rig, media_ms(1170));
	CHECK_INT(v->pictures[last + 1].kind, 'D');
	CHECK_INT(v->pictures[last + 1].index, v->pictures[last].index + 2);
	CHECK_INT((int)stats_of(0).late_dropped, 1);
	finish_after(1000);
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* Anything at any time, as far as it goes: interruptions, stalls, requests, pauses and changes. The model decoder
 * judges every picture; `steady` is sent the same with it and without it. */
static int run_random(unsigned seed, bool disturbs, struct rig_viewer *steady)
{
	static const struct dh_place none;
	unsigned state = seed;
	rig_temporal(seed % 2);
	begin(4);
	for (int step = 0; step < 150; step++) {
		unsigned what = next_random(&state) % 8, viewer = 1 + next_random(&state) % 3;
		unsigned value = next_random(&state);
		struct dh_viewer *v = rig.viewers[viewer]->viewer;
		char id[16];
		snprintf(id, sizeof id, "s%d", step);
		const struct rig_segment spec = { id, (char)('a' + step % 8), 'i', 1000, 25, 1, 10, 1000, -1 };
		if (what == 0) {
			rig_qualities(1 + (int)(value % 3));
			(void)rig_order(&rig, &spec, &(struct dh_order){ .priority = (int)(value % 3) }, &none);
		} else if (what == 1 && disturbs) {
			dh_playout_viewer_pli(rig.playout, v, rig.now);
		} else if (what == 2 && disturbs) {
			dh_playout_viewer_pause(rig.playout, v, value % 2);
		} else if (what == 3) {
			rig_stall(&rig, value % 200 * MS);
		} else if (disturbs) {
			dh_playout_viewer_quality(v, (int)(value % 3), value / 3 % 2);
		}
		rig_run(&rig, rig.now + value % 400 * MS);
	}
	for (int i = 0; i < 4; i++)
		changes(rig.viewers[i]);
	*steady = *rig.viewers[0];
	int all = changes(rig.viewers[1]) + changes(rig.viewers[2]) + changes(rig.viewers[3]);
	finish_after(1000);
	return all;
}

static void test_anything_at_any_time(void)
{
	static struct rig_viewer with, without;
	int all = 0;
	for (unsigned seed = 1; seed <= 20; seed++) {
		CHECK_AT("seed %u", seed);
		all += run_random(seed, true, &with);
		run_random(seed, false, &without);
		CHECK_INT(with.picture_count, without.picture_count);
		CHECK_INT(with.sequence[DH_VIDEO], without.sequence[DH_VIDEO]);
		CHECK(!memcmp(with.pictures, without.pictures, sizeof with.pictures));
	}
	CHECK(all > 500, "%d", all);
}

static const struct check_test tests[] = {
	TEST(test_each_its_own),
	TEST(test_a_change_takes_an_entry),
	TEST(test_a_change_taken_back),
	TEST(test_fewer_qualities),
	TEST(test_a_change_while_a_picture_stands),
	TEST(test_a_request_in_between),
	TEST(test_without_droppable_pictures),
	TEST(test_a_change_of_layers_is_at_once),
	TEST(test_a_late_droppable_picture),
	TEST(test_anything_at_any_time),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
