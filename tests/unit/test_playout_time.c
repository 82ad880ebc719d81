/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock, over a long time: rooms without viewers, an hour of random
 * orders, two days. */
#include "rooms/screen.h"
#include "tests/support/playout_rig_check.h"

#include <stdlib.h>

#include <glib.h>

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
	/* Someone joins: it is as if they had been there all the time. */
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

/* --- what is said of lateness */

/* A viewer of a room that speaks from 20 ms on, for 5 s. */
static struct rig_viewer *listen_to_speech(void)
{
	struct rig_segment spec = SPEECH("s", 's');

	spec.video_ms = spec.audio_ms = 5000;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_enqueue(&rig, &spec);
	return v;
}

/* Once for all that leaves together: sound every 20 ms, a picture with every second one. */
static void test_what_leaves_together_is_told_once(void)
{
	struct rig_viewer *v = listen_to_speech();
	rig_run(&rig, media_ms(1000));
	int handed = v->handed, sounds = v->sound_count, pictures = v->picture_count;
	rig_run(&rig, media_ms(2000));
	CHECK_INT(v->handed - handed, 50);
	CHECK_INT(v->sound_count - sounds, 50);
	CHECK_INT(v->picture_count - pictures, 25);
	finish_after(0);
}

static const struct late_row {
	const char *name;
	int stall_ms, sound_ms, picture_ms; /* -1: none left */
} late_rows[] = {
	{ "in time", 0, 0, 0 }, { "a little", 7, 7, 7 }, { "the first of two", 27, 27, 27 },
	{ "too late to be sent", 190, 150, -1 }, /* and none of the pictures that still could be is an entry */
};

static void test_how_late(const void *row)
{
	const struct late_row *r = row;

	struct rig_viewer *v = listen_to_speech();
	rig_run(&rig, media_ms(1019));
	rig_stall(&rig, (r->stall_ms + 1) * MS);
	CHECK_INT(v->late_ticks[DH_AUDIO], r->sound_ms * MS);
	CHECK_INT(v->late_ticks[DH_VIDEO], r->picture_ms < 0 ? DH_LATE_NONE : r->picture_ms * MS);
	finish_after(0);
}

/* --- random orders */

static const struct kind {
	int video_ms, num, den, audio_ms;
	char anchor;
} kinds[] = { { 1000, 25, 1, 1000, 'i' }, { 700, 33, 1, 720, 'i' }, { 3000, 30000, 1001, 2000, 'x' },
	{ 0, 25, 1, 900, 'i' }, { 500, 25, 1, 0, 'i' }, { 40, 25, 1, 40, 'y' } };

/* A segment of a random kind, unless the queue is long. Returns how many it has added. */
static int enqueue_any(int made)
{
	static const size_t sizes[] = { 0, 0, 0, 20 * 1182, 90 * 1182 };
	const struct kind *kind = &kinds[rand() % 6];
	char id[20];

	if (dh_playout_waiting(rig.playout, 20))
		return 0;
	snprintf(id, sizeof id, "s%d", made);
	rig_sizes(sizes[rand() % 5], sizes[rand() % 5]);
	rig_enqueue(&rig,
		&(struct rig_segment){ id, (char)('a' + made % 8), kind->anchor, kind->video_ms, kind->num, kind->den,
			1 + rand() % 20, kind->audio_ms, -1 });
	return 1;
}

static void remove_next(void)
{
	const struct dh_segment *next = dh_playout_waiting(rig.playout, 0);

	if (next)
		CHECK_INT(dh_playout_remove(rig.playout, dh_segment_id(next)), 0);
}

/* A viewer joins, or one of many wants something. */
static void disturb_viewers(void)
{
	if (rig.viewer_count < 40)
		rig_join(&rig, NULL);
	else if (rand() % 4)
		dh_playout_viewer_pli(rig.playout, rig.viewers[rand() % 40]->viewer, rig.now);
	else
		dh_playout_viewer_pause(rig.playout, rig.viewers[rand() % 40]->viewer, rand() % 2);
}

/* Returns how many segments it has added. */
static int order_any(int made)
{
	int order = rand() % 8;

	if (order < 4)
		return enqueue_any(made);
	if (order == 4)
		dh_playout_skip(rig.playout);
	else if (order == 5)
		remove_next();
	else if (order == 6 && rand() % 4 == 0)
		dh_playout_interrupt(rig.playout);
	else if (order == 7)
		disturb_viewers();
	return 0;
}

