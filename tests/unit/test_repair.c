/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: viewers that lose packets, judged by a model of how libwebrtc finds out what a picture
 * refers to: by picture ID, TL0PICIDX, TID and Y. */
#include "tests/support/playout_rig_check.h"

#include "playout/repair.h"

#include <stdlib.h>
#include <string.h>

/* Between two entries of the rig's idle clip. */
#define ENTRIES_MS 400

/* --- a browser: RtpVp8RefFinder and what it hands on, without wraps, which the tests of continuity have */

#define INDICES 256
#define LOST    -1

struct browser {
	int64_t layers[INDICES][2]; /* by TL0PICIDX: the last picture of each layer, LOST: none */
	bool is_known[INDICES];
	bool is_missing[RIG_LOG_MAX]; /* pictures that have not come whole */
	int shown;                    /* pictures handed to the decoder */
	int64_t last;                 /* the last of them */
};

static void open_browser(struct browser *browser)
{
	memset(browser, 0, sizeof *browser);
	memset(browser->layers, 0xff, sizeof browser->layers);
	browser->last = LOST;
}

static bool hand_on(struct browser *browser, int64_t picture, uint8_t index, int tid)
{
	/* This index and those after it. */
	for (uint8_t i = index; browser->is_known[i] && browser->layers[i][tid] < picture; i++)
		browser->layers[i][tid] = picture;
	browser->shown++;
	browser->last = picture;
	return true;
}

static bool take_base(struct browser *browser, int64_t picture, const struct rig_picture *p)
{
	uint8_t index = p->tl0picidx, before = (uint8_t)(index - 1);

	if (p->kind == 'K') {
		memset(browser->layers[index], 0xff, sizeof browser->layers[index]);
	} else {
		if (!browser->is_known[before])
			return false;
		if (!browser->is_known[index])
			memcpy(browser->layers[index], browser->layers[before], sizeof browser->layers[index]);
	}
	browser->is_known[index] = true;
	/* Indices far ahead are of the round before. */
	for (int i = 1; i < INDICES / 2; i++)
		browser->is_known[(uint8_t)(index + i)] &= browser->layers[(uint8_t)(index + i)][0] > picture - 1000;
	return hand_on(browser, picture, index, 0);
}

/* A whole picture, `number` since the connection began. Whether it can be shown. */
static bool take(struct browser *browser, int64_t number, const struct rig_picture *p)
{
	int64_t *layers = browser->layers[p->tl0picidx];

	if (!(p->layer >> 6))
		return take_base(browser, number, p);
	if (!browser->is_known[p->tl0picidx] || layers[0] == LOST)
		return false;
	if (!(p->layer & 0x20) && layers[1] == LOST)
		return false;
	for (int64_t i = layers[0] + 1; i < number && !(p->layer & 0x20); i++)
		if (browser->is_missing[i])
			return false;
	return hand_on(browser, number, p->tl0picidx, 1);
}

/* --- a viewer with such a browser, whose pictures are looked at one by one */

struct lossy {
	struct rig_viewer *v;
	struct browser browser;
	int seen;                /* of its pictures */
	int32_t lost;            /* packets */
	uint16_t highest, since; /* see struct dh_repair_report */
	bool reports;
};

static void open_lossy_from(struct lossy *lossy, const struct dh_continuity_seed *seed, bool reports)
{
	*lossy = (struct lossy){ .v = rig_join(&rig, seed), .reports = reports };
	lossy->v->reports_losses = reports;
	open_browser(&lossy->browser);
}

static void open_lossy(struct lossy *lossy, bool reports)
{
	open_lossy_from(lossy, NULL, reports);
}

static void report(struct lossy *lossy)
{
	const struct dh_repair_report report = { lossy->lost, lossy->since, lossy->highest };

	if (lossy->reports)
		dh_playout_viewer_hear(lossy->v->viewer, &report);
	lossy->since = lossy->highest;
}

/* The next picture; `lose`: one of its packets. */
static const struct rig_picture *next_picture(struct lossy *lossy, bool lose)
{
	while (lossy->v->picture_count <= lossy->seen || lossy->v->unfinished)
		rig_run(&rig, dh_playout_deadline_ticks(rig.playout));
	const struct rig_picture *p = &lossy->v->pictures[lossy->seen];
	lossy->browser.is_missing[lossy->seen] = lose;
	/* A browser notices when the next one comes. */
	bool was_lost = lossy->seen && lossy->browser.is_missing[lossy->seen - 1];
	lossy->highest = p->last;
	if (was_lost && !lose)
		report(lossy);
	else if (!was_lost && !lose)
		lossy->since = p->last;
	lossy->lost += lose;
	if (!lose)
		take(&lossy->browser, lossy->seen, p);
	lossy->seen++;
	return p;
}

