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
	char folder[64], path[96];
} t;

static atomic_int take_error; /* what dh_push_take fails with; 0: it does not */

int __real_dh_push_take(struct dh_push *push);
int __wrap_dh_push_take(struct dh_push *push);

int __wrap_dh_push_take(struct dh_push *push)
{
	int err = atomic_load(&take_error);

	return err ? err : __real_dh_push_take(push);
}

static void open_all(void)
{
	char general[200];

	strcpy(t.folder, "/tmp/dh-push-XXXXXX");
	CHECK(mkdtemp(t.folder));
	g_snprintf(t.path, sizeof t.path, "%s/push", t.folder);
	g_snprintf(general, sizeof general, "push_socket = \"%s\"\n max_pushes_per_room = 1\n", t.path);
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

/* The code of the error that its one line tells, after which the connection ends. 0: the text does not have
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

static const struct check_test tests[] = {
	TEST(test_the_media_cannot_be_read),
	TEST(test_progress_beyond_all_limits),
};

PREPARATION_MAIN(tests)
