/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of segments, their ends and their history, as clients ask for and see them. */
#include "tests/support/plugin_fixture.h"

#include <stdarg.h>

static struct plugin_fixture fixture;
static struct gateway_handle *client, *observer;

static void open_room(const char *general)
{
	if (client) { /* a test before that has failed */
		gateway_detach(&observer);
		gateway_detach(&client);
	}
	plugin_fixture_open(&fixture, general);
	client = gateway_attach();
	observer = gateway_attach();
	json_decref(ASK(observer, "{s:s, s:i}", "request", "observe", "id", 1));
	await(observer, "status:observing");
}

static void close_room(void)
{
	gateway_detach(&observer);
	gateway_detach(&client);
	plugin_fixture_close(&fixture);
}

/* The answer to `request` with `fields`, JSON without its braces; the caller's. */
static json_t *ask(const char *request, const char *fields)
{
	char *text = g_strdup_printf("{\"request\":\"%s\",\"id\":1%s%s}", request, *fields ? "," : "", fields);
	json_error_t error;
	json_t *body = json_loads(text, 0, &error);

	CHECK(body, "%s: %s", text, error.text);
	g_free(text);
	return gateway_ask(client, body, NULL);
}

static int code(const char *request, const char *fields)
{
	return code_of(ask(request, fields));
}

static json_t *await_event(const char *kind)
{
	json_t *event = gateway_await(observer, kind, AWAIT_S * 1000);

	CHECK(event, "%s does not come", kind);
	return event;
}

static void check_text(json_t *json, const char *field, const char *text)
{
	CHECK_STR(json_string_value(json_object_get(json, field)), text);
}

static long long number(const json_t *json, const char *field)
{
	CHECK(json_is_integer(json_object_get(json, field)), "%s", field);
	return json_integer_value(json_object_get(json, field));
}

/* The next event `kind` is about `segment`. Its `field` (NULL: none) is `text`. */
static void await_of(const char *kind, const char *segment, const char *field, const char *text)
{
	json_t *event = await_event(kind);

	check_text(event, "segment", segment);
	if (field)
		check_text(event, field, text);
	json_decref(event);
}

/* --- utterances */

static void test_pieces_play_in_order(void)
{
	open_room("warm_workers = 0\n index_timeout_ms = 600000\n");
	CHECK_INT(code("enqueue",
			  "\"file\":\"short.dhs\",\"segment\":\"c\",\"utterance\":\"u\",\"index\":2,\"last\":true"),
		0);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"b\",\"utterance\":\"u\",\"index\":1"), 0);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"x\""), 0);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"a\",\"utterance\":\"u\",\"index\":0"), 0);
	json_t *event = await_event("event:started");
	check_text(event, "segment", "a");
	check_text(event, "utterance", "u");
	CHECK_INT(number(event, "index"), 0);
	json_decref(event);
	await_of("event:started", "b", NULL, NULL);
	await_of("event:started", "c", NULL, NULL);
	await_of("event:started", "x", NULL, NULL);
	await(observer, "event:idle");
	close_room();
}

static void test_missing_piece(void)
{
	open_room("warm_workers = 0\n index_timeout_ms = 100\n");
	/* It plays until both are there. */
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	await_of("event:started", "p", NULL, NULL);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"a\",\"utterance\":\"u\",\"index\":0"), 0);
	CHECK_INT(code("enqueue",
			  "\"file\":\"short.dhs\",\"segment\":\"d\",\"utterance\":\"u\",\"index\":3,\"last\":true"),
		0);
	CHECK_INT(code("skip", ""), 0);
	json_t *event = await_event("event:missing");
	check_text(event, "utterance", "u");
	CHECK_INT(number(event, "index"), 1);
	CHECK_INT(number(event, "count"), 2);
	json_decref(event);
	await_of("event:started", "d", NULL, NULL);
	json_t *answer = ask("enqueue", "\"file\":\"short.dhs\",\"segment\":\"b\",\"utterance\":\"u\",\"index\":1");
	check_text(answer, "digitalhuman", "queued");
	json_decref(answer);
	await_of("event:removed", "b", "reason", "late");
	close_room();
}

