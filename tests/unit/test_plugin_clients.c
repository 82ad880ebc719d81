/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients that are not ours: answers that do not take all, offers of their own, going from
 * room to room. */
#include "tests/support/plugin_fixture.h"

#include "plugin/session.h"

#define TOP     "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define AUDIO   "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n"
#define VIDEO   "m=video 9 UDP/TLS/RTP/SAVPF 120\r\na=recvonly\r\na=rtpmap:120 VP8/90000\r\n"
#define NOTHING "m=video 0 UDP/TLS/RTP/SAVPF 120\r\n"

void __real_dh_session_closed(struct dh_session *session, unsigned closing);
void __wrap_dh_session_closed(struct dh_session *session, unsigned closing);

/* Whoever knows of the end may begin again at once, however late this thread gets a processor. */
void __wrap_dh_session_closed(struct dh_session *session, unsigned closing)
{
	usleep(20000);
	__real_dh_session_closed(session, closing);
}

/* The plugin, and those who are attached to it. */
struct crowd {
	struct plugin_fixture fixture;
	struct gateway_handle *handles[2];
	int count;
};

static struct gateway_handle **crowd_open(struct crowd *crowd, const char *general, int count)
{
	plugin_fixture_open(&crowd->fixture, general);
	attach_all(crowd->handles, count, NULL);
	crowd->count = count;
	return crowd->handles;
}

static void crowd_close(struct crowd *crowd)
{
	detach_all(crowd->handles, crowd->count);
	plugin_fixture_close(&crowd->fixture);
}

static json_t *jsep(const char *type, const char *sdp)
{
	return json_pack("{s:s, s:s}", "type", type, "sdp", sdp);
}

static json_int_t watching(struct gateway_handle *handle, int room)
{
	json_t *info = ASK(handle, "{s:s, s:i, s:s}", "request", "info", "id", room, "secret", FILES_SECRET);
	json_int_t count = json_integer_value(json_object_get(json_object_get(info, "info"), "watching"));

	json_decref(info);
	return count;
}

static void answer_with(struct gateway_handle *handle, const char *request, const char *sdp)
{
	CHECK(!gateway_ask(handle, json_pack("{s:s}", "request", request), jsep("answer", sdp)));
}

/* --- answers */

static void test_what_is_not_taken_is_not_sent(void)
{
	struct gateway_media media;
	struct crowd crowd;
	struct gateway_handle *viewer = crowd_open(&crowd, NULL, 1)[0];

	get_offer(viewer, 1);
	answer_with(viewer, "start", TOP AUDIO NOTHING);
	json_t *starting = gateway_await(viewer, "status:starting", AWAIT_S * 1000);
	json_t *result = json_object_get(starting, "result");
	CHECK(json_is_true(json_object_get(result, "audio")) && json_is_false(json_object_get(result, "video")),
		"both");
	json_decref(starting);
	gateway_up(viewer);
	await(viewer, "status:started");
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", "long.dhs")), 0);
	await(viewer, "event:finished");
	gateway_media(viewer, &media);
	CHECK(media.packets[DH_AUDIO] > 10, "%d sounds", media.packets[DH_AUDIO]);
	CHECK_INT(media.packets[DH_VIDEO], 0);
	crowd_close(&crowd);
}

/* Its place is somebody else's as soon as it has the error. */
static void test_a_refused_answer_frees_the_place(void)
{
	struct crowd crowd;
	struct gateway_handle **handles = crowd_open(&crowd, "max_viewers_per_room = 1\n", 2);

	get_offer(handles[0], 1);
	ask_to_watch(handles[1], 1);
	await(handles[1], "error:464");
	answer_with(handles[0], "start", TOP NOTHING NOTHING);
	await(handles[0], "error:461");
	get_offer(handles[1], 1);
	await(handles[0], "status:stopped");
	crowd_close(&crowd);
}

