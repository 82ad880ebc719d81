/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that only dh-open processes touch. A program that never answers stands for one that
 * waits for its file system. */
#include "tests/support/ingest_fixture.h"

#include <sys/resource.h>

#include "ingest/opener.h"
#include "prepare/envelope.h"

static char folder[TEMP_FOLDER_SIZE];
static char mute[100]; /* a program that never answers */

static void put(const char *name, const void *bytes, size_t size, mode_t mode)
{
	char path[200];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, bytes, size), size);
	close(fd);
}

static int open_named(struct dh_opener *user, const char *name, struct stat *st)
{
	return dh_opener_open(user, folder, name, st);
}

static void test_reads(void)
{
	static char bytes[200000], back[200000];
	struct dh_openers *openers = dh_openers_new(opener_program);
	struct dh_opener user;
	struct stat st;
	int envelope;
	ssize_t n, at = 0;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 31 >> 3);
	put("large", bytes, sizeof bytes, 0600);
	dh_opener_init(&user, openers);
	envelope = open_named(&user, "large", &st);
	CHECK(envelope >= 0);
	CHECK_INT(st.st_size, sizeof bytes);
	while ((n = dh_opener_read(&user, envelope, back + at, sizeof back - (size_t)at, at)) > 0) {
		at += n;
		if (at > 100000 && at < 170000)
			dh_opener_rest(&user); /* another process, or the same, goes on */
	}
	CHECK_INT(n, 0);
	CHECK_INT(at, sizeof bytes);
	CHECK(memcmp(bytes, back, sizeof bytes) == 0);
	put("large", "x", 1, 0600);
	CHECK_INT(dh_opener_stat(&user, envelope, &st), 0);
	CHECK_INT(st.st_size, 1);
	CHECK_INT(open_named(&user, "nothing", &st), -ENOENT);
	CHECK_INT(open_named(&user, ".", &st), -ENODATA);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_INT(count_children(), 1);
	dh_openers_close(openers, envelope);
	dh_opener_clear(&user);
	dh_openers_unref(&openers);
	CHECK_INT(count_children(), 0);
}

/* Whoever looks into an envelope leaves it as it was. */
static void test_envelope(void)
{
	int pipe[2], envelope, first, second;
	char byte;

	CHECK_INT(pipe2(pipe, O_CLOEXEC), 0);
	CHECK_INT(dh_envelope_look(pipe[0]), -ENOTSOCK);
	envelope = dh_envelope_seal(pipe[1]);
	CHECK(envelope >= 0);
	first = dh_envelope_look(envelope);
	second = dh_envelope_look(envelope);
	CHECK(first >= 0 && second >= 0 && first != second);
	CHECK_INT(fcntl(first, F_GETFD), FD_CLOEXEC);
	close(pipe[1]);
	close(first);
	CHECK_INT(write(second, "x", 1), 1);
	close(second);
	CHECK_INT(read(pipe[0], &byte, 1), 1);
	CHECK_INT(dh_envelope_open(&envelope), 0);
	CHECK_INT(write(envelope, "y", 1), 1);
	CHECK_INT(dh_envelope_open(&envelope), 0); /* it is none any more */
	close(envelope);
	CHECK_INT(read(pipe[0], &byte, 1), 1);
	CHECK_INT(read(pipe[0], &byte, 1), 0); /* nobody holds its other end */
	close(pipe[0]);
}

struct waiting {
	struct dh_opener user;
	struct stat st;
	int err, again;
};

static void *wait_for_ever(void *arg)
{
	struct waiting *waiting = arg;

	waiting->err = open_named(&waiting->user, "large", &waiting->st);
	waiting->again = open_named(&waiting->user, "large", &waiting->st);
	dh_opener_rest(&waiting->user);
	return NULL;
}

static void test_stop(void)
{
	struct dh_openers *openers = dh_openers_new(mute);
	struct waiting waiting = { .err = 0 };
	pthread_t thread;

	dh_opener_init(&waiting.user, openers);
	CHECK_INT(pthread_create(&thread, NULL, wait_for_ever, &waiting), 0);
	while (count_children() == 0)
		usleep(1000);
	dh_opener_stop(&waiting.user);
	pthread_join(thread, NULL);
	CHECK_INT(waiting.err, -ETIMEDOUT);
	CHECK(waiting.again < 0);
	CHECK_INT(count_children(), 0);
	dh_opener_clear(&waiting.user);
	dh_openers_unref(&openers);
}

