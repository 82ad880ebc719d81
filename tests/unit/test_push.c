/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections of generators: lines, media, ends and limits, over real sockets. */
#include "tests/support/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ingest/log.h"
#include "ingest/push_listen.h"
#include "ingest/push_server.h"
#include "ingest/push_wait.h"

#define LINE_MS 300       /* where a test waits for the end of it */
#define AWAIT_S 100       /* for all else: long, for busy machines */
#define LARGE   (4 << 20) /* more than a socket holds */

/* A server whose owner does with each line what the line says. */
static struct fixture {
	struct dh_io *io;
	struct dh_push_server *server;
	char folder[64], path[96];
	GMutex held; /* see join_saying */
	GMutex lock;
	GCond change;
	/* protected by lock */
	int lines, closed, media;
	char last[200];
} f;

static atomic_int refusals; /* of accept4, to come */
static atomic_int warnings;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	if (atomic_load(&refusals) <= 0)
		return __real_accept4(fd, address, size, flags);
	atomic_fetch_sub(&refusals, 1);
	errno = EMFILE;
	return -1;
}

/* A connection whose time is over when the test says so. */
static struct {
	atomic_bool is_used; /* from before the connection begins until it has ended */
	/* I/O thread */
	GSource *timer;
	GSourceFunc over;
	void *arg;
	bool is_set;
} hand;

GSource *__real_dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);
GSource *__wrap_dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);

GSource *__wrap_dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg)
{
	GSource *timer = __real_dh_io_timer(io, fn, arg);

	if (atomic_load(&hand.is_used)) {
		hand.timer = timer;
		hand.over = fn;
		hand.arg = arg;
	}
	return timer;
}

void __real_dh_io_timer_set(GSource *timer, int64_t ms);
void __wrap_dh_io_timer_set(GSource *timer, int64_t ms);

void __wrap_dh_io_timer_set(GSource *timer, int64_t ms)
{
	bool is_hand = atomic_load(&hand.is_used) && timer == hand.timer;

	if (is_hand)
		hand.is_set = ms >= 0;
	__real_dh_io_timer_set(timer, is_hand ? -1 : ms);
}

static void count_warning(enum dh_log_level level, const char *text)
{
	(void)text;
	if (level == DH_LOG_WARNING)
		atomic_fetch_add(&warnings, 1);
}

static void on_line(void *arg, struct dh_push *push, const char *line, size_t size)
{
	(void)arg;
	g_mutex_lock(&f.lock);
	f.lines++;
	g_strlcpy(f.last, line, sizeof f.last);
	CHECK_INT(strlen(line), size);
	g_mutex_unlock(&f.lock);
	dh_push_say(push, json_pack("{s:i}", "size", (int)size));
	if (!strcmp(line, "next")) {
		dh_push_next(push);
	} else if (!strcmp(line, "large")) {
		GBytes *bytes = g_bytes_new_take(g_malloc0(LARGE), LARGE);
		dh_push_send(push, bytes);
		g_bytes_unref(bytes);
		dh_push_next(push);
	} else if (!strcmp(line, "media")) {
		g_mutex_lock(&f.lock);
		f.media = dh_push_take(push);
		g_cond_broadcast(&f.change);
		g_mutex_unlock(&f.lock);
	} else if (!strcmp(line, "flood")) {
		for (int i = 0; i < 100000; i++)
			dh_push_say(push, json_pack("{s:i}", "number", i));
		dh_push_end(push, json_pack("{s:s}", "last", "line"));
		dh_push_end(push, json_pack("{s:s}", "never", "said"));
	} else {
		dh_push_end(push, NULL);
	}
}

static json_t *on_refusal(void *arg, const char *limit)
{
	(void)arg;
	return json_pack("{s:s}", "refused", limit);
}

static void on_closed(void *arg, struct dh_push *push)
{
	(void)arg;
	(void)push;
	g_mutex_lock(&f.lock);
	f.closed++;
	g_cond_broadcast(&f.change);
	g_mutex_unlock(&f.lock);
}

