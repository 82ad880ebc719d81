/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A slow handle delays no other: offers that take as long as a STUN server likes, a room
 * that sends a thousand events at once. The gateway holds back what a test wants to be slow,
 * so the order of events is the proof, not a clock. */
#include "tests/support/plugin_fixture.h"

#define OFFER_THREADS 4
#define GENERAL \
	"offer_threads = 4\n max_viewers_per_room = 50\n max_per_session = 100\n" \
	"max_observers_per_room = 100\n"

static json_int_t number_of(struct gateway_handle *handle, const char *kind)
{
	json_t *event = gateway_await(handle, kind, AWAIT_S * 1000);
	json_int_t number = json_integer_value(json_object_get(event, "number"));

	CHECK(event, "%s does not come", kind);
	json_decref(event);
	return number;
}

static json_int_t usage_of(const char *name)
{
	json_t *stats = gateway_ask_admin(json_pack("{s:s, s:s}", "request", "stats", "admin_key", FILES_ADMIN_KEY));
	json_t *usage = json_object_get(json_object_get(stats, "usage"), name);
	json_int_t used = json_integer_value(json_object_get(usage, "used"));

	CHECK(usage);
	json_decref(stats);
	return used;
}

static void await_waiting(const char *name, json_int_t count)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (usage_of(name) < count && now_ms() < end)
		usleep(1000);
	CHECK(usage_of(name) >= count, "%s: %d", name, (int)usage_of(name));
}

/* --- offers */

/* While all offers wait, other handles can join, get events, be kicked, and stop. */
static void test_offers_delay_nobody(void)
{
	struct gateway_handle *joining[20], *viewer, *other, *observer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(joining, 20, NULL);
	attach_all(&viewer, 1, NULL);
	attach_all(&other, 1, NULL);
	attach_all(&observer, 1, NULL);
	watch_room(viewer, 1);
	watch_room(other, 2);
	gateway_hold_offers();
	for (int i = 0; i < 20; i++)
		ask_to_watch(joining[i], 1);
	await_held_offers(OFFER_THREADS);
	observe_room(observer, 2);
	CHECK_INT(code_of(ASK(observer, "{s:s, s:i, s:s, s:s}", "request", "enqueue", "id", 2, "file", "short.dhs",
			  "secret", FILES_SECRET)),
		0);
	await(observer, "event:finished");
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopping");
	await(viewer, "status:stopped");
	CHECK_INT(code_of(ASK(observer, "{s:s, s:i, s:s}", "request", "kick_all", "id", 2, "secret", FILES_SECRET)), 0);
	await(other, "status:kicked_all");
	await(other, "status:stopped");
	CHECK_INT(gateway_held_offers(), OFFER_THREADS);
	gateway_pass_offers(-1);
	for (int i = 0; i < 20; i++)
		await(joining[i], "status:preparing");
	detach_all(joining, 20);
	gateway_detach(&viewer);
	gateway_detach(&other);
	gateway_detach(&observer);
	plugin_fixture_close(&fixture);
}

/* Events for a handle follow its waiting offer. */
static void test_one_handle_hears_in_order(void)
{
	struct gateway_handle *viewer, *observer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(&viewer, 1, NULL);
	attach_all(&observer, 1, NULL);
	observe_room(observer, 1);
	gateway_hold_offers();
	ask_to_watch(viewer, 1);
	await_held_offers(1);
	CHECK_INT(code_of(ASK(observer, "{s:s, s:i}", "request", "disable", "id", 1)), 0);
	CHECK_INT(code_of(ASK(observer, "{s:s, s:i}", "request", "enable", "id", 1)), 0);
	await(observer, "event:enabled");
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	CHECK(!gateway_await(viewer, "", 50));
	gateway_pass_offers(-1);
	for (const char *const *kind =
			(const char *[]){ "preparing", "disabled", "enabled", "stopping", "stopped", NULL };
		*kind; kind++)
		CHECK_STR(next_kind(viewer), *kind);
	gateway_detach(&viewer);
	gateway_detach(&observer);
	plugin_fixture_close(&fixture);
}

/* A client with many offers delays another client's only by those being made. */
static void test_clients_take_turns(void)
{
	struct gateway_handle *many[30], *one;
	struct plugin_fixture fixture;
	json_int_t last = 0, ones;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(many, 30, &fixture);
	attach_all(&one, 1, NULL);
	gateway_hold_offers();
	for (int i = 0; i < 30; i++)
		ask_to_watch(many[i], 1);
	await_held_offers(OFFER_THREADS);
	ask_to_watch(one, 3);
	await_waiting("offers_waiting", 31);
	/* those that are held, and the next one of each thread: who of them comes first is not said */
	gateway_pass_offers(2 * OFFER_THREADS);
	ones = number_of(one, "status:preparing");
	gateway_pass_offers(-1);
	for (int i = 0; i < 30; i++) {
		json_int_t number = number_of(many[i], "status:preparing");
		last = MAX(last, number);
	}
	CHECK(last > ones);
	detach_all(many, 30);
	gateway_detach(&one);
	plugin_fixture_close(&fixture);
}

