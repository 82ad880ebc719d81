/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: what its viewers get, and when. Joins, anchors, PLIs,
 * pauses, offsets, lateness. */
#include "tests/support/playout_rig_check.h"

#include <stdlib.h>
#include <strings.h>

/* Counts compared bytes: the linker sends all calls through these
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

/* Each segment brings a copy of its anchor. Whether two are the same is compared once per
 * segment, not for each viewer and entry. */
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

static struct rig_viewer *join_relay(void)
{
	return rig_join_way(&rig, NULL, &(struct dh_viewer_way){ .ptime = 20, .relays = true });
}

/* One of those behind a relay wants a key frame, again and again: it comes before entries, less and less often, and
 * all others get every picture that anybody gets. */
static void test_requests_through_a_relay(void)
{
	int keys = 0, shown = 0;

	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = join_relay(), *other = rig_join(&rig, NULL);
	for (int ms = 2010; ms < 12000; ms += 50) {
		rig_run(&rig, media_ms(ms));
		dh_playout_viewer_pli(rig.playout, v->viewer, rig.now);
	}
	for (int i = 1; i < v->picture_count; i++) {
		const struct rig_picture *p = &v->pictures[i], *same = &other->pictures[++shown];
		if (p->kind == 'K') {
			keys++;
			shown--;
			CHECK_INT(p[1].kind, 'E');
			CHECK_INT(p[1].timestamp - p->timestamp, 90);
			CHECK(keys > 1 || p->sent_ticks <= media_ms(2010 + 400));
			continue;
		}
		CHECK(p->timestamp == same->timestamp && p->kind == same->kind, "at %u ms: %c, not %c at %u ms",
			p->timestamp / 90, p->kind, same->kind, same->timestamp / 90);
	}
	CHECK(keys >= 4 && keys <= 5, "%d", keys);
	CHECK_INT(shown, other->picture_count - 1);
	finish_after(100);
}

/* What a relay itself has not got, nobody behind it has: as with any viewer, the next picture is an entry. */
static void test_a_relay_that_lost_packets(void)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = join_relay();
	rig_run(&rig, media_ms(2050));
	dh_playout_viewer_lost(rig.playout, v->viewer, rig.now);
	int before = v->picture_count;
	rig_run(&rig, media_ms(2600));
	CHECK_INT(v->pictures[before].kind, 'K');
	CHECK_INT(v->pictures[before + 1].kind, 'E');
	CHECK_INT(v->pictures[before + 2].kind, 'D');
	finish_after(100);
}

static int anchors_at(const struct rig_viewer *v, int64_t from, int64_t to)
{
	int count = 0;

	for (int i = 1; i < v->picture_count; i++)
		count += v->pictures[i].kind == 'K' && v->pictures[i].sent_ticks >= from &&
			v->pictures[i].sent_ticks < to;
	return count;
}

static const struct crowd_row {
	const char *name;
	int viewers, most, entries;
} crowd_rows[] = {
	{ "a few", 16, 16, 1 },
	{ "some more", 17, 16, 2 },
	{ "many", 63, 16, 4 },
	{ "more", 100, 25, 4 },
};

/* All ask at once: they are answered at one entry after another, everybody once. */
static void test_requests_of_a_crowd(const void *arg)
{
	const struct crowd_row *row = arg;
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < row->viewers; i++)
		rig_join(&rig, NULL);
	rig_run(&rig, media_ms(2050));
	for (int i = 0; i < row->viewers; i++)
		dh_playout_viewer_pli(rig.playout, rig.viewers[i]->viewer, rig.now);
	rig_run(&rig, media_ms(5000));
	for (int entry = 0; entry < 7; entry++) {
		int64_t from = media_ms(2050 + entry * 400);
		int anchors = 0;
		for (int i = 0; i < row->viewers; i++)
			anchors += anchors_at(rig.viewers[i], from, from + 400 * MS);
		CHECK_AT("entry %d", entry);
		CHECK(anchors <= row->most, "%d", anchors);
		CHECK_INT(anchors > 0, entry < row->entries);
	}
	for (int i = 0; i < row->viewers; i++)
		CHECK_INT(anchors_at(rig.viewers[i], media_ms(2050), rig.now), 1);
	finish_after(0);
}

/* One viewer wants the anchor again and again: it precedes entries, every one of which still comes, and so does
 * every other picture. */
static void test_key_frames_at_an_interval(void)
{
	const int64_t every_ms = 1000;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL), *other = rig_join(&rig, NULL);
	dh_playout_viewer_keyframes(v->viewer, every_ms * MS);
	rig_run(&rig, media_ms(1010));
	rig_enqueue(&rig, &(struct rig_segment)SPEECH("s", 's'));
	rig_run(&rig, media_ms(7000));
	int keys = 0;
	uint32_t last = 0;
	for (int i = 1; i < v->picture_count; i++) {
		const struct rig_picture *p = &v->pictures[i];
		if (p->kind == 'E') /* the first one that is late enough has it before it */
			CHECK(p->timestamp - 90 - last < every_ms * 90 || v->pictures[i - 1].kind == 'K');
		if (p->kind != 'K')
			continue;
		CHECK_INT(p[1].kind, 'E');
		CHECK_INT(p[1].timestamp - p->timestamp, 90);
		CHECK(p->timestamp - last >= (every_ms - 1) * 90, "%u after %u", p->timestamp, last);
		last = p->timestamp;
		keys++;
	}
	CHECK(keys >= 4, "%d", keys);
	CHECK_INT(v->picture_count - keys, other->picture_count);
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

