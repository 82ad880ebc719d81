/* The plugin as Janus sees it: its table of functions, driven through the fake
 * gateway with real rooms, real threads and real workers, which are
 * tests/fake_worker. DH_SEED is the seed of what is done by chance. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway.h"
#include "ledger.h"
#include "preparation_fixture.h"
#include "request_maker.h"
#include "theatre.h"

/* --- the house */

struct house {
	struct theatre theatre;
	struct ledger *ledger;
	int fds, children; /* before */
};

/* An event handler that takes its time: 1 when it is to, 2 when it does. */
static gint slowness;

static void see(void *arg, const json_t *event)
{
	ledger_see(arg, event);
	if (g_atomic_int_compare_and_exchange(&slowness, 1, 2))
		usleep(300000);
}

static void house_open(struct house *house, const char *general)
{
	struct gateway_options options = { .notified = see, .forbidden = "sesame-1704" };

	gateway_stop(); /* a test before that has failed */
	house->fds = count_entries("/proc/self/fd");
	house->children = count_children();
	CHECK(theatre_make(&house->theatre, fake_worker, general) == 0, "%s", strerror(errno));
	house->ledger = options.arg = ledger_new();
	options.is_loud = getenv("DH_LOUD") != NULL;
	CHECK_INT(gateway_start(house->theatre.folder, &options), 0);
}

static void house_close(struct house *house)
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
static int code_of(json_t *answer)
{
	int code = (int)json_integer_value(json_object_get(answer, "error_code"));

	json_decref(answer);
	return code;
}

static void await(struct gateway_handle *handle, const char *kind)
{
	json_t *event = gateway_await(handle, kind, 20);

	CHECK(event, "%s does not come", kind);
	json_decref(event);
}

/* Until `handle` was sent `count` more packets of each medium. */
static void await_media(struct gateway_handle *handle, int count)
{
	struct gateway_media before, now;
	double end = now_ms() + 20000;

	gateway_media(handle, &before);
	do {
		usleep(5000);
		gateway_media(handle, &now);
	} while (now_ms() < end && (now.packets[DH_VIDEO] < before.packets[DH_VIDEO] + count ||
			now.packets[DH_AUDIO] < before.packets[DH_AUDIO] + count));
	CHECK(now_ms() < end, "%d sounds, %d pictures", now.packets[DH_AUDIO], now.packets[DH_VIDEO]);
	CHECK_INT(now.breaks[DH_AUDIO] + now.breaks[DH_VIDEO], 0);
}

static void watch(struct gateway_handle *handle, int room)
{
	CHECK(!ASK(handle, "{s:s, s:i}", "request", "watch", "id", room));
	await(handle, "status:preparing");
	CHECK(!gateway_ask(handle, json_pack("{s:s}", "request", "start"), gateway_answer()));
	await(handle, "status:starting");
	gateway_up(handle);
	await(handle, "status:started");
}

/* --- lives */

static void test_watch(void)
{
	struct gateway_media media;
	struct gateway_handle *viewer;
	struct house house;
	json_t *query;

	house_open(&house, NULL);
	viewer = gateway_attach();
	watch(viewer, 1);
	await_media(viewer, 3);
	gateway_pli(viewer);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s, s:s}", "request", "enqueue", "id", 1, "file", "long.dhs",
		"segment", "one")), 0);
	await(viewer, "event:queued");
	await(viewer, "event:ready");
	await(viewer, "event:started");
	await_media(viewer, 10);
	await(viewer, "event:finished");
	query = gateway_query(viewer);
	CHECK_STR(json_string_value(json_object_get(query, "state")), "watching");
	CHECK_INT(json_integer_value(json_object_get(json_object_get(query, "sent"), "plis")), 1);
	json_decref(query);
	CHECK(!ASK(viewer, "{s:s}", "request", "pause"));
	await(viewer, "status:pausing");
	CHECK(!ASK(viewer, "{s:s}", "request", "start"));
	await(viewer, "status:started");
	await_media(viewer, 3);
	CHECK(!ASK(viewer, "{s:s}", "request", "stop"));
	await(viewer, "status:stopping");
	await(viewer, "status:stopped");
	gateway_media(viewer, &media);
	CHECK_INT(media.is_up, 0);
	gateway_detach(&viewer);
	house_close(&house);
}