static const struct dh_push_owner owner = { .line = on_line, .refusal = on_refusal, .closed = on_closed };

static void start_with(int max, int line_ms)
{
	char *error = NULL;

	memset(&f, 0, sizeof f);
	strcpy(f.folder, "/tmp/dh-test-XXXXXX");
	CHECK(mkdtemp(f.folder));
	g_snprintf(f.path, sizeof f.path, "%s/push", f.folder);
	const struct dh_push_config config = { .socket = f.path, .socket_mode = 0600, .max = max, .line_ms = line_ms };
	CHECK_INT(dh_io_alloc(&f.io), 0);
	CHECK_INT(dh_push_server_alloc(&f.server, f.io, &config, &owner, NULL, &error), 0);
}

static void start(int max)
{
	start_with(max, AWAIT_S * 1000);
}

static void stop(void)
{
	dh_push_server_free(&f.server);
	dh_io_free(&f.io);
	CHECK(access(f.path, F_OK) < 0);
	rmdir(f.folder);
}

static int join(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = AWAIT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, f.path);
	CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

static void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void wait_until_released(void *arg)
{
	(void)arg;
	g_mutex_lock(&f.held);
	g_mutex_unlock(&f.held);
}

/* What it says is there before its time begins, however late this thread gets a processor. */
static int join_saying(const char *text)
{
	int fd;

	g_mutex_lock(&f.held);
	dh_io_post(f.io, wait_until_released, NULL);
	fd = join();
	say(fd, text);
	g_mutex_unlock(&f.held);
	return fd;
}

/* Everything until the other side ends. */
static GString *hear(int fd)
{
	GString *heard = g_string_new(NULL);
	char bytes[4096];
	ssize_t n;

	while ((n = TEMP_FAILURE_RETRY(recv(fd, bytes, sizeof bytes, 0))) > 0)
		g_string_append_len(heard, bytes, n);
	CHECK_INT(n, 0);
	return heard;
}

static void hear_all(int fd, const char *expected)
{
	GString *heard = hear(fd);

	CHECK_STR(heard->str, expected);
	g_string_free(heard, TRUE);
	close(fd);
}

static void await_closed(int count)
{
	gint64 end = g_get_monotonic_time() + AWAIT_S * G_USEC_PER_SEC;

	g_mutex_lock(&f.lock);
	while (f.closed < count)
		CHECK(g_cond_wait_until(&f.change, &f.lock, end));
	CHECK_INT(f.closed, count);
	g_mutex_unlock(&f.lock);
}

static void test_lines(void)
{
	start(10);
	int fd = join();
	say(fd, "ne");
	say(fd, "xt\nnext\nne");
	say(fd, "xt\n\n");
	hear_all(fd, "{\"size\":4}\n{\"size\":4}\n{\"size\":4}\n{\"size\":0}\n");
	await_closed(1);
	CHECK_INT(f.lines, 4);
	stop();
}

/* The end of what is sent ends the last line, too. */
static void test_no_line_feed_at_the_end(void)
{
	start(10);
	int fd = join();
	say(fd, "next\nend");
	CHECK_INT(shutdown(fd, SHUT_WR), 0);
	hear_all(fd, "{\"size\":4}\n{\"size\":3}\n");
	await_closed(1);
	CHECK_STR(f.last, "end");
	stop();
}

/* What follows the line is left for whoever reads the media. */
static void test_media(void)
{
	char bytes[32];

	start(10);
	int fd = join();
	say(fd, "media\nnot a line\n");
	g_mutex_lock(&f.lock);
	while (f.media == 0)
		g_cond_wait(&f.change, &f.lock);
	g_mutex_unlock(&f.lock);
	CHECK(f.media > 0);
	CHECK_INT(TEMP_FAILURE_RETRY(recv(f.media, bytes, sizeof bytes, MSG_WAITALL | MSG_PEEK)),
		-1 + (ssize_t)sizeof "not a line\n");
	CHECK(memcmp(bytes, "not a line\n", sizeof "not a line\n" - 1) == 0);
	close(f.media);
	CHECK_INT(f.lines, 1);
	close(fd);
	stop();
	CHECK_INT(f.closed, 1);
}

