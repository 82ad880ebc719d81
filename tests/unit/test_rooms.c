/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room with the gateway replaced by a table of functions that writes down what
 * it is asked for: how much a room's thread does, who gets which event, and who
 * has to leave. The avatar's clip is never ready, so whatever is enqueued waits. */
#include "tests/support/ingest_fixture.h"

#include "rooms/room_private.h"

#define MANY 1000

/* --- a gateway */

struct handle {
	gint refs;
	gint holds;      /* 1: a reference to its member */
	char status[32]; /* the latest one; protected by the gateway's lock */
};

/* An event on its way, or what event handlers got (handles NULL). */
struct sent {
	GPtrArray *handles;
	json_t *event;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	GArray *sent, *notified; /* struct sent; protected by lock */
	gint refs_taken;         /* atomic, as all below */
	gint has_event_handlers;
	gint room_allocations; /* of JSON, in a room's thread */
} gateway = { .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };

static void *handle_ref(void *arg)
{
	g_atomic_int_inc(&gateway.refs_taken);
	g_atomic_int_inc(&((struct handle *)arg)->refs);
	return arg;
}

static void handle_unref(void *arg)
{
	g_atomic_int_add(&((struct handle *)arg)->refs, -1);
}

static void relay(void *handle, enum dh_media media, const uint8_t *rtp, size_t size)
{
	(void)handle;
	(void)media;
	(void)rtp;
	(void)size;
}

static void note(GArray *list, GPtrArray *handles, json_t *event)
{
	const struct sent sent = { handles, event };

	pthread_mutex_lock(&gateway.lock);
	g_array_append_val(list, sent);
	pthread_cond_broadcast(&gateway.change);
	pthread_mutex_unlock(&gateway.lock);
}

static void push(void *arg, void *to, json_t *event)
{
	const char *status = json_string_value(json_object_get(json_object_get(event, "result"), "status"));
	struct handle *handle = to;

	(void)arg;
	pthread_mutex_lock(&gateway.lock);
	if (status)
		g_strlcpy(handle->status, status, sizeof handle->status);
	pthread_cond_broadcast(&gateway.change);
	pthread_mutex_unlock(&gateway.lock);
	json_decref(event);
}

static void broadcast(void *arg, GPtrArray *handles, json_t *event)
{
	(void)arg;
	note(gateway.sent, handles, event);
}

static bool has_event_handlers(void *arg)
{
	(void)arg;
	return g_atomic_int_get(&gateway.has_event_handlers);
}

static void notify(void *arg, void *handle, json_t *event)
{
	(void)arg;
	(void)handle;
	note(gateway.notified, NULL, event);
}

/* As a session does, it drops the reference with which it held its member. */
static void dismiss(void *arg, void *handle, struct dh_member *member)
{
	(void)arg;
	if (g_atomic_int_compare_and_exchange(&((struct handle *)handle)->holds, 1, 0))
		dh_member_unref(member);
}

static const struct dh_host host = {
	.handle_ref = handle_ref,
	.handle_unref = handle_unref,
	.relay = relay,
	.push = push,
	.broadcast = broadcast,
	.has_event_handlers = has_event_handlers,
	.notify = notify,
	.dismiss = dismiss,
};

static void sent_clear(gpointer data)
{
	struct sent *sent = data;

	if (sent->handles)
		g_ptr_array_unref(sent->handles);
	json_decref(sent->event);
}

static void gateway_open(void)
{
	gateway.sent = g_array_new(FALSE, FALSE, sizeof(struct sent));
	gateway.notified = g_array_new(FALSE, FALSE, sizeof(struct sent));
	g_array_set_clear_func(gateway.sent, sent_clear);
	g_array_set_clear_func(gateway.notified, sent_clear);
	g_atomic_int_set(&gateway.has_event_handlers, 0);
}

static void gateway_forget(void)
{
	pthread_mutex_lock(&gateway.lock);
	g_array_set_size(gateway.sent, 0);
	g_array_set_size(gateway.notified, 0);
	pthread_mutex_unlock(&gateway.lock);
	g_atomic_int_set(&gateway.refs_taken, 0);
	g_atomic_int_set(&gateway.room_allocations, 0);
}

static void gateway_close(void)
{
	g_array_free(gateway.sent, TRUE);
	g_array_free(gateway.notified, TRUE);
}

/* --- a room */

struct set {
	struct ingest_fixture fixture;
	struct dh_avatar_config config;
	struct dh_avatar *avatar;
	struct dh_member_counts counts;
	struct dh_room *room;
	struct handle handles[MANY];
	struct dh_member *members[MANY]; /* references, as sessions hold them */
};

static struct set set;

