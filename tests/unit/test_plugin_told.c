/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a handle hears of its own place in a room, in which order, and that it hears it: however much waits for it, and
 * whatever happens meanwhile. */
#include "tests/support/plugin_fixture.h"

#include "plugin/request_microphone.h"
#include "rooms/member.h"
#include "rooms/room.h"

/* --- from room to room */

void __real_dh_room_member_move(struct dh_member *member, struct dh_member *to, bool is_up);
void __wrap_dh_room_member_move(struct dh_member *member, struct dh_member *to, bool is_up);

/* All viewers are kicked from a room that one of them is just leaving for another. */
static atomic_int kicks_who_moves, kicked;

void __wrap_dh_room_member_move(struct dh_member *member, struct dh_member *to, bool is_up)
{
	json_t *reply = NULL;

	if (atomic_load(&kicks_who_moves) && dh_room_kick(member->room, 0, &reply) == 0)
		atomic_store(&kicked, (int)json_integer_value(json_object_get(reply, "kicked")));
	json_decref(reply);
	__real_dh_room_member_move(member, to, is_up);
}

static void ask_to_switch(struct gateway_handle *viewer, int room)
{
	CHECK(!ASK(viewer, "{s:s, s:i, s:s, s:s}", "request", "switch", "id", room, "secret", FILES_SECRET, "pin",
		FILES_PIN));
}

/* That is what it hears next. */
static void check_switched(struct gateway_handle *viewer)
{
	json_t *event = gateway_await(viewer, "", AWAIT_S * 1000);

	CHECK_STR(json_string_value(json_object_get(json_object_get(event, "result"), "switched")), "ok");
	json_decref(event);
}

static void test_kicked_while_it_switches(void)
{
	struct plugin_fixture fixture;
	struct gateway_handle *viewer;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&viewer, 1, NULL);
	watch_room(viewer, 1);
	atomic_store(&kicks_who_moves, 1);
	ask_to_switch(viewer, 2);
	check_switched(viewer);
	CHECK_INT(kicked, 1);
	await_more(viewer, 3, 3);
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	CHECK_STR(next_kind(viewer), "pausing");
	atomic_store(&kicks_who_moves, 0);
	detach_all(&viewer, 1);
	plugin_fixture_close(&fixture);
}

/* --- from `starting` to `started` */

json_t *__real_dh_member_status(const struct dh_member *member, const char *status);
json_t *__wrap_dh_member_status(const struct dh_member *member, const char *status);
void __real_dh_request_microphone_take(struct dh_request *request, struct dh_member *member);
void __wrap_dh_request_microphone_take(struct dh_request *request, struct dh_member *member);

/* The connection of `comes_up` comes up while its answer is handled: when that has been read, or when its status is
 * about to be said. */
static _Atomic(struct gateway_handle *) comes_up;
static atomic_int comes_up_late;

static void come_up(const struct dh_member *member)
{
	struct gateway_handle *handle = atomic_exchange(&comes_up, NULL);
	double end = now_ms() + AWAIT_S * 1e3;

	if (!handle)
		return;
	gateway_up(handle);
	while (!atomic_load(&member->up) && now_ms() < end)
		usleep(1000);
	usleep(20000); /* for what may come of it */
}

json_t *__wrap_dh_member_status(const struct dh_member *member, const char *status)
{
	json_t *json = __real_dh_member_status(member, status);

	if (!strcmp(status, "starting"))
		come_up(member);
	return json;
}

void __wrap_dh_request_microphone_take(struct dh_request *request, struct dh_member *member)
{
	__real_dh_request_microphone_take(request, member);
	if (!atomic_load(&comes_up_late))
		come_up(member);
}

static const struct row {
	const char *name, *request, *status;
	int is_late;
} rows[] = {
	{ "when the answer is read", "start", "starting", 0 },
	{ "when `starting` is about to be sent", "start", "starting", 1 },
	{ "with a pause", "pause", "pausing", 0 },
};

static void test_started_once(const void *arg)
{
	const struct row *row = arg;
	struct plugin_fixture fixture;
	struct gateway_handle *viewer;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&viewer, 1, NULL);
	get_offer(viewer, 1);
	atomic_store(&comes_up_late, row->is_late);
	atomic_store(&comes_up, viewer);
	CHECK(!gateway_ask(viewer, json_pack("{s:s}", "request", row->request), gateway_answer()));
	CHECK_STR(next_kind(viewer), row->status);
	CHECK_STR(next_kind(viewer), "started");
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	CHECK_STR(next_kind(viewer), "pausing");
	detach_all(&viewer, 1);
	plugin_fixture_close(&fixture);
}

/* --- the end of a room */

void __real_dh_room_member_attach(struct dh_member *member);
void __wrap_dh_room_member_attach(struct dh_member *member);

/* Who destroys the room that the next one joins. */
static _Atomic(struct gateway_handle *) destroyer;

void __wrap_dh_room_member_attach(struct dh_member *member)
{
	struct gateway_handle *owner = atomic_exchange(&destroyer, NULL);

	if (owner)
		json_decref(ASK(owner, "{s:s, s:o, s:s}", "request", "destroy", "id", dh_room_id_json(member->room),
			"secret", FILES_SECRET));
	__real_dh_room_member_attach(member);
}

static json_t *own_offer(void)
{
	return json_pack("{s:s, s:s}", "type", "offer", "sdp",
		"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n");
}

/* The event comes behind the answer. */
static void test_a_room_that_ends_before_it_is_joined(void)
{
	struct plugin_fixture fixture;
	struct gateway_handle *handles[2], *viewer;

	plugin_fixture_open(&fixture, NULL);
	attach_all(handles, 2, NULL);
	viewer = handles[0];
	atomic_store(&destroyer, handles[1]);
	CHECK(!gateway_ask(viewer, json_pack("{s:s, s:i}", "request", "watch", "id", 1), own_offer()));
	CHECK_STR(next_kind(viewer), "starting");
	CHECK_STR(next_kind(viewer), "destroyed");
	CHECK_STR(next_kind(viewer), "stopped");
	watch_room(viewer, 2);
	atomic_store(&destroyer, handles[1]);
	ask_to_switch(viewer, 3);
	check_switched(viewer);
	CHECK_STR(next_kind(viewer), "destroyed");
	CHECK_STR(next_kind(viewer), "stopped");
	detach_all(handles, 2);
	plugin_fixture_close(&fixture);
}

/* It has nothing else to go by: no connection of it is closed. */
static void test_an_observer_that_is_behind(void)
{
	struct plugin_fixture fixture;
	struct gateway_handle *handles[2], *observer, *owner;

	plugin_fixture_open(&fixture, "max_handle_events = 16\n");
	attach_all(handles, 2, NULL);
	observer = handles[0];
	owner = handles[1];
	observe_room(observer, 1);
	for (int i = 0; i < 40; i++)
		CHECK_INT(code_of(ASK(owner, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", "long.dhs")), 0);
	gateway_hold_events(1);
	CHECK_INT(code_of(ASK(owner, "{s:s, s:i}", "request", "destroy", "id", 1)), 0);
	gateway_hold_events(0);
	await(observer, "event:destroyed");
	detach_all(handles, 2);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_kicked_while_it_switches),
	TABLE(test_started_once, rows),
	TEST(test_a_room_that_ends_before_it_is_joined),
	TEST(test_an_observer_that_is_behind),
};

PREPARATION_MAIN(tests)
