/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: what its viewers get, and when. Joins, anchors,
 * PLIs, offsets, lateness, large pictures, no viewers, two days. */
#include "tests/support/playout_rig_check.h"

#include <stdlib.h>
#include <strings.h>

/* Bytes that were compared: the linker sends all calls through these
 * (-Wl,--wrap=memcmp,--wrap=bcmp). */
static size_t compared;

int __real_memcmp(const void *a, const void *b, size_t size);
int __real_bcmp(const void *a, const void *b, size_t size);
int __wrap_memcmp(const void *a, const void *b, size_t size);
int __wrap_bcmp(const void *a, const void *b, size_t size);

int __wrap_memcmp(const void *a, const void *b, size_t size)
{
	compared += size;
	return __real_memcmp(a, b, size);
}

int __wrap_bcmp(const void *a, const void *b, size_t size)
{
	compared += size;
	return __real_bcmp(a, b, size);
}

/* --- viewers */

static void test_join_gets_the_anchor_at_once(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(333));
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[0].kind, 'K');
	CHECK_INT(v->pictures[0].sent_ticks, media_ms(333));
	CHECK_INT(v->pictures[0].timestamp, 333 * 90);
	/* The segment began at 120; its next entry is picture 10. */
	CHECK_INT(v->pictures[1].index, 10);
	CHECK_INT(v->pictures[1].tag, 's');
	finish_after(1000);
}

static void test_own_anchor_is_sent_before_and_the_avatars_after(void)
{
	const struct rig_segment own = { "o", 'o', 'x', 1000, 25, 1, 10, 1000, -1 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, &own);
	rig_run(&rig, media_ms(600));
	struct rig_viewer *late = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(2000));
	int first = rig_first(v, 'o', 0);
	CHECK_INT(v->pictures[first - 1].kind, 'K');
	CHECK_INT(v->pictures[first - 1].tag, 'x');
	CHECK_INT(v->pictures[first].timestamp - v->pictures[first - 1].timestamp, 90);
	int back = rig_first(v, 'i', first);
	CHECK_INT(v->pictures[back - 1].kind, 'K');
	CHECK_INT(v->pictures[back - 1].tag, 'i');
	CHECK_INT(late->pictures[0].tag, 'x');
	finish_after(500);
}

/* Each segment brings a copy of its anchor: whether two are the same is
 * compared once for each segment, not for each viewer and entry. */
static void test_anchors_are_compared_once_a_segment(void)
{
	const struct rig_segment own[] = { { "o", 'o', 'x', 1000, 25, 1, 1, 1000, -1 },
		{ "p", 'p', 'x', 1000, 25, 1, 1, 1000, -1 }, { "q", 'q', 'i', 1000, 25, 1, 1, 1000, -1 } };
	rig_sizes(0, 16000);
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 30; i++)
		rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	compared = 0;
	for (int i = 0; i < 3; i++)
		rig_enqueue(&rig, &own[i]);
	rig_run(&rig, media_ms(5000));
	CHECK(compared <= 3 * 2 * 16000, "%zu bytes", compared);
	for (int i = 0; i < rig.viewer_count; i++) {
		const struct rig_viewer *v = rig.viewers[i];
		int anchors = 0;
		for (int n = 0; n < v->picture_count; n++)
			anchors += v->pictures[n].kind == 'K';
		CHECK_INT(anchors, 3); /* i, x, i */
	}
	finish_after(500);
}

static void test_pli_waits_for_an_entry_and_backs_off(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	struct rig_viewer *other = rig_join(&rig, NULL);
	int64_t keys[8];
	int count = 0;
	for (int ms = 2010; ms < 12000; ms += 50) {
		rig_run(&rig, media_ms(ms));
		dh_playout_viewer_pli(rig.playout, v->viewer, rig.now);
	}
	for (int i = 1; i < v->picture_count; i++) {
		if (v->pictures[i].kind != 'K')
			continue;
		CHECK_INT(v->pictures[i + 1].kind, 'E');
		CHECK_INT(v->pictures[i + 1].timestamp - v->pictures[i].timestamp, 90);
		CHECK(count < 8);
		keys[count++] = v->pictures[i].sent_ticks;
	}
	/* At most 1, 2, 4, 4 s apart (then the next entry, 400 ms at most). */
	CHECK(count >= 4, "%d", count);
	CHECK(keys[0] - media_ms(2010) <= 400 * MS);
	CHECK(keys[1] - keys[0] >= 1000 * MS && keys[1] - keys[0] <= 2400 * MS);
	CHECK(keys[2] - keys[1] >= 2000 * MS && keys[2] - keys[1] <= 4400 * MS);
	CHECK(keys[3] - keys[2] >= 4000 * MS);
	for (int i = 1; i < other->picture_count; i++)
		CHECK(other->pictures[i].kind != 'K');
	finish_after(100);
}

