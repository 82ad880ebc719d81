/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: pictures that stand are repeated, for those who come meanwhile. */
#include "tests/support/playout_rig_check.h"

/* Slides of 5 s, all of them entries; pictures that end long before the sound, after one that is none; a live
 * segment that stops after an entry, or after another picture. */
static const struct rig_segment slides = { "s", 's', 'i', 20000, 1, 5, 1, 20000, -1 };
static const struct rig_segment ends = { "s", 's', 'i', 1000, 25, 1, 10, 20000, -1 };
static const struct rig_segment stops_at_entry = { "s", 's', 'i', 4000, 25, 1, 10, 4000, 820 };
static const struct rig_segment stops_elsewhere = { "s", 's', 'i', 4000, 25, 1, 10, 4000, 1000 };

/* It starts at 120. */
static struct rig_viewer *begin(const struct rig_segment *spec)
{
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	rig_enqueue(&rig, spec);
	return v;
}

/* The longest time without a picture between `from` and now, in ms. */
static int64_t longest_gap_ms(const struct rig_viewer *v, int64_t from)
{
	int64_t last = from, longest = 0;
	for (int i = 0; i <= v->picture_count; i++) {
		int64_t at = i < v->picture_count ? v->pictures[i].sent_ticks : rig.now;
		if (at < from)
			continue;
		longest = at - last > longest ? at - last : longest;
		last = at;
	}
	return longest / MS;
}

static int count(const struct rig_viewer *v, char kind, char tag)
{
	int n = 0;
	for (int i = 0; i < v->picture_count; i++)
		n += v->pictures[i].kind == kind && v->pictures[i].tag == tag;
	return n;
}

static void test_a_slide_is_sent_again(void)
{
	struct rig_viewer *v = begin(&slides);
	rig_run(&rig, media_ms(20120));
	CHECK(longest_gap_ms(v, media_ms(120)) <= 1000, "%d ms", (int)longest_gap_ms(v, media_ms(120)));
	CHECK_INT(count(v, 'E', 's'), 20);
	CHECK_INT(count(v, 'K', 'i'), 1);
	finish_after(1000);
}

static void test_newcomers_see_the_slide(void)
{
	begin(&slides);
	for (int ms = 300; ms < 19000; ms += 1230) {
		rig_run(&rig, media_ms(ms));
		struct rig_viewer *v = rig_join(&rig, NULL);
		rig_run(&rig, media_ms(ms + 1020));
		int first = rig_first(v, 's', 0);
		CHECK(first > 0, "at %d ms", ms);
		int slide = v->pictures[first].index;
		CHECK(slide == (ms - 120) / 5000 || slide == (ms + 1020 - 120) / 5000, "%d at %d ms", slide, ms);
		rig_leave(&rig, v);
	}
	finish_after(0);
}

/* Others see no step back. The newcomer sees the last entry, and goes on with the room at the next one. */
static void test_pictures_that_end_before_the_sound(void)
{
	struct rig_viewer *v = begin(&ends);
	rig_run(&rig, media_ms(5000));
	struct rig_viewer *late = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(20100));
	CHECK_INT(v->pictures[v->picture_count - 1].index, 24);
	CHECK_INT(count(v, 'E', 's'), 3);
	int first = rig_first(late, 's', 0);
	CHECK_INT(first, 1);
	CHECK_INT(late->pictures[first].index, 20);
	CHECK(late->pictures[first].sent_ticks <= media_ms(6000));
	CHECK(longest_gap_ms(late, media_ms(5000)) <= 1000);
	rig_run(&rig, media_ms(20200));
	for (int i = 0; i < 2; i++) {
		const struct rig_picture *p = &rig.viewers[i]->pictures[rig_first(rig.viewers[i], 'i', i ? 0 : 10)];
		CHECK_INT(p->kind, 'E');
		CHECK_INT(p->sent_ticks, media_ms(20120));
	}
	CHECK_INT(count(late, 'K', 'i'), 1);
	finish_after(1000);
}

