/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much one client, handle or room may take of what all share, and who may ask for
 * what. */
#include "tests/support/plugin_fixture.h"
#include "tests/support/request_maker.h"

/* The error code of `watch` or `observe`; 0 if it succeeds. */
static int look(struct gateway_handle *handle, const char *request, int room)
{
	json_t *event;

	CHECK(!ASK(handle, "{s:s, s:i, s:s}", "request", request, "id", room, "pin", FILES_PIN));
	event = gateway_await(handle, "", AWAIT_S * 1000);
	CHECK(event);
	return code_of(event);
}

static int watch(struct gateway_handle *handle, int room)
{
	return look(handle, "watch", room);
}

static int observe(struct gateway_handle *handle, int room)
{
	return look(handle, "observe", room);
}

static void stop(struct gateway_handle *handle)
{
	CHECK(!ASK(handle, "{s:s}", "request", "stop"));
	await(handle, "status:stopped");
}

/* A place becomes free with the last message about it, a moment later. */
static int again(int (*join)(struct gateway_handle *, int), struct gateway_handle *handle, int room)
{
	double end = now_ms() + AWAIT_S * 1e3;
	int code;

	while ((code = join(handle, room)) == DH_ERROR_LIMIT && now_ms() < end)
		usleep(1000);
	return code;
}

/* --- places */

static void test_observers_take_no_viewers_places(void)
{
	struct gateway_handle *handles[6];
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_viewers_per_room = 2\n max_observers_per_room = 2\n max_observers = 3\n");
	attach_all(handles, 6, NULL);
	CHECK_INT(observe(handles[0], 1), 0);
	CHECK_INT(observe(handles[1], 1), 0);
	CHECK_INT(observe(handles[2], 1), DH_ERROR_LIMIT);
	CHECK_INT(watch(handles[2], 1), 0);
	CHECK_INT(watch(handles[3], 1), 0);
	CHECK_INT(watch(handles[4], 1), DH_ERROR_LIMIT);
	CHECK_INT(observe(handles[4], 3), 0);
	CHECK_INT(observe(handles[5], 3), DH_ERROR_LIMIT);
	stop(handles[0]);
	CHECK_INT(again(observe, handles[5], 3), 0);
	detach_all(handles, 6);
	plugin_fixture_close(&fixture);
}

/* All handles of a client count, whatever rooms they are in. */
static void test_one_client(void)
{
	struct gateway_handle *handles[5], *other;
	struct plugin_fixture fixture;
	json_t *event;

	plugin_fixture_open(&fixture, "max_per_session = 3\n");
	attach_all(handles, 5, &fixture);
	attach_all(&other, 1, NULL);
	CHECK_INT(watch(handles[0], 1), 0);
	CHECK_INT(watch(handles[1], 3), 0);
	CHECK_INT(observe(handles[2], 3), 0);
	CHECK_INT(watch(handles[3], 1), DH_ERROR_LIMIT);
	CHECK(!ASK(handles[4], "{s:s, s:i}", "request", "observe", "id", 1));
	event = gateway_await(handles[4], "error:464", AWAIT_S * 1000);
	CHECK(strstr(json_string_value(json_object_get(event, "error")), "max_per_session"));
	json_decref(event);
	CHECK_INT(watch(other, 1), 0);
	stop(handles[0]);
	CHECK_INT(watch(handles[3], 1), 0);
	gateway_detach(&handles[1]);
	CHECK_INT(again(watch, handles[4], 3), 0);
	CHECK_INT(watch(handles[0], 1), DH_ERROR_LIMIT);
	detach_all(handles, 5);
	gateway_detach(&other);
	plugin_fixture_close(&fixture);
}

/* Two simultaneous requests do not get the same place. */
static void *join_one(void *arg)
{
	watch(arg, 1);
	return NULL;
}

