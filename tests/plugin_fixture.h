/* A plugin with all it needs, in a gateway of the tests' own; what is heard of
 * segments goes into a ledger, and everything is counted before and after.
 * DH_LOUD shows what the plugin logs.
 */
#ifndef DH_PLUGIN_FIXTURE_H
#define DH_PLUGIN_FIXTURE_H

#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway.h"
#include "ledger.h"
#include "preparation_fixture.h"
#include "theatre.h"

/* --- the house */

struct house {
	struct theatre theatre;
	struct ledger *ledger;
	int fds, children; /* before */
};

/* `notified` gets the ledger and an event; see struct gateway_options. */
static inline void house_open_with(struct house *house, const char *worker, const char *general,
	void (*notified)(void *ledger, const json_t *event))
{
	struct gateway_options options = { .notified = notified, .is_signed = 1, .forbidden = "sesame-1704" };

	gateway_stop(); /* a test before that has failed */
	house->fds = count_entries("/proc/self/fd");
	house->children = count_children();
	CHECK(theatre_make(&house->theatre, worker, general) == 0, "%s", strerror(errno));
	house->ledger = options.arg = ledger_new();
	options.is_loud = getenv("DH_LOUD") != NULL;
	CHECK_INT(gateway_start(house->theatre.folder, &options), 0);
}

static inline void house_open(struct house *house, const char *general)
{
	house_open_with(house, fake_worker, general, ledger_see);
}

static inline void house_close(struct house *house)
{
	gateway_stop();
	CHECK_STR(ledger_error(house->ledger), NULL);
	ledger_free(&house->ledger);
	theatre_clear(&house->theatre);
	CHECK_INT(gateway_sessions(), 0);
	CHECK_INT(count_children(), house->children);
	CHECK_INT(count_entries("/proc/self/fd"), house->fds);
}

/* --- asking; each takes over the references that it is given */

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
	json_t *event = gateway_await(handle, kind, 20000);

	CHECK(event, "%s does not come", kind);
	json_decref(event);
}

#endif
