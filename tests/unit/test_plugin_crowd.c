/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hundred viewers, and clients that feed the rooms, send random requests from the
 * plugin's own tables in several threads. DH_SEED is the seed; it does not determine
 * which thread comes first. */
#include "tests/support/plugin_fixture.h"
#include "tests/support/request_maker.h"

#define THREADS 5

static unsigned seed;
static atomic_int segments;

struct crowd {
	pthread_t thread;
	unsigned seed;
	int operations;
	const char *const *files;
	struct gateway_handle *handles[20]; /* its own */
};

static unsigned chance(void *arg, unsigned count)
{
	struct crowd *crowd = arg;

	return (unsigned)rand_r(&crowd->seed) % count;
}

static json_t *odd_value(void *arg)
{
	switch (chance(arg, 5)) {
	case 0:
		return json_integer(-1);
	case 1:
		return json_string("");
	case 2:
		return json_real(1.5);
	case 3:
		return json_pack("[s, s, s]", "a", "b", "c");
	default:
		return json_null();
	}
}

/* Rooms should live a while, and most clients should watch. */
static const struct dh_request_type *type_by_chance(struct crowd *crowd)
{
	static const char *const often[] = { "watch", "start", "start", "enqueue", "enqueue", "enqueue", "create",
		"enable" };
	static const char *const seldom[] = { "destroy", "disable", "kick_all", "interrupt", NULL };
	unsigned i = chance(crowd, maker_types() + 2 * G_N_ELEMENTS(often));
	const struct dh_request_type *type = maker_type(i);

	if (!type)
		return maker_find(often[(i - maker_types()) / 2]);
	return g_strv_contains(seldom, type->name) && chance(crowd, 6) != 0 ? maker_find("list") : type;
}

static void ask_by_chance(struct crowd *crowd, struct gateway_handle *handle)
{
	const struct request_maker maker = { chance, odd_value, crowd, 40, crowd->files, &segments };
	const struct dh_request_type *type = type_by_chance(crowd);
	json_t *body, *jsep = NULL;

	body = maker_body(&maker, type);
	if (type->asynchronous && chance(crowd, 4) != 0)
		jsep = gateway_answer();
	if (!type->asynchronous && chance(crowd, 8) == 0) {
		json_decref(gateway_ask_admin(body));
		json_decref(jsep);
	} else {
		json_decref(gateway_ask(handle, body, jsep));
	}
}

/* As a page does, but without waiting for events. */
static void join_by_chance(struct crowd *crowd, struct gateway_handle *handle)
{
	int room = 1 + (int)chance(crowd, 3);

	json_decref(gateway_ask(handle, json_pack("{s:s, s:i, s:s}", "request", "watch", "id", room, "pin", FILES_PIN),
		NULL));
	json_decref(gateway_await(handle, "", 100));
	json_decref(gateway_ask(handle, json_pack("{s:s}", "request", "start"), gateway_answer()));
	gateway_up(handle);
}

static void do_by_chance(struct crowd *crowd)
{
	struct gateway_handle **handle = &crowd->handles[chance(crowd, G_N_ELEMENTS(crowd->handles))];
	unsigned what = *handle ? chance(crowd, 20) : 0;

	if (!*handle) {
		*handle = gateway_attach();
		return;
	}
	if (what == 0)
		gateway_detach(handle);
	else if (what == 1)
		gateway_hangup(*handle);
	else if (what == 2)
		json_decref(gateway_query(*handle));
	else if (what == 3)
		gateway_pli(*handle);
	else if (what < 6)
		gateway_up(*handle);
	else if (what < 10)
		join_by_chance(crowd, *handle);
	else
		ask_by_chance(crowd, *handle);
	if (*handle && what % 5 == 0)
		gateway_forget(*handle);
}

static void *crowd_main(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < crowd->operations; i++) {
		do_by_chance(crowd);
		if (chance(crowd, 4) == 0)
			usleep(chance(crowd, 16000));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(crowd->handles); i++)
		gateway_detach(&crowd->handles[i]);
	return NULL;
}

static void crowd_start(struct crowd *crowd, const char *const *files, int operations)
{
	for (unsigned i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd){ .seed = seed + i, .operations = operations, .files = files };
		CHECK_INT(pthread_create(&crowd[i].thread, NULL, crowd_main, &crowd[i]), 0);
	}
	seed += THREADS;
}

static void crowd_join(struct crowd *crowd)
{
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(crowd[i].thread, NULL);
}

static void destroy_all_rooms(void)
{
	json_t *list = gateway_ask_admin(json_pack("{s:s, s:s}", "request", "list", "admin_key", FILES_ADMIN_KEY));
	json_t *room;
	size_t i;

	json_array_foreach(json_object_get(list, "list"), i, room) {
		json_t *body = json_pack("{s:s, s:O}", "request", "destroy", "id", json_object_get(room, "id"));
		json_object_set_new(body, "secret", json_string(FILES_SECRET));
		CHECK_INT(code_of(gateway_ask_admin(body)), 0);
	}
	json_decref(list);
}

/* Low limits, so that the crowd reaches them, and few warm workers. */
#define TIGHT "max_rooms = 5\n max_queue = 8\n max_viewers = 60\n max_viewers_per_room = 20\n warm_workers = 1\n"

static const char *const *const repertoires[] = { plugin_files_prepared, plugin_files_scripted };

static void test_every_segment_ends_once(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(repertoires); i++) {
		struct crowd crowd[THREADS];
		struct plugin_fixture fixture;
		double end;
		printf("   seed %u\n", seed);
		plugin_fixture_open(&fixture, TIGHT);
		crowd_start(crowd, repertoires[i], 600);
		crowd_join(crowd);
		destroy_all_rooms();
		end = now_ms() + AWAIT_S * 1e3;
		while (event_checker_open(fixture.checker) > 0 && now_ms() < end)
			usleep(5000);
		CHECK_STR(event_checker_error(fixture.checker), NULL);
		CHECK_INT(event_checker_open(fixture.checker), 0);
		CHECK(event_checker_count(fixture.checker) > 10, "%d segments", event_checker_count(fixture.checker));
		CHECK(gateway_relayed() > 0);
		printf("   %d segments, %d packets\n", event_checker_count(fixture.checker), gateway_relayed());
		plugin_fixture_close(&fixture);
	}
}

static void test_destroyed_amid_it(void)
{
	for (unsigned i = 0; i < 6; i++) {
		struct crowd crowd[THREADS];
		struct plugin_fixture fixture;
		printf("   seed %u\n", seed);
		plugin_fixture_open(&fixture, TIGHT);
		crowd_start(crowd, repertoires[i % G_N_ELEMENTS(repertoires)], 250);
		usleep((useconds_t)(i * i * 20000));
		gateway_stop();
		CHECK(!gateway_ask_admin(json_pack("{s:s}", "request", "list")));
		crowd_join(crowd);
		plugin_fixture_close(&fixture);
	}
}

static const struct check_test tests[] = {
	TEST(test_every_segment_ends_once),
	TEST(test_destroyed_amid_it),
};

int main(int argc, char **argv)
{
	const char *given = getenv("DH_SEED");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	return find_fake_worker(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
