/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which quality a network carries, under a fake clock: single rules, and a model of a bottleneck with its queue. */
#include "tests/support/check.h"

#include "playout/choice.h"

#include <string.h>

#define S  DH_TICKS_PER_SECOND
#define MS DH_TICKS_PER_MS

static const int three[DH_QUALITIES_MAX] = { 800, 350, 150 };

static struct dh_choice choice;
static int64_t now;
static uint64_t sent;
static struct dh_choice_report said;

static void begin(const int kbps[DH_QUALITIES_MAX], bool can_thin)
{
	now = 1000 * S;
	sent = 0;
	said = (struct dh_choice_report){ .highest = 65000, .rtt_ms = 40 };
	dh_choice_init(&choice, kbps, can_thin, S / 2, 0, now);
}

/* A second in which all of it was sent, a hundred packets; then a report. */
static bool second(int lost_percent, int rtt_ms)
{
	now += S;
	sent += (uint64_t)choice.kbps[choice.place] * 1000 / 8;
	said.highest += 100;
	said.lost += lost_percent;
	said.rtt_ms = rtt_ms;
	return dh_choice_report(&choice, &said, sent, now);
}

static int place(void)
{
	bool is_thin;
	int quality = dh_choice_quality(&choice, &is_thin);
	CHECK_INT(is_thin, choice.place == choice.qualities);
	CHECK_INT(quality, is_thin ? choice.place - 1 : choice.place);
	return choice.place;
}

static void good_seconds(int count)
{
	while (count-- > 0)
		second(0, 40);
}

static void test_nothing_wrong(void)
{
	begin(three, true);
	for (int i = 0; i < 100; i++)
		CHECK(!second(i % 2, 40 + i % 20));
	CHECK_INT(place(), 0);
}

static void test_one_quality_has_nowhere_to_go(void)
{
	static const int one[DH_QUALITIES_MAX] = { 800 };
	begin(one, false);
	for (int i = 0; i < 100; i++)
		CHECK(!second(i % 60, 40 + 10 * i));
	CHECK_INT(place(), 0);
	begin(one, true);
	good_seconds(1);
	second(50, 40);
	CHECK_INT(place(), 1);
}