static void test_places_are_taken_once(void)
{
	struct gateway_handle *handles[40];
	struct plugin_fixture fixture;
	pthread_t threads[40];
	json_t *info;

	plugin_fixture_open(&fixture, "max_per_session = 7\n");
	attach_all(handles, 40, &fixture);
	for (int i = 0; i < 40; i++)
		pthread_create(&threads[i], NULL, join_one, handles[i]);
	for (int i = 0; i < 40; i++)
		pthread_join(threads[i], NULL);
	info = gateway_ask_admin(json_pack("{s:s, s:i}", "request", "info", "id", 1));
	CHECK_INT(json_integer_value(json_object_get(json_object_get(info, "info"), "watching")), 7);
	json_decref(info);
	detach_all(handles, 40);
	plugin_fixture_close(&fixture);
}

/* --- handles */

static void test_handles(void)
{
	struct gateway_handle *handles[3], *others[2];
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_handles_per_session = 3\n max_handles = 5\n");
	attach_all(handles, 3, &fixture);
	CHECK(!gateway_attach_to(&fixture));
	attach_all(others, 2, NULL);
	CHECK(!gateway_attach());
	gateway_detach(&handles[0]);
	CHECK((handles[0] = gateway_attach_to(&fixture)) != NULL);
	detach_all(handles, 3);
	detach_all(others, 2);
	plugin_fixture_close(&fixture);
}

#define AT_ONCE 8

struct attaching {
	pthread_barrier_t *all;
	struct gateway_handle *handle;
};

static void *attach_with_others(void *arg)
{
	struct attaching *attaching = arg;

	pthread_barrier_wait(attaching->all);
	attaching->handle = gateway_attach();
	return NULL;
}

/* However many come at once. */
static void test_handles_at_once(void)
{
	struct plugin_fixture fixture;
	pthread_barrier_t all;
	pthread_t threads[AT_ONCE];

	plugin_fixture_open(&fixture, "max_handles = 3\n");
	CHECK_INT(pthread_barrier_init(&all, NULL, AT_ONCE), 0);
	for (int round = 0; round < 1000; round++) {
		struct attaching attaching[AT_ONCE];
		int attached = 0;
		for (int i = 0; i < AT_ONCE; i++) {
			attaching[i].all = &all;
			CHECK_INT(pthread_create(&threads[i], NULL, attach_with_others, &attaching[i]), 0);
		}
		for (int i = 0; i < AT_ONCE; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < AT_ONCE; i++) {
			attached += attaching[i].handle != NULL;
			if (attaching[i].handle)
				gateway_detach(&attaching[i].handle);
		}
		CHECK_INT(attached, 3);
	}
	pthread_barrier_destroy(&all);
	plugin_fixture_close(&fixture);
}

/* --- requests */

static void test_waiting_requests(void)
{
	struct gateway_handle *handle, *other;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_handle_requests = 5\n");
	attach_all(&handle, 1, NULL);
	attach_all(&other, 1, NULL);
	CHECK_INT(observe(other, 1), 0);
	/* While an event is being sent, nothing is accepted. */
	gateway_hold_events(1);
	CHECK_INT(code_of(ASK(other, "{s:s, s:i}", "request", "disable", "id", 1)), 0);
	while (gateway_held_events() == 0)
		usleep(1000);
	for (int i = 0; i < 5; i++)
		CHECK(!ASK(handle, "{s:s}", "request", "pause"));
	CHECK_INT(code_of(ASK(handle, "{s:s}", "request", "pause")), DH_ERROR_LIMIT);
	CHECK(!ASK(other, "{s:s}", "request", "pause"));
	gateway_hold_events(0);
	for (int i = 0; i < 5; i++)
		await(handle, "error:460");
	CHECK(!ASK(handle, "{s:s}", "request", "pause"));
	await(handle, "error:460");
	detach_all(&handle, 1);
	detach_all(&other, 1);
	plugin_fixture_close(&fixture);
}

/* Handled requests count until their answers have been sent: an offer takes as long as a
 * STUN server likes, and meanwhile a client may ask for more and more. */
