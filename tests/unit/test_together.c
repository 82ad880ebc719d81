/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: a picture that is due shortly after a packet of sound leaves with it. */
#include "tests/support/playout_rig_check.h"

#include <stdlib.h>

#define EARLY_MAX (2 * MS)

/* The rig knows joined packets of a tag like 't' (test_ptime.c). */
static struct rig_segment speech_at(int num, int den)
{
	return (struct rig_segment){ "t", 't', 'i', 5000, num, den, 10, 5000, -1 };
}

static int64_t media_of(const struct rig_picture *picture)
{
	return start + picture->timestamp * DH_TICKS_PER_VIDEO_CLOCK;
}

static bool sound_left_at(const struct rig_viewer *v, int64_t ticks)
{
	for (int i = 0; i < v->sound_count; i++)
		if (v->sound_ticks[i] == ticks)
			return true;
	return false;
}

/* Each picture of the segment leaves when it is due, or with the sound that is due at most 2 ms before. Returns how
 * many have. Time stamps are to 1/90 ms. */
static int check_pictures(const struct rig_viewer *v)
{
	int64_t offset = dh_playout_viewer_offset_ticks(v->viewer);
	int early = 0, next = -1;

	for (int i = rig_first(v, 't', 0); i >= 0; i = rig_first(v, 't', i + 1)) {
		const struct rig_picture *p = &v->pictures[i];
		int64_t media = media_of(p), behind = (media - start) % DH_SLOT_TICKS;
		int64_t sound_at = media - behind + offset, ahead = media + offset - p->sent_ticks;
		bool goes_with = behind > 0 && behind <= EARLY_MAX && sound_left_at(v, sound_at);
		if (goes_with)
			CHECK_INT(p->sent_ticks, sound_at);
		else
			CHECK(ahead <= 0 && ahead > -DH_TICKS_PER_VIDEO_CLOCK, "picture %d: %lld ticks", p->index,
				(long long)ahead);
		CHECK(next < 0 || p->index == next, "picture %d for %d", p->index, next);
		next = p->index + 1;
		early += goes_with;
	}
	return early;
}

/* In a second of 50 packets of sound. */
static const struct rate_row {
	const char *name;
	int num, den, early, instants;
} rate_rows[] = {
	{ "25", 25, 1, 0, 50 },
	{ "24", 24, 1, 2, 70 },
	{ "30", 30, 1, 0, 70 },
	{ "29.97", 30000, 1001, 10, 70 },
	{ "33", 33, 1, 3, 79 },
	{ "50", 50, 1, 0, 50 },
};

static void test_instants(const void *arg)
{
	const struct rate_row *row = arg;
	const struct rig_segment spec = speech_at(row->num, row->den);

	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec); /* from 20 ms on */
	rig_run(&rig, media_ms(1019));
	int handed = v->handed, early = check_pictures(v);
	rig_run(&rig, media_ms(2019));
	CHECK_INT(v->handed - handed, row->instants);
	CHECK_INT(check_pictures(v) - early, row->early);
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, NULL), 0);
	rig_run(&rig, media_ms(6000));
	int first = rig_first(v, 't', 0);
	CHECK_INT(v->pictures[first].index, 0);
	CHECK_INT(v->pictures[rig_first(v, 'i', first) - 1].index, (5 * row->num - 1) / row->den);
	finish_after(0);
}

/* In DTX there is mostly nothing to go with. */
static void test_silence(void)
{
	struct rig_segment spec = speech_at(33, 1);

	spec.audio_ms = 0;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(6000));
	int early = check_pictures(v);
	CHECK(early < 8, "%d", early);
	finish_after(0);
}

/* Every group, and packets of 40 and 60 ms, in which a picture can be behind a slot that begins no packet. */
static void test_groups_and_longer_packets(void)
{
	struct dh_playout_config config;
	const struct rig_segment spec = speech_at(33, 1);
	static const int ptimes[] = { 20, 40, 60 };

	dh_playout_config_init(&config);
	config.spread_from = 0;
	rig_open_idle(&rig, &config, start);
	for (int i = 0; i < 30; i++)
		rig_join_way(&rig, NULL, &(struct dh_viewer_way){ .ptime = ptimes[i % 3] });
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(6000));
	for (int i = 0; i < rig.viewer_count; i++) {
		int early = check_pictures(rig.viewers[i]);
		CHECK(early > 12 / (1 + i % 3) - 3 && early <= 15 / (1 + i % 3) + 1, "viewer %d: %d", i, early);
	}
	finish_after(0);
}