static void test_pause_and_resume(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	dh_playout_viewer_pause(rig.playout, v->viewer, 1);
	int pictures = v->picture_count, sounds = v->sound_count;
	rig_run(&rig, media_ms(900));
	CHECK_INT(v->picture_count, pictures);
	CHECK_INT(v->sound_count, sounds);
	dh_playout_viewer_pause(rig.playout, v->viewer, 0);
	rig_run(&rig, media_ms(1500));
	CHECK_INT(v->pictures[pictures].kind, 'E');
	finish_after(100);
}

static void test_groups_have_constant_offsets(void)
{
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 50; i++)
		rig_join(&rig, NULL);
	rig_run(&rig, media_ms(300));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(2000));
	int with_offset = 0;
	for (int i = 0; i < rig.viewer_count; i++) {
		const struct rig_viewer *v = rig.viewers[i];
		int64_t offset = v->pictures[1].sent_ticks - start - v->pictures[1].timestamp * 8LL;
		CHECK(offset >= 0 && offset < 10 * MS);
		CHECK_INT(offset % MS, 0);
		with_offset += offset > 0;
		for (int p = 1; p < v->picture_count; p++)
			CHECK(llabs((long long)(v->pictures[p].sent_ticks - start - v->pictures[p].timestamp * 8LL -
				      offset)) < 9);
		for (int s = 5; s < v->sound_count; s++)
			CHECK_INT((v->sound_ticks[s] - start - offset) % DH_SLOT_TICKS, 0);
	}
	CHECK(with_offset >= 25, "%d", with_offset);
	finish_after(500);
}

static void test_late_wake_sends_what_is_young_and_skips_to_an_entry(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(200));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(300));
	int before = v->picture_count;
	rig_stall(&rig, 100 * MS);
	CHECK_INT(v->picture_count, before + 2); /* 320 and 360 (340..400 has one more at 400) */
	rig_run(&rig, media_ms(450));
	before = v->picture_count;
	int sounds = v->sound_count;
	rig_stall(&rig, 400 * MS); /* at 850: what was due before 700 is gone */
	for (int i = before; i < v->picture_count; i++)
		CHECK(v->pictures[i].timestamp >= 700 * 90, "picture at %u ms", v->pictures[i].timestamp / 90);
	CHECK_INT(v->sound_count - sounds, 8);
	struct dh_viewer_stats stats;
	dh_playout_viewer_stats(v->viewer, &stats);
	CHECK(stats.late_dropped > 0);
	rig_run(&rig, media_ms(2000));
	/* All but the sound of 460 to 680. */
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, (1000 - 240) * MS);
	finish_after(0);
}

/* --- large pictures */

#define BURST 32 /* packets that may leave at once */

static const struct large_row {
	const char *name;
	size_t bytes;
	int fps, burst_max, ms; /* from a picture's first packet to its last */
} large_rows[] = {
	{ "16 packets leave at once", 16 * 1182, 25, 16, 0 },
	{ "32 packets leave at once", 32 * 1182, 25, 32, 0 },
	{ "33 packets take two bursts", 33 * 1182, 25, 32, 5 },
	{ "a sharp key frame", 100 * 1182, 25, 32, 15 },
	{ "as many as fit into bursts", 256 * 1182, 25, 32, 35 },
	{ "larger bursts beyond", 800 * 1182, 25, 100, 35 },
	{ "the largest", 4 * 1024 * 1024, 25, 444, 35 },
	{ "many pictures a second", 4 * 1182 * 32, 100, 64, 5 },
	{ "pictures faster than bursts", 300 * 1182, 250, 300, 0 },
	{ "few pictures a second: within 40 ms", 800 * 1182, 2, 100, 35 },
};