/* The connection comes up before the plugin has seen the answer, or after. */
static void test_media_wait_for_both(void)
{
	struct crowd crowd;
	struct gateway_handle *viewer = crowd_open(&crowd, NULL, 1)[0];

	get_offer(viewer, 1);
	answer_with(viewer, "pause", TOP AUDIO VIDEO);
	await(viewer, "status:pausing");
	gateway_up(viewer);
	await(viewer, "status:started");
	CHECK(!ASK(viewer, "{s:s}", "request", "start"));
	await(viewer, "status:started");
	await_more(viewer, 3, 3);
	CHECK(!ASK(viewer, "{s:s, s:b}", "request", "configure", "video", 0));
	gateway_forget(viewer);
	await_more(viewer, 3, 0);
	CHECK(!ASK(viewer, "{s:s, s:b}", "request", "configure", "video", 1));
	await_more(viewer, 0, 3);
	crowd_close(&crowd);
}

/* --- offers of the viewer's own */

static void test_own_offer(void)
{
	struct crowd crowd;
	struct gateway_handle *viewer = crowd_open(&crowd, NULL, 1)[0];

	for (int i = 0; i < 3; i++) {
		CHECK(!gateway_ask(viewer, json_pack("{s:s, s:i}", "request", "watch", "id", 1),
			jsep("offer", i == 1 ? TOP AUDIO VIDEO : TOP VIDEO AUDIO)));
		await(viewer, "status:starting");
		gateway_up(viewer);
		await(viewer, "status:started");
		await_more(viewer, 3, 3);
		CHECK(!ASK(viewer, "{s:s, s:i, s:b}", "request", "watch", "id", 1, "restart", 1));
		await(viewer, "error:460");
		CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
		await(viewer, "status:stopped");
	}
	/* What cannot be answered leaves nothing behind. */
	CHECK(!gateway_ask(viewer, json_pack("{s:s, s:i}", "request", "watch", "id", 1), jsep("offer", TOP NOTHING)));
	await(viewer, "error:461");
	CHECK(!gateway_ask(viewer, json_pack("{s:s, s:i}", "request", "watch", "id", 77), jsep("offer", TOP AUDIO)));
	await(viewer, "error:455");
	CHECK_INT(watching(viewer, 1), 0);
	crowd_close(&crowd);
}

/* --- from room to room */

static void ask_to_switch(struct gateway_handle *viewer, int room)
{
	CHECK(!ASK(viewer, "{s:s, s:i, s:s, s:s}", "request", "switch", "id", room, "secret", FILES_SECRET, "pin",
		FILES_PIN));
}

/* The answer has no status and no event. */
static int switched(struct gateway_handle *viewer)
{
	for (;;) {
		json_t *event = gateway_await(viewer, "", AWAIT_S * 1000);
		CHECK(event, "no answer");
		json_t *result = json_object_get(event, "result");
		int is_it = json_object_get(result, "switched") != NULL,
		    code = (int)json_integer_value(json_object_get(event, "error_code"));
		json_decref(event);
		if (is_it || code)
			return code;
	}
}

static void test_switch(void)
{
	struct crowd crowd;
	struct gateway_handle *viewer = crowd_open(&crowd, NULL, 1)[0];

	watch_room(viewer, 1);
	for (int i = 0; i < 20; i++) {
		int room = 1 + (i + 1) % 3;
		ask_to_switch(viewer, room);
		CHECK_INT(switched(viewer), 0);
		CHECK_INT(watching(viewer, room), 1);
		CHECK_INT(watching(viewer, 1 + i % 3), 0);
		if (i % 4 == 3)
			await_more(viewer, 3, 3);
	}
	ask_to_switch(viewer, 99);
	CHECK_INT(switched(viewer), 455);
	await_more(viewer, 3, 3);
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopped");
	crowd_close(&crowd);
}