/* Janus cannot use the offer: the client gets an error, and its place is free. */
static void test_a_refused_offer_frees_its_place(void)
{
	struct gateway_handle *handles[2];
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_viewers_per_room = 1\n");
	attach_all(handles, 2, NULL);
	gateway_refuse_offers(1, -1);
	ask_to_watch(handles[0], 1);
	await(handles[0], "error:461");
	watch_room(handles[0], 1);
	ask_to_watch(handles[1], 1);
	await(handles[1], "error:464");
	detach_all(handles, 2);
	plugin_fixture_close(&fixture);
}

/* A refused restart ends nothing. */
static void test_a_refused_restart(void)
{
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&viewer, 1, NULL);
	watch_room(viewer, 1);
	gateway_refuse_offers(1, -1);
	CHECK(!ASK(viewer, "{s:s, s:i, s:b}", "request", "watch", "id", 1, "restart", 1));
	await(viewer, "error:461");
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	await(viewer, "status:pausing");
	gateway_detach(&viewer);
	plugin_fixture_close(&fixture);
}

/* --- events */

/* However much one room sends to many, another room's event gets its turn. */
static void test_rooms_take_turns(void)
{
	struct gateway_handle *many[60], *one;
	struct plugin_fixture fixture;
	json_int_t first, ones;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(many, 60, NULL);
	attach_all(&one, 1, NULL);
	for (int i = 0; i < 60; i++)
		observe_room(many[i], 1);
	observe_room(one, 2);
	gateway_hold_events(1);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(code_of(ASK(one, "{s:s, s:i}", "request", "disable", "id", 1)), 0);
		CHECK_INT(code_of(ASK(one, "{s:s, s:i}", "request", "enable", "id", 1)), 0);
	}
	await_waiting("events_waiting", 60 * 40 - 60);
	CHECK_INT(code_of(ASK(one, "{s:s, s:i, s:s}", "request", "disable", "id", 2, "secret", FILES_SECRET)), 0);
	await_waiting("events_waiting", 60 * 40 - 60 + 1);
	gateway_hold_events(0);
	ones = number_of(one, "event:disabled");
	first = number_of(many[0], "event:disabled");
	CHECK(ones - first < 20, "%d events later", (int)(ones - first));
	for (int i = 0; i < 60; i++) {
		for (int k = i == 0; k < 40; k++)
			CHECK_STR(next_kind(many[i]), k % 2 ? "enabled" : "disabled");
	}
	detach_all(many, 60);
	gateway_detach(&one);
	plugin_fixture_close(&fixture);
}

/* A handle with too many waiting events loses some, and learns how many. */
static void test_what_is_too_much_is_lost_and_told(void)
{
	struct gateway_handle *viewer, *owner;
	struct plugin_fixture fixture;
	int heard = 0;
	json_t *event;

	plugin_fixture_open(&fixture, "max_handle_events = 16\n");
	attach_all(&viewer, 1, NULL);
	attach_all(&owner, 1, NULL);
	gateway_hold_offers();
	ask_to_watch(viewer, 1);
	await_held_offers(1);
	for (int i = 0; i < 50; i++)
		CHECK_INT(code_of(ASK(owner, "{s:s, s:i}", "request", i % 2 ? "enable" : "disable", "id", 1)), 0);
	gateway_pass_offers(-1);
	CHECK_STR(next_kind(viewer), "preparing");
	while (strcmp(next_kind(viewer), "lost") != 0)
		heard++;
	CHECK(heard >= 14 && heard <= 16, "%d", heard);
	CHECK_INT(code_of(ASK(owner, "{s:s, s:i}", "request", "disable", "id", 1)), 0);
	event = gateway_await(viewer, "event:disabled", AWAIT_S * 1000);
	CHECK(event);
	json_decref(event);
	gateway_detach(&viewer);
	gateway_detach(&owner);
	plugin_fixture_close(&fixture);
}

/* --- the end */

/* What still waits when Janus ends is dropped, and delays nothing. */
static void test_stopped_amid_offers(void)
{
	struct gateway_handle *handles[20];
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(handles, 20, NULL);
	gateway_hold_offers();
	for (int i = 0; i < 20; i++)
		ask_to_watch(handles[i], 1);
	await_held_offers(OFFER_THREADS);
	gateway_stop();
	detach_all(handles, 20);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_offers_delay_nobody),
	TEST(test_one_handle_hears_in_order),
	TEST(test_clients_take_turns),
	TEST(test_a_refused_offer_frees_its_place),
	TEST(test_a_refused_restart),
	TEST(test_rooms_take_turns),
	TEST(test_what_is_too_much_is_lost_and_told),
	TEST(test_stopped_amid_offers),
};

PREPARATION_MAIN(tests)
