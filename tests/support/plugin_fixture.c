/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/plugin_fixture.h"

#include <stdlib.h>

void plugin_fixture_open_with(struct plugin_fixture *fixture, const char *worker, const char *general,
	void (*notified)(void *checker, const json_t *event))
{
	struct gateway_options options = { .notified = notified, .is_signed = 1, .forbidden = "sesame-1704" };

	gateway_stop(); /* an earlier test failed */
	fixture->fds = count_entries("/proc/self/fd");
	fixture->children = count_children();
	CHECK(plugin_files_make(&fixture->files, worker, general) == 0, "%s", strerror(errno));
	fixture->checker = options.arg = event_checker_new();
	options.is_loud = getenv("DH_LOUD") != NULL;
	CHECK_INT(gateway_start(fixture->files.folder, &options), 0);
}

void plugin_fixture_open(struct plugin_fixture *fixture, const char *general)
{
	plugin_fixture_open_with(fixture, fake_worker, general, event_checker_see);
}

void plugin_fixture_close(struct plugin_fixture *fixture)
{
	gateway_stop();
	CHECK_STR(event_checker_error(fixture->checker), NULL);
	event_checker_free(&fixture->checker);
	plugin_files_clear(&fixture->files);
	CHECK_INT(gateway_sessions(), 0);
	await_counts(fixture->fds, fixture->children);
}

int code_of(json_t *answer)
{
	int code = (int)json_integer_value(json_object_get(answer, "error_code"));

	json_decref(answer);
	return code;
}

void await(struct gateway_handle *handle, const char *kind)
{
	json_t *event = gateway_await(handle, kind, AWAIT_S * 1000);

	CHECK(event, "%s does not come", kind);
	json_decref(event);
}

void await_more(struct gateway_handle *handle, int sound, int pictures)
{
	struct gateway_media before, now;
	double end = now_ms() + AWAIT_S * 1e3;

	gateway_media(handle, &before);
	do {
		usleep(2000);
		gateway_media(handle, &now);
	} while (now_ms() < end &&
		(now.packets[DH_AUDIO] < before.packets[DH_AUDIO] + sound ||
			now.packets[DH_VIDEO] < before.packets[DH_VIDEO] + pictures));
	CHECK(now_ms() < end, "%d sounds, %d pictures", now.packets[DH_AUDIO], now.packets[DH_VIDEO]);
	CHECK_INT(now.breaks[DH_AUDIO] + now.breaks[DH_VIDEO], 0);
}

void attach_all(struct gateway_handle **handles, int count, const void *client)
{
	for (int i = 0; i < count; i++)
		CHECK((handles[i] = gateway_attach_to(client)) != NULL);
}

void detach_all(struct gateway_handle **handles, int count)
{
	for (int i = 0; i < count; i++)
		gateway_detach(&handles[i]);
}

/* --- viewers, observers and offers */

void await_held_offers(int count)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (gateway_held_offers() < count && now_ms() < end)
		usleep(1000);
	CHECK_INT(gateway_held_offers(), count);
}

void ask_to_watch(struct gateway_handle *handle, int room)
{
	CHECK(!ASK(handle, "{s:s, s:i, s:s, s:s}", "request", "watch", "id", room, "pin", FILES_PIN, "secret",
		FILES_SECRET));
}

void get_offer(struct gateway_handle *handle, int room)
{
	ask_to_watch(handle, room);
	await(handle, "status:preparing");
}

void connect_viewer(struct gateway_handle *handle)
{
	CHECK(!gateway_ask(handle, json_pack("{s:s}", "request", "start"), gateway_answer()));
	await(handle, "status:starting");
	gateway_up(handle);
	await(handle, "status:started");
}

void watch_room(struct gateway_handle *handle, int room)
{
	get_offer(handle, room);
	connect_viewer(handle);
}

void observe_room(struct gateway_handle *handle, int room)
{
	CHECK(!ASK(handle, "{s:s, s:i, s:s}", "request", "observe", "id", room, "secret", FILES_SECRET));
	await(handle, "status:observing");
}

const char *next_kind(struct gateway_handle *handle)
{
	static char kind[64];
	json_t *event = gateway_await(handle, "", AWAIT_S * 1000);
	const char *status = json_string_value(json_object_get(json_object_get(event, "result"), "status"));
	const char *name = json_string_value(json_object_get(event, "event"));

	CHECK(event, "nothing is said");
	g_strlcpy(kind, status ? status : name ? name : "error", sizeof kind);
	json_decref(event);
	return kind;
}
