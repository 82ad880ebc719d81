/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long viewers' receivers are to hold pictures: what is asked for, and what packets say. */
#include "tests/support/plugin_fixture.h"

#include "rooms/viewer_delay.h"

static struct plugin_fixture fixture;
static struct gateway_handle *viewer, *other;

static void open_room(void)
{
	plugin_fixture_open(&fixture, NULL);
	viewer = gateway_attach();
	other = gateway_attach();
}

static void close_room(void)
{
	gateway_detach(&viewer);
	gateway_detach(&other);
	plugin_fixture_close(&fixture);
}

/* Until three pictures in a row have said this, in steps of 10 ms; -1: nothing. */
static void await_delay(struct gateway_handle *handle, int least, int most)
{
	double end = now_ms() + AWAIT_S * 1e3;
	struct gateway_media media;

	for (;;) {
		gateway_media(handle, &media);
		if (media.alike >= 3 && media.delay[0] == least && media.delay[1] == most)
			return;
		CHECK(now_ms() < end, "%d pictures with %d to %d", media.alike, media.delay[0], media.delay[1]);
		usleep(5000);
	}
}

/* An answer says `least` and `most`; -1: nothing. */
static void check_said(const json_t *event, int least, int most)
{
	const json_t *result = json_object_get(event, "result");
	const json_t *min = json_object_get(result, "min_delay"), *max = json_object_get(result, "max_delay");

	CHECK_INT(min ? json_integer_value(min) : -1, least);
	CHECK_INT(max ? json_integer_value(max) : -1, most);
}

/* `fields` as in JSON, which answers so; or (`code`) fails. */
static void configure(const char *fields, int code, int least, int most)
{
	char *text = g_strdup_printf("{\"request\":\"configure\",%s}", fields);

	gateway_forget(viewer);
	CHECK(!gateway_ask(viewer, json_loads(text, 0, NULL), NULL));
	json_t *event = gateway_await(viewer, "", AWAIT_S * 1000);
	CHECK_INT(json_integer_value(json_object_get(event, "error_code")), code);
	if (!code)
		check_said(event, least, most);
	json_decref(event);
	g_free(text);
}

static void switch_to(int room)
{
	gateway_forget(viewer);
	CHECK(!ASK(viewer, "{s:s, s:i, s:s}", "request", "switch", "id", room, "secret", FILES_SECRET));
	await(viewer, "");
}

static int create(const char *fields, const char *more)
{
	char *text = g_strdup_printf("{\"request\":\"create\",\"id\":20,\"avatar\":\"" FILES_AVATAR
				     "\",\"admin_key\":\"" FILES_ADMIN_KEY "\",%s%s}",
		fields, more);
	int code = code_of(gateway_ask(other, json_loads(text, 0, NULL), NULL));

	g_free(text);
	return code;
}

static void test_asked_for_and_taken_back(void)
{
	struct gateway_media media;

	open_room();
	watch_room(viewer, 1);
	watch_room(other, 1);
	await_delay(viewer, -1, -1);
	configure("\"min_delay\":20", 0, 20, 20);
	await_delay(viewer, 20, 20);
	configure("\"max_delay\":40", 0, 20, 40);
	await_delay(viewer, 20, 40);
	configure("\"video\":true", 0, 20, 40);
	configure("\"streams\":[{\"mid\":\"a\",\"min_delay\":100},{\"mid\":\"v\",\"max_delay\":30}]", 0, 20, 30);
	await_delay(viewer, 20, 30);
	/* What a receiver does by itself, and then nothing. */
	configure("\"min_delay\":null", 0, -1, -1);
	await_delay(viewer, 1, 1000);
	await_delay(viewer, -1, -1);
	configure("\"min_delay\":0,\"max_delay\":0", 0, 0, 0);
	await_delay(viewer, 0, 0);
	configure("\"max_delay\":-1", 0, -1, -1);
	await_delay(viewer, -1, -1);
	gateway_media(other, &media);
	CHECK_INT(media.delay[0], -1);
	close_room();
}