/* The connection comes up in between, and the room before ends. */
static void test_switch_early_and_late(void)
{
	struct crowd crowd;
	struct gateway_handle **handles = crowd_open(&crowd, NULL, 2);
	struct gateway_handle *viewer = handles[0], *owner = handles[1];

	get_offer(viewer, 1);
	ask_to_switch(viewer, 2);
	CHECK_INT(switched(viewer), 0);
	answer_with(viewer, "start", TOP AUDIO VIDEO);
	ask_to_switch(viewer, 3);
	gateway_up(viewer);
	CHECK_INT(switched(viewer), 0);
	await_more(viewer, 3, 3);
	ask_to_switch(viewer, 1);
	CHECK_INT(code_of(ASK(owner, "{s:s, s:i, s:s}", "request", "destroy", "id", 3, "secret", FILES_SECRET)), 0);
	/* Either it has gone over already, or it goes down with the room. */
	if (switched(viewer) == 0) {
		await_more(viewer, 3, 3);
		CHECK_INT(code_of(ASK(owner, "{s:s, s:i}", "request", "destroy", "id", 1)), 0);
	}
	await(viewer, "status:stopped");
	crowd_close(&crowd);
}

static void check_paused(struct gateway_handle *viewer, bool is_paused)
{
	json_t *query = gateway_query(viewer);

	CHECK_INT(json_is_true(json_object_get(query, "paused")), is_paused);
	json_decref(query);
}

/* Also to the room where it is. */
static void test_switch_ends_a_pause(void)
{
	struct crowd crowd;
	struct gateway_handle *viewer = crowd_open(&crowd, NULL, 1)[0];

	watch_room(viewer, 1);
	for (int room = 1; room <= 2; room++) {
		CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
		await(viewer, "status:pausing");
		check_paused(viewer, true);
		ask_to_switch(viewer, room);
		CHECK_INT(switched(viewer), 0);
		check_paused(viewer, false);
		await_more(viewer, 3, 3);
	}
	crowd_close(&crowd);
}

/* A place is needed in the new room only. */
static void test_switch_to_a_full_room(void)
{
	struct crowd crowd;
	struct gateway_handle **handles = crowd_open(&crowd,
		"max_viewers_per_room = 1\n max_viewers = 2\n max_per_session = 1\n", 2);

	watch_room(handles[0], 1);
	watch_room(handles[1], 2);
	ask_to_switch(handles[0], 2);
	CHECK_INT(switched(handles[0]), 464);
	await_more(handles[0], 3, 3);
	ask_to_switch(handles[0], 3);
	CHECK_INT(switched(handles[0]), 0);
	ask_to_switch(handles[1], 1);
	CHECK_INT(switched(handles[1]), 0);
	await_more(handles[0], 3, 3);
	crowd_close(&crowd);
}

/* --- again, before the connection before is closed */

/* It gets no `stopped` until the gateway lets its hang-ups through. */
static void begin_to_stop(struct gateway_handle *viewer)
{
	gateway_hold_hangups(viewer, 1);
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopping");
	while (!gateway_is_hanging_up(viewer))
		usleep(1000);
}

static void ask_to_observe(struct gateway_handle *handle, int room)
{
	CHECK(!ASK(handle, "{s:s, s:i, s:s}", "request", "observe", "id", room, "secret", FILES_SECRET));
}

/* As in the Streaming plugin, whose page asks at once. Others do not wait for it. */
static void test_watch_waits_for_the_close(void)
{
	struct gateway_handle *viewer, *other;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&viewer, 1, NULL);
	attach_all(&other, 1, NULL);
	watch_room(viewer, 1);
	for (int i = 0; i < 3; i++) {
		begin_to_stop(viewer);
		ask_to_watch(viewer, 2);
		CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
		ask_to_watch(other, 3);
		await(other, "status:preparing");
		CHECK(!ASK(other, "{s:s}", "request", "stop"));
		await(other, "status:stopped");
		gateway_hold_hangups(viewer, 0);
		CHECK_STR(next_kind(viewer), "stopped");
		CHECK_STR(next_kind(viewer), "preparing");
		CHECK_STR(next_kind(viewer), "pausing");
		connect_viewer(viewer);
		await_more(viewer, 3, 3);
	}
	begin_to_stop(viewer);
	ask_to_observe(viewer, 1);
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	gateway_hold_hangups(viewer, 0);
	CHECK_STR(next_kind(viewer), "stopped");
	CHECK_STR(next_kind(viewer), "observing");
	CHECK_STR(next_kind(viewer), "stopped");
	detach_all(&viewer, 1);
	detach_all(&other, 1);
	plugin_fixture_close(&fixture);
}

