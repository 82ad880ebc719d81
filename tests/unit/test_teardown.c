/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client detaches a handle just as something happens to it: a segment's end, a
 * kick, or the room's destruction.
 *
 * A round is one handle: its client attaches it, sends a few random requests
 * and detaches it, while somebody else does something to the room. Both begin at
 * once, each after a short random pause. Lanes are rooms, and run side by side.
 * DH_SEED is the seed, DH_ROUNDS how many; they do not determine which thread
 * comes first. The sanitizers, the gateway (which checks what no plugin may do) and counts
 * of what is left find errors. */
#include <stdatomic.h>

#include "tests/support/plugin_fixture.h"

#define LANES 4

static unsigned seed;
static int rounds = 10000;

/* One lane: two threads, which meet before and after each round. */
struct lane {
	pthread_t client, other;
	pthread_barrier_t begin, end;
	int room;
	int rounds;
	unsigned client_seed, other_seed;
	struct gateway_handle *admin; /* of the other thread */
	atomic_int done[16];          /* atomic: how often each thing was done, by index */
};

static unsigned chance(unsigned *state, unsigned count)
{
	return (unsigned)rand_r(state) % count;
}

static void pause_by_chance(unsigned *state)
{
	double until = now_ms() + chance(state, 8) * chance(state, 100) / 1000.0;

	while (now_ms() < until)
		;
}

static void ask(struct gateway_handle *handle, const char *request, int room, json_t *jsep)
{
	json_t *body = json_pack("{s:s}", "request", request);

	if (room)
		json_object_set_new(body, "id", json_integer(room));
	json_decref(gateway_ask(handle, body, jsep));
}

/* --- the client */

static void watch(struct lane *lane, struct gateway_handle *handle)
{
	ask(handle, "watch", lane->room, NULL);
}

static void observe(struct lane *lane, struct gateway_handle *handle)
{
	ask(handle, "observe", lane->room, NULL);
}

static void start(struct lane *lane, struct gateway_handle *handle)
{
	(void)lane;
	ask(handle, "start", 0, gateway_answer());
	gateway_up(handle);
}

static void pause_viewer(struct lane *lane, struct gateway_handle *handle)
{
	(void)lane;
	ask(handle, "pause", 0, NULL);
}

static void stop(struct lane *lane, struct gateway_handle *handle)
{
	(void)lane;
	ask(handle, "stop", 0, NULL);
}

static void hang_up(struct lane *lane, struct gateway_handle *handle)
{
	(void)lane;
	gateway_hangup(handle);
}

static void ask_for_a_key_frame(struct lane *lane, struct gateway_handle *handle)
{
	(void)lane;
	gateway_pli(handle);
}

static void query(struct lane *lane, struct gateway_handle *handle)
{
	(void)lane;
	json_decref(gateway_query(handle));
}

/* As a page does: offer, answer, first packets; or an error, where there is no such room just now. Others do
 * nothing meanwhile that would end it. */
static void join(struct lane *lane, struct gateway_handle *handle)
{
	struct gateway_media media = { 0 };
	double end = now_ms() + AWAIT_S * 1e3;

	watch(lane, handle);
	json_t *answer = gateway_await(handle, "", AWAIT_S * 1000);
	bool is_refused = !answer || json_object_get(answer, "error_code");
	json_decref(answer);
	if (is_refused)
		return;
	start(lane, handle);
	while (media.packets[DH_VIDEO] == 0 && now_ms() < end) {
		usleep(200);
		gateway_media(handle, &media);
	}
	if (media.packets[DH_VIDEO])
		atomic_fetch_add(&lane->done[15], 1);
}

static void (*const client_does[])(struct lane *lane, struct gateway_handle *handle) = {
	watch,
	watch,
	observe,
	start,
	pause_viewer,
	stop,
	hang_up,
	ask_for_a_key_frame,
	query,
};

static void *client_main(void *arg)
{
	struct lane *lane = arg;
	unsigned *state = &lane->client_seed;

	for (int i = 0; i < lane->rounds; i++) {
		struct gateway_handle *handle = gateway_attach();
		if (chance(state, 4) != 0)
			join(lane, handle);
		pthread_barrier_wait(&lane->begin);
		pause_by_chance(state);
		for (unsigned more = chance(state, 4); more > 0; more--) {
			client_does[chance(state, G_N_ELEMENTS(client_does))](lane, handle);
			pause_by_chance(state);
		}
		gateway_detach(&handle);
		pthread_barrier_wait(&lane->end);
	}
	return NULL;
}

/* --- somebody else */

static void enqueue(struct lane *lane)
{
	json_decref(ASK(lane->admin, "{s:s, s:i, s:s}", "request", "enqueue", "id", lane->room, "file", "short.dhs"));
}

static void skip(struct lane *lane)
{
	ask(lane->admin, "skip", lane->room, NULL);
}

static void interrupt(struct lane *lane)
{
	ask(lane->admin, "interrupt", lane->room, NULL);
}

