/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators that push, where the gateway itself cannot go on. */
#include "tests/support/plugin_fixture.h"

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ingest/push.h"
#include "plugin/request_errors.h"

static struct {
	struct plugin_fixture fixture;
	char folder[TEMP_FOLDER_SIZE], path[96];
} t;

static atomic_int take_error; /* what dh_push_take fails with; 0: it does not */

int __real_dh_push_take(struct dh_push *push);
int __wrap_dh_push_take(struct dh_push *push);

static atomic_bool is_held;   /* dh_push_take waits until it is not */
static atomic_bool is_taking; /* it does */

int __wrap_dh_push_take(struct dh_push *push)
{
	int err = atomic_load(&take_error);

	atomic_store(&is_taking, true);
	while (atomic_load(&is_held))
		usleep(1000);
	return err ? err : __real_dh_push_take(push);
}

static void open_all(void)
{
	char general[300];

	CHECK_INT(temp_folder_make(t.folder), 0);
	g_snprintf(t.path, sizeof t.path, "%s/push", t.folder);
	g_snprintf(general, sizeof general, "push_socket = \"%s\"\n max_pushes_per_room = 1\n push_line_s = 60\n",
		t.path);
	plugin_fixture_open(&t.fixture, general);
}

static void close_all(void)
{
	plugin_fixture_close(&t.fixture);
	rmdir(t.folder);
}

