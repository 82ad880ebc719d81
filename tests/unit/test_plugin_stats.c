/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `stats` says of rooms and their viewers. */
#include "tests/support/plugin_fixture.h"

#include <stdatomic.h>

struct viewers {
	struct plugin_fixture fixture;
	struct gateway_handle *handles[2]; /* two viewers of room 1 */
};

static void viewers_open(struct viewers *viewers, const char *general)
{
	plugin_fixture_open(&viewers->fixture, general);
	attach_all(viewers->handles, 2, NULL);
	for (int i = 0; i < 2; i++)
		watch_room(viewers->handles[i], 1);
}

static void viewers_close(struct viewers *viewers)
{
	detach_all(viewers->handles, 2);
	plugin_fixture_close(&viewers->fixture);
}

static json_t *stats_of(struct gateway_handle *handle, int room)
{
	json_t *stats = ASK(handle, "{s:s, s:i, s:s}", "request", "stats", "id", room, "secret", FILES_SECRET);

	CHECK_STR(json_string_value(json_object_get(stats, "digitalhuman")), "stats");
	return stats;
}

/* The value at a path of object keys, as in "received/video/lost". Borrowed. */
static const json_t *at(const json_t *json, const char *path)
{
	char **keys = g_strsplit(path, "/", -1);

	for (char **key = keys; *key; key++)
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(*key)) : json_object_get(json, *key);
	CHECK(json, "no %s", path);
	g_strfreev(keys);
	return json;
}

static json_int_t integer_at(const json_t *json, const char *path)
{
	return json_integer_value(at(json, path));
}

static json_int_t sum_of(const json_t *counts)
{
	json_int_t sum = 0;
	json_t *count;
	size_t i;

	json_array_foreach(counts, i, count)
		sum += json_integer_value(count);
	return sum;
}

/* Asks until `path` is at least `least`; the answer. */
static json_t *await_stats(struct gateway_handle *handle, int room, const char *path, json_int_t least)
{
	double end = now_ms() + AWAIT_S * 1e3;

	for (;;) {
		json_t *stats = stats_of(handle, room);
		const json_t *value = at(stats, path);
		json_int_t number = json_is_array(value) ? sum_of(value) : json_integer_value(value);
		if (number >= least)
			return stats;
		CHECK(now_ms() < end, "%s is %lld", path, (long long)number);
		json_decref(stats);
		usleep(5000);
	}
}

static void switch_to(struct gateway_handle *viewer, int room)
{
	CHECK(!ASK(viewer, "{s:s, s:i, s:s, s:s}", "request", "switch", "id", room, "secret", FILES_SECRET, "pin",
		FILES_PIN));
}

static void test_joins_and_lateness(void)
{
	struct viewers viewers;

	viewers_open(&viewers, NULL);
	json_decref(await_stats(viewers.handles[0], 1, "joins/watch/counts", 2));
	json_t *stats = await_stats(viewers.handles[0], 1, "lateness/skew/counts", 10);
	CHECK_INT(sum_of(at(stats, "joins/watch/counts")), 2);
	CHECK_INT(sum_of(at(stats, "joins/media/counts")), 2);
	CHECK(sum_of(at(stats, "lateness/audio/counts")) >= 1); /* silence is not sent all the time */
	CHECK(sum_of(at(stats, "lateness/video/counts")) >= 10);
	for (int i = 0; i < 2; i++) {
		char *path = g_strdup_printf("viewers/%d/join_ms", i);
		CHECK(json_is_integer(at(stats, path)), "%s", path);
		g_free(path);
	}
	json_decref(stats);
	viewers_close(&viewers);
}

static void test_losses_stay_when_a_viewer_goes(void)
{
	struct viewers viewers;

	viewers_open(&viewers, NULL);
	gateway_report(viewers.handles[0], 7);
	gateway_report(viewers.handles[1], 5);
	gateway_report(viewers.handles[1], 11);
	json_t *stats = await_stats(viewers.handles[0], 1, "received/video/reports", 3);
	CHECK_INT(integer_at(stats, "received/video/lost"), 18);
	CHECK_INT(integer_at(stats, "received/audio/reports"), 0);
	const json_t *first = at(stats, "viewers/0"), *second = at(stats, "viewers/1");
	CHECK_INT(integer_at(first, "received/video/lost") + integer_at(second, "received/video/lost"), 18);
	CHECK_INT((int)json_real_value(at(first, "received/video/lost_percent")), 25);
	CHECK_INT((int)json_real_value(at(first, "received/video/jitter_ms")), 10);
	CHECK(json_is_null(at(first, "received/video/rtt_ms")));
	json_decref(stats);
	CHECK(!ASK(viewers.handles[1], "{s:s}", "request", "stop"));
	await(viewers.handles[1], "status:stopped");
	stats = stats_of(viewers.handles[0], 1);
	CHECK_INT(integer_at(stats, "received/video/lost"), 18);
	json_decref(stats);
	viewers_close(&viewers);
}

