/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pipes between the workers of an utterance's pieces: whoever comes first, each gets its end, and whoever
 * waits for one that will not come hears so. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "rooms/pipes.h"
#include "tests/support/check.h"

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool are_joined(int tail, int lead)
{
	char c = 'x', got = 0;
	return write(tail, &c, 1) == 1 && read(lead, &got, 1) == 1 && got == c;
}

static bool has_ended(int lead)
{
	struct pollfd pipe = { .fd = lead, .events = POLLIN };
	char c;
	return poll(&pipe, 1, 0) == 1 && read(lead, &c, 1) == 0;
}

static void test_any_order(void)
{
	static const int orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }, { 1, 3, 0, 2 } };
	for (int o = 0; o < 4; o++) {
		struct dh_pipes *pipes = dh_pipes_new();
		int lead[4], tail[4];
		for (int i = 0; i < 4; i++) {
			int n = orders[o][i];
			lead[n] = n > 0 ? dh_pipes_lead(pipes, "u", n) : -1;
			tail[n] = n < 3 ? dh_pipes_tail(pipes, "u", n) : -1;
		}
		CHECK_INT(dh_pipes_count(pipes), 0);
		for (int n = 0; n < 3; n++)
			CHECK(are_joined(tail[n], lead[n + 1]));
		for (int n = 0; n < 4; n++) {
			close_end(&lead[n]);
			close_end(&tail[n]);
		}
		dh_pipes_free(&pipes);
	}
}

static void test_utterances_are_apart(void)
{
	struct dh_pipes *pipes = dh_pipes_new();
	int tail_u = dh_pipes_tail(pipes, "u", 0), tail_v = dh_pipes_tail(pipes, "v", 0);
	int lead = dh_pipes_lead(pipes, "v", 1);
	CHECK(are_joined(tail_v, lead));
	CHECK_INT(dh_pipes_count(pipes), 1);
	close_end(&lead);
	close_end(&tail_u);
	close_end(&tail_v);
	dh_pipes_free(&pipes);
}

/* Pieces 1 and 2 are left out, or end before a worker has them. */
static void test_what_does_not_come(void)
{
	struct dh_pipes *pipes = dh_pipes_new();
	int lead2 = dh_pipes_lead(pipes, "u", 2), lead4 = dh_pipes_lead(pipes, "u", 4);
	int tail2 = dh_pipes_tail(pipes, "u", 2), tail4 = dh_pipes_tail(pipes, "u", 4);
	dh_pipes_pass(pipes, "v", 0, 9);
	dh_pipes_pass(pipes, "u", 2, 1);
	CHECK(!has_ended(lead2) && !has_ended(lead4));
	dh_pipes_pass(pipes, "u", 0, 2);
	CHECK(has_ended(lead2) && !has_ended(lead4));
	dh_pipes_forget(pipes, "u");
	CHECK(has_ended(lead4));
	CHECK_INT(dh_pipes_count(pipes), 0);
	close_end(&lead2);
	close_end(&tail2);
	close_end(&lead4);
	close_end(&tail4);
	dh_pipes_free(&pipes);
}

static void test_limit(void)
{
	struct dh_pipes *pipes = dh_pipes_new();
	int leads[DH_PIPES_MAX + 8];
	for (int i = 0; i < DH_PIPES_MAX + 8; i++)
		leads[i] = dh_pipes_lead(pipes, "u", 2 * i + 1);
	CHECK_INT(dh_pipes_count(pipes), DH_PIPES_MAX);
	for (int i = 0; i < DH_PIPES_MAX + 8; i++) {
		CHECK_INT(has_ended(leads[i]), i < 8);
		close_end(&leads[i]);
	}
	dh_pipes_free(&pipes);
}

static const struct check_test tests[] = {
	TEST(test_any_order),
	TEST(test_utterances_are_apart),
	TEST(test_what_does_not_come),
	TEST(test_limit),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