/* A generator that reads late loses lines, but not the last one. */
static void test_flood(void)
{
	start(10);
	int fd = join();
	say(fd, "flood\n");
	GString *heard = hear(fd);
	CHECK(heard->len < 2 * DH_PUSH_UNREAD_MAX);
	CHECK(g_str_has_prefix(heard->str, "{\"size\":5}\n{\"number\":0}\n{\"number\":1}\n"));
	CHECK(g_str_has_suffix(heard->str, "}\n{\"last\":\"line\"}\n"));
	g_string_free(heard, TRUE);
	close(fd);
	await_closed(1);
	stop();
}

/* One that reads never is not waited for. */
static void test_flood_that_nobody_reads(void)
{
	start_with(10, LINE_MS);
	int fd = join_saying("flood\n");
	await_closed(1);
	CHECK_INT(f.lines, 1);
	close(fd);
	stop();
}

/* Answers that nobody reads do not pile up. */
static void test_large_answers(void)
{
	start_with(5, LINE_MS);
	int fd = join_saying("large\nlarge\nlarge\nlarge\nlarge\n");
	await_closed(1);
	CHECK_INT(f.lines, 1);
	close(fd);
	stop();
	start(5);
	fd = join();
	say(fd, "large\nlarge\nend\n");
	GString *heard = hear(fd);
	CHECK(heard->len > 2 * LARGE);
	CHECK_INT(f.lines, 3);
	g_string_free(heard, TRUE);
	close(fd);
	await_closed(1);
	stop();
}

static void pass(void *arg)
{
	(void)arg;
}

static void let_time_pass(void *arg)
{
	(void)arg;
	CHECK(hand.is_set);
	hand.is_set = false;
	hand.over(hand.arg);
}

static void hear_bytes(int fd, char *bytes, size_t size)
{
	CHECK_INT(TEMP_FAILURE_RETRY(recv(fd, bytes, size, MSG_WAITALL)), (ssize_t)size);
}

/* Returns once the answer is on its way and its time has begun. */
static int ask_for_much(void)
{
	char line[sizeof "{\"size\":5}\n"] = "";
	int fd;

	start(1);
	atomic_store(&hand.is_used, true);
	fd = join();
	say(fd, "large\n");
	hear_bytes(fd, line, sizeof line - 1);
	CHECK_STR(line, "{\"size\":5}\n");
	dh_io_call(f.io, pass, NULL);
	return fd;
}

/* It takes many times as long as a line may, but something comes through all the time. */
static void test_a_large_answer_over_a_slow_line(void)
{
	int fd = ask_for_much();
	char *bytes = g_malloc(LARGE / 16);

	for (int i = 0; i < 16; i++) {
		hear_bytes(fd, bytes, LARGE / 16);
		dh_io_call(f.io, let_time_pass, NULL);
	}
	say(fd, "end\n");
	hear_all(fd, "{\"size\":3}\n");
	await_closed(1);
	atomic_store(&hand.is_used, false);
	g_free(bytes);
	stop();
}

static void test_a_large_answer_that_is_read_no_further(void)
{
	int fd = ask_for_much();
	char *bytes = g_malloc(LARGE / 16);

	hear_bytes(fd, bytes, LARGE / 16);
	dh_io_call(f.io, let_time_pass, NULL);
	CHECK_INT(f.closed, 0);
	dh_io_call(f.io, let_time_pass, NULL);
	await_closed(1);
	atomic_store(&hand.is_used, false);
	g_free(bytes);
	close(fd);
	stop();
}

#define NOW_US INT64_C(5000000000)

