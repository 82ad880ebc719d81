/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plugin as Janus sees it: its table of functions, driven through the tests'
 * gateway with real rooms, real threads and real workers (tests/support/fake_worker, and
 * dh-prepare where DH_PREPARE names it). */
#include <stdatomic.h>

#include "tests/support/plugin_fixture.h"
#include "tests/support/request_maker.h"

static void watch(struct gateway_handle *handle, int room)
{
	CHECK(!ASK(handle, "{s:s, s:i}", "request", "watch", "id", room));
	await(handle, "status:preparing");
	CHECK(!gateway_ask(handle, json_pack("{s:s}", "request", "start"), gateway_answer()));
	await(handle, "status:starting");
	gateway_up(handle);
	await(handle, "status:started");
}

/* --- lives */

static void test_watch(void)
{
	struct gateway_media media;
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;
	json_t *query;

	plugin_fixture_open(&fixture, NULL);
	viewer = gateway_attach();
	watch(viewer, 1);
	await_more(viewer, 3, 3);
	gateway_pli(viewer);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s, s:s}", "request", "enqueue", "id", 1, "file", "long.dhs",
			  "segment", "one")),
		0);
	await(viewer, "event:queued");
	await(viewer, "event:ready");
	await(viewer, "event:started");
	await_more(viewer, 10, 10);
	await(viewer, "event:finished");
	query = gateway_query(viewer);
	CHECK_STR(json_string_value(json_object_get(query, "state")), "watching");
	CHECK_INT(json_integer_value(json_object_get(json_object_get(query, "sent"), "plis")), 1);
	json_decref(query);
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	await(viewer, "status:pausing");
	CHECK(!ASK(viewer, "{s:s}", "request", "start"));
	await(viewer, "status:started");
	await_more(viewer, 3, 3);
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopping");
	await(viewer, "status:stopped");
	gateway_media(viewer, &media);
	CHECK_INT(media.is_up, 0);
	gateway_detach(&viewer);
	plugin_fixture_close(&fixture);
}

/* A handle may watch again after its peer or its room has gone. */
static void test_watch_again(void)
{
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	viewer = gateway_attach();
	watch(viewer, 1);
	gateway_hangup(viewer);
	await(viewer, "status:stopped");
	CHECK(!ASK(viewer, "{s:s, s:i}", "request", "watch", "id", 1));
	await(viewer, "status:preparing");
	CHECK(!gateway_ask(viewer, json_pack("{s:s}", "request", "start"), gateway_answer()));
	await(viewer, "status:starting");
	gateway_up(viewer);
	await_more(viewer, 3, 3);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i}", "request", "destroy", "id", 1)), 0);
	await(viewer, "event:destroyed");
	await(viewer, "status:stopped");
	CHECK(!ASK(viewer, "{s:s, s:i, s:s}", "request", "watch", "id", 3, "pin", FILES_PIN));
	await(viewer, "status:preparing");
	gateway_detach(&viewer);
	plugin_fixture_close(&fixture);
}

/* How far the clock that viewers have to connect by is ahead. */
static _Atomic int64_t later_ticks;

void __real_dh_room_members_poll(struct dh_room *room, int64_t now_ticks);
void __wrap_dh_room_members_poll(struct dh_room *room, int64_t now_ticks);

void __wrap_dh_room_members_poll(struct dh_room *room, int64_t now_ticks)
{
	__real_dh_room_members_poll(room, now_ticks + atomic_load(&later_ticks));
}

/* The room looks at that clock after its next request. */
static void set_clock(struct gateway_handle *handle, int64_t later_s)
{
	atomic_store(&later_ticks, later_s * DH_TICKS_PER_SECOND);
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i}", "request", "queue", "id", 1)), 0);
}

/* Then its place is free, for itself and for others. */
static void test_watch_without_an_answer(void)
{
	struct gateway_handle *viewer, *other;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "watch_timeout_s = 100\n max_viewers_per_room = 1\n");
	viewer = gateway_attach();
	other = gateway_attach();
	CHECK(!ASK(viewer, "{s:s, s:i}", "request", "watch", "id", 1));
	await(viewer, "status:preparing");
	set_clock(viewer, 101);
	await(viewer, "status:timeout");
	await(viewer, "status:stopped");
	set_clock(viewer, 0);
	watch(other, 1);
	await_more(other, 3, 3);
	set_clock(viewer, 101);
	CHECK(!ASK(viewer, "{s:s, s:i}", "request", "watch", "id", 1));
	await(viewer, "error:464");
	await_more(other, 3, 3); /* connected viewers stay */
	set_clock(viewer, 0);
	gateway_detach(&other);
	gateway_detach(&viewer);
	plugin_fixture_close(&fixture);
}

static void test_workers(void)
{
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	viewer = gateway_attach();
	watch(viewer, 1);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", "good 5")), 0);
	await(viewer, "event:finished");
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "say", "id", 1, "text", "Hello")), 0);
	await(viewer, "event:finished");
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", "crash 3")), 0);
	await(viewer, "event:failed");
	gateway_detach(&viewer);
	plugin_fixture_close(&fixture);
}