static void set_open(int64_t watch_timeout_ms)
{
	const struct dh_room_context context = { .host = &host,
		.events = true,
		.watch_timeout_ms = watch_timeout_ms,
		.max_queue = 100,
		.max_queue_ms = 3600000,
		.max_queue_mb = 100 };
	struct dh_settings *settings = dh_settings_new(&(struct dh_settings){ .description = "a room" });
	static const char script[] = "hang 1";

	memset(&set, 0, sizeof set);
	gateway_open();
	ingest_fixture_init(&set.fixture);
	ingest_fixture_open(&set.fixture);
	ingest_fixture_file(&set.fixture, "idle", script, strlen(script));
	set.config = (struct dh_avatar_config){ .name = "a", .width = 16, .height = 16, .kbps = 100, .entry_ms = 500 };
	set.config.idle = g_build_filename(set.fixture.folder, "idle", NULL);
	set.avatar = dh_avatar_new(&set.config, set.fixture.io, set.fixture.ingest);
	const struct dh_room_facts facts = { .id = "1", .avatar = set.avatar };
	CHECK_INT(dh_room_alloc(&set.room, &context, &facts, settings), 0);
	dh_settings_unref(settings);
}

static void leave(int i)
{
	struct dh_member *member = set.members[i];

	set.members[i] = NULL;
	if (!g_atomic_int_compare_and_exchange(&set.handles[i].holds, 1, 0))
		return; /* it was dismissed */
	dh_room_member_leave(member);
	dh_member_unref(member);
}

static void set_close(void)
{
	for (int i = 0; i < MANY; i++)
		leave(i);
	dh_room_close(set.room);
	CHECK_INT(dh_room_viewer_count(set.room) + dh_room_observer_count(set.room), 0);
	dh_room_unref(set.room);
	gateway_close();
	for (int i = 0; i < MANY; i++)
		CHECK_INT(set.handles[i].refs, 0);
	CHECK_INT(set.counts.viewers + set.counts.observers, 0);
	dh_avatar_free(&set.avatar);
	ingest_fixture_close(&set.fixture);
	g_free(set.config.idle);
}

/* Watches or observes with handle `i`. */
static void join(int i, enum dh_member_kind kind)
{
	set.members[i] = dh_room_member_new(set.room, &set.handles[i], kind, &set.counts);
	g_atomic_int_set(&set.handles[i].holds, 1);
	dh_room_member_attach(set.members[i]);
}

static void join_many(int count)
{
	for (int i = 0; i < count; i++)
		join(i, DH_MEMBER_VIEWER);
}

/* Until the room has seen what was posted before. */
static json_t *stats(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_stats(set.room, 0, &reply), 0);
	return reply;
}

static void flush(void)
{
	json_decref(stats());
}

static void enqueue(const char *name, const struct dh_feed_speech *speech)
{
	const struct dh_feed_context context = { .io = set.fixture.io, .ingest = set.fixture.ingest };
	const struct dh_feed_owner owner = dh_room_feed_owner(set.room);
	struct dh_ingest_source source;
	json_t *reply = NULL;

	dh_ingest_source_init(&source);
	if (!speech) {
		source.count = 1;
		source.names[0] = "segment";
		source.folders[0] = set.fixture.folder;
		ingest_fixture_file(&set.fixture, "segment", "good 5", 6);
	}
	struct dh_feed *feed = dh_feed_new(&context, &owner, name, NULL, &source, speech, NULL);
	CHECK_INT(dh_room_enqueue(set.room, feed, NULL, &reply), 0);
	dh_feed_unref(feed);
	json_decref(reply);
}

/* --- how much a room's thread does */

static void test_interrupt_before_a_thousand(void)
{
	json_t *reply = NULL;

	set_open(100000);
	join_many(MANY - 1);
	for (int i = 0; i < 100; i++)
		enqueue("segment", NULL);
	join(MANY - 1, DH_MEMBER_VIEWER); /* the recipients are others now */
	flush();
	gateway_forget();
	CHECK_INT(dh_room_interrupt(set.room, &reply), 0);
	CHECK_INT(json_integer_value(json_object_get(reply, "dropped")), 100);
	json_decref(reply);
	CHECK_INT(gateway.sent->len, 100);
	CHECK(g_atomic_int_get(&gateway.refs_taken) <= MANY, "%d references to handles", gateway.refs_taken);
	for (guint i = 0; i < gateway.sent->len; i++) {
		const struct sent *sent = &g_array_index(gateway.sent, struct sent, i);
		CHECK(sent->handles == g_array_index(gateway.sent, struct sent, 0).handles);
		CHECK_INT(sent->handles->len, MANY);
	}
	CHECK_INT(gateway.notified->len, 0);
	set_close();
}

/* The allocator of all JSON. */
static void *json_malloc(size_t size)
{
	char name[16] = "";

	pthread_getname_np(pthread_self(), name, sizeof name);
	if (g_str_has_prefix(name, "dh room"))
		g_atomic_int_inc(&gateway.room_allocations);
	return malloc(size);
}