/* A connection's count goes on; each room has the part that was lost while the viewer was there. */
static void test_losses_belong_to_the_room(void)
{
	struct viewers viewers;

	viewers_open(&viewers, NULL);
	gateway_report(viewers.handles[0], 7);
	json_decref(await_stats(viewers.handles[0], 1, "received/video/reports", 1));
	switch_to(viewers.handles[0], 2);
	json_decref(await_stats(viewers.handles[0], 2, "joins/watch/counts", 1));
	gateway_report(viewers.handles[0], 9);
	json_t *stats = await_stats(viewers.handles[0], 2, "received/video/reports", 1);
	CHECK_INT(integer_at(stats, "received/video/lost"), 2);
	json_decref(stats);
	stats = stats_of(viewers.handles[0], 1);
	CHECK_INT(integer_at(stats, "received/video/lost"), 7);
	json_decref(stats);
	viewers_close(&viewers);
}

/* Of all rooms at once, without what they have of single viewers. */
static void test_all_rooms(void)
{
	struct viewers viewers;

	viewers_open(&viewers, NULL);
	json_t *stats = ASK(viewers.handles[0], "{s:s, s:s}", "request", "stats", "admin_key", FILES_ADMIN_KEY);
	CHECK(!json_object_get(at(stats, "usage/each_room/0"), "stats"));
	CHECK(json_is_integer(at(stats, "jobs/failed")));
	CHECK(json_is_integer(at(stats, "cache/hits")));
	json_decref(stats);
	stats = ASK(viewers.handles[0], "{s:s, s:s, s:b}", "request", "stats", "admin_key", FILES_ADMIN_KEY, "rooms",
		1);
	json_t *room;
	size_t i;
	json_array_foreach(at(stats, "usage/each_room"), i, room) {
		CHECK(json_is_integer(at(room, "stats/sent/video_packets")));
		CHECK(json_is_array(at(room, "stats/lateness/video/counts")));
		CHECK(!json_object_get(at(room, "stats"), "viewers"));
	}
	CHECK_INT(i, integer_at(stats, "usage/rooms/used"));
	json_decref(stats);
	viewers_close(&viewers);
}

/* --- what event handlers get */

static atomic_int told_of_rooms, told_of_all, told_wrong;

static void note(void *checker, const json_t *event)
{
	event_checker_see(checker, event);
	if (g_strcmp0(json_string_value(json_object_get(event, "event")), "stats") != 0)
		return;
	if (json_object_get(event, "id")) {
		atomic_fetch_add(&told_of_rooms, 1);
		if (!json_is_array(at(event, "lateness/video/counts")) || json_object_get(event, "viewers") ||
			json_object_get(event, "usage"))
			atomic_fetch_add(&told_wrong, 1);
	} else {
		atomic_fetch_add(&told_of_all, 1);
		if (!json_is_integer(at(event, "usage/viewers/used")) || !json_is_integer(at(event, "cache/hits")))
			atomic_fetch_add(&told_wrong, 1);
	}
}

static void test_event_handlers_are_told(void)
{
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;
	double end = now_ms() + AWAIT_S * 1e3;

	plugin_fixture_open_with(&fixture, NULL, "stats_events_s = 1\n", note);
	attach_all(&viewer, 1, NULL);
	watch_room(viewer, 1);
	while (now_ms() < end && (atomic_load(&told_of_all) < 2 || atomic_load(&told_of_rooms) < 4))
		usleep(5000);
	CHECK(now_ms() < end, "%d of all, %d of rooms", told_of_all, told_of_rooms);
	CHECK_INT(atomic_load(&told_wrong), 0);
	detach_all(&viewer, 1);
	plugin_fixture_close(&fixture);
}

/* --- who gets captions */

static const struct row {
	const char *name, *field, *value;
	bool listens;
} rows[] = {
	{ "nothing", "captions", "null", false },
	{ "captions", "captions", "true", true },
	{ "no captions", "captions", "false", false },
	/* what only viewers have */
	{ "numbers for mids", "media", "[5]", false },
	{ "a data channel's mid", "media", "[\"d\"]", false },
	{ "a data channel", "offer_data", "true", false },
};

/* Asks until the room has one; the answer. */
static json_t *await_member(struct gateway_handle *handle)
{
	double end = now_ms() + AWAIT_S * 1e3;

	for (;;) {
		json_t *stats = stats_of(handle, 1);
		if (json_array_size(at(stats, "viewers")) > 0)
			return stats;
		CHECK(now_ms() < end);
		json_decref(stats);
		usleep(5000);
	}
}

static void test_what_an_observer_asks_for(const void *arg)
{
	const struct row *row = arg;
	struct plugin_fixture fixture;
	struct gateway_handle *observer;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&observer, 1, NULL);
	CHECK(!ASK(observer, "{s:s, s:i, s:o}", "request", "observe", "id", 1, row->field,
		json_loads(row->value, JSON_DECODE_ANY, NULL)));
	await(observer, "status:observing");
	json_t *stats = await_member(observer);
	CHECK_INT(json_object_get(at(stats, "viewers/0"), "data") != NULL, row->listens);
	json_decref(stats);
	detach_all(&observer, 1);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_joins_and_lateness),
	TEST(test_losses_stay_when_a_viewer_goes),
	TEST(test_losses_belong_to_the_room),
	TEST(test_all_rooms),
	TEST(test_event_handlers_are_told),
	TABLE(test_what_an_observer_asks_for, rows),
};

PREPARATION_MAIN(tests)
