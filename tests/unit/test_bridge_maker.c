/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bridges that workers make, or fail to make, and what is left of them. */
#include "tests/support/ingest_fixture.h"

#include <stdatomic.h>
#include <sys/socket.h>

#include "ingest/bridge_maker.h"
#include "tests/support/live_fixture.h"
#include "tests/support/stream_fixture.h"

static struct ingest_fixture fixture;

static struct heard_bridge {
	atomic_int made, gone;
	struct dh_segment *bridge; /* set before `made` */
} heard;

static void made(void *arg, struct dh_segment *bridge)
{
	CHECK(arg == &heard, "another argument");
	dh_segment_free(&heard.bridge);
	heard.bridge = bridge;
	atomic_fetch_add(&heard.made, 1);
}

static void gone(void *arg)
{
	CHECK(arg == &heard, "another argument");
	atomic_fetch_add(&heard.gone, 1);
}

static void await_made(int count)
{
	double end = now_ms() + AWAIT_S * 1e3;
	while (atomic_load(&heard.made) < count && now_ms() < end)
		usleep(2000);
	CHECK_INT(atomic_load(&heard.made), count);
}

static void await_gone(int count)
{
	double end = now_ms() + AWAIT_S * 1e3;
	while (atomic_load(&heard.gone) < count && now_ms() < end)
		usleep(2000);
	CHECK_INT(atomic_load(&heard.gone), count);
}

static void open_all(void)
{
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	atomic_store(&heard.made, 0);
	atomic_store(&heard.gone, 0);
}

static void close_all(void)
{
	dh_segment_free(&heard.bridge);
	ingest_fixture_close(&fixture);
}

static GPtrArray *units(int count)
{
	GPtrArray *array = dh_bridge_units_new();
	for (int i = 0; i < count; i++) {
		struct dh_unit *unit = dh_unit_new(DH_VIDEO, i * 2 * DH_SLOT_TICKS, 2 * DH_SLOT_TICKS, "\1picture", 8);
		unit->flags = i ? 0 : DH_UNIT_ENTRY;
		g_ptr_array_add(array, unit);
	}
	return array;
}

static struct dh_bridge_maker *start(const char *script, int tail, bool is_kept)
{
	static const uint8_t i420[FIXTURE_PICTURE];
	GBytes *picture = g_bytes_new_static(i420, sizeof i420);
	const struct dh_bridge_spec spec = {
		.name = script,
		.width = FIXTURE_SIDE,
		.height = FIXTURE_SIDE,
		.kbps = 100,
		.entry_ms = 500,
		.picture = picture,
		.tail = units(tail),
		.lead = units(7),
		.tail_anchor = dh_unit_new(DH_VIDEO, 0, 1, fixture_anchor, sizeof fixture_anchor),
		.lead_anchor = dh_unit_new(DH_VIDEO, 0, 1, fixture_anchor, sizeof fixture_anchor),
		.skip = 2,
		.is_kept = is_kept,
	};
	static const struct dh_bridge_listener listener = { made, gone };
	struct dh_bridge_maker *maker = dh_bridge_maker_new(fixture.ingest, &spec, &listener, &heard);
	g_bytes_unref(picture);
	return maker;
}

/* Nobody awaits a bridge: that it waits for a place is not for the log, which hears of the next that does. */
static void test_no_place(void)
{
	struct dh_ingest_stats stats;
	struct live busy, waits;

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 1;
	ingest_fixture_open(&fixture);
	atomic_store(&heard.made, 0);
	atomic_store(&heard.gone, 0);
	live_open(&fixture, &busy, 0);
	live_push(&busy, "hang 5", 6);
	shutdown(busy.out, SHUT_WR);
	AWAIT(&busy.heard, busy.heard.units >= 15);
	struct dh_bridge_maker *maker = start("bridge 5", 3, false);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting_live == 1);
	live_open(&fixture, &waits, 0);
	dh_ingest_set_next(waits.heard.subscription);
	live_push(&waits, "good 5", 6);
	shutdown(waits.out, SHUT_WR);
	AWAIT(&waits.heard, waits.no_places > 0);
	CHECK(waits.wait.is_for_log);
	live_close(&busy);
	await_made(1);
	AWAIT(&waits.heard, waits.heard.ends + waits.heard.failures > 0);
	check_good(&waits.heard, 5);
	live_close(&waits);
	dh_bridge_maker_free(&maker);
	await_gone(1);
	close_all();
}

static void test_made(void)
{
	open_all();
	struct dh_bridge_maker *maker = start("bridge 5", 3, false);
	await_made(1);
	CHECK(dh_segment_is_complete(heard.bridge), "not complete");
	CHECK_INT(dh_segment_count(heard.bridge, DH_VIDEO), 5);
	CHECK_INT(dh_segment_duration_ticks(heard.bridge, DH_DURATION_SPEECH), 10 * DH_SLOT_TICKS);
	CHECK_INT(atomic_load(&heard.gone), 0);
	dh_bridge_maker_free(&maker);
	CHECK(!maker, "the pointer stays");
	await_gone(1);
	dh_bridge_maker_free(&maker);
	close_all();
}

static const struct failing_row {
	const char *name, *script;
} failing_rows[] = {
	{ "refused", "fail 4" },
	{ "crash", "crash 3" },
	{ "cut", "cut 3" },
	{ "babble", "babble" },
	{ "with sound", "good 5" },
	{ "no script", "nonsense" },
};

static void test_not_made(const void *arg)
{
	const struct failing_row *row = arg;
	struct dh_ingest_stats stats;
	open_all();
	struct dh_bridge_maker *maker = start(row->script, 3, false);
	AWAIT_STATS(&fixture, stats, stats.jobs == 1 && stats.jobs_waiting == 0 && stats.workers_busy == 0);
	CHECK_INT(atomic_load(&heard.made), 0);
	dh_bridge_maker_free(&maker);
	await_gone(1);
	close_all();
}

/* At any moment: nothing is left, and nobody is called afterwards. */
static void test_freed_early(void)
{
	open_all();
	for (int i = 0; i < 30; i++) {
		struct dh_bridge_maker *maker = start(i % 3 ? "bridge 5" : "hang 5", 3, i % 2);
		usleep((useconds_t)i * 500);
		dh_bridge_maker_free(&maker);
		await_gone(i + 1);
	}
	close_all();
}

/* What leads from the same pictures comes from the cache; from others it does not. */
static void test_kept(void)
{
	struct dh_ingest_stats stats;
	open_all();
	for (int i = 0; i < 3; i++) {
		struct dh_bridge_maker *maker = start("bridge 5", i == 2 ? 4 : 3, true);
		await_made(i + 1);
		AWAIT_STATS(&fixture, stats, stats.cache_entries == 1 + (i == 2));
		dh_bridge_maker_free(&maker);
		await_gone(i + 1);
	}
	CHECK_INT(stats.jobs, 2);
	CHECK_INT(stats.cache_hits, 1);
	CHECK_INT(dh_segment_count(heard.bridge, DH_VIDEO), 5);
	close_all();
}

static const struct check_test tests[] = {
	TEST(test_made),
	TEST(test_no_place),
	TABLE(test_not_made, failing_rows),
	TEST(test_freed_early),
	TEST(test_kept),
};

PREPARATION_MAIN(tests)