static void test_answers_that_wait(void)
{
	struct gateway_handle *viewer, *other;
	struct plugin_fixture fixture;
	int refused = 0;

	plugin_fixture_open(&fixture, "max_handle_requests = 20\n");
	attach_all(&viewer, 1, NULL);
	attach_all(&other, 1, NULL);
	CHECK(!ASK(viewer, "{s:s, s:i}", "request", "watch", "id", 1));
	await(viewer, "status:preparing");
	CHECK(!gateway_ask(viewer, json_pack("{s:s}", "request", "start"), gateway_answer()));
	await(viewer, "status:starting");
	gateway_hold_offers();
	for (int i = 0; i < 2000 && !refused; i++) {
		json_t *answer = ASK(viewer, "{s:s, s:i, s:b}", "request", "watch", "id", 1, "restart", 1);
		refused = answer && code_of(answer) == DH_ERROR_LIMIT;
		usleep(1000); /* handled, so it no longer counts as a request */
	}
	CHECK_INT(refused, 1);
	CHECK(!ASK(other, "{s:s}", "request", "pause"));
	await(other, "error:460");
	gateway_pass_offers(-1);
	detach_all(&viewer, 1);
	detach_all(&other, 1);
	plugin_fixture_close(&fixture);
}

static void test_sizes(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;
	char *large = g_strnfill(70000, 'x');
	json_t *answer;

	plugin_fixture_open(&fixture, "warm_workers = 0\n");
	attach_all(&handle, 1, NULL);
	answer = gateway_ask(handle, json_pack("{s:s}", "request", "start"),
		json_pack("{s:s, s:s}", "type", "answer", "sdp", large));
	CHECK(strstr(json_string_value(json_object_get(answer, "error")), "JSEP"));
	CHECK_INT(code_of(answer), DH_ERROR_LIMIT);
	large[1025] = '\0';
	answer = gateway_ask_as(handle, large, json_pack("{s:s}", "request", "list"), NULL);
	CHECK(strstr(json_string_value(json_object_get(answer, "error")), "transaction"));
	CHECK_INT(code_of(answer), DH_ERROR_LIMIT);
	large[1024] = '\0';
	CHECK_INT(code_of(gateway_ask_as(handle, large, json_pack("{s:s}", "request", "list"), NULL)), 0);
	g_free(large);
	detach_all(&handle, 1);
	plugin_fixture_close(&fixture);
}

/* --- who may ask for what */

static int ask_code(struct gateway_handle *handle, json_t *body)
{
	json_t *answer = gateway_ask(handle, body, NULL);

	return code_of(answer ? answer : gateway_await(handle, "", AWAIT_S * 1000));
}

static void make_room(struct gateway_handle *handle, int id)
{
	CHECK_INT(ask_code(handle,
			  json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:b}", "request", "create", "id", id, "admin_key",
				  FILES_ADMIN_KEY, "avatar", FILES_AVATAR, "secret", FILES_SECRET, "pin", FILES_PIN,
				  "signed_tokens", 1)),
		0);
}

static unsigned first(void *arg, unsigned count)
{
	(void)arg;
	return count > 1 ? 1 : 0;
}

/* A complete body, except for what authorises it. */
static json_t *body_without_keys(const struct dh_request_type *type, int room)
{
	static const char *const keys[] = { "secret", "pin", "token", "admin_key" };
	static atomic_int segments;
	const struct request_maker maker = { first, NULL, NULL, 0, plugin_files_prepared, &segments };
	json_t *body = maker_body(&maker, type);

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		json_object_del(body, keys[i]);
	if (json_object_get(body, "id"))
		json_object_set_new(body, "id", json_integer(room));
	return body;
}

static json_t *with(json_t *body, const char *field, const char *value)
{
	json_object_set_new(body, field, json_string(value));
	return body;
}

static const struct {
	const char *name;
	enum dh_authority authority;
} needed[] = {
	{ "list", DH_AUTHORITY_PUBLIC_ROOMS },
	{ "info", DH_AUTHORITY_PUBLIC_ROOM },
	{ "create", DH_AUTHORITY_ADMIN },
	{ "stats", DH_AUTHORITY_SECRET_OR_ADMIN },
	{ "queue", DH_AUTHORITY_LOOK },
	{ "watch", DH_AUTHORITY_LOOK },
	{ "observe", DH_AUTHORITY_LOOK },
	{ "start", DH_AUTHORITY_NONE },
	{ "pause", DH_AUTHORITY_NONE },
	{ "configure", DH_AUTHORITY_NONE },
	{ "switch", DH_AUTHORITY_LOOK },
	{ "stop", DH_AUTHORITY_NONE },
	{ "heard", DH_AUTHORITY_LOOK },
	{ "ask_floor", DH_AUTHORITY_NONE },
	{ "leave_floor", DH_AUTHORITY_NONE },
};