static void test_json_is_made_by_who_asks(void)
{
	json_t *reply = NULL;

	set_open(100000);
	join_many(MANY);
	for (int i = 0; i < 20; i++)
		enqueue("segment", NULL);
	for (int i = 0; i < MANY; i += 2)
		dh_room_member_media(set.members[i]);
	flush();
	gateway_forget();
	reply = stats();
	CHECK_INT(json_array_size(json_object_get(reply, "viewers")), MANY);
	json_decref(reply);
	CHECK_INT(dh_room_queue(set.room, true, &reply), 0);
	CHECK_INT(json_array_size(json_object_get(reply, "waiting")), 20);
	json_decref(reply);
	CHECK_INT(dh_room_viewer(set.room, set.members[0], &reply), 0);
	CHECK(json_object_get(reply, "plis"));
	json_decref(reply);
	json_decref(dh_room_info(set.room, true));
	CHECK_INT(g_atomic_int_get(&gateway.room_allocations), 0);
	set_close();
}

/* --- the end of a long segment */

#define UNITS 3000

/* A segment as long as UNITS; `units` gets references to them. */
static struct dh_segment *long_segment(struct dh_unit **units)
{
	const struct dh_stream_head head = { .has_audio = 1, .encoder = "none" };
	struct dh_segment *segment = NULL;

	CHECK_INT(dh_segment_alloc(&segment, "long", NULL), 0);
	CHECK_INT(dh_segment_open(segment, &head, NULL), 0);
	for (int i = 0; i < UNITS; i++) {
		units[i] = dh_unit_new(DH_AUDIO, i * DH_SLOT_TICKS, DH_SLOT_TICKS, "sound", 5);
		CHECK_INT(dh_segment_append(segment, units[i]), 0);
	}
	return segment;
}

static int run_ended(struct dh_room *room, void *arg)
{
	dh_room_ended_add(room, arg);
	return 0;
}

struct count {
	struct dh_unit **units;
	int held; /* by the segment */
};

static int run_count(struct dh_room *room, void *arg)
{
	struct count *count = arg;

	(void)room;
	count->held = 0;
	for (int i = 0; i < UNITS; i++)
		count->held += count->units[i]->refs > 1;
	return 0;
}

/* Whoever looks finds that no more has gone than a turn's share for each
 * millisecond that has passed. */
static void test_a_long_segment_is_freed_bit_by_bit(void)
{
	struct dh_unit **units = g_new0(struct dh_unit *, UNITS);
	struct count count = { units, UNITS };

	set_open(100000);
	double since = now_ms();
	CHECK_INT(dh_room_call(set.room, run_ended, long_segment(units)), 0);
	while (count.held > 0) {
		CHECK_INT(dh_room_call(set.room, run_count, &count), 0);
		CHECK(UNITS - count.held <= 128 * (now_ms() - since + 2), "%d too early", UNITS - count.held);
	}
	for (int i = 0; i < UNITS; i++)
		dh_unit_unref(&units[i]);
	CHECK_INT(dh_room_call(set.room, run_ended, long_segment(units)), 0); /* the room ends first */
	set_close();
	for (int i = 0; i < UNITS; i++) {
		CHECK_INT(units[i]->refs, 1);
		dh_unit_unref(&units[i]);
	}
	g_free(units);
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

	set_open(100000);
	for (int i = 0; i < 60; i++)
		join(i, i % 3 ? DH_MEMBER_VIEWER : i % 2 ? DH_MEMBER_OBSERVER : DH_MEMBER_TRUSTED_OBSERVER);
	for (int i = 0; i < 60; i += i % 4 + 1)
		leave(i);
	reply = stats();
	for (int i = 0; i < 60; i++)
		if (set.members[i])
			CHECK(is_listed(reply, set.members[i]->id), "member %d", i);
	CHECK_INT(json_array_size(json_object_get(reply, "viewers")),
		dh_room_viewer_count(set.room) + dh_room_observer_count(set.room));
	json_decref(reply);
	CHECK_INT(set.counts.viewers, dh_room_viewer_count(set.room));
	CHECK_INT(set.counts.observers, dh_room_observer_count(set.room));
	id = set.members[2] ? set.members[2]->id : set.members[3]->id;
	CHECK_INT(dh_room_stats(set.room, id, &reply), 0);
	CHECK_INT(json_array_size(json_object_get(reply, "viewers")), 1);
	json_decref(reply);
	CHECK_INT(dh_room_stats(set.room, 77777, &reply), -ENOENT);
	set_close();
}