static void test_remove_an_utterance(void)
{
	open_room("warm_workers = 0\n");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	await_of("event:started", "p", NULL, NULL);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"a\",\"utterance\":\"u\""), 0);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"b\",\"utterance\":\"u\""), 0);
	CHECK_INT(code("remove", ""), 453);
	CHECK_INT(code("remove", "\"segment\":\"a\",\"utterance\":\"u\""), 454);
	CHECK_INT(code("remove", "\"utterance\":\"v\""), 463);
	json_t *answer = ask("remove", "\"utterance\":\"u\"");
	check_text(answer, "utterance", "u");
	CHECK_INT(number(answer, "removed"), 2);
	json_decref(answer);
	await_of("event:removed", "a", NULL, NULL);
	await_of("event:removed", "b", NULL, NULL);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"c\",\"utterance\":\"u\""), 0);
	await_of("event:removed", "c", "reason", "cut");
	close_room();
}

/* --- places and priorities */

static void check_queue(const char *waiting)
{
	json_t *queue = ask("queue", ""), *segment;
	GString *ids = g_string_new(NULL);
	size_t i;

	json_array_foreach(json_object_get(queue, "waiting"), i, segment)
		g_string_append(ids, json_string_value(json_object_get(segment, "segment")));
	CHECK_STR(ids->str, waiting);
	g_string_free(ids, TRUE);
	json_decref(queue);
}

static void test_places(void)
{
	open_room("warm_workers = 0\n");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	await_of("event:started", "p", NULL, NULL);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"a\""), 0);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"b\",\"before\":\"a\""), 0);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"c\",\"after\":\"b\""), 0);
	check_queue("bca");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"before\":\"p\""), 460);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"before\":\"nobody\""), 463);
	CHECK_INT(code("move", "\"segment\":\"a\",\"before\":\"b\""), 0);
	check_queue("abc");
	CHECK_INT(code("move", "\"segment\":\"a\""), 453);
	CHECK_INT(code("move", "\"segment\":\"a\",\"before\":\"b\",\"after\":\"c\""), 454);
	CHECK_INT(code("move", "\"segment\":\"nobody\",\"before\":\"b\""), 463);
	CHECK_INT(code("move", "\"segment\":\"a\",\"before\":\"nobody\""), 463);
	CHECK_INT(code("move", "\"segment\":\"p\",\"before\":\"b\""), 460);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"u\",\"priority\":\"urgent\""), 0);
	await_of("event:interrupted", "p", "reason", "priority");
	await_of("event:started", "u", NULL, NULL);
	await_of("event:started", "a", NULL, NULL);
	close_room();
}

static void test_wrong_pieces(void)
{
	open_room("warm_workers = 0\n");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	await_of("event:started", "p", NULL, NULL);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"a\",\"utterance\":\"u\",\"index\":1"), 0);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"utterance\":\"u\",\"index\":1"), 454);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"utterance\":\"u\",\"index\":0,\"last\":true"), 454);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"utterance\":\"u\",\"index\":2,\"after\":\"p\""), 454);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"index\":2"), 454);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"repeat\":0"), 454);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"underrun\":\"wait\""), 454);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"words\":[[1]]"), 454);
	CHECK_INT(code("say", "\"text\":\"Hello\",\"priority\":\"high\""), 454);
	check_queue("a");
	close_room();
}

static void test_expiry(void)
{
	open_room("warm_workers = 0\n");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"a\",\"ttl_ms\":50"), 0);
	await_of("event:removed", "a", "reason", "expired");
	close_room();
}

/* --- the same request again */

static void test_again(void)
{
	static const char first[] = "\"file\":\"long.dhs\",\"segment\":\"a\",\"metadata\":{\"n\":1}";
	open_room("warm_workers = 0\n");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	await_of("event:started", "p", NULL, NULL);
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"o\""), 0);
	json_t *answer = ask("enqueue", first);
	CHECK_INT(number(answer, "position"), 1);
	CHECK_INT(code("move", "\"segment\":\"a\",\"before\":\"o\""), 0);
	json_t *again = ask("enqueue", first);
	CHECK(json_equal(answer, again));
	json_decref(answer);
	json_decref(again);
	check_queue("ao");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0); /* it plays */
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"a\",\"metadata\":{\"n\":2}"), 454);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"a\",\"metadata\":{\"n\":1}"), 454);
	CHECK_INT(code("remove", "\"segment\":\"a\""), 0);
	CHECK_INT(code("enqueue", first), 0); /* a new one */
	check_queue("oa");
	close_room();
}

