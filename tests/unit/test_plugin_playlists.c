/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room has one playlist at most, whoever asks for one at the same moment; a room that is gone has none. Where
 * playlists are is kept in a file.
 */
#include "tests/support/plugin_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "plugin/playlists.h"

#define ROUNDS   200
#define ROOM     50
#define KEPT_MAX 1000 /* places of rooms that are not there */

static struct plugin_fixture fixture;

/* Threads that play a playlist. */
static int count_players(void)
{
	GDir *tasks = g_dir_open("/proc/self/task", 0, NULL);
	const char *task;
	int count = 0;

	CHECK(tasks);
	while ((task = g_dir_read_name(tasks))) {
		char *path = g_build_filename("/proc/self/task", task, "comm", NULL), *name = NULL;
		count += g_file_get_contents(path, &name, NULL, NULL) && !strcmp(g_strstrip(name), "dh playlist");
		g_free(name);
		g_free(path);
	}
	g_dir_close(tasks);
	return count;
}

static void await_players(int count)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (count_players() != count) {
		CHECK(now_ms() < end, "%d playlists are being played, not %d", count_players(), count);
		usleep(2000);
	}
}

static int set_playlist(struct gateway_handle *handle, const char *items)
{
	return code_of(ASK(handle, "{s:s, s:i, s:s, s:o}", "request", "playlist", "id", ROOM, "secret", FILES_SECRET,
		"items", json_loads(items, 0, NULL)));
}

static void create(struct gateway_handle *handle)
{
	CHECK_INT(code_of(ASK(handle, "{s:s, s:s, s:i, s:s, s:s}", "request", "create", "admin_key", FILES_ADMIN_KEY,
			  "id", ROOM, "avatar", FILES_AVATAR, "secret", FILES_SECRET)),
		0);
}

static void destroy(struct gateway_handle *handle)
{
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i, s:s}", "request", "destroy", "id", ROOM, "secret", FILES_SECRET)), 0);
}

static void *change_again_and_again(void *arg)
{
	struct gateway_handle *handle = arg;

	for (int i = 0; i < ROUNDS; i++)
		CHECK_INT(set_playlist(handle, "[\"short.dhs\"]"), 0);
	return NULL;
}

static void test_changed_by_two(void)
{
	struct gateway_handle *handles[2];
	pthread_t threads[2];

	plugin_fixture_open(&fixture, NULL);
	attach_all(handles, 2, NULL);
	create(handles[0]);
	for (int i = 0; i < 2; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, change_again_and_again, handles[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	await_players(1);
	CHECK_INT(set_playlist(handles[0], "[]"), 0);
	await_players(0);
	destroy(handles[0]);
	detach_all(handles, 2);
	plugin_fixture_close(&fixture);
}

/* Until the room is gone. */
static void *change_while_it_is_there(void *arg)
{
	struct gateway_handle *handle = arg;

	while (!set_playlist(handle, "[\"short.dhs\"]"))
		continue;
	return NULL;
}

static void test_changed_and_destroyed(void)
{
	struct gateway_handle *handles[2];

	plugin_fixture_open(&fixture, NULL);
	attach_all(handles, 2, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t thread;
		create(handles[0]);
		CHECK_INT(set_playlist(handles[0], "[\"short.dhs\"]"), 0);
		CHECK_INT(pthread_create(&thread, NULL, change_while_it_is_there, handles[1]), 0);
		destroy(handles[0]);
		pthread_join(thread, NULL);
	}
	await_players(0);
	detach_all(handles, 2);
	plugin_fixture_close(&fixture);
}

/* --- a change while all of them end: each step waits until the test lets it pass
 *
 * Relaxed atomics say so: from them ThreadSanitizer learns nothing about the order of what the plugin's threads do.
 */

struct step {
	atomic_int is_held, has_come;
};

static struct step finding, changing, freeing;

static void pass(struct step *step)
{
	atomic_store_explicit(&step->has_come, 1, memory_order_relaxed);
	while (atomic_load_explicit(&step->is_held, memory_order_relaxed))
		usleep(1000);
}

static void await_step(struct step *step)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (!atomic_load_explicit(&step->has_come, memory_order_relaxed) && now_ms() < end)
		usleep(1000);
	CHECK(atomic_load_explicit(&step->has_come, memory_order_relaxed));
}

static void hold(struct step *step, bool is_held)
{
	atomic_store_explicit(&step->has_come, 0, memory_order_relaxed);
	atomic_store_explicit(&step->is_held, is_held, memory_order_relaxed);
}

int __real_dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path,
	struct dh_ingest_source *source, char **error);