static int64_t offset_of(const struct rig_viewer *v)
{
	return v->pictures[1].sent_ticks - start - v->pictures[1].timestamp * 8LL;
}

static void join_sender(struct rig *joined, int sender)
{
	rig_join_way(joined, NULL, &(struct dh_viewer_way){ .sender = sender, .ptime = 20 });
}

/* Two threads send to the last twenty of forty. */
static void test_who_shares_a_sender_is_served_together(void)
{
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 40; i++)
		join_sender(&rig, i < 20 ? 0 : 7 + i % 2);
	rig_leave(&rig, rig.viewers[22]);
	rig_run(&rig, media_ms(1000));
	for (int i = 20; i < 40; i++) {
		if (i == 22)
			continue;
		const struct rig_viewer *v = rig.viewers[i], *other = rig.viewers[i % 2 ? 20 : 21];
		CHECK_INT(offset_of(v), offset_of(rig.viewers[20 + i % 2]));
		CHECK(offset_of(v) != offset_of(other));
		CHECK(offset_of(v) > 0);
	}
	finish_after(100);
}

static int64_t offset_after(int viewers, int sender)
{
	while (rig.viewer_count < viewers)
		join_sender(&rig, sender);
	rig_run(&rig, rig.now + 500 * MS);
	return offset_of(rig.viewers[viewers - 1]);
}

/* Viewers come to one event loop after the other from the first one on. The loops are half of the time apart, then a
 * quarter. */
static void test_event_loops_are_spread_from_the_first_viewers_on(void)
{
	rig_open_idle(&rig, NULL, start);
	CHECK_INT(offset_after(1, 7), 0);
	CHECK_INT(offset_after(2, 8), 5 * MS);
	CHECK_INT(offset_after(3, 9), 2 * MS);
	CHECK_INT(offset_after(4, 10), 7 * MS);
	for (int i = 4; i < 40; i++)
		join_sender(&rig, 7 + i % 4);
	rig_run(&rig, rig.now + 1000 * MS);
	for (int i = 4; i < 40; i++)
		CHECK_INT(offset_of(rig.viewers[i]), offset_of(rig.viewers[i % 4]));
	finish_after(100);
}

/* A loop counts once, however many viewers it has, until the last of them has gone. */
static void test_an_event_loop_makes_room_when_its_last_viewer_goes(void)
{
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 10; i++)
		join_sender(&rig, 7);
	CHECK_INT(offset_after(11, 8), 5 * MS);
	for (int i = 0; i < 9; i++)
		rig_leave(&rig, rig.viewers[i]);
	CHECK_INT(offset_after(12, 9), 2 * MS);
	rig_leave(&rig, rig.viewers[9]);
	CHECK_INT(offset_after(13, 10), 8 * MS);
	finish_after(100);
}

/* What few viewers with threads of their own see is not later. */
static void test_few_viewers_have_no_offset(void)
{
	rig_open_idle(&rig, NULL, start);
	for (int i = 0; i < 20; i++)
		join_sender(&rig, 0);
	rig_run(&rig, media_ms(1000));
	for (int i = 0; i < 20; i++)
		CHECK_INT(offset_of(rig.viewers[i]), 0);
	CHECK(offset_after(21, 0) > 0);
	finish_after(100);
}

/* What is due for viewers of one thread is handed over without a gap, in which it would go round. */
static void test_senders_take_turns_once(void)
{
	struct dh_playout_config config;
	dh_playout_config_init(&config);
	config.spread_ticks = 0;
	rig_open_idle(&rig, &config, start);
	for (int i = 0; i < 12; i++)
		join_sender(&rig, 7 + i % 2);
	rig_run(&rig, media_ms(1000));
	uint64_t first[2] = { UINT64_MAX, UINT64_MAX }, last[2] = { 0 };
	for (int i = 0; i < 12; i++) {
		const struct rig_viewer *v = rig.viewers[i];
		CHECK_INT(offset_of(v), 0);
		first[i % 2] = v->last_packet < first[i % 2] ? v->last_packet : first[i % 2];
		last[i % 2] = v->last_packet > last[i % 2] ? v->last_packet : last[i % 2];
	}
	CHECK(last[0] < first[1] || last[1] < first[0]);
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
		int64_t offset = offset_of(v);
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

/* Resuming a viewer that is not paused changes nothing: its picture does not stop. */
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

static const struct check_test tests[] = {
	TEST(test_join_gets_the_anchor_at_once),
	TEST(test_own_anchor_is_sent_before_and_the_avatars_after),
	TEST(test_anchors_are_compared_once_a_segment),
	TEST(test_pli_waits_for_an_entry_and_backs_off),
	TEST(test_requests_through_a_relay),
	TEST(test_a_relay_that_lost_packets),
	TABLE(test_requests_of_a_crowd, crowd_rows),
	TEST(test_key_frames_at_an_interval),
	TEST(test_pause_and_resume),
	TEST(test_groups_have_constant_offsets),
	TEST(test_who_shares_a_sender_is_served_together),
	TEST(test_event_loops_are_spread_from_the_first_viewers_on),
	TEST(test_an_event_loop_makes_room_when_its_last_viewer_goes),
	TEST(test_few_viewers_have_no_offset),
	TEST(test_senders_take_turns_once),
	TEST(test_late_wake_sends_what_is_young_and_skips_to_an_entry),
	TEST(test_pause_again_changes_nothing),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
