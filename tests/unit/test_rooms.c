/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room without Janus (tests/support/room_rig): how much its thread does, who gets which
 * event, and who has to leave. */
#include "tests/support/room_rig.h"

/* --- how much a room's thread does */

static const struct dh_room_cut all = { 0 };

static atomic_int copies; /* of JSON */

json_t *__real_json_copy(json_t *value);
json_t *__wrap_json_copy(json_t *value);

json_t *__wrap_json_copy(json_t *value)
{
	atomic_fetch_add(&copies, 1);
	return __real_json_copy(value);
}

static void test_interrupt_before_a_thousand(void)
{
	json_t *reply = NULL;

	room_rig_open(100000);
	room_rig_join_many(ROOM_RIG_MEMBERS - 1);
	for (int i = 0; i < 100; i++)
		room_rig_enqueue("segment", NULL);
	room_rig_join(ROOM_RIG_MEMBERS - 1, DH_MEMBER_VIEWER); /* the recipients are different now */
	room_rig_flush();
	room_rig_forget();
	atomic_store(&copies, 0);
	CHECK_INT(dh_room_interrupt(rig.room, &all, &reply), 0);
	CHECK_INT(json_integer_value(json_object_get(reply, "dropped")), 100);
	json_decref(reply);
	CHECK_INT(rig.sent->len, 100);
	CHECK(atomic_load(&rig.refs_taken) <= ROOM_RIG_MEMBERS, "%d references to handles", rig.refs_taken);
	for (guint i = 0; i < rig.sent->len; i++) {
		const struct room_rig_event *sent = &g_array_index(rig.sent, struct room_rig_event, i);
		CHECK(sent->handles == g_array_index(rig.sent, struct room_rig_event, 0).handles);
		CHECK_INT(sent->handles->len, ROOM_RIG_MEMBERS);
	}
	/* Nothing is made for event handlers where there are none. */
	CHECK_INT(rig.notified->len, 0);
	CHECK_INT(atomic_load(&copies), 0);
	room_rig_close();
}

static void test_event_handlers_get_their_own(void)
{
	json_t *reply = NULL;

	room_rig_open(100000);
	room_rig_join(0, DH_MEMBER_VIEWER);
	for (int i = 0; i < 3; i++)
		room_rig_enqueue("segment", NULL);
	room_rig_flush();
	room_rig_forget();
	atomic_store(&rig.has_event_handlers, 1);
	atomic_store(&copies, 0);
	CHECK_INT(dh_room_interrupt(rig.room, &all, &reply), 0);
	json_decref(reply);
	CHECK_INT(rig.notified->len, 3);
	CHECK_INT(atomic_load(&copies), 3);
	room_rig_close();
}

/* Each event takes a while. A viewer's time to connect is over amid them, and it hears of that
 * then. */
static void check_time_is_kept(int events)
{
	pthread_mutex_lock(&rig.lock);
	CHECK_STR(rig.handles[0].status, "timeout");
	CHECK(rig.handles[0].sent_before < (guint)events, "after %u events", rig.handles[0].sent_before);
	pthread_mutex_unlock(&rig.lock);
	CHECK_INT(rig.sent->len, events);
}

static void open_slow(int segments)
{
	room_rig_open(300);
	for (int i = 0; i < segments; i++)
		room_rig_enqueue("segment", NULL);
	room_rig_forget();
	atomic_store(&rig.pause_us, 3000);
	room_rig_join(0, DH_MEMBER_VIEWER);
	room_rig_join(1, DH_MEMBER_OBSERVER); /* hears the rest */
}

static void test_a_long_interrupt_keeps_time(void)
{
	json_t *reply = NULL;

	open_slow(300);
	CHECK_INT(dh_room_interrupt(rig.room, &all, &reply), 0);
	CHECK_INT(json_integer_value(json_object_get(reply, "dropped")), 300);
	json_decref(reply);
	check_time_is_kept(300);
	atomic_store(&rig.pause_us, 0);
	room_rig_close();
}

static void kill_worker(int pid)
{
	kill(pid, SIGKILL);
}

static void test_a_long_failure_keeps_time(void)
{
	guint sent;

	open_slow(300);
	do {
		each_child(kill_worker); /* the avatar's, too, once there is one */
		usleep(2000);
		pthread_mutex_lock(&rig.lock);
		sent = rig.sent->len;
		pthread_mutex_unlock(&rig.lock);
	} while (sent < 300);
	atomic_store(&rig.pause_us, 0);
	room_rig_flush();
	check_time_is_kept(300);
	room_rig_close();
}

/* The allocator of all JSON. */
static void *json_malloc(size_t size)
{
	char name[16] = "";

	pthread_getname_np(pthread_self(), name, sizeof name);
	if (g_str_has_prefix(name, "dh room"))
		atomic_fetch_add(&rig.room_allocations, 1);
	return malloc(size);
}

