/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hang-ups: those that come late end nothing that began later, and the thread that sent is
 * what it was. The gateway holds back what a test wants to be late. */
#include "tests/support/plugin_fixture.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <janus/apierror.h>

#include "plugin/senders.h"
#include "plugin/session.h"

#define GENERAL "offer_threads = 4\n"

/* Janus's. */
int janus_ice_get_static_event_loops(void);

static int event_loops;

int janus_ice_get_static_event_loops(void)
{
	return event_loops;
}

/* --- late ones */

/* A room's hang-up waits behind a restart's offer. Meanwhile the peer goes by itself, and
 * the handle watches another room: that connection must not be hung up. */
static void test_a_late_close_spares_what_began_later(void)
{
	struct gateway_handle *viewer, *owner;
	struct gateway_media media;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(&viewer, 1, NULL);
	attach_all(&owner, 1, NULL);
	watch_room(viewer, 1);
	gateway_hold_offers();
	CHECK(!ASK(viewer, "{s:s, s:i, s:b}", "request", "watch", "id", 1, "restart", 1));
	await_held_offers(1);
	CHECK_INT(code_of(ASK(owner, "{s:s, s:i}", "request", "destroy", "id", 1)), 0);
	gateway_hangup(viewer);
	for (int left = 1; left;) {
		json_t *query = gateway_query(viewer);
		left = strcmp(json_string_value(json_object_get(query, "state")), "watching") == 0;
		json_decref(query);
		usleep(1000);
	}
	ask_to_watch(viewer, 3);
	gateway_pass_offers(-1);
	await(viewer, "status:stopped"); /* perhaps behind the restart's offer */
	await(viewer, "status:preparing");
	connect_viewer(viewer);
	/* The loop has done what was posted earlier. */
	gateway_pli(viewer);
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	await(viewer, "status:pausing");
	gateway_media(viewer, &media);
	CHECK_INT(media.is_up, 1);
	gateway_detach(&viewer);
	gateway_detach(&owner);
	plugin_fixture_close(&fixture);
}

/* Janus takes an offer for one of a connection that it is still closing; no other refusal passes by itself. */
static void test_an_offer_behind_a_hangup_is_made_again(void)
{
	struct gateway_handle *viewers[2];
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_viewers_per_room = 1\n");
	attach_all(viewers, 2, NULL);
	gateway_refuse_offers(3, JANUS_ERROR_HANDLE_NOT_FOUND);
	watch_room(viewers[0], 1);
	CHECK_INT(gateway_refusals(), 0);
	CHECK(!ASK(viewers[0], "{s:s}", "request", "stop"));
	await(viewers[0], "status:stopped");
	gateway_refuse_offers(3, JANUS_ERROR_UNKNOWN);
	ask_to_watch(viewers[0], 1);
	await(viewers[0], "error:461");
	CHECK_INT(gateway_refusals(), 2);
	/* one that goes meanwhile is not waited for, and leaves its place */
	gateway_refuse_offers(1000, JANUS_ERROR_HANDLE_NOT_FOUND);
	ask_to_watch(viewers[0], 1);
	while (gateway_refusals() == 1000)
		usleep(1000);
	gateway_detach(&viewers[0]);
	gateway_refuse_offers(0, 0);
	watch_room(viewers[1], 1);
	gateway_detach(&viewers[1]);
	plugin_fixture_close(&fixture);
}

static _Atomic gint64 later_us; /* how far the plugin's clock is ahead */

gint64 __real_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void);

gint64 __wrap_g_get_monotonic_time(void)
{
	return __real_g_get_monotonic_time() + atomic_load(&later_us);
}

/* The handle has stopped watching, and its hang-up is kept for longer than the plugin waits
 * for it. It sends `request` about room 2 before. */
static void stop_without_hangup(struct gateway_handle *viewer, const char *request)
{
	gateway_hold_hangups(viewer, 1);
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopping");
	while (!gateway_is_hanging_up(viewer))
		usleep(1000);
	CHECK(!ASK(viewer, "{s:s, s:i, s:s}", "request", request, "id", 2, "secret", FILES_SECRET));
	atomic_fetch_add(&later_us, 6 * G_USEC_PER_SEC);
}