static void test_large_picture_leaves_in_bursts(const void *arg)
{
	const struct large_row *row = arg;
	const struct rig_segment spec = { "s", 's', 'i', 1000, row->fps, 1, 5, 1000, -1 };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	rig_sizes(row->bytes, 0);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(v->burst_max, row->burst_max);
	int first = rig_first(v, 's', 0);
	for (int i = 0; i < row->fps; i++) {
		const struct rig_picture *p = &v->pictures[first + i];
		CHECK_AT("picture %d", i);
		CHECK_INT(p->index, i);
		CHECK_INT(p->bytes, row->bytes);
		CHECK_INT(p->sent_ticks, media_ms(520) + dh_ticks_of_frame(i, row->fps, 1));
		CHECK_INT(p->timestamp, 520 * 90 + i * 90000 / row->fps);
		CHECK_INT(p->done_ticks - p->sent_ticks, row->ms * MS);
	}
	/* Sound is not held up behind them. */
	for (int i = 0; i < v->sound_count; i++)
		CHECK_INT((v->sound_ticks[i] - start) % DH_SLOT_TICKS, 0);
	finish_after(500);
}

/* 300 packets of anchor: on joining, and before an entry that needs another. */
static void test_large_anchor_leaves_in_bursts(void)
{
	const struct rig_segment own = { "o", 'o', 'x', 1000, 25, 1, 10, 1000, -1 };
	rig_sizes(0, 300 * 1182);
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(333));
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[0].sent_ticks, media_ms(333));
	CHECK_INT(v->pictures[0].bytes, 300 * 1182);
	CHECK_INT(v->pictures[0].done_ticks, media_ms(333 + 35));
	CHECK_INT(v->burst_max, 38);
	rig_enqueue(&rig, &own);
	rig_run(&rig, media_ms(2500));
	int first = rig_first(v, 'o', 0);
	CHECK_INT(v->pictures[first - 1].kind, 'K');
	CHECK_INT(v->pictures[first - 1].timestamp, v->pictures[first].timestamp - 90);
	CHECK_INT(v->pictures[first - 1].sent_ticks, media_ms(1020));
	CHECK_INT(v->pictures[first].done_ticks, media_ms(1020 + 35));
	CHECK_INT(v->burst_max, 38);
	finish_after(500);
}

/* An entry that is due while the anchor is still leaving follows it. */
static void test_entry_waits_for_its_anchor(void)
{
	rig_sizes(20 * 1182, 200 * 1182);
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(800 + 7)); /* the idle clip has an entry at 820 */
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[0].kind, 'K');
	CHECK_INT(v->pictures[1].kind, 'E');
	CHECK_INT(v->pictures[1].timestamp, 820 * 90);
	CHECK(v->pictures[1].sent_ticks >= v->pictures[0].done_ticks);
	CHECK(v->pictures[1].done_ticks < media_ms(860));
	CHECK(v->burst_max <= BURST + 8, "%d", v->burst_max);
	finish_after(500);
}

/* 200 packets, of which the first 32 and the next have left after 6 ms. */
static struct rig_viewer *begin_large_picture(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	rig_sizes(200 * 1182, 0);
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(526));
	rig_sizes(0, 0);
	CHECK_INT(v->pictures[v->picture_count - 1].tag, 's');
	CHECK(v->unfinished);
	return v;
}

static void test_cut_finishes_the_picture_that_has_begun(void)
{
	struct rig_viewer *v = begin_large_picture();
	int last = v->picture_count - 1;
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(v->pictures[last].bytes, 200 * 1182);
	CHECK_INT(v->pictures[last + 1].tag, 'i');
	CHECK_INT(v->pictures[last + 1].sent_ticks, media_ms(540));
	finish_after(500);
}

static void test_pause_finishes_the_picture_that_has_begun(void)
{
	struct rig_viewer *v = begin_large_picture();
	dh_playout_viewer_pause(rig.playout, v->viewer, true);
	CHECK_INT(v->pictures[v->picture_count - 1].bytes, 200 * 1182);
	uint64_t packets = rig.packets;
	rig_run(&rig, media_ms(700));
	CHECK_INT(rig.packets, packets);
	dh_playout_viewer_pause(rig.playout, v->viewer, false);
	finish_after(1000);
}

static void test_viewer_leaves_within_a_picture(void)
{
	struct rig_viewer *v = begin_large_picture();
	rig_leave(&rig, v);
	uint64_t packets = rig.packets;
	finish_after(1000);
	CHECK_INT(rig.packets, packets);
}

