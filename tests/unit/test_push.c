/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections of generators: lines, media, ends and limits. */
#include "tests/support/push_rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ingest/log.h"
#include "ingest/push_wait.h"

static void test_lines(void)
{
	push_start(10);
	int fd = push_join();
	push_say(fd, "ne");
	push_say(fd, "xt\nnext\nne");
	push_say(fd, "xt\n\n");
	push_hear_all(fd, "{\"size\":4}\n{\"size\":4}\n{\"size\":4}\n{\"size\":0}\n");
	push_await_closed(1);
	CHECK_INT(f.lines, 4);
	push_stop();
}

/* The end of what is sent ends the last line, too. */
static void test_no_line_feed_at_the_end(void)
{
	push_start(10);
	int fd = push_join();
	push_say(fd, "next\nend");
	CHECK_INT(shutdown(fd, SHUT_WR), 0);
	push_hear_all(fd, "{\"size\":4}\n{\"size\":3}\n");
	push_await_closed(1);
	CHECK_STR(f.last, "end");
	push_stop();
}

/* What follows the line is left for whoever reads the media. */
static void test_media(void)
{
	char bytes[32];

	push_start(10);
	int fd = push_join();
	push_say(fd, "media\nnot a line\n");
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
	push_stop();
	CHECK_INT(f.closed, 1);
}

/* A generator that reads late loses lines, but not the last one. */
static void test_flood(void)
{
	push_start(10);
	int fd = push_join();
	push_say(fd, "flood\n");
	GString *heard = push_hear(fd);
	CHECK(heard->len < 2 * DH_PUSH_UNREAD_MAX);
	CHECK(g_str_has_prefix(heard->str, "{\"size\":5}\n{\"number\":0}\n{\"number\":1}\n"));
	CHECK(g_str_has_suffix(heard->str, "}\n{\"last\":\"line\"}\n"));
	g_string_free(heard, TRUE);
	close(fd);
	push_await_closed(1);
	push_stop();
}

/* One that reads never is not waited for. */
static void test_flood_that_nobody_reads(void)
{
	push_start_with(10, LINE_MS);
	int fd = push_join_saying("flood\n");
	push_await_closed(1);
	CHECK_INT(f.lines, 1);
	close(fd);
	push_stop();
}

/* Answers that nobody reads do not pile up. */
static void test_large_answers(void)
{
	push_start_with(5, LINE_MS);
	int fd = push_join_saying("large\nlarge\nlarge\nlarge\nlarge\n");
	push_await_closed(1);
	CHECK_INT(f.lines, 1);
	close(fd);
	push_stop();
	push_start(5);
	fd = push_join();
	push_say(fd, "large\nlarge\nend\n");
	GString *heard = push_hear(fd);
	CHECK(heard->len > 2 * LARGE);
	CHECK_INT(f.lines, 3);
	g_string_free(heard, TRUE);
	close(fd);
	push_await_closed(1);
	push_stop();
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

	push_start(1);
	atomic_store(&hand.is_used, true);
	fd = push_join();
	push_say(fd, "large\n");
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
	push_say(fd, "end\n");
	push_hear_all(fd, "{\"size\":3}\n");
	push_await_closed(1);
	atomic_store(&hand.is_used, false);
	g_free(bytes);
	push_stop();
}

static void test_a_large_answer_that_is_read_no_further(void)
{
	int fd = ask_for_much();
	char *bytes = g_malloc(LARGE / 16);

	hear_bytes(fd, bytes, LARGE / 16);
	dh_io_call(f.io, let_time_pass, NULL);
	CHECK_INT(f.closed, 0);
	dh_io_call(f.io, let_time_pass, NULL);
	push_await_closed(1);
	atomic_store(&hand.is_used, false);
	g_free(bytes);
	close(fd);
	push_stop();
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
	push_start_with(2, LINE_MS);
	int silent = push_join();
	push_hear_all(silent, "{\"refused\":\"" DH_PUSH_LINE_OPTION "\"}\n");
	int slow = push_join_saying("no end");
	push_hear_all(slow, "{\"refused\":\"" DH_PUSH_LINE_OPTION "\"}\n");
	push_await_closed(2);
	push_stop();
}

static void on_closed_alone(void *arg, struct dh_push *push)
{
	owner.closed(arg, push);
	dh_push_unref(&push);
}

/* Its line comes in time, and then this thread has no processor until the time is over. */
static void run_late(void *arg)
{
	static struct dh_push_owner alone;
	int *fds = arg;

	alone = owner;
	alone.closed = on_closed_alone;
	dh_push_new(f.io, fds[0], g_strdup("a test"), LINE_MS, &alone, NULL);
	push_say(fds[1], "end\n");
	usleep((LINE_MS + 50) * 1000);
}

static void test_a_line_in_time_that_is_read_late(void)
{
	int fds[2];

	push_start(1);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	dh_io_call(f.io, run_late, fds);
	push_hear_all(fds[1], "{\"size\":3}\n");
	push_await_closed(1);
	push_stop();
}

static void test_refusals(void)
{
	char *longest = g_strnfill(DH_PUSH_LINE_MAX, 'x');

	push_start(2);
	int wordy = push_join();
	push_say(wordy, longest);
	push_hear_all(wordy, "{\"refused\":\"the length of a line, 65536 bytes,\"}\n");
	push_await_closed(1);
	longest[DH_PUSH_LINE_MAX - 1] = '\n';
	int just = push_join();
	push_say(just, longest);
	push_hear_all(just, "{\"size\":65535}\n");
	push_await_closed(2);
	int one = push_join(), two = push_join(), three = push_join();
	push_hear_all(three, "{\"refused\":\"" DH_PUSH_MAX_OPTION "\"}\n");
	close(one);
	close(two);
	push_await_closed(5);
	CHECK_INT(dh_push_server_count(f.server), 0);
	push_stop();
	g_free(longest);
}

/* So many more than there may be hear why, and then no more: whoever connects without end shall not make the
 * gateway talk to all of them. */
static void test_beyond_all_limits(void)
{
	int fds[2 + 64];

	push_start(2);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = push_join();
	push_hear_all(push_join(), "");
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		if (i >= 2)
			push_hear_all(fds[i], "{\"refused\":\"" DH_PUSH_MAX_OPTION "\"}\n");
		else
			close(fds[i]);
	}
	push_await_closed(G_N_ELEMENTS(fds));
	push_stop();
}

static atomic_int warnings;

static void count_warning(enum dh_log_level level, const char *text)
{
	(void)text;
	if (level == DH_LOG_WARNING)
		atomic_fetch_add(&warnings, 1);
}

/* Without descriptors they wait, and the log is not filled with that. */
static void test_too_many_descriptors(void)
{
	dh_log_set(count_warning);
	push_start(10);
	for (int round = 1; round <= 2; round++) {
		atomic_store(&refusals, 4);
		int fd = push_join();
		push_say(fd, "end\n");
		push_hear_all(fd, "{\"size\":3}\n");
		CHECK_INT(atomic_load(&warnings), round);
	}
	push_stop();
	dh_log_set(NULL);
}

/* Many at once, most of which misbehave: nothing is left. */
static void test_crowd(void)
{
	static const char *const words[] = { "", "x", "next\n", "media\n", "flood\n", "end\n",
		"next\nnext\nend\nrest" };
	int fds[200];

	push_start(50);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = push_join();
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
	push_stop();
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
	TEST(test_beyond_all_limits),
	TEST(test_too_many_descriptors),
	TEST(test_crowd),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