static void kick(struct lane *lane)
{
	json_t *stats = ASK(lane->admin, "{s:s, s:i}", "request", "stats", "id", lane->room);
	json_t *first = json_array_get(json_object_get(stats, "viewers"), 0);

	if (first)
		json_decref(ASK(lane->admin, "{s:s, s:i, s:O}", "request", "kick", "id", lane->room, "viewer",
			json_object_get(first, "viewer")));
	json_decref(stats);
}

static void kick_all(struct lane *lane)
{
	ask(lane->admin, "kick_all", lane->room, NULL);
}

static void create(struct lane *lane)
{
	json_decref(ASK(lane->admin, "{s:s, s:s, s:i, s:s}", "request", "create", "admin_key", FILES_ADMIN_KEY, "id",
		lane->room, "avatar", FILES_AVATAR));
}

static void destroy(struct lane *lane)
{
	ask(lane->admin, "destroy", lane->room, NULL);
}

static void disable(struct lane *lane)
{
	ask(lane->admin, "disable", lane->room, NULL);
	ask(lane->admin, "enable", lane->room, NULL);
}

static const struct {
	const char *name;
	void (*run)(struct lane *lane);
} other_does[] = {
	{ "skip", skip },
	{ "interrupt", interrupt },
	{ "kick", kick },
	{ "kick_all", kick_all },
	{ "destroy", destroy },
	{ "disable", disable },
};

static void *other_main(void *arg)
{
	struct lane *lane = arg;
	unsigned *state = &lane->other_seed;

	for (int i = 0; i < lane->rounds; i++) {
		unsigned what = chance(state, G_N_ELEMENTS(other_does));
		if (chance(state, 2))
			enqueue(lane);
		pthread_barrier_wait(&lane->begin);
		pause_by_chance(state);
		other_does[what].run(lane);
		atomic_fetch_add(&lane->done[what], 1);
		pthread_barrier_wait(&lane->end);
		if (what == 4)
			create(lane);
	}
	return NULL;
}

/* --- all of it */

static void lane_open(struct lane *lane, int i)
{
	memset(lane, 0, sizeof *lane);
	lane->room = 100 + i;
	lane->rounds = rounds / LANES;
	lane->client_seed = seed + 2 * (unsigned)i;
	lane->other_seed = seed + 2 * (unsigned)i + 1;
	lane->admin = gateway_attach();
	CHECK(lane->admin);
	pthread_barrier_init(&lane->begin, NULL, 2);
	pthread_barrier_init(&lane->end, NULL, 2);
	create(lane);
}

static void lane_start(struct lane *lane)
{
	CHECK_INT(pthread_create(&lane->client, NULL, client_main, lane), 0);
	CHECK_INT(pthread_create(&lane->other, NULL, other_main, lane), 0);
}

static void lane_join(struct lane *lane)
{
	pthread_join(lane->client, NULL);
	pthread_join(lane->other, NULL);
}

/* Leaving is posted to the room; soon it has no members. */
static void check_nobody_is_left(const struct lane *lane)
{
	double end = now_ms() + AWAIT_S * 1e3;
	json_int_t left;

	do {
		json_t *answer = ASK(lane->admin, "{s:s, s:i}", "request", "info", "id", lane->room);
		const json_t *info = json_object_get(answer, "info");
		left = json_integer_value(json_object_get(info, "watching")) +
			json_integer_value(json_object_get(info, "observing")) +
			json_integer_value(json_object_get(info, "viewers"));
		CHECK(info, "there is no room %d", lane->room);
		json_decref(answer);
		usleep(left ? 2000 : 0);
	} while (left && now_ms() < end);
	CHECK_INT(left, 0);
}

static void lane_close(struct lane *lane)
{
	check_nobody_is_left(lane);
	destroy(lane);
	gateway_detach(&lane->admin);
	pthread_barrier_destroy(&lane->begin);
	pthread_barrier_destroy(&lane->end);
}

static void test_teardown(void)
{
	struct plugin_fixture fixture;
	struct lane lanes[LANES];
	int joined = 0;

	printf("   seed %u, %d rounds\n", seed, rounds);
	plugin_fixture_open(&fixture, "max_rooms = 20\n warm_workers = 0\n");
	for (int i = 0; i < LANES; i++)
		lane_open(&lanes[i], i);
	for (int i = 0; i < LANES; i++)
		lane_start(&lanes[i]);
	for (int i = 0; i < LANES; i++)
		lane_join(&lanes[i]);
	for (size_t what = 0; what < G_N_ELEMENTS(other_does); what++) {
		int times = 0;
		for (int i = 0; i < LANES; i++)
			times += lanes[i].done[what];
		printf("   %d times %s\n", times, other_does[what].name);
		CHECK(times > 0 || rounds < 1000);
	}
	for (int i = 0; i < LANES; i++) {
		joined += lanes[i].done[15];
		lane_close(&lanes[i]);
	}
	printf("   %d had media, %d packets, %d segments\n", joined, gateway_relayed(),
		event_checker_count(fixture.checker));
	CHECK(joined >= rounds / 4, "only %d of %d handles had media", joined, rounds);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_teardown),
};

int main(int argc, char **argv)
{
	const char *given = getenv("DH_SEED"), *count = getenv("DH_ROUNDS");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	rounds = count ? atoi(count) : rounds;
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