/* Woken too late for bursts: overdue packets leave in order, then playing continues. */
static void test_late_wake_within_a_large_picture(void)
{
	struct rig_viewer *v = begin_large_picture();
	int last = v->picture_count - 1;
	rig_stall(&rig, 100 * MS);
	CHECK_INT(v->pictures[last].done_ticks, rig.now);
	struct dh_viewer_stats stats;
	dh_playout_viewer_stats(v->viewer, &stats);
	CHECK_INT(stats.lateness_max_ticks, 96 * MS); /* the burst that was due at 530 */
	CHECK_INT(stats.late_dropped, 0);
	rig_run(&rig, media_ms(1000));
	finish_after(1000);
}

static void test_stats_count_pictures_when_they_have_left(void)
{
	struct rig_viewer *v = begin_large_picture();
	struct dh_viewer_stats before, after;
	dh_playout_viewer_stats(v->viewer, &before);
	CHECK_INT(before.pictures, v->picture_count - 1);
	rig_run(&rig, media_ms(555));
	dh_playout_viewer_stats(v->viewer, &after);
	CHECK_INT(after.pictures, v->picture_count);
	CHECK_INT(after.packets[DH_VIDEO] - before.packets[DH_VIDEO], 200 - 2 * BURST);
	CHECK_INT(after.lateness_max_ticks, 0);
	finish_after(0);
}

/* A pause of no length changes nothing: the picture does not stop. */
static void test_pause_again_changes_nothing(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(500));
	dh_playout_viewer_pause(rig.playout, v->viewer, false);
	int pictures = v->picture_count;
	rig_run(&rig, media_ms(700));
	CHECK_INT(v->picture_count, pictures + 5);
	finish_after(0);
}

/* --- time */

static void test_room_without_viewers_wakes_at_edges_only(void)
{
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(dh_playout_deadline_ticks(rig.playout), INT64_MAX);
	rig_run(&rig, media_ms(3600 * 1000));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("a", 'a'));
	CHECK_INT(dh_playout_deadline_ticks(rig.playout), media_ms(3600 * 1000 + 20));
	rig_run(&rig, media_ms(3600 * 1000 + 20));
	rig_stall(&rig, 0);
	CHECK_INT(dh_playout_deadline_ticks(rig.playout), media_ms(3601 * 1000 + 20));
	rig_run(&rig, media_ms(3605 * 1000));
	CHECK_INT(rig_ends(&rig, "a"), 1);
	CHECK_INT(dh_playout_deadline_ticks(rig.playout), INT64_MAX);
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "a")->played_ticks, 1000 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_IDLE, NULL)->media_ticks, (3601 * 1000 + 20) * MS);
	/* Someone comes: all is as if they had been here all the time. */
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(3606 * 1000));
	CHECK_INT(v->picture_count, 1 + 25);
	finish_after(0);
}

static void test_hold_without_viewers_resumes_at_once(void)
{
	struct rig_segment spec = SPEECH("s", 's');
	spec.known_ms = 500;
	rig_open_idle(&rig, NULL, start);
	rig_enqueue(&rig, &spec);
	rig_run(&rig, media_ms(60000));
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, "s"), 1);
	dh_playout_poll(rig.playout, rig.now);
	struct dh_segment *segment = dh_playout_find(rig.playout, "s");
	rig_fill(segment, &spec, -1);
	dh_playout_filled(rig.playout, segment);
	rig_run(&rig, media_ms(70000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "s")->played_ticks, 1000 * MS);
	CHECK(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks >= 60500 * MS);
	CHECK(rig_event(&rig, DH_EVENT_FINISHED, "s")->media_ticks <= 60540 * MS);
	finish_after(0);
}

/* Random orders for an hour of media: each segment ends exactly once, every
 * picture that left could be decoded, no numbering broke. */
