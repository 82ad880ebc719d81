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
	int fds, children; /* counts from before */
};

/* `notified` gets the checker and an event; see struct gateway_options. */
void plugin_fixture_open_with(struct plugin_fixture *fixture, const char *worker, const char *general,
	void (*notified)(void *checker, const json_t *event));

void plugin_fixture_open(struct plugin_fixture *fixture, const char *general);

/* Checks that nothing is left. */
void plugin_fixture_close(struct plugin_fixture *fixture);

/* --- handles */

/* gateway_attach_to for each of them. */
void attach_all(struct gateway_handle **handles, int count, const void *client);
void detach_all(struct gateway_handle **handles, int count);

/* --- requests; each takes ownership of its arguments' references */

#define ASK(handle, ...) gateway_ask(handle, json_pack(__VA_ARGS__), NULL)

/* The answer's error code; 0 if it is not an error. */
int code_of(json_t *answer);

/* Waits for an event of that kind. */
void await(struct gateway_handle *handle, const char *kind);

/* --- viewers, observers and offers; with the PIN and the secret of the files' rooms */

void ask_to_watch(struct gateway_handle *handle, int room);
/* The same; returns when the offer has come. */
void get_offer(struct gateway_handle *handle, int room);
/* Answers the offer; returns when media flow. */
void connect_viewer(struct gateway_handle *handle);
/* Both. */
void watch_room(struct gateway_handle *handle, int room);
void observe_room(struct gateway_handle *handle, int room);

/* Waits until it has been sent so many more packets of each, without a break. */
void await_more(struct gateway_handle *handle, int sound, int pictures);

/* Waits until the gateway holds so many offers (gateway_hold_offers). */
void await_held_offers(int count);

/* The kind of the next event, whatever it is; valid until the next call. */
const char *next_kind(struct gateway_handle *handle);

#endif