static void test_json_is_made_by_who_asks(void)
{
	json_t *reply = NULL;

	room_rig_open(100000);
	room_rig_join_many(ROOM_RIG_MEMBERS);
	for (int i = 0; i < 20; i++)
		room_rig_enqueue("segment", NULL);
	for (int i = 0; i < ROOM_RIG_MEMBERS; i += 2)
		room_rig_connect(i);
	room_rig_flush();
	room_rig_forget();
	reply = room_rig_stats();
	CHECK_INT(json_array_size(json_object_get(reply, "viewers")), ROOM_RIG_MEMBERS);
	json_decref(reply);
	CHECK_INT(dh_room_queue(rig.room, true, &reply), 0);
	CHECK_INT(json_array_size(json_object_get(reply, "waiting")), 20);
	json_decref(reply);
	CHECK_INT(dh_room_viewer(rig.room, rig.members[0], &reply), 0);
	CHECK(json_object_get(reply, "plis"));
	json_decref(reply);
	json_decref(dh_room_info(rig.room, true));
	CHECK_INT(atomic_load(&rig.room_allocations), 0);
	room_rig_close();
}

/* --- who is there */

static int is_listed(const json_t *reply, guint id)
{
	json_t *viewer;
	size_t i;

	json_array_foreach(json_object_get(reply, "viewers"), i, viewer)
		if (json_integer_value(json_object_get(viewer, "viewer")) == id)
			return 1;
	return 0;
}

static void test_coming_and_going(void)
{
	json_t *reply = NULL;
	guint id;

	room_rig_open(100000);
	for (int i = 0; i < 60; i++)
		room_rig_join(i, i % 3 ? DH_MEMBER_VIEWER : i % 2 ? DH_MEMBER_OBSERVER : DH_MEMBER_TRUSTED_OBSERVER);
	for (int i = 0; i < 60; i += i % 4 + 1)
		room_rig_leave(i);
	reply = room_rig_stats();
	for (int i = 0; i < 60; i++)
		if (rig.members[i])
			CHECK(is_listed(reply, rig.members[i]->id), "member %d", i);
	CHECK_INT(json_array_size(json_object_get(reply, "viewers")),
		dh_room_viewer_count(rig.room) + dh_room_observer_count(rig.room));
	json_decref(reply);
	CHECK_INT(rig.counts.viewers, dh_room_viewer_count(rig.room));
	CHECK_INT(rig.counts.observers, dh_room_observer_count(rig.room));
	id = rig.members[2] ? rig.members[2]->id : rig.members[3]->id;
	CHECK_INT(dh_room_stats(rig.room, id, &reply), 0);
	CHECK_INT(json_array_size(json_object_get(reply, "viewers")), 1);
	json_decref(reply);
	CHECK_INT(dh_room_stats(rig.room, 77777, &reply), -ENOENT);
	room_rig_close();
}

static void test_kick_all(void)
{
	json_t *reply = NULL;

	room_rig_open(100000);
	for (int i = 0; i < ROOM_RIG_MEMBERS; i++)
		room_rig_join(i, i % 10 ? DH_MEMBER_VIEWER : DH_MEMBER_OBSERVER);
	CHECK_INT(dh_room_kick(rig.room, 0, &reply), 0);
	CHECK_INT(json_integer_value(json_object_get(reply, "kicked")), ROOM_RIG_MEMBERS * 9 / 10);
	json_decref(reply);
	for (int i = 0; i < ROOM_RIG_MEMBERS; i++)
		CHECK_STR(rig.handles[i].status, i % 10 ? "kicked_all" : "");
	CHECK_INT(dh_room_viewer_count(rig.room), 0);
	CHECK_INT(dh_room_observer_count(rig.room), ROOM_RIG_MEMBERS / 10);
	CHECK_INT(dh_room_kick(rig.room, rig.members[10]->id, &reply), 0);
	CHECK_STR(rig.handles[10].status, "kicked");
	json_decref(reply);
	room_rig_close();
}

/* --- who has to connect, and has not */

static void await_status(int i, const char *status)
{
	double end = now_ms() + AWAIT_S * 1e3;
	int is_it;

	do {
		usleep(2000);
		pthread_mutex_lock(&rig.lock);
		is_it = strcmp(rig.handles[i].status, status) == 0;
		pthread_mutex_unlock(&rig.lock);
	} while (!is_it && now_ms() < end);
	CHECK(is_it, "handle %d: %s", i, rig.handles[i].status);
}

/* All in one command of the room's, in which no time passes for it: however busy the machine is, the first
 * one connects in time, and the third one leaves by itself in time. */
static int run_in_time(struct dh_room *room, void *arg)
{
	struct dh_member *leaving;

	(void)arg;
	room_rig_join(0, DH_MEMBER_VIEWER);
	dh_room_members_attach(room, rig.members[0]);
	room_rig_connect(0);
	dh_room_members_media(room, rig.members[0]);
	room_rig_join(1, DH_MEMBER_OBSERVER);
	room_rig_join(2, DH_MEMBER_VIEWER);
	leaving = dh_member_ref(rig.members[2]);
	dh_room_members_attach(room, leaving);
	room_rig_leave(2);
	dh_room_members_leave(room, leaving);
	dh_member_unref(&leaving);
	return 0;
}