static void test_random_orders(void)
{
	static const struct {
		int video_ms, num, den, audio_ms;
		char anchor;
	} kinds[] = { { 1000, 25, 1, 1000, 'i' }, { 700, 33, 1, 720, 'i' }, { 3000, 30000, 1001, 2000, 'x' },
		{ 0, 25, 1, 900, 'i' }, { 500, 25, 1, 0, 'i' }, { 40, 25, 1, 40, 'y' } };
	static const size_t sizes[] = { 0, 0, 0, 20 * 1182, 90 * 1182 };
	int made = 0;
	srand(7);
	rig_open_idle(&rig, NULL, start);
	for (int step = 0; step < 3000; step++) {
		int k = rand() % 6;
		char id[20];
		rig_run(&rig, rig.now + (rand() % 1200) * MS + rand() % 720);
		if (rand() % 30 == 0)
			rig_stall(&rig, (rand() % 2000) * MS);
		dh_playout_poll(rig.playout, rig.now);
		switch (rand() % 8) {
		case 0:
		case 1:
		case 2:
		case 3:
			snprintf(id, sizeof id, "s%d", made);
			struct rig_segment spec = { id, (char)('a' + made % 8), kinds[k].anchor, kinds[k].video_ms,
				kinds[k].num, kinds[k].den, 1 + rand() % 20, kinds[k].audio_ms, -1 };
			made += dh_playout_waiting(rig.playout, 20) == NULL;
			rig_sizes(sizes[rand() % 5], sizes[rand() % 5]);
			if (!dh_playout_waiting(rig.playout, 20))
				rig_enqueue(&rig, &spec);
			break;
		case 4:
			dh_playout_skip(rig.playout);
			break;
		case 5:
			if (dh_playout_waiting(rig.playout, 0))
				CHECK_INT(dh_playout_remove(rig.playout,
						  dh_segment_id(dh_playout_waiting(rig.playout, 0))),
					0);
			break;
		case 6:
			if (rand() % 4 == 0)
				dh_playout_interrupt(rig.playout);
			break;
		case 7:
			if (rig.viewer_count < 40)
				rig_join(&rig, NULL);
			else if (rand() % 4)
				dh_playout_viewer_pli(rig.playout, rig.viewers[rand() % 40]->viewer, rig.now);
			else
				dh_playout_viewer_pause(rig.playout, rig.viewers[rand() % 40]->viewer, rand() % 2);
			break;
		}
	}
	for (int i = 0; i < rig.viewer_count; i++)
		dh_playout_viewer_pause(rig.playout, rig.viewers[i]->viewer, false);
	int ends = 0;
	dh_playout_interrupt(rig.playout);
	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		ends += rig_count(&rig, (enum dh_event_type)type, NULL);
	CHECK(rig.event_count < RIG_LOG_MAX * 2, "%d", rig.event_count);
	if (rig.event_count < RIG_LOG_MAX)
		CHECK_INT(ends, made);
	for (int i = 0; i < made && rig.event_count < RIG_LOG_MAX; i++) {
		char id[20];
		snprintf(id, sizeof id, "s%d", i);
		CHECK_INT(rig_ends(&rig, id), 1);
	}
	finish_after(100);
}

/* Two days of media with a viewer: video sequence numbers wrap 65 times, picture IDs
 * 130 times, timestamps 1 and 3 times; nothing drifts. */
static void test_two_days(void)
{
	const int64_t hour = 3600 * 1000;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	for (int64_t h = 0; h < 2 * 24; h++) {
		rig_run(&rig, media_ms(h * hour + 1234567));
		rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
		rig_run(&rig, media_ms((h + 1) * hour));
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, "s"), h + 1);
		CHECK(!v->wrong, "%s", v->why);
	}
	int64_t last = (v->picture_count - 1) % RIG_LOG_MAX;
	uint32_t exact = (uint32_t)((v->pictures[last].sent_ticks - start) / DH_TICKS_PER_VIDEO_CLOCK);
	CHECK_INT(v->pictures[last].timestamp, exact);
	finish_after(0);
}

static const struct check_test tests[] = {
	TEST(test_join_gets_the_anchor_at_once),
	TEST(test_own_anchor_is_sent_before_and_the_avatars_after),
	TEST(test_anchors_are_compared_once_a_segment),
	TEST(test_pli_waits_for_an_entry_and_backs_off),
	TEST(test_pause_and_resume),
	TEST(test_groups_have_constant_offsets),
	TEST(test_late_wake_sends_what_is_young_and_skips_to_an_entry),
	TABLE(test_large_picture_leaves_in_bursts, large_rows),
	TEST(test_large_anchor_leaves_in_bursts),
	TEST(test_entry_waits_for_its_anchor),
	TEST(test_cut_finishes_the_picture_that_has_begun),
	TEST(test_pause_finishes_the_picture_that_has_begun),
	TEST(test_viewer_leaves_within_a_picture),
	TEST(test_late_wake_within_a_large_picture),
	TEST(test_stats_count_pictures_when_they_have_left),
	TEST(test_pause_again_changes_nothing),
	TEST(test_room_without_viewers_wakes_at_edges_only),
	TEST(test_hold_without_viewers_resumes_at_once),
	TEST(test_random_orders),
	TEST(test_two_days),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