static int join(const char *line)
{
	const struct timeval limit = { .tv_sec = AWAIT_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, t.path);
	CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	CHECK_INT(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	return fd;
}

/* The code of the error in its one line, after which the connection ends. 0: the text does not have
 * that word. */
static int hear_error(int fd, const char *word)
{
	char line[1000];
	size_t size = 0;
	ssize_t n;

	while ((n = TEMP_FAILURE_RETRY(recv(fd, line + size, sizeof line - 1 - size, 0))) > 0)
		size += (size_t)n;
	CHECK_INT(n, 0);
	line[size] = 0;
	CHECK(size > 0 && strchr(line, '\n') == line + size - 1, "%s", line);
	close(fd);
	return strstr(line, word) ? code_of(json_loads(line, 0, NULL)) : 0;
}

/* It hears why, and leaves its place to the next one. */
static void test_the_media_cannot_be_read(void)
{
	static const struct {
		int err, code;
		const char *word;
	} rows[] = { { -EMFILE, DH_ERROR_LIMIT, "cannot read" }, { -ENOTCONN, DH_ERROR_STATE, "has ended" } };

	open_all();
	for (int i = 0; i < 4; i++) {
		atomic_store(&take_error, rows[i % 2].err);
		while (hear_error(join("{\"room\":1}\n"), rows[i % 2].word) != rows[i % 2].code)
			usleep(1000); /* until the place is free */
	}
	atomic_store(&take_error, 0);
	close_all();
}

static void test_progress_beyond_all_limits(void)
{
	open_all();
	CHECK_INT(hear_error(join("{\"room\":1,\"progress_ms\":9223372036854775807}\n"), "progress_ms"),
		DH_ERROR_VALUE);
	CHECK_INT(hear_error(join("{\"room\":1,\"progress_ms\":-9223372036854775807}\n"), "progress_ms"),
		DH_ERROR_VALUE);
	close_all();
}

/* --- what a room has of the places */

/* Its next line. */
static json_t *hear_line(int fd)
{
	char line[5000];
	size_t size = 0;

	do
		CHECK_INT(TEMP_FAILURE_RETRY(recv(fd, line + size, 1, 0)), 1);
	while (line[size++] != '\n' && size < sizeof line);
	json_t *json = json_loadb(line, size, 0, NULL);
	CHECK(json, "%.*s", (int)size, line);
	return json;
}

/* Asks on that connection; the answer's key, or the code of an error. */
static int ask(int fd, const char *name)
{
	char *line = g_strdup_printf("{\"room\":1,\"request\":\"%s\"}\n", name);

	CHECK_INT(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	g_free(line);
	json_t *answer = hear_line(fd);
	CHECK(json_object_get(answer, name) || json_object_get(answer, "error_code"));
	return code_of(answer);
}

static json_int_t connections(void)
{
	json_t *stats = gateway_ask_admin(json_pack("{s:s, s:s}", "request", "stats", "admin_key", FILES_ADMIN_KEY));
	json_t *pushes = json_object_get(json_object_get(stats, "usage"), "pushes");

	CHECK(pushes);
	json_int_t used = json_integer_value(json_object_get(pushes, "used"));
	json_decref(stats);
	return used;
}

#define SEGMENT "{\"room\":1}\nhang 20\n"

/* The gateway has its media, but cannot tell it anything. */
static void push_and_go(void)
{
	atomic_store(&is_taking, false);
	atomic_store(&is_held, true);
	int fd = join(SEGMENT);
	while (!atomic_load(&is_taking))
		usleep(1000);
	close(fd);
	atomic_store(&is_held, false);
	while (connections() > 0)
		usleep(1000);
}

/* As long as it lives, its connection or not. */
static void test_a_segment_keeps_its_place(void)
{
	open_all();
	push_and_go();
	CHECK_INT(hear_error(join(SEGMENT), "max_pushes_per_room"), DH_ERROR_LIMIT);
	int fd = join("");
	CHECK_INT(ask(fd, "interrupt"), 0);
	close(fd);
	for (;;) {
		fd = join(SEGMENT);
		json_t *line = hear_line(fd);
		bool is_queued = !g_strcmp0(json_string_value(json_object_get(line, "event")), "queued");
		json_decref(line);
		close(fd);
		if (is_queued)
			break;
	}
	close_all();
}

#define ASKERS 4

/* Those that only ask leave the other connections to other rooms. */
static void test_some_may_ask(void)
{
	int fds[ASKERS], one;

	open_all();
	for (int i = 0; i < ASKERS; i++) {
		fds[i] = join("");
		CHECK_INT(ask(fds[i], "info"), 0);
		CHECK_INT(ask(fds[i], "info"), 0);
	}
	CHECK_INT(hear_error(join("{\"room\":1,\"request\":\"info\"}\n"), "max_pushes_per_room"), DH_ERROR_LIMIT);
	CHECK_INT(send(fds[0], SEGMENT, strlen(SEGMENT), MSG_NOSIGNAL), strlen(SEGMENT)); /* asks no more */
	json_t *line = hear_line(fds[0]);
	CHECK_STR(json_string_value(json_object_get(line, "event")), "queued");
	json_decref(line);
	one = join("");
	CHECK_INT(ask(one, "interrupt"), 0);
	close(one);
	for (int i = 0; i < ASKERS; i++)
		close(fds[i]);
	close_all();
}

#define AHEAD_MS 2000

/* What it has made is played, and it makes no more. Until the room wants nearly all again. */
static int count_wants(const char *first_line, int least_ms)
{
	int fd = join(first_line), count = 0, progress = 0;

	for (int ms = 0; ms < least_ms || count < 2;) { /* the first says how far it reads ahead */
		json_t *line = hear_line(fd);
		const char *event = json_string_value(json_object_get(line, "event"));
		progress += !g_strcmp0(event, "progress");
		if (!g_strcmp0(event, "want")) {
			ms = (int)json_integer_value(json_object_get(line, "ms"));
			CHECK(ms <= AHEAD_MS && (count > 0 || ms == AHEAD_MS), "%d", ms);
			count++;
		}
		json_decref(line);
	}
	CHECK_INT(progress > 0, strstr(first_line, "\"progress_ms\":20}") != NULL);
	close(fd);
	return count;
}

/* `want` comes in a rhythm of its own. */
static void test_want_without_progress(void)
{
	static const char *const rows[] = { "0", "10000", "20" };

	open_all();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *line = g_strdup_printf("{\"room\":1,\"progress_ms\":%s}\nhang 20\n", rows[i]);
		int count = count_wants(line, AHEAD_MS - 300);
		CHECK(count >= 2 && count <= 5, "%d in 800 ms with %s", count, rows[i]);
		g_free(line);
		int fd = join("");
		CHECK_INT(ask(fd, "interrupt"), 0);
		close(fd);
		while (connections() > 0)
			usleep(1000);
	}
	close_all();
}

static const struct check_test tests[] = {
	TEST(test_the_media_cannot_be_read),
	TEST(test_progress_beyond_all_limits),
	TEST(test_a_segment_keeps_its_place),
	TEST(test_some_may_ask),
	TEST(test_want_without_progress),
};

PREPARATION_MAIN(tests)