static enum dh_authority needed_by(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
		if (strcmp(needed[i].name, name) == 0)
			return needed[i].authority;
	}
	return DH_AUTHORITY_SECRET;
}

/* What a stranger learns about a room with a secret, a PIN and signed tokens. */
static void check_stranger(struct gateway_handle *handle, const struct dh_request_type *type)
{
	enum dh_authority authority = needed_by(type->name);
	int code;

	CHECK_INT(type->authority, authority);
	code = ask_code(handle, body_without_keys(type, 40));
	if (authority == DH_AUTHORITY_NONE || authority == DH_AUTHORITY_PUBLIC_ROOMS ||
		authority == DH_AUTHORITY_PUBLIC_ROOM)
		CHECK(code != DH_ERROR_UNAUTHORIZED, "%s", type->name);
	else
		CHECK(code == DH_ERROR_UNAUTHORIZED, "%s: %d", type->name, code);
	if (authority == DH_AUTHORITY_SECRET || authority == DH_AUTHORITY_LOOK || authority == DH_AUTHORITY_PUBLIC_ROOM)
		CHECK_INT(ask_code(handle, with(body_without_keys(type, 40), "secret", "wrong")),
			DH_ERROR_UNAUTHORIZED);
	if (authority == DH_AUTHORITY_ADMIN || authority == DH_AUTHORITY_PUBLIC_ROOMS)
		CHECK_INT(ask_code(handle, with(body_without_keys(type, 40), "admin_key", "wrong")),
			DH_ERROR_UNAUTHORIZED);
}

static void test_strangers(void)
{
	const struct dh_request_type *type;
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "warm_workers = 0\n");
	attach_all(&handle, 1, NULL);
	make_room(handle, 40);
	for (unsigned i = 0; (type = maker_type(i)); i++)
		check_stranger(handle, type);
	detach_all(&handle, 1);
	plugin_fixture_close(&fixture);
}

/* The same keys admit everybody who may look: the secret, or a token and the PIN. */
static void test_who_may_look(void)
{
	static const char *const looks[] = { "queue", "observe", "watch" };
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "warm_workers = 0\n");
	attach_all(&handle, 1, NULL);
	make_room(handle, 40);
	for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
		json_t *none = json_pack("{s:s, s:i}", "request", looks[i], "id", 40);
		json_t *pin = with(json_copy(none), "pin", FILES_PIN);
		json_t *token = with(json_copy(none), "token", "signed:room=40");
		json_t *both = with(json_copy(token), "pin", FILES_PIN);
		json_t *others = with(json_copy(both), "token", "signed:room=41");
		CHECK_INT(ask_code(handle, none), DH_ERROR_UNAUTHORIZED);
		CHECK_INT(ask_code(handle, pin), DH_ERROR_UNAUTHORIZED);
		CHECK_INT(ask_code(handle, token), DH_ERROR_UNAUTHORIZED);
		CHECK_INT(ask_code(handle, others), DH_ERROR_UNAUTHORIZED);
		CHECK_INT(ask_code(handle, both), 0);
		if (i > 0)
			stop(handle);
		CHECK_INT(ask_code(handle,
				  json_pack("{s:s, s:i, s:s}", "request", looks[i], "id", 40, "secret", FILES_SECRET)),
			0);
		if (i > 0)
			stop(handle);
	}
	detach_all(&handle, 1);
	plugin_fixture_close(&fixture);
}

/* --- what is used */

static void check_usage(const json_t *usage, const char *name, json_int_t used, json_int_t limit)
{
	const json_t *entry = json_object_get(usage, name);

	CHECK(entry, "%s is missing", name);
	CHECK(json_integer_value(json_object_get(entry, "used")) == used, "%s: %d", name,
		(int)json_integer_value(json_object_get(entry, "used")));
	CHECK(json_integer_value(json_object_get(entry, "limit")) == limit, "%s: at most %d", name,
		(int)json_integer_value(json_object_get(entry, "limit")));
}