/* After the mark of 100 bytes sent, 50 unread. */
static const struct waiting {
	const char *name;
	uint64_t bytes; /* to be read */
	int64_t after_ms;
	uint64_t sent;
	int unread;
	bool goes_on;
} waits[] = {
	{ "more is sent", 1 << 20, 5000, 200, 50, true },
	{ "more is sent, which fills the socket", 1 << 20, 5000, 200, 150, true },
	{ "more is read", 1 << 20, 5000, 100, 49, true },
	{ "nothing", 1 << 20, 5000, 100, 50, false },
	{ "just in time", 1 << 20, 63999, 200, 50, true },
	{ "no later", 1 << 20, 64000, 200, 50, false },
	{ "a few bytes", 1000, 5000, 200, 0, false },
	{ "none", 0, 0, 200, 0, false },
};

static void test_waits(const void *arg)
{
	const struct waiting *row = arg;
	struct dh_push_wait wait = { 0 };

	CHECK(!dh_push_wait_goes_on(&wait, NOW_US, row->sent, row->unread));
	dh_push_wait_begin(&wait, NOW_US, row->bytes);
	dh_push_wait_mark(&wait, 100, 50);
	CHECK(dh_push_wait_goes_on(&wait, NOW_US + row->after_ms * 1000, row->sent, row->unread) == row->goes_on);
	CHECK(!dh_push_wait_goes_on(&wait, NOW_US + row->after_ms * 1000, row->sent, row->unread));
}

static void test_late_lines(void)
{
	start_with(2, LINE_MS);
	int silent = join();
	hear_all(silent, "{\"refused\":\"" DH_PUSH_LINE_OPTION "\"}\n");
	int slow = join_saying("no end");
	hear_all(slow, "{\"refused\":\"" DH_PUSH_LINE_OPTION "\"}\n");
	await_closed(2);
	stop();
}

static void on_closed_alone(void *arg, struct dh_push *push)
{
	on_closed(arg, push);
	dh_push_unref(&push);
}

/* Its line comes in time, and then this thread has no processor until the time is over. */
static void run_late(void *arg)
{
	static const struct dh_push_owner alone = { on_line, on_refusal, on_closed_alone };
	int *fds = arg;

	dh_push_new(f.io, fds[0], g_strdup("a test"), LINE_MS, &alone, NULL);
	say(fds[1], "end\n");
	usleep((LINE_MS + 50) * 1000);
}

static void test_a_line_in_time_that_is_read_late(void)
{
	int fds[2];

	start(1);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	dh_io_call(f.io, run_late, fds);
	hear_all(fds[1], "{\"size\":3}\n");
	await_closed(1);
	stop();
}

static void test_refusals(void)
{
	char *longest = g_strnfill(DH_PUSH_LINE_MAX, 'x');

	start(2);
	int wordy = join();
	say(wordy, longest);
	hear_all(wordy, "{\"refused\":\"the length of a line, 65536 bytes,\"}\n");
	await_closed(1);
	longest[DH_PUSH_LINE_MAX - 1] = '\n';
	int just = join();
	say(just, longest);
	hear_all(just, "{\"size\":65535}\n");
	await_closed(2);
	int one = join(), two = join(), three = join();
	hear_all(three, "{\"refused\":\"" DH_PUSH_MAX_OPTION "\"}\n");
	close(one);
	close(two);
	await_closed(5);
	CHECK_INT(dh_push_server_count(f.server), 0);
	stop();
	g_free(longest);
}

/* Without descriptors they wait, and the log is not filled with that. */
static void test_too_many_descriptors(void)
{
	dh_log_set(count_warning);
	start(10);
	for (int round = 1; round <= 2; round++) {
		atomic_store(&refusals, 4);
		int fd = join();
		say(fd, "end\n");
		hear_all(fd, "{\"size\":3}\n");
		CHECK_INT(atomic_load(&warnings), round);
	}
	stop();
	dh_log_set(NULL);
}