int __wrap_dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path,
	struct dh_ingest_source *source, char **error);
void __real_dh_player_free(struct dh_player **player);
void __wrap_dh_player_free(struct dh_player **player);
void __real_dh_playlists_change(struct dh_playlists *playlists, struct dh_room *room);
void __wrap_dh_playlists_change(struct dh_playlists *playlists, struct dh_room *room);
gpointer __real_g_ptr_array_remove_index_fast(GPtrArray *array, guint index);
gpointer __wrap_g_ptr_array_remove_index_fast(GPtrArray *array, guint index);

int __wrap_dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path,
	struct dh_ingest_source *source, char **error)
{
	pass(&finding);
	return __real_dh_ingest_find(ingest, folders, path, source, error);
}

void __wrap_dh_player_free(struct dh_player **player)
{
	pass(&freeing);
	__real_dh_player_free(player);
}

void __wrap_dh_playlists_change(struct dh_playlists *playlists, struct dh_room *room)
{
	pass(&changing);
	__real_dh_playlists_change(playlists, room);
}

/* GLib is not instrumented: this lets ThreadSanitizer see that it writes. */
gpointer __wrap_g_ptr_array_remove_index_fast(GPtrArray *array, guint index)
{
	*(volatile guint *)&array->len = array->len;
	return __real_g_ptr_array_remove_index_fast(array, index);
}

static void *change_once(void *arg)
{
	CHECK_INT(set_playlist(arg, "[\"long.dhs\"]"), 0);
	return NULL;
}

static void *stop(void *arg)
{
	gateway_stop();
	return arg;
}

/* The plugin waits for a player that looks for a file. */
static void test_changed_while_all_end(void)
{
	struct gateway_handle *handle;
	pthread_t changer, stopper;

	plugin_fixture_open(&fixture, NULL);
	attach_all(&handle, 1, NULL);
	create(handle);
	hold(&finding, true);
	CHECK_INT(set_playlist(handle, "[\"short.dhs\"]"), 0);
	await_step(&finding);
	hold(&changing, true);
	CHECK_INT(pthread_create(&changer, NULL, change_once, handle), 0);
	await_step(&changing);
	hold(&freeing, false);
	CHECK_INT(pthread_create(&stopper, NULL, stop, NULL), 0);
	await_step(&freeing);
	hold(&changing, false);
	pthread_join(changer, NULL);
	hold(&finding, false);
	pthread_join(stopper, NULL);
	await_players(0);
	detach_all(&handle, 1);
	plugin_fixture_close(&fixture);
}

/* --- where they are */

static json_t *ask(const char *request, json_t *fields)
{
	json_t *body = json_pack("{s:s, s:i, s:s, s:s, s:b}", "request", request, "id", ROOM, "secret", FILES_SECRET,
		"admin_key", FILES_ADMIN_KEY, "permanent", 1);

	json_object_update(body, fields);
	json_decref(fields);
	return gateway_ask_admin(body);
}

/* A room for good, which plays two short files again and again. */
static void begin(void)
{
	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(code_of(ask("create", json_pack("{s:s}", "avatar", FILES_AVATAR))), 0);
	CHECK_INT(code_of(ask("playlist", json_pack("{s:[s, s]}", "items", "short.dhs", "mute.dhs"))), 0);
	gateway_stop();
}

static void start(void)
{
	const struct gateway_options options = { .is_loud = getenv("DH_LOUD") != NULL, .is_signed = 1 };

	CHECK_INT(gateway_start(fixture.files.folder, &options), 0);
}

/* The file in the plugin's folder; valid until the next call. */
static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", fixture.files.folder, name);
	return path;
}

static void write_places(const char *name, const json_t *places)
{
	CHECK_INT(json_dump_file(places, path_of(name), 0), 0);
}

static json_t *read_places(void)
{
	json_t *places = json_load_file(path_of(DH_PLAYLISTS_FILE), 0, NULL);

	CHECK(json_is_object(places));
	return places;
}

static json_t *place(const char *file)
{
	return json_pack("{s:i, s:i, s:i, s:s, s:i}", "seed", 1, "round", 0, "at", 0, "file", file, "at_ms", 40);
}

/* Until the second file plays, which is then where it is. */
static void await_progress(void)
{
	double end = now_ms() + AWAIT_S * 1e3;
	bool is_there = false;

	while (!is_there && now_ms() < end) {
		usleep(5000);
		json_t *answer = ask("playlist", json_object());
		is_there = !g_strcmp0(json_string_value(json_object_get(answer, "file")), "mute.dhs");
		json_decref(answer);
	}
	CHECK(is_there);
}