static void check_shape(const json_t *usage)
{
	const char *name;
	json_t *entry;

	json_object_foreach((json_t *)usage, name, entry) {
		const json_t *limit = json_object_get(entry, "limit");
		if (json_is_array(entry) || json_is_integer(entry))
			continue;
		CHECK(json_is_integer(json_object_get(entry, "used")), "%s", name);
		CHECK(json_is_integer(limit) || json_is_null(limit), "%s", name);
	}
}

static void test_usage(void)
{
	struct gateway_handle *handles[3];
	struct plugin_fixture fixture;
	json_t *answer, *usage, *room;

	plugin_fixture_open(&fixture,
		"max_rooms = 9\n max_viewers_per_room = 8\n max_viewers = 7\n max_observers = 6\n"
		"max_observers_per_room = 5\n max_handles = 44\n max_queue = 3\n max_workers = 2\n warm_workers = 0\n");
	attach_all(handles, 3, &fixture);
	CHECK_INT(watch(handles[0], 1), 0);
	CHECK_INT(watch(handles[1], 1), 0);
	CHECK_INT(observe(handles[2], 1), 0);
	CHECK_INT(code_of(ASK(handles[0], "{s:s}", "request", "stats")), DH_ERROR_UNAUTHORIZED);
	answer = ASK(handles[0], "{s:s, s:s}", "request", "stats", "admin_key", FILES_ADMIN_KEY);
	CHECK_STR(json_string_value(json_object_get(answer, "digitalhuman")), "stats");
	usage = json_object_get(answer, "usage");
	check_shape(usage);
	check_usage(usage, "rooms", 4, 9);
	check_usage(usage, "viewers", 2, 7);
	check_usage(usage, "observers", 1, 6);
	check_usage(usage, "handles", 3, 44);
	check_usage(usage, "sessions", 1, 0);
	CHECK_INT(json_integer_value(json_object_get(json_object_get(usage, "offers_waiting"), "limit")), 7);
	CHECK(json_integer_value(json_object_get(json_object_get(usage, "descriptors"), "used")) > 3);
	CHECK(json_integer_value(json_object_get(json_object_get(usage, "memory_bytes"), "used")) > 1000000);
	room = json_array_get(json_object_get(usage, "each_room"), 0);
	CHECK_INT(json_integer_value(json_object_get(room, "id")), 1);
	check_shape(room);
	check_usage(room, "queue", 0, 3);
	check_usage(room, "viewers", 2, 8);
	check_usage(room, "observers", 1, 5);
	json_decref(answer);
	detach_all(handles, 3);
	plugin_fixture_close(&fixture);
}

/* --- how much may wait */

static int enqueue(struct gateway_handle *handle, const char *file, const char *segment)
{
	return code_of(
		ASK(handle, "{s:s, s:i, s:s, s:s}", "request", "enqueue", "id", 1, "file", file, "segment", segment));
}

/* That event of the segment; those before it are forgotten. */
static void await_of(struct gateway_handle *handle, const char *kind, const char *segment)
{
	for (;;) {
		json_t *event = gateway_await(handle, kind, AWAIT_S * 1000);
		CHECK(event, "%s has no %s", segment, kind);
		bool is_its = !strcmp(json_string_value(json_object_get(event, "segment")), segment);
		json_decref(event);
		if (is_its)
			return;
	}
}

static void enqueue_and_await(struct gateway_handle *handle, const char *file, const char *segment, const char *kind)
{
	CHECK_INT(enqueue(handle, file, segment), 0);
	await_of(handle, kind, segment);
}