static bool is_shown(const struct lossy *lossy)
{
	return lossy->browser.last == lossy->seen - 1;
}

static void open_room(void)
{
	rig_sizes(3000, 9000);
	rig_open_idle(&rig, NULL, start);
}

/* Up to an entry, itself included, with everything shown. */
static void settle(struct lossy *lossy)
{
	for (int i = 0; i < 15 || lossy->v->pictures[lossy->seen - 1].kind != 'E'; i++)
		next_picture(lossy, false);
	CHECK(is_shown(lossy));
}

/* Whichever others are lost, the next entry is shown, without any report, and so is everything behind it. */
static void test_others_need_no_repair(void)
{
	for (int lost = 1; lost < 10; lost++) {
		struct lossy lossy;
		open_room();
		open_lossy(&lossy, false);
		settle(&lossy);
		for (int i = 1; i <= 30; i++) {
			const struct rig_picture *p = next_picture(&lossy, i == lost || i == 9);
			CHECK_INT(p->kind, i % 10 ? 'D' : 'E');
			CHECK_INT(is_shown(&lossy), i < lost || i >= 10);
		}
		CHECK_INT(lossy.v->reports_losses, 0);
		finish_after(0);
	}
}

/* Without a report a lost entry is the end; with one, the next is shown, as many as were lost. */
static void test_lost_entries(void)
{
	for (int reports = 0; reports < 2; reports++) {
		for (int entries = 1; entries < 6; entries++) {
			struct dh_viewer_stats stats;
			struct lossy lossy;
			open_room();
			struct rig_viewer *other = rig_join(&rig, NULL);
			open_lossy(&lossy, reports);
			settle(&lossy);
			for (int i = 1; i < entries * 10 + 5; i++)
				next_picture(&lossy, i >= 10 && i < entries * 10 + 1);
			CHECK(!is_shown(&lossy));
			for (int i = 5; i < 40; i++) {
				next_picture(&lossy, false);
				CHECK_INT(is_shown(&lossy), reports && i >= 10);
			}
			dh_playout_viewer_stats(lossy.v->viewer, &stats);
			CHECK_INT(stats.repairs, reports);
			CHECK_INT(stats.anchors, 1);
			dh_playout_viewer_stats(other->viewer, &stats);
			CHECK_INT(stats.repairs, 0);
			CHECK_INT(other->picture_count, lossy.v->picture_count);
			finish_after(500);
		}
	}
}

/* It was not the entry that was lost, or it came after all: everything is shown all the same. */
static void test_needless_repairs(void)
{
	for (int at = 0; at < 12; at++) {
		struct lossy lossy;
		open_room();
		open_lossy(&lossy, true);
		settle(&lossy);
		for (int i = 1; i < 40; i++) {
			if (i == at + 10) {
				lossy.lost += 2;
				lossy.since = (uint16_t)(lossy.highest - 40);
				report(&lossy);
			}
			next_picture(&lossy, false);
			CHECK(is_shown(&lossy), "picture %d after %d", i, at);
		}
		finish_after(500);
	}
}

/* Anything may be lost, all the time; whenever nothing has been lost for two entries, everything is shown. */
static void test_random_losses(void)
{
	srand(1);
	for (int round = 0; round < 40; round++) {
		struct lossy lossy;
		open_room();
		open_lossy(&lossy, true);
		settle(&lossy);
		for (int times = 0; times < 12; times++) {
			int percent = rand() % 60, pictures = rand() % 50;
			for (int i = 0; i < pictures; i++)
				next_picture(&lossy, rand() % 100 < percent);
			for (int i = 0; i < 22; i++)
				next_picture(&lossy, false);
			for (int i = 0; i < 12; i++) {
				next_picture(&lossy, false);
				CHECK(is_shown(&lossy), "round %d, time %d", round, times);
			}
		}
		finish_after(0);
	}
}

/* Another segment's anchor that is lost comes again, once, before its next entry; the one that it had on joining its
 * browser asks for. */
static void test_a_lost_anchor(void)
{
	static const struct rig_segment own = { "o", 'o', 'x', 3000, 25, 1, 10, 3000, -1 };
	struct dh_viewer_stats stats;
	struct lossy lossy;
	open_room();
	open_lossy(&lossy, true);
	settle(&lossy);
	rig_enqueue(&rig, &own);
	while (next_picture(&lossy, false)->tag != 'x')
		;
	for (int again = 0; again < 2; again++) {
		next_picture(&lossy, false);
		lossy.lost++;
		lossy.since = (uint16_t)(lossy.highest - 50);
		report(&lossy);
		for (int i = 0; i < 12; i++)
			next_picture(&lossy, false);
		CHECK(is_shown(&lossy));
		dh_playout_viewer_stats(lossy.v->viewer, &stats);
		CHECK_INT(stats.anchors, 3); /* i, x, x */
	}
	finish_after(500);
	open_room();
	open_lossy(&lossy, true);
	next_picture(&lossy, false);
	lossy.lost++;
	lossy.since = (uint16_t)(lossy.highest - 100);
	report(&lossy);
	for (int i = 0; i < 30; i++)
		next_picture(&lossy, false);
	CHECK(is_shown(&lossy));
	dh_playout_viewer_stats(lossy.v->viewer, &stats);
	CHECK_INT(stats.anchors, 1);
	finish_after(500);
}