/* Held at an entry: all are sent it again, and the picture behind it needs nothing else. */
static void test_held_at_an_entry(void)
{
	struct rig_viewer *v = begin(&stops_at_entry);
	rig_run(&rig, media_ms(4000));
	struct rig_viewer *late = rig_join(&rig, NULL);
	CHECK_INT(v->pictures[v->picture_count - 1].index, 20);
	CHECK(longest_gap_ms(v, media_ms(120)) <= 1000);
	rig_run(&rig, media_ms(5500));
	CHECK_INT(late->pictures[rig_first(late, 's', 0)].index, 20);
	int before[] = { v->picture_count, late->picture_count };
	rig_arrive(&rig, &stops_at_entry, -1);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(v->pictures[before[0]].index, 21);
	CHECK_INT(late->pictures[before[1]].index, 21);
	finish_after(5000);
}

/* Held elsewhere: a newcomer has an older entry, and goes on at the next; the others go on at once. */
static void test_held_between_entries(void)
{
	struct rig_viewer *v = begin(&stops_elsewhere);
	rig_run(&rig, media_ms(4000));
	struct rig_viewer *late = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(5500));
	int before[] = { v->picture_count, late->picture_count };
	CHECK_INT(late->pictures[before[1] - 1].index, 20);
	rig_arrive(&rig, &stops_elsewhere, -1);
	rig_run(&rig, media_ms(6500));
	CHECK_INT(v->pictures[before[0]].index, v->pictures[before[0] - 1].index + 1);
	CHECK_INT(late->pictures[before[1]].index, 30);
	finish_after(5000);
}

/* What one who was away has is from before. */
static void test_one_who_comes_back(void)
{
	struct rig_viewer *v = begin(&ends);
	dh_playout_viewer_pause(rig.playout, v->viewer, true);
	rig_run(&rig, media_ms(5000));
	CHECK_INT(rig_first(v, 's', 0), -1);
	dh_playout_viewer_pause(rig.playout, v->viewer, false);
	rig_run(&rig, media_ms(6020));
	CHECK_INT(v->pictures[rig_first(v, 's', 0)].index, 20);
	finish_after(16000);
}

/* A request for a key frame is answered with the next repetition. */
static void test_a_request_during_a_slide(void)
{
	struct rig_viewer *v = begin(&slides);
	rig_run(&rig, media_ms(7000));
	dh_playout_viewer_pli(rig.playout, v->viewer, rig.now);
	int before = v->picture_count;
	rig_run(&rig, media_ms(8100));
	CHECK_INT(v->pictures[before].kind, 'K');
	CHECK_INT(v->pictures[before + 1].index, 1);
	finish_after(1000);
}

/* The pictures have ended before the sound, with one that is no entry, and stand until 20120. */
static struct rig_viewer *begin_relay(int64_t keyframe_ms)
{
	struct rig_viewer *other = begin(&ends);
	struct rig_viewer *v = rig_join_way(&rig, NULL, &(struct dh_viewer_way){ .ptime = 20, .relays = true });
	dh_playout_viewer_keyframes(v->viewer, keyframe_ms * MS);
	rig_run(&rig, media_ms(5000));
	CHECK(keyframe_ms || v->pictures[v->picture_count - 1].index == 24);
	CHECK_INT(other->pictures[other->picture_count - 1].index, 24);
	return v;
}

/* The pictures from `from` on are the anchor and the last entry. */
static void check_begins(const struct rig_viewer *v, int from)
{
	CHECK(v->picture_count >= from + 2, "%d", v->picture_count - from);
	CHECK_INT(v->pictures[from].kind, 'K');
	CHECK_INT(v->pictures[from + 1].kind, 'E');
	CHECK_INT(v->pictures[from + 1].tag, 's');
	CHECK_INT(v->pictures[from + 1].index, 20);
}

/* It goes on with the room, at its next entry. */
static void check_goes_on(const struct rig_viewer *v)
{
	int before = v->picture_count;
	rig_run(&rig, media_ms(20130));
	CHECK(v->picture_count > before);
	CHECK_INT(v->pictures[v->picture_count - 1].tag, 'i');
	CHECK_INT(v->pictures[v->picture_count - 1].kind, 'E');
	CHECK_INT(v->pictures[v->picture_count - 1].sent_ticks, media_ms(20120));
}