/* A handle may watch again after its peer has gone, and after its room has. */
static void test_watch_again(void)
{
	struct gateway_handle *viewer;
	struct house house;

	house_open(&house, NULL);
	viewer = gateway_attach();
	watch(viewer, 1);
	gateway_hangup(viewer);
	/* What comes after hangup_media; until then it watches. */
	for (int code = 460; code != 0;) {
		json_t *event;
		CHECK(!ASK(viewer, "{s:s, s:i}", "request", "watch", "id", 1));
		event = gateway_await(viewer, "", 20);
		code = code_of(event);
	}
	CHECK(!gateway_ask(viewer, json_pack("{s:s}", "request", "start"), gateway_answer()));
	await(viewer, "status:starting");
	gateway_up(viewer);
	await_media(viewer, 3);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i}", "request", "destroy", "id", 1)), 0);
	await(viewer, "event:destroyed");
	await(viewer, "status:stopped");
	CHECK(!ASK(viewer, "{s:s, s:i, s:s}", "request", "watch", "id", 3, "pin", THEATRE_PIN));
	await(viewer, "status:preparing");
	gateway_detach(&viewer);
	house_close(&house);
}

static void test_workers(void)
{
	struct gateway_handle *viewer;
	struct house house;

	house_open(&house, NULL);
	viewer = gateway_attach();
	watch(viewer, 1);
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", "good 5")), 0);
	await(viewer, "event:finished");
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "say", "id", 1, "text", "Hello")), 0);
	await(viewer, "event:finished");
	CHECK_INT(code_of(ASK(viewer, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", "crash 3")), 0);
	await(viewer, "event:failed");
	gateway_detach(&viewer);
	house_close(&house);
}

/* What still waits to be answered when the plugin ends is not lost. */
static void test_asked_at_the_end(void)
{
	struct gateway_handle *handle;
	struct house house;

	house_open(&house, NULL);
	handle = gateway_attach();
	g_atomic_int_set(&slowness, 1);
	CHECK(!ASK(handle, "{s:s, s:i}", "request", "watch", "id", 1));
	while (g_atomic_int_get(&slowness) != 2)
		usleep(1000);
	for (int i = 0; i < 20; i++)
		CHECK(!ASK(handle, "{s:s, s:i}", "request", "watch", "id", 404));
	gateway_stop();
	gateway_detach(&handle);
	house_close(&house);
}

static void test_wrong_configuration(void)
{
	struct theatre theatre;
	int fds = count_entries("/proc/self/fd");

	CHECK_INT(theatre_make(&theatre, fake_worker, "warm_workers = \"many\"\n"), 0);
	CHECK_INT(gateway_start(theatre.folder, NULL), -1);
	CHECK(!gateway_attach());
	CHECK(!gateway_ask_admin(json_pack("{s:s}", "request", "list")));
	theatre_clear(&theatre);
	CHECK_INT(count_entries("/proc/self/fd"), fds);
}

/* --- every request */

/* A request's answer, however it comes. */
static int answer_of(struct gateway_handle *handle, json_t *body)
{
	json_t *answer = gateway_ask(handle, body, NULL);

	if (!answer)
		answer = gateway_await(handle, "", 20);
	CHECK(answer, "there is no answer");
	return code_of(answer);
}

static json_t *odd_type(const struct dh_field *field)
{
	return field->type == DH_FIELD_OBJECT ? json_string("text") : json_object();
}

static void check_fields(struct gateway_handle *handle, const struct dh_request_type *type)
{
	for (const struct dh_field *field = type->fields; field && field->name; field++) {
		json_t *body = json_pack("{s:s, s:o}", "request", type->name, field->name, odd_type(field));
		int code = answer_of(handle, body);
		/* A field before it may be missing. */
		CHECK(code == DH_ERROR_VALUE || code == DH_ERROR_MISSING, "%s.%s: %d", type->name, field->name, code);
	}
}

static void test_every_request_is_checked(void)
{
	struct gateway_handle *handle;
	const struct dh_request_type *type;
	struct house house;

	house_open(&house, NULL);
	handle = gateway_attach();
	for (unsigned i = 0; (type = maker_type(i)); i++) {
		int needs_field = 0;
		check_fields(handle, type);
		for (const struct dh_field *field = type->fields; field && field->name; field++)
			needs_field |= field->required;
		if (needs_field)
			CHECK_INT(answer_of(handle, json_pack("{s:s}", "request", type->name)), DH_ERROR_MISSING);
		if (needs_field && !type->asynchronous)
			CHECK_INT(code_of(gateway_ask_admin(json_pack("{s:s}", "request", type->name))), DH_ERROR_MISSING);
		if (type->asynchronous)
			CHECK_INT(code_of(gateway_ask_admin(json_pack("{s:s}", "request", type->name))), DH_ERROR_REQUEST);
	}
	CHECK_INT(answer_of(handle, json_pack("{s:s}", "request", "dance")), DH_ERROR_REQUEST);
	CHECK_INT(answer_of(handle, json_object()), DH_ERROR_MISSING);
	CHECK_INT(code_of(gateway_ask_admin(json_array())), DH_ERROR_JSON);
	gateway_detach(&handle);
	house_close(&house);
}

/* --- a crowd */

#define THREADS 5

static unsigned seed;
static gint segments;

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
	case 0: return json_integer(-1);
	case 1: return json_string("");
	case 2: return json_real(1.5);
	case 3: return json_pack("[s, s, s]", "a", "b", "c");
	default: return json_null();
	}
}