/* A viewer that comes from another room asks for nothing: to its browser the first anchor is one of many. */
static void test_a_lost_anchor_of_another_room(void)
{
	struct dh_continuity_seed seed;
	struct dh_viewer_stats stats;
	struct lossy lossy;
	open_room();
	open_lossy(&lossy, true);
	settle(&lossy);
	dh_playout_viewer_seed(rig.playout, lossy.v->viewer, rig.now, &seed);
	rig_leave(&rig, lossy.v);
	dh_playout_seed_here(rig.playout, &seed);
	open_lossy_from(&lossy, &seed, true);
	CHECK_INT(next_picture(&lossy, true)->kind, 'K');
	next_picture(&lossy, false);
	for (int i = 0; i < 22; i++)
		next_picture(&lossy, false);
	dh_playout_viewer_stats(lossy.v->viewer, &stats);
	CHECK_INT(stats.anchors, 2);
	CHECK_INT(stats.repairs, 1);
	CHECK(is_shown(&lossy));
	finish_after(500);
}

/* --- by itself */

static void note(struct dh_repair *repair, int first, int last, int index, bool is_anchor, bool is_wanted)
{
	dh_repair_note(repair,
		&(struct dh_repair_base){ (uint16_t)first, (uint16_t)last, (uint8_t)index, is_anchor, is_wanted });
}

static int rewound(struct dh_repair *repair, int32_t lost, int since, int highest)
{
	uint8_t index;

	dh_repair_hear(repair, &(struct dh_repair_report){ lost, (uint16_t)since, (uint16_t)highest });
	return dh_repair_rewind(repair, &index) ? index : -1;
}

/* An entry with sequence numbers 65530 to 3; another one, 20 to 30. */
static const struct where_row {
	const char *name;
	int since, highest, index;
} where_rows[] = {
	{ "before both", 65500, 65529, -1 },
	{ "the first one's first packet", 65529, 65530, 254 },
	{ "its last", 2, 10, 254 },
	{ "between both", 3, 19, -1 },
	{ "the other one's first", 10, 20, 255 },
	{ "its last, or later", 29, 200, 255 },
	{ "behind both", 30, 200, -1 },
	{ "in either", 65529, 200, 254 },
	{ "anywhere since long ago", 200 - 0x7fff, 200, 254 },
};

static void test_where_it_was_lost(const void *arg)
{
	const struct where_row *row = arg;
	struct dh_repair repair = { 0 };

	note(&repair, 65530, 3, 254, false, false);
	note(&repair, 20, 30, 255, false, false);
	CHECK_INT(rewound(&repair, 0, row->since, row->highest), -1); /* nothing was */
	CHECK_INT(rewound(&repair, -2, row->since, row->highest), -1);
	CHECK_INT(rewound(&repair, -1, row->since, row->highest), row->index);
	CHECK_INT(rewound(&repair, -1, row->since, row->highest), -1);
}

static void test_anchors(void)
{
	struct dh_repair repair = { 0 };

	note(&repair, 10, 20, 7, false, false);
	note(&repair, 21, 50, 8, true, true);
	CHECK_INT(rewound(&repair, 1, 9, 15), -1); /* it has made up for that */
	CHECK(!repair.wants_anchor);
	CHECK_INT(rewound(&repair, 2, 15, 25), 9); /* entries refer to it */
	CHECK(repair.wants_anchor);
	CHECK_INT(rewound(&repair, 1, 25, 26), -1); /* it came late */
	CHECK(!repair.wants_anchor);
	CHECK_INT(rewound(&repair, 2, 26, 27), 9);
	note(&repair, 60, 70, 10, true, false);
	CHECK(!repair.wants_anchor);
	CHECK_INT(rewound(&repair, 3, 60, 65), 11);
	CHECK(!repair.wants_anchor);
}

static const struct check_test tests[] = {
	TEST(test_others_need_no_repair),
	TEST(test_lost_entries),
	TEST(test_needless_repairs),
	TEST(test_random_losses),
	TEST(test_a_lost_anchor),
	TEST(test_a_lost_anchor_of_another_room),
	TABLE(test_where_it_was_lost, where_rows),
	TEST(test_anchors),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