static void test_who_does_not_connect(void)
{
	room_rig_open(50);
	CHECK_INT(dh_room_call(rig.room, run_in_time, NULL), 0);
	for (int i = 3; i < 50; i++)
		room_rig_join(i, DH_MEMBER_VIEWER);
	for (int i = 3; i < 50; i++)
		await_status(i, "timeout");
	room_rig_flush();
	CHECK_INT(dh_room_observer_count(rig.room), 1);
	CHECK_INT(dh_room_viewer_count(rig.room), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_STR(rig.handles[i].status, i ? "" : "started");
		CHECK_INT(rig.handles[i].holds, i < 2);
	}
	room_rig_close();
}

/* Nobody else is waited for: the room's thread alone keeps the time. */
static void test_one_that_does_not_connect(void)
{
	room_rig_open(30);
	room_rig_join(0, DH_MEMBER_VIEWER);
	await_status(0, "timeout");
	room_rig_flush();
	CHECK_INT(dh_room_viewer_count(rig.room), 0);
	room_rig_close();
}

/* --- what a segment is called */

static const char *name_for(const GArray *list, const struct room_rig_handle *handle)
{
	for (guint i = 0; i < list->len; i++) {
		const struct room_rig_event *sent = &g_array_index(list, struct room_rig_event, i);
		if (!sent->handles || g_ptr_array_find(sent->handles, handle, NULL))
			return json_string_value(json_object_get(sent->event, "name"));
	}
	return NULL;
}

static const char *name_in_queue(const json_t *queue)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(queue, "waiting"), 0), "name"));
}

static void check_names(const char *name, const char *short_name)
{
	json_t *queue = NULL;

	CHECK_STR(name_for(rig.sent, &rig.handles[0]), short_name); /* a viewer */
	CHECK_STR(name_for(rig.sent, &rig.handles[1]), short_name); /* an observer */
	CHECK_STR(name_for(rig.sent, &rig.handles[2]), name);       /* one that knows the secret */
	CHECK_STR(name_for(rig.notified, NULL), name);
	CHECK_INT(dh_room_queue(rig.room, false, &queue), 0);
	CHECK_STR(name_in_queue(queue), short_name);
	json_decref(queue);
	CHECK_INT(dh_room_queue(rig.room, true, &queue), 0);
	CHECK_STR(name_in_queue(queue), name);
	json_decref(queue);
	CHECK_INT(dh_room_interrupt(rig.room, &all, &queue), 0);
	json_decref(queue);
	room_rig_forget();
}

static void test_names(void)
{
	const struct dh_generator_config generator = { .name = "g" };
	const struct dh_feed_speech speech = { .generator = &generator, .text = "either/or", .audio = -1 };

	room_rig_open(100000);
	room_rig_join(0, DH_MEMBER_VIEWER);
	room_rig_join(1, DH_MEMBER_OBSERVER);
	room_rig_join(2, DH_MEMBER_TRUSTED_OBSERVER);
	room_rig_flush();
	room_rig_forget();
	atomic_store(&rig.has_event_handlers, 1);
	room_rig_enqueue("customers/mueller/hello.mkv", NULL);
	check_names("customers/mueller/hello.mkv", "hello.mkv");
	room_rig_enqueue("hello.mkv", NULL);
	check_names("hello.mkv", "hello.mkv");
	room_rig_enqueue("either/or", &speech); /* a text is no path */
	check_names("either/or", "either/or");
	room_rig_close();
}

static int run_seed(struct dh_room *room, void *arg)
{
	const struct dh_member *member = rig.members[0];

	dh_playout_viewer_seed(room->playout, member->viewer, 0, arg);
	return 0;
}

/* Without a clip there are no pictures, so their first one has not been used yet. In the lower half, as
 * dh_seed_numbers says. */
static void test_first_sequence_numbers(void)
{
	struct dh_continuity_seed seed;

	room_rig_open(100000);
	for (int i = 0; i < 64; i++) {
		room_rig_join(0, DH_MEMBER_VIEWER);
		room_rig_connect(0);
		CHECK_INT(dh_room_call(rig.room, run_seed, &seed), 0);
		CHECK(seed.first_sequence[DH_VIDEO] < 0x8000, "%d", seed.first_sequence[DH_VIDEO]);
		room_rig_leave(0);
	}
	room_rig_close();
}

static const struct check_test tests[] = {
	TEST(test_interrupt_before_a_thousand),
	TEST(test_event_handlers_get_their_own),
	TEST(test_a_long_interrupt_keeps_time),
	TEST(test_a_long_failure_keeps_time),
	TEST(test_json_is_made_by_who_asks),
	TEST(test_coming_and_going),
	TEST(test_kick_all),
	TEST(test_who_does_not_connect),
	TEST(test_one_that_does_not_connect),
	TEST(test_names),
	TEST(test_first_sequence_numbers),
};

int main(int argc, char **argv)
{
	json_set_alloc_funcs(json_malloc, free);
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
