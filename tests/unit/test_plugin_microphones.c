/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When viewers are offered to be listened to, and which of them are, where a room has one place. */
#include "tests/support/plugin_fixture.h"

#include "plugin/request.h"

#define ROOM  1
#define OTHER 3

static struct plugin_fixture fixture;
static struct gateway_handle *viewer, *other;

/* They watch; offers that come later are held. */
static void open_rooms(int room_of_other)
{
	plugin_fixture_open(&fixture, "max_microphones_per_room = 1\n");
	viewer = gateway_attach();
	other = gateway_attach();
	watch_room(viewer, ROOM);
	watch_room(other, room_of_other);
	gateway_hold_offers();
}

static void close_rooms(void)
{
	gateway_pass_offers(-1);
	gateway_detach(&viewer);
	gateway_detach(&other);
	plugin_fixture_close(&fixture);
}

static void expect_answer(struct gateway_handle *handle, int code)
{
	json_t *event = gateway_await(handle, "", AWAIT_S * 1000);

	CHECK(event);
	CHECK_INT(code_of(event), code);
}

/* It is offered. */
static void configure(struct gateway_handle *handle, int microphone)
{
	gateway_forget(handle);
	CHECK(!ASK(handle, "{s:s, s:b}", "request", "configure", "microphone", microphone));
	await_held_offers(1);
	gateway_pass_offers(1);
	expect_answer(handle, 0);
}

static void answer_with(const char *request, struct gateway_handle *handle, const char *direction, int code)
{
	char *sdp = g_strdup_printf("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
				    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=%s\r\n"
				    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\n",
		direction);

	gateway_forget(handle);
	CHECK(!gateway_ask(handle, json_pack("{s:s}", "request", request),
		json_pack("{s:s, s:s}", "type", "answer", "sdp", sdp)));
	expect_answer(handle, code);
	g_free(sdp);
}

static void start(struct gateway_handle *handle, const char *direction, int code)
{
	answer_with("start", handle, direction, code);
}

static void be_listened_to(struct gateway_handle *handle)
{
	configure(handle, 1);
	start(handle, "sendrecv", 0);
}

static void switch_to(struct gateway_handle *handle, int room)
{
	gateway_forget(handle);
	CHECK(!ASK(handle, "{s:s, s:i, s:s}", "request", "switch", "id", room, "secret", FILES_SECRET));
	expect_answer(handle, 0);
}

static int listened_to(int room)
{
	json_t *answer = gateway_ask_admin(
		json_pack("{s:s, s:i, s:s}", "request", "info", "id", room, "secret", FILES_SECRET));
	int count = (int)json_integer_value(json_object_get(json_object_get(answer, "info"), "microphones"));

	json_decref(answer);
	return count;
}

static void test_what_was_rejected_is_offered_again(void)
{
	open_rooms(ROOM);
	configure(viewer, 1);
	start(viewer, "recvonly", 0);
	CHECK_INT(listened_to(ROOM), 0);
	be_listened_to(viewer);
	CHECK_INT(listened_to(ROOM), 1);
	close_rooms();
}

/* Nor does it get by switching what it was refused. */
static void test_who_was_refused_is_offered_again(void)
{
	open_rooms(ROOM);
	configure(viewer, 1);
	configure(other, 1);
	start(other, "sendrecv", 0);
	start(viewer, "sendrecv", DH_ERROR_LIMIT);
	CHECK_INT(listened_to(ROOM), 1);
	switch_to(viewer, OTHER);
	CHECK_INT(listened_to(OTHER), 0);
	switch_to(viewer, ROOM);
	configure(other, 0);
	CHECK_INT(listened_to(ROOM), 0);
	be_listened_to(viewer);
	CHECK_INT(listened_to(ROOM), 1);
	close_rooms();
}

static bool is_paused(struct gateway_handle *handle)
{
	json_t *state = gateway_query(handle);
	const json_t *paused = json_object_get(state, "paused");
	bool is = json_is_true(paused);

	CHECK(json_is_boolean(paused));
	json_decref(state);
	return is;
}

/* A request that fails has changed nothing. */
static void test_who_was_refused_is_not_paused(void)
{
	open_rooms(ROOM);
	configure(viewer, 1);
	be_listened_to(other);
	answer_with("pause", viewer, "sendrecv", DH_ERROR_LIMIT);
	CHECK(!is_paused(viewer));
	answer_with("pause", viewer, "recvonly", 0);
	CHECK(is_paused(viewer));
	answer_with("start", viewer, "sendrecv", DH_ERROR_LIMIT);
	CHECK(is_paused(viewer));
	start(viewer, "recvonly", 0);
	CHECK(!is_paused(viewer));
	close_rooms();
}

static void test_who_found_no_place_is_offered_again(void)
{
	open_rooms(OTHER);
	be_listened_to(viewer);
	be_listened_to(other);
	switch_to(viewer, OTHER);
	CHECK_INT(listened_to(OTHER), 1);
	configure(other, 0);
	CHECK_INT(listened_to(OTHER), 0);
	be_listened_to(viewer);
	CHECK_INT(listened_to(OTHER), 1);
	close_rooms();
}

static void test_who_is_listened_to_is_offered_nothing(void)
{
	open_rooms(ROOM);
	be_listened_to(viewer);
	gateway_forget(viewer);
	CHECK(!ASK(viewer, "{s:s, s:b}", "request", "configure", "microphone", 1));
	expect_answer(viewer, 0);
	CHECK_INT(gateway_held_offers(), 0);
	switch_to(viewer, OTHER);
	CHECK_INT(listened_to(OTHER), 1);
	close_rooms();
}

/* It changes rooms before it has answered the offer that says so, or one that asks again. */
static void test_what_was_switched_off_stays_off(void)
{
	open_rooms(ROOM);
	be_listened_to(viewer);
	configure(viewer, 0);
	CHECK_INT(listened_to(ROOM), 0);
	switch_to(viewer, OTHER);
	CHECK_INT(listened_to(OTHER), 0);
	start(viewer, "recvonly", 0);
	configure(viewer, 1);
	switch_to(viewer, ROOM);
	CHECK_INT(listened_to(ROOM), 0);
	start(viewer, "sendrecv", 0);
	CHECK_INT(listened_to(ROOM), 1);
	close_rooms();
}

static const struct check_test tests[] = {
	TEST(test_what_was_rejected_is_offered_again),
	TEST(test_who_was_refused_is_offered_again),
	TEST(test_who_was_refused_is_not_paused),
	TEST(test_who_found_no_place_is_offered_again),
	TEST(test_who_is_listened_to_is_offered_nothing),
	TEST(test_what_was_switched_off_stays_off),
};

PREPARATION_MAIN(tests)