/* The error that users run into. */
static void test_real_worker(void)
{
	const char *worker = getenv("DH_PREPARE");
	struct gateway_handle *viewer;
	struct plugin_fixture fixture;

	if (!worker || access(worker, X_OK) < 0)
		CHECK_SKIP("DH_PREPARE names no program");
	plugin_fixture_open_with(&fixture, worker, NULL, event_checker_see);
	viewer = gateway_attach();
	watch(viewer, 9);
	await_more(viewer, 2, 2);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:[s, s]}", "request", "enqueue", "id", 9, "file", FILES_PICTURE,
			  FILES_SOUND)),
		0);
	await(viewer, "event:started");
	await_more(viewer, 5, 5);
	await(viewer, "event:finished");
	gateway_detach(&viewer);
	plugin_fixture_close(&fixture);
}

/* A slow event handler: 1 asks it to be slow, 2 says that it is. */
static atomic_int slowness;

static void see(void *arg, const json_t *event)
{
	event_checker_see(arg, event);
	if (atomic_compare_exchange_strong(&slowness, &(int){ 1 }, 2))
		usleep(300000);
}

/* Requests still waiting for an answer when the plugin ends do not leak. */
static void test_asked_at_the_end(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open_with(&fixture, fake_worker, NULL, see);
	handle = gateway_attach();
	atomic_store(&slowness, 1);
	CHECK(!ASK(handle, "{s:s, s:i}", "request", "watch", "id", 1));
	while (atomic_load(&slowness) != 2)
		usleep(1000);
	for (int i = 0; i < 20; i++)
		CHECK(!ASK(handle, "{s:s, s:i}", "request", "watch", "id", 404));
	gateway_stop();
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

static void test_wrong_configuration(void)
{
	struct plugin_files files;
	int fds = count_entries("/proc/self/fd");

	CHECK_INT(plugin_files_make(&files, fake_worker, "warm_workers = \"many\"\n"), 0);
	CHECK_INT(gateway_start(files.folder, NULL), -1);
	CHECK(!gateway_attach());
	CHECK(!gateway_ask_admin(json_pack("{s:s}", "request", "list")));
	plugin_files_clear(&files);
	CHECK_INT(count_entries("/proc/self/fd"), fds);
}

/* --- every request */

/* A request's answer, synchronous or not. */
static int answer_of(struct gateway_handle *handle, json_t *body)
{
	json_t *answer = gateway_ask(handle, body, NULL);

	if (!answer)
		answer = gateway_await(handle, "", AWAIT_S * 1000);
	CHECK(answer, "there is no answer");
	return code_of(answer);
}

static json_t *odd_type(const struct dh_field *field)
{
	return field->type == DH_FIELD_OBJECT ? json_string("text") : json_object();
}

static void check_fields(struct gateway_handle *handle, const struct dh_request_type *type)
{
	for (const struct dh_field *field = type->fields; field && field->name; field++) {
		json_t *body = json_pack("{s:s, s:o}", "request", type->name, field->name, odd_type(field));
		int code = answer_of(handle, body);
		/* An earlier field may be missing. */
		CHECK(code == DH_ERROR_VALUE || code == DH_ERROR_MISSING, "%s.%s: %d", type->name, field->name, code);
	}
}

static void test_every_request_is_checked(void)
{
	struct gateway_handle *handle;
	const struct dh_request_type *type;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, NULL);
	handle = gateway_attach();
	for (unsigned i = 0; (type = maker_type(i)); i++) {
		int needs_field = 0;
		check_fields(handle, type);
		for (const struct dh_field *field = type->fields; field && field->name; field++)
			needs_field |= field->required;
		if (needs_field)
			CHECK_INT(answer_of(handle, json_pack("{s:s}", "request", type->name)), DH_ERROR_MISSING);
		if (needs_field && !type->asynchronous)
			CHECK_INT(code_of(gateway_ask_admin(json_pack("{s:s}", "request", type->name))),
				DH_ERROR_MISSING);
		if (type->asynchronous)
			CHECK_INT(code_of(gateway_ask_admin(json_pack("{s:s}", "request", type->name))),
				DH_ERROR_REQUEST);
	}
	CHECK_INT(answer_of(handle, json_pack("{s:s}", "request", "dance")), DH_ERROR_REQUEST);
	CHECK_INT(answer_of(handle, json_object()), DH_ERROR_MISSING);
	CHECK_INT(code_of(gateway_ask_admin(json_array())), DH_ERROR_JSON);
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_watch),
	TEST(test_watch_again),
	TEST(test_watch_without_an_answer),
	TEST(test_workers),
	TEST(test_real_worker),
	TEST(test_asked_at_the_end),
	TEST(test_wrong_configuration),
	TEST(test_every_request_is_checked),
};

PREPARATION_MAIN(tests)
