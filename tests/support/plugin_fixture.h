/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plugin with all it needs, in the tests' own gateway. Segment events go to an
 * event checker. Descriptors and children are counted before and after.
 * DH_LOUD shows what the plugin logs.
 */
#ifndef DH_PLUGIN_FIXTURE_H
#define DH_PLUGIN_FIXTURE_H

#include "tests/support/check.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/support/gateway.h"
#include "tests/support/event_checker.h"
#include "tests/support/ingest_fixture.h"
#include "tests/support/plugin_files.h"

struct plugin_fixture {
	struct plugin_files files;
	struct event_checker *checker;
	int fds, children; /* before */
};

/* `notified` gets the checker and an event; see struct gateway_options. */
static inline void plugin_fixture_open_with(struct plugin_fixture *fixture, const char *worker, const char *general,
	void (*notified)(void *checker, const json_t *event))
{
	struct gateway_options options = { .notified = notified, .is_signed = 1, .forbidden = "sesame-1704" };

	gateway_stop(); /* a test before that has failed */
	fixture->fds = count_entries("/proc/self/fd");
	fixture->children = count_children();
	CHECK(plugin_files_make(&fixture->files, worker, general) == 0, "%s", strerror(errno));
	fixture->checker = options.arg = event_checker_new();
	options.is_loud = getenv("DH_LOUD") != NULL;
	CHECK_INT(gateway_start(fixture->files.folder, &options), 0);
}

static inline void plugin_fixture_open(struct plugin_fixture *fixture, const char *general)
{
	plugin_fixture_open_with(fixture, fake_worker, general, event_checker_see);
}

static inline void plugin_fixture_close(struct plugin_fixture *fixture)
{
	gateway_stop();
	CHECK_STR(event_checker_error(fixture->checker), NULL);
	event_checker_free(&fixture->checker);
	plugin_files_clear(&fixture->files);
	CHECK_INT(gateway_sessions(), 0);
	CHECK_INT(count_children(), fixture->children);
	CHECK_INT(count_entries("/proc/self/fd"), fixture->fds);
}

/* --- requests; each takes ownership of its arguments' references */

#define ASK(handle, ...) gateway_ask(handle, json_pack(__VA_ARGS__), NULL)

/* The answer's error code, 0 where it is none. */
static inline int code_of(json_t *answer)
{
	int code = (int)json_integer_value(json_object_get(answer, "error_code"));

	json_decref(answer);
	return code;
}

static inline void await(struct gateway_handle *handle, const char *kind)
{
	json_t *event = gateway_await(handle, kind, AWAIT_S * 1000);

	CHECK(event, "%s does not come", kind);
	json_decref(event);
}

#endif