static void kill_one(int pid)
{
	kill(pid, SIGKILL);
}

/* An idle process that was killed costs nobody anything. */
static void test_idle_process_dies(void)
{
	struct dh_openers *openers = dh_openers_new(opener_program);
	struct dh_opener user;
	struct stat st;
	int envelope;

	put("large", "x", 1, 0600);
	dh_opener_init(&user, openers);
	for (int i = 0; i < 3; i++) {
		envelope = open_named(&user, "large", &st);
		CHECK(envelope >= 0);
		close(envelope);
		dh_opener_rest(&user);
		CHECK_INT(each_child(kill_one), 1); /* perhaps it dies only when it is asked */
	}
	dh_opener_clear(&user);
	dh_openers_unref(&openers);
	CHECK_INT(count_children(), 0);
}

/* Neither is an envelope that cannot be looked into empty, nor is a file that cannot be received no file. */
static void test_no_descriptor_is_free(void)
{
	struct dh_openers *openers = dh_openers_new(opener_program);
	struct rlimit before, none;
	struct dh_opener user;
	struct stat st;
	int envelope, look, again, lowest;

	put("large", "x", 1, 0600);
	dh_opener_init(&user, openers);
	envelope = open_named(&user, "large", &st);
	CHECK(envelope >= 0);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	lowest = dup(envelope);
	close(lowest);
	none = (struct rlimit){ (rlim_t)lowest, before.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	look = dh_envelope_look(envelope);
	again = open_named(&user, "large", &st);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_INT(look, -EMFILE);
	CHECK_INT(again, -EMFILE);
	/* The process is none the worse for it. */
	CHECK_INT(dh_opener_stat(&user, envelope, &st), 0);
	again = open_named(&user, "large", &st);
	CHECK(again >= 0, "%d", again);
	dh_openers_close(openers, again);
	dh_openers_close(openers, envelope);
	dh_opener_clear(&user);
	dh_openers_unref(&openers);
}

static void test_no_program(void)
{
	struct dh_openers *openers = dh_openers_new("/nonexistent/dh-open");
	struct dh_opener user;
	struct stat st;
	int pipe[2], envelope;
	char byte;

	dh_opener_init(&user, openers);
	CHECK_INT(open_named(&user, "large", &st), -ECHILD);
	CHECK_INT(pipe2(pipe, O_CLOEXEC), 0);
	envelope = dh_envelope_seal(pipe[1]);
	close(pipe[1]);
	dh_openers_close(openers, envelope);
	CHECK_INT(read(pipe[0], &byte, 1), 0);
	close(pipe[0]);
	dh_opener_clear(&user);
	dh_openers_unref(&openers);
}

#define ENVELOPES 2000

/* A closer that hangs does not hold up anybody; its successors close the rest. */
static void test_closer_hangs(void)
{
	struct dh_openers *openers = dh_openers_new(mute);
	int before = count_entries("/proc/self/fd");

	for (int i = 0; i < ENVELOPES; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), envelope = dh_envelope_seal(fd);
		CHECK(envelope >= 0);
		close(fd);
		dh_openers_close(openers, envelope);
	}
	CHECK(count_entries("/proc/self/fd") - before < 40, "%d", count_entries("/proc/self/fd") - before);
	dh_openers_unref(&openers);
	CHECK_INT(count_entries("/proc/self/fd"), before);
	CHECK_INT(count_children(), 0);
}

static const struct check_test tests[] = {
	TEST(test_reads),
	TEST(test_envelope),
	TEST(test_stop),
	TEST(test_idle_process_dies),
	TEST(test_no_descriptor_is_free),
	TEST(test_no_program),
	TEST(test_closer_hangs),
};

int main(int argc, char **argv)
{
	static const char script[] = "#!/bin/sh\nexec sleep 1000\n";
	int r;

	if (setjmp(check_state.end) != 0)
		return 1;
	if (find_programs(argv[0]) || temp_folder_make(folder))
		return 2;
	snprintf(mute, sizeof mute, "%s/mute", folder);
	put("mute", script, strlen(script), 0700);
	r = CHECK_MAIN(argc, argv, tests);
	remove_folder(folder);
	return r;
}