static void ask_by_chance(struct crowd *crowd, struct gateway_handle *handle)
{
	/* Rooms are to live a while; most who come want to watch. */
	static const char *const often[] = { "watch", "start", "start", "enqueue", "enqueue", "stop", "create" };
	const struct request_maker maker = { chance, odd_value, crowd, 40, crowd->files, &segments };
	unsigned i = chance(crowd, maker_types() + 2 * G_N_ELEMENTS(often));
	const struct dh_request_type *type = maker_type(i);
	json_t *body, *jsep = NULL;

	if (!type)
		type = maker_find(often[(i - maker_types()) / 2]);
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
	else if (what < 7)
		gateway_up(*handle);
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
			usleep(chance(crowd, 4000));
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
	json_t *list = gateway_ask_admin(json_pack("{s:s, s:s}", "request", "list", "admin_key", THEATRE_ADMIN_KEY));
	json_t *room;
	size_t i;

	json_array_foreach(json_object_get(list, "list"), i, room) {
		json_t *body = json_pack("{s:s, s:O}", "request", "destroy", "id", json_object_get(room, "id"));
		json_object_set_new(body, "secret", json_string(THEATRE_SECRET));
		CHECK_INT(code_of(gateway_ask_admin(body)), 0);
	}
	json_decref(list);
}

/* Limits that the crowd meets; by default of what it waits for there is none. */
#define TIGHT "max_rooms = 5\n max_queue = 4\n max_viewers = 60\n max_viewers_per_room = 20\n warm_workers = 1\n"

static const char *const *const repertoires[] = { theatre_prepared, theatre_deeds };

static void test_every_segment_ends_once(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(repertoires); i++) {
		struct crowd crowd[THREADS];
		struct house house;
		double end;
		printf("   seed %u\n", seed);
		house_open(&house, TIGHT);
		crowd_start(crowd, repertoires[i], 600);
		crowd_join(crowd);
		destroy_all_rooms();
		end = now_ms() + 20000;
		while (ledger_open(house.ledger) > 0 && now_ms() < end)
			usleep(5000);
		CHECK_STR(ledger_error(house.ledger), NULL);
		CHECK_INT(ledger_open(house.ledger), 0);
		CHECK(ledger_count(house.ledger) > 20, "%d segments", ledger_count(house.ledger));
		printf("   %d segments\n", ledger_count(house.ledger));
		house_close(&house);
	}
}

static void test_destroyed_amid_it(void)
{
	for (unsigned i = 0; i < 6; i++) {
		struct crowd crowd[THREADS];
		struct house house;
		printf("   seed %u\n", seed);
		house_open(&house, TIGHT);
		crowd_start(crowd, repertoires[i % G_N_ELEMENTS(repertoires)], 250);
		usleep((useconds_t)(i * i * 20000));
		gateway_stop();
		CHECK(!gateway_ask_admin(json_pack("{s:s}", "request", "list")));
		crowd_join(crowd);
		house_close(&house);
	}
}

static const struct check_test tests[] = {
	TEST(test_watch),
	TEST(test_watch_again),
	TEST(test_workers),
	TEST(test_asked_at_the_end),
	TEST(test_wrong_configuration),
	TEST(test_every_request_is_checked),
	TEST(test_every_segment_ends_once),
	TEST(test_destroyed_amid_it),
};

int main(int argc, char **argv)
{
	const char *given = getenv("DH_SEED");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	return find_fake_worker(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