/* As far as what arrived will bear. */
static void test_down_at_once(void)
{
	static const struct {
		int lost_percent, place;
	} rows[] = { { 9, 0 }, { 12, 1 }, { 50, 1 }, { 57, 2 }, { 70, 2 }, { 85, 3 }, { 99, 3 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_AT("%d %%", rows[i].lost_percent);
		begin(three, true);
		good_seconds(5);
		CHECK_INT(second(rows[i].lost_percent, 40), rows[i].place > 0);
		CHECK_INT(place(), rows[i].place);
	}
}

/* The first report of a connection says what has been lost since it began, and what is sent is not known yet. Any other
 * first one, of a viewer that comes from another room, only tells where to begin. */
static void test_the_first_report(void)
{
	static const struct {
		int lost_percent, place;
	} rows[] = { { 5, 0 }, { 20, 1 }, { 66, 2 }, { 95, 3 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_AT("%d %%", rows[i].lost_percent);
		for (int is_first = 0; is_first < 2; is_first++) {
			begin(three, true);
			said.is_first = is_first;
			said.first_lost = rows[i].lost_percent * 256 / 100;
			said.lost = 60;
			dh_choice_report(&choice, &said, 60000, now);
			CHECK_INT(place(), is_first ? rows[i].place : 0);
			said.is_first = false;
		}
	}
}

/* Some loss in two reports in a row, not in one. */
static void test_some_loss_twice(void)
{
	begin(three, false);
	good_seconds(5);
	CHECK(!second(6, 40));
	CHECK(!second(0, 40));
	CHECK(!second(6, 40));
	CHECK(second(6, 40));
	CHECK_INT(place(), 1);
}

static void test_delay(void)
{
	begin(three, false);
	good_seconds(5);
	CHECK(!second(0, 400));
	CHECK(!second(0, 100));
	CHECK(!second(0, 400));
	CHECK(second(0, 500));
	CHECK_INT(place(), 1);
	begin(three, false);
	for (int i = 0; i < 20; i++)
		CHECK(!second(0, 600)); /* far away is not slow */
	for (int i = 0; i < 20; i++)
		CHECK(!second(0, -1));
}

/* A low estimate says nothing, as long as it does not fall; nor one that falls, but is more than what is sent. */
static void test_remb(void)
{
	begin(three, false);
	good_seconds(3);
	for (int kbps = 100; kbps < 300; kbps += 20) {
		CHECK(!dh_choice_remb(&choice, kbps, sent, now));
		second(0, 40);
	}
	CHECK(!dh_choice_remb(&choice, 3000, sent, now));
	CHECK(!dh_choice_remb(&choice, 1000, sent, now));
	CHECK(!dh_choice_remb(&choice, 950, sent, now));
	CHECK(dh_choice_remb(&choice, 500, sent, now));
	CHECK_INT(place(), 1);
	begin(three, false);
	good_seconds(3);
	CHECK(!dh_choice_remb(&choice, 900, sent, now));
	CHECK(dh_choice_remb(&choice, 250, sent, now));
	CHECK_INT(place(), 2);
}

/* What is sent may be much less than the bit rate of its quality: an avatar that idles. */
static void test_remb_of_a_still_avatar(void)
{
	begin(three, false);
	for (int i = 0; i < 5; i++) {
		now += S;
		sent += 80 * 1000 / 8;
		said.highest += 20;
		CHECK(!dh_choice_report(&choice, &said, sent, now));
		CHECK(!dh_choice_remb(&choice, 150 - 20 * (i % 2), sent, now));
	}
	CHECK(dh_choice_remb(&choice, 60, sent, now));
	CHECK_INT(place(), 1);
}

static void test_slow_link(void)
{
	begin(three, false);
	good_seconds(5);
	CHECK(dh_choice_slow_link(&choice, sent, now));
	CHECK_INT(place(), 1);
	CHECK(!dh_choice_slow_link(&choice, sent, now)); /* this one is about the time before */
	good_seconds(2);
	CHECK(dh_choice_slow_link(&choice, sent, now));
	CHECK_INT(place(), 2);
	good_seconds(2);
	CHECK(!dh_choice_slow_link(&choice, sent, now));
	CHECK_INT(place(), 2);
}

/* Reports of the time before a change do not count against it. */
static void test_what_was_lost_before(void)
{
	begin(three, false);
	good_seconds(5);
	CHECK(second(30, 40));
	CHECK(!second(30, 40));
	CHECK_INT(place(), 1);
	CHECK(second(30, 40));
	CHECK_INT(place(), 2);
}

/* Seconds until the place becomes better. */
static int seconds_until_up(void)
{
	int before = place();
	for (int s = 1; s < 1000; s++)
		if (second(0, 40) && place() < before)
			return s;
	return -1;
}

/* Two seconds, from the entry on; then for good. */
static void test_a_trial(void)
{
	begin(three, false);
	good_seconds(5);
	second(70, 40);
	CHECK_INT(place(), 2);
	CHECK_INT(seconds_until_up(), 20); /* less arrived than the place between takes */
	CHECK_INT(place(), 1);
	CHECK(choice.is_trial);
	good_seconds(2);
	CHECK(choice.is_trial);
	good_seconds(1);
	CHECK(!choice.is_trial);
	CHECK_INT(seconds_until_up(), 5);
	CHECK_INT(place(), 0);
	good_seconds(50);
	CHECK_INT(place(), 0);
}

/* Little loss or delay ends it, and the next one comes later and later. */
static void test_trials_that_fail(void)
{
	static const int pauses[] = { 5, 10, 20, 40, 80, 120, 120 };
	for (int how = 0; how < 3; how++) {
		CHECK_AT("%d", how);
		begin(three, false);
		good_seconds(5);
		second(20, 40);
		for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
			CHECK_INT(place(), 1);
			CHECK_INT(seconds_until_up(), pauses[i]);
			CHECK_INT(place(), 0);
			if (how == 0)
				CHECK(second(3, 40));
			else if (how == 1)
				CHECK(second(0, 200));
			else
				CHECK(dh_choice_slow_link(&choice, sent, now));
		}
	}
}

/* Two packets of a hundred, beyond the usual; not one, which any network loses, and not what it loses always. */
static void test_what_ends_no_trial(void)
{
	begin(three, false);
	good_seconds(5);
	second(20, 40);
	CHECK_INT(seconds_until_up(), 5);
	now += S / 2;
	said.highest += 40;
	said.lost++;
	CHECK(!dh_choice_report(&choice, &said, sent, now));
	CHECK(!second(1, 139));
	good_seconds(1);
	CHECK(!choice.is_trial);
	CHECK_INT(place(), 0);
	begin(three, false);
	for (int i = 0; i < 60; i++)
		CHECK(!second(3, 40));
	CHECK(second(30, 40));
	for (int i = 0; i < 100 && !choice.is_trial; i++)
		second(3, 40);
	CHECK(choice.is_trial);
	CHECK(!second(4, 40));
	CHECK(second(8, 40));
}

/* In a trial an estimate that falls ends it, whatever is sent by now. */
static void test_an_estimate_in_a_trial(void)
{
	begin(three, false);
	good_seconds(5);
	second(20, 40);
	CHECK(!dh_choice_remb(&choice, 500, sent, now));
	CHECK(!dh_choice_remb(&choice, 400, sent, now));
	CHECK_INT(seconds_until_up(), 5);
	CHECK(!dh_choice_remb(&choice, 450, sent, now));
	CHECK(dh_choice_remb(&choice, 390, sent, now));
	CHECK_INT(place(), 1);
}

/* A browser reports with each request for a packet: what is a third of three packets is little of a second's. What
 * comes after all is lost no more, but was late. */
static void test_many_reports(void)
{
	begin(three, false);
	good_seconds(5);
	for (int i = 0; i < 300; i++) {
		now += 20 * MS;
		sent += 2000;
		said.highest += 2;
		said.lost += i % 25 == 0;
		CHECK(!dh_choice_report(&choice, &said, sent, now));
		said.lost -= i % 25 == 0;
	}
	CHECK_INT(place(), 0);
	bool is_down = false;
	for (int i = 0; i < 60; i++) {
		now += 20 * MS;
		sent += 2000;
		said.highest += 2;
		said.lost += i % 3 == 0;
		is_down |= dh_choice_report(&choice, &said, sent, now);
		said.lost -= i % 3 == 0;
	}
	CHECK(is_down);
	CHECK_INT(place(), 1);
}

/* Half a minute without trouble, and the wait is short again. */
static void test_forgotten(void)
{
	begin(three, false);
	good_seconds(5);
	second(20, 40);
	CHECK_INT(seconds_until_up(), 5);
	second(10, 40);
	CHECK_INT(seconds_until_up(), 10);
	good_seconds(3);
	second(20, 40);
	CHECK_INT(place(), 1);
	CHECK_INT(seconds_until_up(), 20);
	good_seconds(33);
	second(20, 40);
	CHECK_INT(place(), 1);
	CHECK_INT(seconds_until_up(), 5);
}

/* --- a bottleneck */

/* What it carries; how long its queue gets; what else is lost; whether the receiver estimates its bandwidth. Then, in
 * the end: the place that it fits, seconds of five minutes that are elsewhere, and in which something went wrong. */
static const struct path {
	const char *name;
	int kbps, queue_ms, lost_percent;
	bool has_remb;
	int place, elsewhere_max, wrong_max;
} paths[] = {
	{ "wide", 5000, 200, 0, true, 0, 0, 0 },
	{ "wide, 2 % lost", 5000, 200, 2, true, 0, 0, 300 },
	{ "wide, 6 % lost", 5000, 200, 6, true, 0, 100, 300 },
	{ "600", 600, 200, 0, true, 1, 30, 16 },
	{ "600, no estimate", 600, 200, 0, false, 1, 30, 16 },
	{ "600, a long queue", 600, 2000, 0, true, 1, 30, 16 },
	{ "600, a long queue, no estimate", 600, 2000, 0, false, 1, 40, 30 },
	{ "600, 2 % lost", 600, 200, 2, true, 1, 30, 300 },
	{ "780", 780, 200, 0, true, 1, 60, 40 },
	{ "300", 300, 200, 0, true, 2, 30, 20 },
	{ "300, no estimate", 300, 200, 0, false, 2, 30, 20 },
	{ "300, a long queue, no estimate", 300, 2000, 0, false, 2, 50, 40 },
	{ "110", 110, 200, 0, true, 3, 60, 40 },
	{ "110, no estimate", 110, 200, 0, false, 3, 60, 40 },
};

struct link {
	const struct path *path;
	int place, until_change_ms; /* what is sent now; a change waits for an entry */
	double queued, sent, lost;  /* kbit; the last two since the last report */
	double all_sent, all_lost;
	double remb, delay_before_ms;
	unsigned random;
	int wrong;
};

static void pass_ms(struct link *link)
{
	const struct path *path = link->path;
	double in = choice.kbps[link->place] / 1000.0, most = path->kbps * path->queue_ms / 1000.0;
	if (link->place != choice.place && --link->until_change_ms <= 0) {
		link->place = choice.place;
		link->until_change_ms = 400;
	}
	link->random = link->random * 1664525u + 1013904223u;
	double lost = (link->random >> 16) % 100 < (unsigned)path->lost_percent ? in : 0;
	link->queued += in - lost - path->kbps / 1000.0;
	link->queued = link->queued < 0 ? 0 : link->queued;
	if (link->queued > most) {
		lost += link->queued - most;
		link->queued = most;
	}
	link->sent += in;
	link->lost += lost;
	sent += (uint64_t)(in * 125);
	now += MS;
}

/* As Chromium does: a seventh below what arrives where packets take longer and longer, otherwise slowly up, to at
 * most half more than what arrives. */
static void estimate(struct link *link, double arrives, double delay_ms)
{
	double most = arrives * 1.5 + 10;
	if (delay_ms > link->delay_before_ms + 10)
		link->remb = arrives * 0.85;
	else
		link->remb = link->remb * 1.08 < most ? link->remb * 1.08 : most;
	link->delay_before_ms = delay_ms;
	if (link->path->has_remb)
		dh_choice_remb(&choice, (int)link->remb, sent, now);
}

static void pass_second(struct link *link)
{
	for (int ms = 0; ms < 1000; ms++)
		pass_ms(link);
	double delay_ms = link->queued / link->path->kbps * 1000, arrives = link->sent - link->lost;
	int percent = (int)(100 * link->lost / link->sent); /* of packets of 1000 bytes */
	link->wrong += percent > 0 || delay_ms > 150;
	estimate(link, arrives, delay_ms);
	link->all_sent += link->sent;
	link->all_lost += link->lost;
	said.highest = (uint16_t)(65000 + (int)(link->all_sent / 8));
	said.lost = (int)(link->all_lost / 8);
	said.rtt_ms = 50 + (int)delay_ms;
	dh_choice_report(&choice, &said, sent, now);
	link->sent = link->lost = 0;
}

static void test_paths(const void *arg)
{
	struct link link = { .path = arg, .until_change_ms = 400, .remb = 300, .random = 1 };
	int elsewhere = 0;
	begin(three, true);
	for (int s = 0; s < 300; s++) {
		pass_second(&link);
		elsewhere += link.place != link.path->place;
	}
	CHECK(elsewhere <= link.path->elsewhere_max, "elsewhere for %d s", elsewhere);
	CHECK(link.wrong <= link.path->wrong_max, "something wrong in %d s", link.wrong);
}

/* A network that becomes wide is found out within half a minute for each place, however often it was too narrow. */
static void test_a_network_that_becomes_better(void)
{
	static const struct path narrow = { .kbps = 300, .queue_ms = 200 }, wide = { .kbps = 5000, .queue_ms = 200 };
	struct link link = { .path = &narrow, .until_change_ms = 400, .remb = 300, .random = 1 };
	begin(three, false);
	for (int s = 0; s < 600; s++)
		pass_second(&link);
	CHECK_INT(place(), 2);
	link.path = &wide;
	int s = 0;
	for (; s < 300 && link.place > 0; s++)
		pass_second(&link);
	CHECK(s <= 140, "after %d s", s);
	for (s = 0; s < 100; s++)
		pass_second(&link);
	CHECK_INT(place(), 0);
}

static const struct check_test tests[] = {
	TEST(test_nothing_wrong),
	TEST(test_one_quality_has_nowhere_to_go),
	TEST(test_down_at_once),
	TEST(test_the_first_report),
	TEST(test_some_loss_twice),
	TEST(test_delay),
	TEST(test_remb),
	TEST(test_remb_of_a_still_avatar),
	TEST(test_slow_link),
	TEST(test_what_was_lost_before),
	TEST(test_a_trial),
	TEST(test_trials_that_fail),
	TEST(test_what_ends_no_trial),
	TEST(test_an_estimate_in_a_trial),
	TEST(test_many_reports),
	TEST(test_forgotten),
	TABLE(test_paths, paths),
	TEST(test_a_network_that_becomes_better),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