/* Whatever the clock does, no picture leaves more than 2 ms before its time. */
static void test_late_wakings(void)
{
	const struct rig_segment spec = speech_at(33, 1);

	srand(1);
	for (int round = 0; round < 50; round++) {
		rig_open_idle(&rig, NULL, start);
		struct rig_viewer *v = rig_join(&rig, NULL);
		rig_enqueue(&rig, &spec);
		while (rig.now < media_ms(5000)) {
			rig_run(&rig, rig.now + rand() % 200 * MS);
			rig_stall(&rig, rand() % (40 * MS));
		}
		int early = 0;
		for (int i = 0; i < v->picture_count; i++) {
			int64_t ahead = media_of(&v->pictures[i]) - v->pictures[i].sent_ticks;
			CHECK(ahead <= EARLY_MAX, "%lld ticks", (long long)ahead);
			early += ahead > 0;
		}
		CHECK(early > 0);
		finish_after(0);
	}
}

static void test_how_late(void)
{
	const struct rig_segment spec = speech_at(24, 1);

	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1060)); /* picture 25, of 1041 2/3 ms */
	CHECK_INT(v->late_ticks[DH_AUDIO], 0);
	CHECK_INT(v->late_ticks[DH_VIDEO], -5 * MS / 3);
	rig_run(&rig, media_ms(1079));
	rig_stall(&rig, 2 * MS); /* sound alone, a millisecond late */
	CHECK_INT(v->late_ticks[DH_AUDIO], MS);
	CHECK_INT(v->late_ticks[DH_VIDEO], DH_LATE_NONE);
	struct dh_viewer_stats stats;
	dh_playout_viewer_stats(v->viewer, &stats);
	CHECK_INT(stats.lateness_max_ticks, MS);
	finish_after(0);
}

/* Media that come just in time for their slot are enough. */
static void test_live(void)
{
	struct rig_segment spec = speech_at(33, 1);
	const struct dh_order order = { .index = -1, .preroll_ticks = 20 * MS };

	spec.known_ms = 20;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	CHECK_INT(rig_order(&rig, &spec, &order, NULL), 0);
	for (int ms = 20; ms < 5000; ms += 20) {
		rig_run(&rig, media_ms(ms + 19));
		rig_arrive(&rig, &spec, ms + 20 < 5000 ? ms + 20 : -1);
	}
	rig_run(&rig, media_ms(6000));
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, NULL), 0);
	CHECK_INT(check_pictures(v), 15);
	finish_after(0);
}

/* A large picture has left when the next one comes early. */
static void test_large_pictures(void)
{
	const struct rig_segment spec = speech_at(33, 1);

	rig_sizes(300 * 1182, 0);
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(3000));
	CHECK(v->burst_max <= 300 / 6 + 2, "%d", v->burst_max);
	finish_after(0);
}

/* Who goes to another room right behind an early picture is sent nothing older there. */
static void test_moves(void)
{
	const struct rig_segment spec = speech_at(24, 1);
	struct dh_continuity_seed seed, again;

	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(1060));
	const struct rig_picture *last = &v->pictures[v->picture_count - 1];
	CHECK(media_of(last) > rig.now);
	dh_playout_viewer_seed(rig.playout, v->viewer, rig.now, &seed);
	rig_leave(&rig, v);
	dh_playout_seed_here(rig.playout, &seed);
	struct rig_viewer *moved = rig_join(&rig, &seed);
	dh_playout_viewer_seed(rig.playout, moved->viewer, rig.now, &again); /* it goes on at once */
	dh_playout_seed_here(rig.playout, &again);
	CHECK_INT(again.from_ticks, seed.from_ticks);
	rig_stall(&rig, 5 * MS / 4); /* the early picture's time has not come yet */
	rig_run(&rig, media_ms(1200));
	CHECK(moved->picture_count > 0);
	uint32_t after = moved->pictures[0].timestamp + seed.first_timestamp[DH_VIDEO] - last->timestamp -
		v->seed.first_timestamp[DH_VIDEO];
	CHECK(after > 0 && after < 90000, "%u", after);
	CHECK_INT(moved->pictures[0].kind, 'K');
	finish_after(1000);
}

static const struct check_test tests[] = {
	TABLE(test_instants, rate_rows),
	TEST(test_silence),
	TEST(test_groups_and_longer_packets),
	TEST(test_late_wakings),
	TEST(test_how_late),
	TEST(test_live),
	TEST(test_large_pictures),
	TEST(test_moves),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