/* Many at once, most of which misbehave: nothing is left. */
static void test_crowd(void)
{
	static const char *const words[] = { "", "x", "next\n", "media\n", "flood\n", "end\n",
		"next\nnext\nend\nrest" };
	int fds[200];

	start(50);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = join();
		send(fds[i], words[i % 7], strlen(words[i % 7]), MSG_NOSIGNAL);
		if (i % 7 == 3) {
			g_mutex_lock(&f.lock);
			if (f.media > 0)
				close(f.media);
			f.media = 0;
			g_mutex_unlock(&f.lock);
		}
		if (i % 3 == 0)
			close(fds[i]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		if (i % 3)
			close(fds[i]);
	stop();
}

static const struct address {
	const char *name;
	bool is_valid, is_public;
} addresses[] = {
	{ "127.0.0.1:8189", true, false },
	{ "127.9.9.9:1", true, false },
	{ "[::1]:65535", true, false },
	{ "0.0.0.0:8189", true, true },
	{ "192.0.2.1:8189", true, true },
	{ "[::]:8189", true, true },
	{ "127.0.0.1:65536", false, false },
	{ "127.0.0.1:0", false, false }, /* nobody would know where */
	{ "127.0.0.1:", false, false },
	{ "127.0.0.1", false, false },
	{ "127.0.0.1:80x", false, false },
	{ ":8189", false, false },
	{ "::1:8189", false, false },
	{ "[]:8189", false, false },
	{ "[::1:8189", false, false },
	{ "localhost:8189", false, false },
	{ "", false, false },
};

static void test_address(const void *arg)
{
	const struct address *row = arg;
	bool is_public = false;

	CHECK(dh_push_address_is_valid(row->name, &is_public) == row->is_valid);
	CHECK(is_public == row->is_public);
}

static void test_stale_socket(void)
{
	char folder[] = "/tmp/dh-test-XXXXXX", path[64], *error = NULL;
	struct stat st;

	CHECK(mkdtemp(folder));
	g_snprintf(path, sizeof path, "%s/push", folder);
	int first = dh_push_listen_local(path, 0640, NULL, &error);
	CHECK(first >= 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
	CHECK_INT(dh_push_listen_local(path, 0600, NULL, &error), -EADDRINUSE);
	CHECK(strstr(error, DH_PUSH_SOCKET_OPTION));
	g_clear_pointer(&error, g_free);
	close(first); /* as if killed: the file stays */
	int second = dh_push_listen_local(path, 0600, NULL, &error);
	CHECK(second >= 0);
	close(second);
	unlink(path);
	CHECK(g_file_set_contents(path, "mine", -1, NULL));
	CHECK_INT(dh_push_listen_local(path, 0600, NULL, &error), -EADDRINUSE);
	CHECK(access(path, F_OK) == 0); /* no file of anybody else's is removed */
	g_clear_pointer(&error, g_free);
	unlink(path);
	rmdir(folder);
}

static void test_unknown_group(void)
{
	char folder[] = "/tmp/dh-test-XXXXXX", path[64], *error = NULL;

	CHECK(mkdtemp(folder));
	g_snprintf(path, sizeof path, "%s/push", folder);
	CHECK_INT(dh_push_listen_local(path, 0600, "no-such-group", &error), -EINVAL);
	CHECK_STR(error, "push_socket_group: no-such-group: there is no such group");
	g_free(error);
	CHECK(access(path, F_OK) < 0);
	rmdir(folder);
}

static const struct check_test tests[] = {
	TEST(test_lines),
	TEST(test_no_line_feed_at_the_end),
	TEST(test_media),
	TEST(test_flood),
	TEST(test_flood_that_nobody_reads),
	TEST(test_large_answers),
	TEST(test_a_large_answer_over_a_slow_line),
	TEST(test_a_large_answer_that_is_read_no_further),
	TABLE(test_waits, waits),
	TEST(test_late_lines),
	TEST(test_a_line_in_time_that_is_read_late),
	TEST(test_refusals),
	TEST(test_too_many_descriptors),
	TEST(test_crowd),
	TABLE(test_address, addresses),
	TEST(test_stale_socket),
	TEST(test_unknown_group),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