/* --- ends and history */

static void check_moments(const json_t *life, const char *clock, int count)
{
	static const char *const names[] = { "asked", "first_unit", "ready", "started", "ended" };
	const json_t *moments = json_object_get(life, clock);
	json_int_t last = 0;

	for (int i = 0; i < 5; i++) {
		const json_t *moment = json_object_get(moments, names[i]);
		CHECK_INT(json_is_integer(moment), i < count);
		CHECK(i >= count || json_integer_value(moment) >= last, "%s %s", clock, names[i]);
		last = i < count && i != 1 ? json_integer_value(moment) : last;
	}
}

static void test_history(void)
{
	open_room("warm_workers = 0\n");
	CHECK_INT(plugin_files_prepare(&fixture.files, "segments/minutes.dhs", 3000), 0);
	CHECK_INT(code("progress", "\"segment\":\"a\""), 463);
	json_t *history = ask("history", "");
	CHECK_INT(json_array_size(json_object_get(history, "history")), 0);
	json_decref(history);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"a\",\"text\":\"One, two.\""), 0);
	await_of("event:finished", "a", "heard_text", "One, two.");
	CHECK_INT(code("enqueue",
			  "\"file\":\"minutes.dhs\",\"segment\":\"b\",\"text\":\"One two three four five six\","
			  "\"words\":[[\"One\",0,20],[\"two\",30,40],[\"three\",119000,120000]]"),
		0);
	await_of("event:started", "b", NULL, NULL);
	json_t *life = ask("progress", "\"segment\":\"b\"");
	/* known once all of the file is there, which may be later than its start */
	while (!json_is_integer(json_object_get(life, "duration_ms"))) {
		json_decref(life);
		life = ask("progress", "\"segment\":\"b\"");
	}
	check_text(life, "state", "playing");
	CHECK_INT(number(life, "duration_ms"), 120000);
	check_moments(life, "media_ms", 4);
	check_moments(life, "wall_ms", 4);
	json_decref(life);
	while (number(life = ask("progress", "\"segment\":\"b\""), "played_ms") < 40)
		json_decref(life);
	check_text(life, "heard_text", "One two");
	json_decref(life);
	CHECK_INT(code("interrupt", ""), 0);
	await_of("event:interrupted", "b", "heard_text", "One two");
	life = ask("progress", "\"segment\":\"b\"");
	check_text(life, "state", "interrupted");
	check_text(life, "heard_text", "One two");
	CHECK(number(life, "played_ms") < 119000);
	CHECK_INT(number(life, "holds"), 0);
	check_moments(life, "media_ms", 5);
	check_moments(life, "wall_ms", 5);
	json_decref(life);
	CHECK_INT(code("enqueue", "\"file\":\"short.dhs\",\"segment\":\"a\""), 0);
	await_of("event:finished", "a", NULL, NULL);
	history = ask("history", "");
	CHECK_INT(json_array_size(json_object_get(history, "history")), 3);
	check_text(json_array_get(json_object_get(history, "history"), 1), "segment", "b");
	json_decref(history);
	history = ask("history", "\"segment\":\"a\"");
	CHECK_INT(json_array_size(json_object_get(history, "history")), 2);
	CHECK(!json_object_get(json_array_get(json_object_get(history, "history"), 1), "heard_text"));
	json_decref(history);
	close_room();
}

static void test_history_is_limited(void)
{
	open_room("warm_workers = 0\n max_queue = 1000\n");
	CHECK_INT(code("enqueue", "\"file\":\"long.dhs\",\"segment\":\"p\",\"repeat\":100"), 0);
	for (int i = 0; i < 130; i++) {
		char fields[100];
		snprintf(fields, sizeof fields, "\"file\":\"long.dhs\",\"segment\":\"s%d\"", i);
		CHECK_INT(code("enqueue", fields), 0);
	}
	CHECK_INT(code("interrupt", ""), 0);
	await_of("event:interrupted", "p", NULL, NULL);
	for (int i = 0; i < 130; i++)
		json_decref(await_event("event:interrupted"));
	json_t *history = ask("history", "");
	const json_t *list = json_object_get(history, "history");
	CHECK_INT(json_array_size(list), 100);
	check_text(json_array_get(list, 0), "segment", "s30");
	check_text(json_array_get(list, 99), "segment", "s129");
	json_decref(history);
	CHECK_INT(code("progress", "\"segment\":\"p\""), 463);
	CHECK_INT(code("progress", "\"segment\":\"s129\""), 0);
	close_room();
}