/* The room, the handle or the plugin goes meanwhile. */
static void test_what_goes_while_a_watch_waits(void)
{
	struct gateway_handle *viewers[3], *owner;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	attach_all(viewers, 3, NULL);
	attach_all(&owner, 1, NULL);
	for (int i = 0; i < 3; i++) {
		watch_room(viewers[i], 1);
		begin_to_stop(viewers[i]);
		ask_to_watch(viewers[i], 3);
		ask_to_watch(viewers[i], 3);
	}
	CHECK_INT(code_of(ASK(owner, "{s:s, s:i, s:s}", "request", "destroy", "id", 3, "secret", FILES_SECRET)), 0);
	gateway_hold_hangups(viewers[0], 0);
	CHECK_STR(next_kind(viewers[0]), "stopped");
	for (int i = 0; i < 2; i++)
		await(viewers[0], "error:455");
	CHECK_INT(watching(owner, 1), 0);
	gateway_detach(&viewers[1]);
	gateway_stop();
	gateway_detach(&viewers[0]);
	gateway_detach(&viewers[2]);
	gateway_detach(&owner);
	plugin_fixture_close(&fixture);
}

/* The gateway hangs up all of the handle's connection: an offer that comes with the request would be lost. */
static void test_an_own_offer_does_not_wait(void)
{
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&viewer, 1, NULL);
	watch_room(viewer, 1);
	begin_to_stop(viewer);
	CHECK(!gateway_ask(viewer, json_pack("{s:s, s:i}", "request", "watch", "id", 1),
		jsep("offer", TOP AUDIO VIDEO)));
	await(viewer, "error:460");
	gateway_hold_hangups(viewer, 0);
	await(viewer, "status:stopped");
	detach_all(&viewer, 1);
	plugin_fixture_close(&fixture);
}

/* --- the key of another plugin */

static void check_key(json_t *answer, const char *value)
{
	CHECK_STR(json_string_value(json_object_get(answer, "other")), value);
	CHECK_STR(json_string_value(json_object_get(answer, "digitalhuman")), value);
	json_decref(answer);
}

static void test_also_answer_as(void)
{
	struct crowd crowd;
	struct gateway_handle **handles = crowd_open(&crowd, "also_answer_as = \"other\"\n", 2);
	struct gateway_handle *viewer = handles[0], *observer = handles[1];

	check_key(ASK(viewer, "{s:s}", "request", "list"), "list");
	check_key(ASK(viewer, "{s:s}", "request", "sing"), "event");
	check_key(gateway_ask_admin(json_pack("{s:s}", "request", "list")), "list");
	ask_to_watch(viewer, 1);
	check_key(gateway_await(viewer, "status:preparing", AWAIT_S * 1000), "event");
	connect_viewer(viewer);
	observe_room(observer, 1);
	CHECK_INT(code_of(ASK(observer, "{s:s, s:i}", "request", "disable", "id", 1)), 0);
	check_key(gateway_await(observer, "event:disabled", AWAIT_S * 1000), "event");
	/* It has not asked for the room's events. */
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	CHECK_STR(next_kind(viewer), "pausing");
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopped");
	CHECK(!ASK(viewer, "{s:s, s:i, s:b}", "request", "watch", "id", 1, "events", 1));
	await(viewer, "status:preparing");
	CHECK_INT(code_of(ASK(observer, "{s:s, s:i}", "request", "enable", "id", 1)), 0);
	check_key(gateway_await(viewer, "event:enabled", AWAIT_S * 1000), "event");
	crowd_close(&crowd);
}

static const struct check_test tests[] = {
	TEST(test_what_is_not_taken_is_not_sent),
	TEST(test_a_refused_answer_frees_the_place),
	TEST(test_media_wait_for_both),
	TEST(test_own_offer),
	TEST(test_switch),
	TEST(test_switch_early_and_late),
	TEST(test_switch_ends_a_pause),
	TEST(test_switch_to_a_full_room),
	TEST(test_watch_waits_for_the_close),
	TEST(test_what_goes_while_a_watch_waits),
	TEST(test_an_own_offer_does_not_wait),
	TEST(test_also_answer_as),
};

PREPARATION_MAIN(tests)
