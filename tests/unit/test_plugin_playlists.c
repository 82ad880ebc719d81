/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room has one playlist at most, whoever asks for one at the same moment; a room that is gone has none. */
#include "tests/support/plugin_fixture.h"

#include <pthread.h>

#define ROUNDS 200
#define ROOM   50

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

static const struct check_test tests[] = {
	TEST(test_changed_by_two),
	TEST(test_changed_and_destroyed),
};

PREPARATION_MAIN(tests)