static void test_kick_all(void)
{
	json_t *reply = NULL;

	set_open(100000);
	for (int i = 0; i < MANY; i++)
		join(i, i % 10 ? DH_MEMBER_VIEWER : DH_MEMBER_OBSERVER);
	CHECK_INT(dh_room_kick(set.room, 0, &reply), 0);
	CHECK_INT(json_integer_value(json_object_get(reply, "kicked")), MANY * 9 / 10);
	json_decref(reply);
	for (int i = 0; i < MANY; i++)
		CHECK_STR(set.handles[i].status, i % 10 ? "kicked_all" : "");
	CHECK_INT(dh_room_viewer_count(set.room), 0);
	CHECK_INT(dh_room_observer_count(set.room), MANY / 10);
	CHECK_INT(dh_room_kick(set.room, set.members[10]->id, &reply), 0);
	CHECK_STR(set.handles[10].status, "kicked");
	json_decref(reply);
	set_close();
}

/* --- who has to connect, and has not */

static void await_status(int i, const char *status)
{
	double end = now_ms() + 60e3;
	int is_it;

	do {
		usleep(2000);
		pthread_mutex_lock(&gateway.lock);
		is_it = strcmp(set.handles[i].status, status) == 0;
		pthread_mutex_unlock(&gateway.lock);
	} while (!is_it && now_ms() < end);
	CHECK(is_it, "handle %d: %s", i, set.handles[i].status);
}

static void test_who_does_not_connect(void)
{
	set_open(50);
	join(0, DH_MEMBER_VIEWER);
	dh_room_member_media(set.members[0]);
	join(1, DH_MEMBER_OBSERVER);
	join(2, DH_MEMBER_VIEWER);
	leave(2); /* of itself */
	for (int i = 3; i < 50; i++)
		join(i, DH_MEMBER_VIEWER);
	for (int i = 3; i < 50; i++)
		await_status(i, "timeout");
	flush();
	CHECK_INT(dh_room_observer_count(set.room), 1);
	CHECK_INT(dh_room_viewer_count(set.room), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_STR(set.handles[i].status, "");
		CHECK_INT(set.handles[i].holds, i < 2);
	}
	set_close();
}

/* Nobody else waits for it: the time is kept by the room's thread alone. */
static void test_one_that_does_not_connect(void)
{
	set_open(30);
	join(0, DH_MEMBER_VIEWER);
	await_status(0, "timeout");
	flush();
	CHECK_INT(dh_room_viewer_count(set.room), 0);
	set_close();
}

/* --- what a segment is called */

static const char *name_for(const GArray *list, const struct handle *handle)
{
	for (guint i = 0; i < list->len; i++) {
		const struct sent *sent = &g_array_index(list, struct sent, i);
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

	CHECK_STR(name_for(gateway.sent, &set.handles[0]), short_name); /* a viewer */
	CHECK_STR(name_for(gateway.sent, &set.handles[1]), short_name); /* an observer */
	CHECK_STR(name_for(gateway.sent, &set.handles[2]), name);       /* one that knows the secret */
	CHECK_STR(name_for(gateway.notified, NULL), name);
	CHECK_INT(dh_room_queue(set.room, false, &queue), 0);
	CHECK_STR(name_in_queue(queue), short_name);
	json_decref(queue);
	CHECK_INT(dh_room_queue(set.room, true, &queue), 0);
	CHECK_STR(name_in_queue(queue), name);
	json_decref(queue);
	CHECK_INT(dh_room_interrupt(set.room, &queue), 0);
	json_decref(queue);
	gateway_forget();
}

static void test_names(void)
{
	const struct dh_generator_config generator = { .name = "g" };
	const struct dh_feed_speech speech = { .generator = &generator, .text = "either/or", .audio = -1 };

	set_open(100000);
	join(0, DH_MEMBER_VIEWER);
	join(1, DH_MEMBER_OBSERVER);
	join(2, DH_MEMBER_TRUSTED_OBSERVER);
	flush();
	gateway_forget();
	g_atomic_int_set(&gateway.has_event_handlers, 1);
	enqueue("customers/mueller/hello.mkv", NULL);
	check_names("customers/mueller/hello.mkv", "hello.mkv");
	enqueue("hello.mkv", NULL);
	check_names("hello.mkv", "hello.mkv");
	enqueue("either/or", &speech); /* a text is no path */
	check_names("either/or", "either/or");
	set_close();
}

static const struct check_test tests[] = {
	TEST(test_interrupt_before_a_thousand),
	TEST(test_json_is_made_by_who_asks),
	TEST(test_a_long_segment_is_freed_bit_by_bit),
	TEST(test_coming_and_going),
	TEST(test_kick_all),
	TEST(test_who_does_not_connect),
	TEST(test_one_that_does_not_connect),
	TEST(test_names),
};

int main(int argc, char **argv)
{
	json_set_alloc_funcs(json_malloc, free);
	return find_fake_worker(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