static json_int_t count_watching(struct gateway_handle *handle, int room)
{
	json_t *info = ASK(handle, "{s:s, s:i, s:s}", "request", "info", "id", room, "secret", FILES_SECRET);
	json_int_t count = json_integer_value(json_object_get(json_object_get(info, "info"), "watching"));

	json_decref(info);
	return count;
}

/* A hang-up that does not come is waited for no longer than that. Whoever watches, or observes, again by
 * then is not ended by the hang-up of the connection before. */
static void test_a_late_hangup_spares_what_began_later(void)
{
	struct gateway_handle *viewer, *observer;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, GENERAL);
	attach_all(&viewer, 1, NULL);
	attach_all(&observer, 1, NULL);
	watch_room(viewer, 1);
	watch_room(observer, 1);
	gateway_hold_offers();
	stop_without_hangup(viewer, "watch");
	await_held_offers(1);
	gateway_hold_hangups(viewer, 0);
	while (gateway_is_hanging_up(viewer))
		usleep(1000);
	gateway_pass_offers(-1);
	await(viewer, "status:preparing");
	await(viewer, "status:stopped");
	connect_viewer(viewer);
	stop_without_hangup(observer, "observe");
	await(observer, "status:observing");
	gateway_hold_hangups(observer, 0);
	await(observer, "status:stopped");
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "disable", "id", 2, "secret", FILES_SECRET)), 0);
	await(observer, "event:disabled");
	await(viewer, "event:disabled");
	/* The next hang-up is that of the connection that is up. */
	gateway_hangup(viewer);
	while (count_watching(observer, 2) > 0)
		usleep(1000);
	gateway_detach(&viewer);
	gateway_detach(&observer);
	plugin_fixture_close(&fixture);
}

/* --- senders: two handles on one event loop of Janus's */

static void test_a_loop_is_what_it_was(void)
{
	struct dh_senders *senders = dh_senders_new();
	struct dh_session one = { 0 }, two = { 0 };
	int niceness = getpriority(PRIO_PROCESS, 0);

	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
	dh_senders_enter(senders, &one, true);
	int class = sched_getscheduler(0), raised = getpriority(PRIO_PROCESS, 0);
	if (class == SCHED_OTHER && raised == niceness)
		CHECK_SKIP("without privileges no thread changes");
	dh_senders_enter(senders, &two, true);
	dh_senders_enter(senders, &two, true); /* its connection was renewed */
	dh_senders_leave(senders, &one);
	dh_senders_leave(senders, &one); /* detached as well */
	CHECK_INT(sched_getscheduler(0), class);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), raised);
	dh_senders_leave(senders, &two);
	CHECK_INT(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), niceness);
	dh_senders_enter(senders, &one, true);
	CHECK_INT(sched_getscheduler(0), class);
	dh_senders_leave(senders, &one);
	dh_senders_free(&senders);
}

/* A viewer's own thread is nobody else's, and need not be named. */
static void test_only_a_loop_is_named(void)
{
	struct dh_senders *senders = dh_senders_new();
	struct dh_session session = { 0 };

	CHECK_INT(dh_senders_enter(senders, &session, false), 0);
	dh_senders_leave(senders, &session);
	event_loops = 2;
	CHECK_INT(dh_senders_enter(senders, &session, false), (int)syscall(SYS_gettid));
	dh_senders_leave(senders, &session);
	event_loops = 0;
	dh_senders_free(&senders);
}

static const struct check_test tests[] = {
	TEST(test_a_late_close_spares_what_began_later),
	TEST(test_an_offer_behind_a_hangup_is_made_again),
	TEST(test_a_late_hangup_spares_what_began_later),
	TEST(test_a_loop_is_what_it_was),
	TEST(test_only_a_loop_is_named),
};

PREPARATION_MAIN(tests)