/* Until so much waits in room 1, as `usage` has it under that name, once the room has looked. */
static void await_queue(struct gateway_handle *handle, const char *name, json_int_t least, json_int_t limit)
{
	double end = now_ms() + AWAIT_S * 1e3;
	json_int_t used, most;

	do {
		json_t *answer = ASK(handle, "{s:s, s:s}", "request", "stats", "admin_key", FILES_ADMIN_KEY);
		const json_t *room = json_array_get(json_object_get(json_object_get(answer, "usage"), "each_room"), 0);
		CHECK_INT(json_integer_value(json_object_get(room, "id")), 1);
		used = json_integer_value(json_object_get(json_object_get(room, name), "used"));
		most = json_integer_value(json_object_get(json_object_get(room, name), "limit"));
		json_decref(answer);
		usleep(5000);
	} while (used < least && now_ms() < end);
	CHECK(used >= least && used < least + least / 2, "%s: %d", name, (int)used);
	CHECK_INT(most, limit);
}

/* What waits of 2 s each, behind one that plays. */
static void test_queue_ms(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_queue_ms = 3000\n warm_workers = 0\n");
	CHECK_INT(plugin_files_prepare(&fixture.files, "segments/minutes.dhs", 5000), 0);
	attach_all(&handle, 1, NULL);
	observe_room(handle, 1);
	enqueue_and_await(handle, "minutes.dhs", "plays", "event:started");
	enqueue_and_await(handle, "long.dhs", "first", "event:segment_prepared");
	enqueue_and_await(handle, "long.dhs", "second", "event:segment_prepared");
	await_queue(handle, "queue_ms", 4000, 3000);
	CHECK_INT(enqueue(handle, "long.dhs", "third"), DH_ERROR_LIMIT);
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i, s:s}", "request", "remove", "id", 1, "segment", "first")), 0);
	CHECK_INT(enqueue(handle, "long.dhs", "third"), 0);
	detach_all(&handle, 1);
	plugin_fixture_close(&fixture);
}

/* While a whole MiB waits, another one may wait but is not prepared before it is next; while more waits, none may. */
static void test_queue_mb(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_queue_mb = 1\n warm_workers = 0\n");
	CHECK_INT(plugin_files_prepare(&fixture.files, "segments/minutes.dhs", 5000), 0);
	CHECK_INT(plugin_files_prepare_mute(&fixture.files, "segments/whole.dhs", 512, 2048), 0);
	CHECK_INT(plugin_files_prepare_mute(&fixture.files, "segments/half.dhs", 256, 2048), 0);
	attach_all(&handle, 1, NULL);
	observe_room(handle, 1);
	enqueue_and_await(handle, "minutes.dhs", "plays", "event:started");
	enqueue_and_await(handle, "half.dhs", "half", "event:segment_prepared");
	enqueue_and_await(handle, "half.dhs", "other half", "event:segment_prepared");
	CHECK_INT(enqueue(handle, "short.dhs", "behind"), 0);
	usleep(300000); /* if it were begun, it would be there by then */
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i}", "request", "skip", "id", 1)), 0);
	await_of(handle, "event:started", "half");
	await_of(handle, "event:segment_prepared", "behind"); /* after that */
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i}", "request", "interrupt", "id", 1)), 0);
	enqueue_and_await(handle, "minutes.dhs", "plays", "event:started");
	enqueue_and_await(handle, "half.dhs", "half", "event:segment_prepared");
	enqueue_and_await(handle, "whole.dhs", "whole", "event:segment_prepared");
	await_queue(handle, "queue_bytes", 3 << 19, 1 << 20);
	CHECK_INT(enqueue(handle, "short.dhs", "behind"), DH_ERROR_LIMIT);
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i, s:s}", "request", "remove", "id", 1, "segment", "half")), 0);
	CHECK_INT(enqueue(handle, "short.dhs", "behind"), 0);
	detach_all(&handle, 1);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_observers_take_no_viewers_places),
	TEST(test_one_client),
	TEST(test_places_are_taken_once),
	TEST(test_handles),
	TEST(test_handles_at_once),
	TEST(test_waiting_requests),
	TEST(test_answers_that_wait),
	TEST(test_sizes),
	TEST(test_strangers),
	TEST(test_who_may_look),
	TEST(test_usage),
	TEST(test_queue_ms),
	TEST(test_queue_mb),
};

PREPARATION_MAIN(tests)