/* Somebody has begun to watch behind a relay. No other viewer is sent an older picture, whether it asks or not. */
static void test_a_request_through_a_relay_while_a_picture_stands(void)
{
	struct rig_viewer *v = begin_relay(0), *other = rig.viewers[0];
	int before = v->picture_count, of_other = other->picture_count;

	dh_playout_viewer_pli(rig.playout, v->viewer, rig.now);
	rig_run(&rig, media_ms(6010));
	check_begins(v, before);
	rig_run(&rig, media_ms(10000));
	CHECK_INT(count(v, 'K', 'i'), 2);
	CHECK(longest_gap_ms(v, media_ms(6000)) <= 1000);
	dh_playout_viewer_pli(rig.playout, other->viewer, rig.now);
	rig_run(&rig, media_ms(20100));
	CHECK_INT(other->picture_count, of_other);
	check_goes_on(v);
	finish_after(1000);
}

/* The same of those behind it that ask nobody. */
static void test_key_frames_at_an_interval_while_a_picture_stands(void)
{
	const int64_t every_ms = 3000;
	struct rig_viewer *v = begin_relay(every_ms);
	uint32_t last = v->pictures[0].timestamp; /* all others come while it stands */

	rig_run(&rig, media_ms(20100));
	for (int i = 1; i < v->picture_count; i++) {
		const struct rig_picture *p = &v->pictures[i];
		if (p->kind != 'K')
			continue;
		check_begins(v, i);
		CHECK(p->timestamp - last <= (every_ms + 1000) * 90, "%u ms", (p->timestamp - last) / 90);
		CHECK(p->timestamp - last >= (every_ms - 1) * 90, "%u ms", (p->timestamp - last) / 90);
		last = p->timestamp;
	}
	CHECK(media_ms(20100) - media_ms(last / 90) <= (every_ms + 1000) * MS);
	check_goes_on(v);
	finish_after(1000);
}

/* A target that is back knows nothing. */
static void test_a_relay_that_is_back_while_a_picture_stands(void)
{
	struct rig_viewer *v = begin_relay(0);
	int before = v->picture_count;

	dh_playout_viewer_lost(rig.playout, v->viewer, rig.now);
	rig_run(&rig, media_ms(6010));
	check_begins(v, before);
	rig_run(&rig, media_ms(20100));
	check_goes_on(v);
	finish_after(1000);
}

/* Nobody has asked: what it shows is the newest. */
static void test_a_relay_without_requests_while_a_picture_stands(void)
{
	struct rig_viewer *v = begin_relay(0);
	int before = v->picture_count;

	rig_run(&rig, media_ms(20100));
	CHECK_INT(v->picture_count, before);
	finish_after(1000);
}

/* A repetition that comes too late is not missed: nobody waits for an entry because of it. */
static void test_a_late_repetition(void)
{
	struct rig_viewer *v = begin(&stops_at_entry);
	rig_run(&rig, media_ms(1900));
	rig_stall(&rig, 185 * MS); /* that of 1920 can still be sent, but not in time */
	rig_arrive(&rig, &stops_at_entry, -1);
	int before = v->picture_count;
	rig_run(&rig, media_ms(2500));
	CHECK_INT(v->pictures[before].index, 21);
	finish_after(5000);
}

/* With nobody there nothing is sent, nor is the room woken; who comes then sees it at once. */
static void test_nobody_watches(void)
{
	rig_open_idle(&rig, NULL, start);
	rig_enqueue(&rig, &slides);
	rig_run(&rig, media_ms(3000));
	CHECK(dh_playout_deadline_ticks(rig.playout) > media_ms(19000));
	CHECK_INT(rig.packets, 0);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(3040));
	CHECK_INT(v->pictures[rig_first(v, 's', 0)].index, 0);
	finish_after(1000);
}

static const struct check_test tests[] = {
	TEST(test_a_slide_is_sent_again),
	TEST(test_newcomers_see_the_slide),
	TEST(test_pictures_that_end_before_the_sound),
	TEST(test_held_at_an_entry),
	TEST(test_held_between_entries),
	TEST(test_one_who_comes_back),
	TEST(test_a_request_during_a_slide),
	TEST(test_a_request_through_a_relay_while_a_picture_stands),
	TEST(test_key_frames_at_an_interval_while_a_picture_stands),
	TEST(test_a_relay_that_is_back_while_a_picture_stands),
	TEST(test_a_relay_without_requests_while_a_picture_stands),
	TEST(test_a_late_repetition),
	TEST(test_nobody_watches),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