static void test_a_room_that_is_not_there_keeps_its_place(void)
{
	begin();
	json_t *places = json_pack("{s:o, s:o}", "77", place("short.dhs"), "50", place("short.dhs"));
	write_places(DH_PLAYLISTS_FILE, places);
	json_decref(places);
	start();
	await_progress();
	gateway_stop();
	places = read_places();
	CHECK(json_object_get(places, "77") && json_object_get(places, "50"));
	CHECK_INT(json_integer_value(json_object_get(json_object_get(places, "77"), "at_ms")), 40);
	json_decref(places);
	start();
	CHECK_INT(code_of(ask("destroy", json_object())), 0);
	gateway_stop();
	places = read_places();
	CHECK(json_object_get(places, "77") && !json_object_get(places, "50"));
	json_decref(places);
	plugin_fixture_close(&fixture);
}

/* The oldest are forgotten. */
static void test_how_many_places_are_kept(void)
{
	json_t *places = json_object();
	char id[20];

	begin();
	for (int i = 0; i < KEPT_MAX + 3; i++) {
		snprintf(id, sizeof id, "r%d", i);
		json_object_set_new(places, id, place("x"));
	}
	json_object_set_new(places, "50", place("short.dhs"));
	write_places(DH_PLAYLISTS_FILE, places);
	json_decref(places);
	start();
	gateway_stop();
	places = read_places();
	CHECK_INT(json_object_size(places), KEPT_MAX + 1);
	CHECK(json_object_get(places, "50") && !json_object_get(places, "r2") && json_object_get(places, "r3"));
	json_decref(places);
	plugin_fixture_close(&fixture);
}

/* A link that leads to itself cannot be read by root, either. */
static void test_a_file_that_cannot_be_read_is_kept(void)
{
	struct stat st;

	begin();
	json_t *places = json_pack("{s:o}", "77", place("short.dhs"));
	write_places("aside", places);
	json_decref(places);
	unlink(path_of(DH_PLAYLISTS_FILE));
	CHECK_INT(symlink(DH_PLAYLISTS_FILE, path_of(DH_PLAYLISTS_FILE)), 0);
	start();
	await_progress();
	CHECK_INT(gateway_logged(DH_PLAYLISTS_FILE " cannot be read"), 1);
	gateway_stop();
	CHECK_INT(lstat(path_of(DH_PLAYLISTS_FILE), &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	start();
	await_progress();
	char *aside = g_strdup(path_of("aside"));
	CHECK_INT(rename(aside, path_of(DH_PLAYLISTS_FILE)), 0);
	g_free(aside);
	gateway_stop();
	places = read_places();
	CHECK(json_object_get(places, "77") && json_object_get(places, "50"));
	json_decref(places);
	plugin_fixture_close(&fixture);
}

static void await_place_gone(const char *id)
{
	double end = now_ms() + AWAIT_S * 1e3;
	bool is_there = true;

	while (is_there && now_ms() < end) {
		usleep(20000);
		json_t *places = json_load_file(path_of(DH_PLAYLISTS_FILE), 0, NULL);
		is_there = !places || json_object_get(places, id);
		json_decref(places);
	}
	CHECK(!is_there);
}

/* What was forgotten meanwhile does not come back with the file. */
static void test_a_room_that_is_destroyed_while_the_file_cannot_be_read(void)
{
	begin();
	json_t *places = json_pack("{s:o, s:o}", "77", place("short.dhs"), "50", place("short.dhs"));
	write_places("aside", places);
	json_decref(places);
	unlink(path_of(DH_PLAYLISTS_FILE));
	CHECK_INT(symlink(DH_PLAYLISTS_FILE, path_of(DH_PLAYLISTS_FILE)), 0);
	start();
	CHECK_INT(code_of(ask("destroy", json_object())), 0);
	char *aside = g_strdup(path_of("aside"));
	CHECK_INT(rename(aside, path_of(DH_PLAYLISTS_FILE)), 0);
	g_free(aside);
	await_place_gone("50");
	places = read_places();
	CHECK(json_object_get(places, "77"));
	json_decref(places);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_changed_by_two),
	TEST(test_changed_and_destroyed),
	TEST(test_changed_while_all_end),
	TEST(test_a_room_that_is_not_there_keeps_its_place),
	TEST(test_how_many_places_are_kept),
	TEST(test_a_file_that_cannot_be_read_is_kept),
	TEST(test_a_room_that_is_destroyed_while_the_file_cannot_be_read),
};

PREPARATION_MAIN(tests)