static void test_wrong_ones(void)
{
	static const char *const wrong[] = { "\"min_delay\":4096", "\"max_delay\":1e3", "\"max_delay\":\"100\"",
		"\"min_delay\":true", "\"min_delay\":[]", "\"min_delay\":20,\"max_delay\":19",
		"\"min_delay\":10,\"max_delay\":9223372036854775807" };

	open_room();
	watch_room(viewer, 1);
	configure("\"min_delay\":10,\"max_delay\":20", 0, 10, 20);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		configure(wrong[i], 454, 0, 0);
		char *text = g_strdup_printf("{\"request\":\"watch\",\"id\":1,%s}", wrong[i]);
		gateway_forget(other);
		CHECK(!gateway_ask(other, json_loads(text, 0, NULL), NULL));
		await(other, "error:454");
		g_free(text);
		CHECK_INT(create(wrong[i], ""), 454);
	}
	configure("\"video\":true", 0, 10, 20);
	close_room();
}

/* Its own goes with it from room to room; a room's is for those that have none. */
static void test_rooms(void)
{
	open_room();
	CHECK_INT(create("\"min_delay\":10,\"max_delay\":30", ""), 0);
	CHECK(!gateway_ask(viewer, json_loads("{\"request\":\"watch\",\"id\":1,\"max_delay\":50}", 0, NULL), NULL));
	json_decref(gateway_await(viewer, "status:preparing", AWAIT_S * 1000));
	CHECK(!gateway_ask(viewer, json_pack("{s:s}", "request", "start"), gateway_answer()));
	json_t *event = gateway_await(viewer, "status:starting", AWAIT_S * 1000);
	check_said(event, 0, 50);
	json_decref(event);
	gateway_up(viewer);
	await_delay(viewer, 0, 50);
	switch_to(20);
	configure("\"video\":true", 0, 0, 50);
	await_delay(viewer, 0, 50);
	configure("\"min_delay\":null,\"max_delay\":null", 0, 10, 30);
	await_delay(viewer, 10, 30);
	switch_to(1);
	await_delay(viewer, 1, 1000);
	await_delay(viewer, -1, -1);
	close_room();
}

static int delay_of(const char *field)
{
	json_t *answer = ASK(other, "{s:s, s:i}", "request", "info", "id", 20);
	const json_t *value = json_object_get(json_object_get(answer, "info"), field);
	int steps = json_is_integer(value) ? (int)json_integer_value(value) : json_is_null(value) ? -1 : -2;

	json_decref(answer);
	return steps;
}

static void test_permanent(void)
{
	static const struct {
		const char *fields;
		int least, most;
	} rows[] = { { "\"min_delay\":10,\"max_delay\":30", 10, 30 }, { "\"max_delay\":30", 0, 30 },
		{ "\"min_delay\":null", -1, -1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		open_room();
		CHECK_INT(create(rows[i].fields, ",\"permanent\":true"), 0);
		for (int again = 0; again < 2; again++) {
			CHECK_INT(delay_of("min_delay"), rows[i].least);
			CHECK_INT(delay_of("max_delay"), rows[i].most);
			gateway_detach(&viewer);
			gateway_detach(&other);
			gateway_stop();
			CHECK_INT(gateway_start(fixture.files.folder, &(struct gateway_options){ .is_signed = 1 }), 0);
			viewer = gateway_attach();
			other = gateway_attach();
		}
		close_room();
	}
}

/* Where Janus can send it, each medium's first packet says when it is due. */
static void test_capture_times(void)
{
	double end = now_ms() + AWAIT_S * 1e3;
	struct gateway_media media;

	open_room();
	watch_room(viewer, 1);
	do {
		CHECK(now_ms() < end);
		usleep(5000);
		gateway_media(viewer, &media);
#ifdef DH_HAS_CAPTURE_TIME
		for (int i = 0; i < 2; i++)
			CHECK_INT(media.captures[i] > 0, media.packets[i] > 0);
#else
		CHECK_INT(media.captures[DH_AUDIO] + media.captures[DH_VIDEO], 0);
#endif
	} while (!media.packets[DH_AUDIO] || !media.packets[DH_VIDEO]);
	close_room();
}

static const struct check_test tests[] = {
	TEST(test_asked_for_and_taken_back),
	TEST(test_wrong_ones),
	TEST(test_rooms),
	TEST(test_permanent),
	TEST(test_capture_times),
};

PREPARATION_MAIN(tests)
