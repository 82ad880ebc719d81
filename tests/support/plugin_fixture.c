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
	CHECK_INT(count_children(), fixture->children);
	CHECK_INT(count_entries("/proc/self/fd"), fixture->fds);
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