static void check_each_has_ended_once(int made)
{
	int ends = 0;

	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		ends += rig_count(&rig, (enum dh_event_type)type, NULL);
	CHECK(rig.event_count < RIG_LOG_MAX * 2, "%d", rig.event_count);
	if (rig.event_count >= RIG_LOG_MAX)
		return; /* the log has lost some */
	CHECK_INT(ends, made);
	for (int i = 0; i < made; i++) {
		char id[20];
		snprintf(id, sizeof id, "s%d", i);
		CHECK_INT(rig_ends(&rig, id), 1);
	}
}

/* For an hour of media: each segment ends exactly once, every picture that left can be
 * decoded, no numbering breaks. */
static void test_random_orders(void)
{
	int made = 0;

	srand(7);
	rig_open_idle(&rig, NULL, start);
	for (int step = 0; step < 3000; step++) {
		rig_run(&rig, rig.now + (rand() % 1200) * MS + rand() % 720);
		if (rand() % 30 == 0)
			rig_stall(&rig, (rand() % 2000) * MS);
		dh_playout_poll(rig.playout, rig.now);
		made += order_any(made);
	}
	for (int i = 0; i < rig.viewer_count; i++)
		dh_playout_viewer_pause(rig.playout, rig.viewers[i]->viewer, false);
	dh_playout_interrupt(rig.playout);
	check_each_has_ended_once(made);
	finish_after(100);
}

/* --- two days */

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

/* --- what is shown, slot by slot */

static GString *told; /* one line for each: "100 + 1", "115 - 1", "130 ! m" */

static void on_shown(void *arg, const struct dh_screen_caption *caption, int64_t at_ticks)
{
	(void)arg;
	g_string_append_printf(told, "%d + %u\n", (int)(at_ticks / MS), caption->number);
}

static void on_shown_no_more(void *arg, const struct dh_screen_caption *caption, int64_t at_ticks)
{
	(void)arg;
	g_string_append_printf(told, "%d - %u\n", (int)(at_ticks / MS), caption->number);
}

static void on_marked(void *arg, json_t *data, int64_t at_ticks)
{
	(void)arg;
	g_string_append_printf(told, "%d ! %s\n", (int)(at_ticks / MS), json_string_value(data));
}

static struct dh_screen screen;

/* As a room does. */
static void on_slot(void *arg, bool in_time)
{
	static const struct dh_screen_out out = { NULL, on_shown, on_shown_no_more, on_marked };
	const struct dh_screen_play play = { .timed_text = arg, .is_complete = true };

	if (in_time && dh_playout_playing(rig.playout, NULL))
		dh_screen_advance(&screen, &play, dh_playout_position_ticks(rig.playout), DH_SLOT_TICKS, &out);
}

static const struct shown_row {
	const char *name;
	int stall_ms;
	const char *told;
} shown_rows[] = {
	{ "in time", 0, "100 + 1\n115 - 1\n130 ! m\n200 + 2\n300 - 2\n" },
	{ "in a late turn", 120, "100 + 1\n115 - 1\n130 ! m\n200 + 2\n300 - 2\n" },
	{ "too late to be sent", 500, "420 ! m\n" },
};

/* What is shown in a slot that is sent has its time, whenever that is. */
static void test_shown(const void *arg)
{
	const struct shown_row *row = arg;
	json_t *captions = json_loads("[[\"a\",100,115],[\"b\",200,300]]", 0, NULL);
	json_t *markers = json_loads("[[130,\"m\"]]", 0, NULL);
	struct dh_timed_text *timed_text = dh_timed_text_new(captions, markers);

	listen_to_speech();
	rig.on_slot = on_slot;
	rig.arg = timed_text;
	screen = (struct dh_screen){ 0 };
	told = g_string_new(NULL);
	rig_run(&rig, media_ms(80));
	rig_stall(&rig, row->stall_ms * MS);
	rig_run(&rig, rig.now + 600 * MS);
	CHECK_STR(told->str, row->told);
	finish_after(0);
	g_string_free(told, TRUE);
	dh_timed_text_free(&timed_text);
	json_decref(captions);
	json_decref(markers);
}

static const struct check_test tests[] = {
	TEST(test_room_without_viewers_wakes_at_edges_only),
	TEST(test_hold_without_viewers_resumes_at_once),
	TEST(test_what_leaves_together_is_told_once),
	TABLE(test_how_late, late_rows),
	TABLE(test_shown, shown_rows),
	TEST(test_random_orders),
	TEST(test_two_days),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
