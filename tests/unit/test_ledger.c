/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lives of segments, under a fake clock: a playout tells, the ledger writes it down. */
#include "rooms/ledger.h"
#include "tests/support/playout_rig_check.h"

#define WALL_MS INT64_C(1700000000000) /* when media time began */

static struct dh_ledger *ledger;
static struct dh_feed *feed;
static struct dh_account *account; /* a reference */
static int gone;

static void is_gone(void *arg)
{
	(void)arg;
	gone++;
}

static int64_t wall_ms(int64_t media_ticks)
{
	return WALL_MS + media_ticks / MS;
}

static void see(void *arg, const struct dh_playout_event *event)
{
	(void)arg;
	if (event->segment)
		dh_account_event(account, event, DH_DURATION_SPEECH, wall_ms(event->media_ticks));
}

/* A segment that says "One two." in two seconds. */
static void open_all(const char *id)
{
	const struct dh_feed_context context = { 0 };
	const struct dh_feed_owner owner = { .name = "1", .gone = is_gone };
	struct dh_ingest_source source;
	struct dh_segment_request request;
	struct dh_script *script = dh_script_new("One two.", NULL);

	dh_ingest_source_init(&source);
	dh_segment_request_init(&request);
	feed = dh_feed_new(&context, &owner, "a file", NULL, &source, NULL, NULL);
	ledger = dh_ledger_new();
	account = dh_account_ref(dh_ledger_open(ledger, feed, id, &request, script));
	dh_script_unref(&script);
	rig_open_idle(&rig, NULL, start);
	rig.on_event = see;
}

static void close_all(void)
{
	finish_after(0);
	dh_account_unref(&account);
	dh_feed_unref(&feed);
	dh_ledger_free(&ledger);
}

static void check_moment(enum dh_moment_kind kind, int64_t ms)
{
	const struct dh_moment *moment = &account->life.moments[kind];

	CHECK_AT("moment %d", (int)kind);
	CHECK_INT(moment->media_ticks, ms < 0 ? -1 : ms * MS);
	if (ms >= 0)
		CHECK_INT(moment->wall_ms, WALL_MS + ms);
}

static const struct rig_segment late = { "s", 's', 'i', 2000, 25, 1, 5, 2000, 500 };

/* It is asked for before the slot at 120 and starts there, waits from 620 to 1520, and lasts for two seconds. */
static void test_a_life(void)
{
	const struct dh_order order = { .underrun = DH_UNDERRUN_HOLD };

	open_all("s");
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &late, &order, NULL), 0);
	CHECK_INT(account->life.state, DH_EVENT_READY);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(account->life.state, DH_EVENT_STARTED);
	CHECK_INT(account->life.holds, 1);
	CHECK_INT(account->life.held_since_ticks, 620 * MS);
	CHECK_INT(account->life.held_ticks, 0);
	CHECK_INT(account->life.duration_ticks, -1);
	CHECK_INT(account->life.known_ticks, 500 * MS);
	rig_run(&rig, media_ms(1500));
	rig_arrive(&rig, &late, -1);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(account->life.state, DH_EVENT_FINISHED);
	check_moment(DH_MOMENT_ASKED, 120);
	check_moment(DH_MOMENT_BEGUN, -1);
	check_moment(DH_MOMENT_READY, 120);
	check_moment(DH_MOMENT_STARTED, 120);
	check_moment(DH_MOMENT_ENDED, 120 + 900 + 2000);
	CHECK_INT(account->life.holds, 1);
	CHECK_INT(account->life.held_since_ticks, -1);
	CHECK_INT(account->life.held_ticks, 900 * MS);
	CHECK_INT(account->life.played_ticks, 2000 * MS);
	CHECK_INT(account->life.duration_ticks, 2000 * MS);
	CHECK(account->is_over && !account->error);
	CHECK_STR(account->heard, "One two.");
	close_all();
}

/* A wait ends with what waits. */
static void test_an_end_amid_a_wait(void)
{
	const struct dh_order order = { .underrun = DH_UNDERRUN_HOLD };

	open_all("s");
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &late, &order, NULL), 0);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_INT(account->life.state, DH_EVENT_INTERRUPTED);
	int64_t ended_ticks = account->life.moments[DH_MOMENT_ENDED].media_ticks;
	CHECK(ended_ticks >= 1000 * MS && ended_ticks <= 1020 * MS);
	CHECK_INT(account->life.held_ticks, ended_ticks - 620 * MS);
	CHECK_INT(account->life.held_since_ticks, -1);
	CHECK_INT(account->life.played_ticks, 500 * MS);
	CHECK_STR(account->heard, "One");
	close_all();
}

/* It fails after 520 ms, in which not all of the text can have been said. */
static void test_what_breaks_off(void)
{
	open_all("s");
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &late, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(200));
	struct dh_segment *segment = dh_playout_find(rig.playout, "s");
	dh_segment_fail(segment, 3, "it broke");
	dh_playout_filled(rig.playout, segment);
	rig_run(&rig, media_ms(2000));
	CHECK_INT(account->life.state, DH_EVENT_FAILED);
	CHECK_INT(account->life.played_ticks, 520 * MS);
	CHECK_INT(account->life.duration_ticks, 520 * MS);
	CHECK_STR(account->error, "it broke");
	CHECK_STR(account->heard, "One");
	close_all();
}

/* Of what has no event only the first time counts. */
static void test_moments_are_kept(void)
{
	open_all("s");
	dh_account_moment(account, DH_MOMENT_ASKED, 0, wall_ms(0));
	dh_account_moment(account, DH_MOMENT_FIRST_UNIT, 40 * MS, wall_ms(40 * MS));
	dh_account_moment(account, DH_MOMENT_FIRST_UNIT, 80 * MS, wall_ms(80 * MS));
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &late, &(struct dh_order){ 0 }, NULL), 0);
	check_moment(DH_MOMENT_ASKED, 0); /* before it was in the queue */
	check_moment(DH_MOMENT_FIRST_UNIT, 40);
	check_moment(DH_MOMENT_STARTED, -1);
	CHECK(dh_ledger_account(ledger, feed) == account);
	CHECK(!dh_ledger_find(ledger, "s"));
	dh_ledger_close(ledger, feed);
	CHECK(!dh_ledger_account(ledger, feed));
	CHECK(dh_ledger_find(ledger, "s") == account && dh_ledger_over(ledger, 0) == account);
	close_all();
}

/* The newest of the same id is found, and the oldest are forgotten. */
static void test_only_the_last_are_kept(void)
{
	struct dh_segment_request request;

	open_all("first");
	dh_segment_request_init(&request);
	dh_ledger_close(ledger, feed);
	for (int i = 0; i < DH_LEDGER_MAX; i++) {
		dh_ledger_open(ledger, feed, "again", &request, NULL);
		dh_ledger_close(ledger, feed);
	}
	CHECK(!dh_ledger_find(ledger, "first"));
	CHECK(dh_ledger_find(ledger, "again") == dh_ledger_over(ledger, DH_LEDGER_MAX - 1));
	CHECK(!dh_ledger_over(ledger, DH_LEDGER_MAX));
	dh_ledger_open(ledger, feed, "never", &request, NULL);
	dh_ledger_cancel(ledger, feed);
	CHECK(!dh_ledger_account(ledger, feed) && !dh_ledger_find(ledger, "never"));
	close_all();
	CHECK(gone > 0);
}

static const struct check_test tests[] = {
	TEST(test_a_life),
	TEST(test_an_end_amid_a_wait),
	TEST(test_what_breaks_off),
	TEST(test_moments_are_kept),
	TEST(test_only_the_last_are_kept),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