/* A text is known of whatever a generator says. */
static void test_say_is_heard(void)
{
	open_room(NULL);
	CHECK_INT(code("say", "\"text\":\"Good evening\",\"segment\":\"a\""), 0);
	await_of("event:finished", "a", "heard_text", "Good evening");
	json_t *stats = ask("stats", "");
	const json_t *underruns = json_object_get(stats, "underruns");
	CHECK(number(underruns, "preroll_ms") >= 60 && number(underruns, "preroll_ms") <= 1000);
	CHECK_INT(number(underruns, "dropped_ms"), 0);
	json_decref(stats);
	close_room();
}

static void test_options_of_a_room(void)
{
	open_room("warm_workers = 0\n index_timeout_ms = 600000\n");
	CHECK_INT(code_of(ASK(client, "{s:s, s:i, s:s, s:s, s:s, s:s}", "request", "create", "id", 20, "avatar",
			  FILES_AVATAR, "admin_key", FILES_ADMIN_KEY, "underrun", "wait", "secret", FILES_SECRET)),
		454);
	CHECK_INT(code_of(ASK(client, "{s:s, s:i, s:s, s:s, s:i, s:i}", "request", "create", "id", 20, "avatar",
			  FILES_AVATAR, "admin_key", FILES_ADMIN_KEY, "low_water_ms", 500, "high_water_ms", 500)),
		454);
	CHECK_INT(code_of(ASK(client, "{s:s, s:i, s:s, s:s, s:i}", "request", "create", "id", 20, "avatar",
			  FILES_AVATAR, "admin_key", FILES_ADMIN_KEY, "ptime", 30)),
		454);
	CHECK_INT(code_of(ASK(client, "{s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:b}", "request", "create", "id",
			  20, "avatar", FILES_AVATAR, "admin_key", FILES_ADMIN_KEY, "underrun", "idle", "preroll_ms",
			  300, "low_water_ms", 500, "high_water_ms", 3000, "ptime", 60, "permanent", 1)),
		0);
	/* As after a restart. */
	gateway_detach(&observer);
	gateway_detach(&client);
	gateway_stop();
	CHECK_INT(gateway_start(fixture.files.folder, &(struct gateway_options){ .is_signed = 1 }), 0);
	client = gateway_attach();
	observer = gateway_attach();
	json_t *answer = ASK(client, "{s:s, s:i}", "request", "info", "id", 20);
	const json_t *info = json_object_get(answer, "info");
	check_text((json_t *)info, "underrun", "idle");
	CHECK_INT(number(info, "preroll_ms"), 300);
	CHECK_INT(number(info, "low_water_ms"), 500);
	CHECK_INT(number(info, "high_water_ms"), 3000);
	CHECK_INT(number(info, "ptime"), 60);
	json_decref(answer);
	json_decref(ASK(observer, "{s:s, s:i}", "request", "observe", "id", 20));
	await(observer, "status:observing");
	/* None of them plays before both are there. */
	for (int i = 1; i >= 0; i--) {
		CHECK_INT(code_of(ASK(client, "{s:s, s:i, s:s, s:s, s:i}", "request", "enqueue", "id", 20, "file",
				  "long.dhs", "utterance", "u", "index", i)),
			0);
		if (i == 1)
			await(observer, "event:ready");
	}
	json_t *event = await_event("event:high_water");
	CHECK(number(event, "queued_ms") >= 3000);
	json_decref(event);
	event = await_event("event:low_water");
	CHECK(number(event, "queued_ms") <= 500);
	json_decref(event);
	close_room();
}

static const struct check_test tests[] = {
	TEST(test_pieces_play_in_order),
	TEST(test_missing_piece),
	TEST(test_remove_an_utterance),
	TEST(test_places),
	TEST(test_wrong_pieces),
	TEST(test_expiry),
	TEST(test_again),
	TEST(test_history),
	TEST(test_history_is_limited),
	TEST(test_say_is_heard),
	TEST(test_options_of_a_room),
};

int main(int argc, char **argv)
{
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
