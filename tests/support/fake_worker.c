/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A dh-prepare for tests: it obeys prepare/job.h until its input tells it not to. The
 * input is text, "<script> [number]" (of a bridge: its name is); see `scripts` below. A file beside the program,
 * named like it plus ".how", says how it starts and which version it reports. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "playout/stream.h"
#include "playout/timebase.h"
#include "prepare/confine.h"
#include "prepare/envelope.h"
#include "prepare/fork_server.h"
#include "prepare/job.h"
#include "tests/support/vp8_fixture.h"

#define SIDE 16

static int write_all(void *arg, const void *bytes, size_t size)
{
	const char *at = bytes;

	(void)arg;
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, at, size);
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static const struct dh_stream_writer writer = { .write = write_all };
static char job[DH_JOB_MAX + 1];
static useconds_t pause_us; /* before each picture */
static int input;           /* where the script came from */

/* --- parts of a stream */

static const uint8_t anchor[] = VP8_FIXTURE_ANCHOR(SIDE, SIDE);

static void write_start(void)
{
	struct dh_stream_head head = { .has_video = 1,
		.has_audio = 1,
		.width = SIDE,
		.height = SIDE,
		.rate_num = 25,
		.rate_den = 1,
		.encoder = "fake" };

	dh_stream_write_head(&writer, &head);
	dh_stream_write_anchor(&writer, anchor, sizeof anchor);
	if (strstr(job, "\"kind\":\"idle\""))
		dh_stream_write_picture(&writer, (const uint8_t[SIDE * SIDE * 3 / 2]){ 0 }, SIDE * SIDE * 3 / 2);
}

static void write_unit(enum dh_media media, int64_t pts_ticks, int64_t duration_ticks, size_t size)
{
	uint8_t *bytes = malloc(size);
	struct dh_unit *unit;

	memset(bytes, (int)(pts_ticks / DH_SLOT_TICKS), size);
	if (media == DH_VIDEO)
		vp8_fixture_picture(bytes, 0);
	unit = dh_unit_new(media, pts_ticks, duration_ticks, bytes, size);
	unit->flags = media == DH_VIDEO && pts_ticks == 0 ? DH_UNIT_ENTRY : 0;
	if (dh_stream_write_unit(&writer, unit) < 0)
		exit(DH_PREPARE_OUTPUT);
	dh_unit_unref(&unit);
	free(bytes);
}

/* Pictures at 25 a second, with two packets of sound each. */
static void write_run(int from, int to)
{
	for (int i = from; i < to; i++) {
		int64_t pts_ticks = i * 2 * DH_SLOT_TICKS;
		usleep(pause_us);
		write_unit(DH_VIDEO, pts_ticks, 2 * DH_SLOT_TICKS, 4000);
		write_unit(DH_AUDIO, pts_ticks, DH_SLOT_TICKS, 100);
		write_unit(DH_AUDIO, pts_ticks + DH_SLOT_TICKS, DH_SLOT_TICKS, 100);
	}
}

static void write_pictures(int count)
{
	write_start();
	write_run(0, count);
}

static void write_end(int count)
{
	struct dh_stream_end end = { count * 2 * DH_SLOT_TICKS, count * 2 * DH_SLOT_TICKS, false };

	dh_stream_write_end(&writer, &end);
}

/* --- scripts; they return the exit code */

static int good(int count)
{
	write_pictures(count);
	write_end(count);
	return DH_PREPARE_OK;
}

/* When the test sends SIGCONT it tells of the first byte, and writes. */
static int first(int count)
{
	raise(SIGSTOP);
	if (send(DH_JOB_FD, DH_JOB_FIRST, strlen(DH_JOB_FIRST), MSG_NOSIGNAL) < 0)
		return DH_PREPARE_OUTPUT;
	return good(count);
}

static int slow(int count)
{
	pause_us = 10000;
	return good(count);
}

/* The first half; the rest when the test sends SIGCONT. */
static int halve(int count)
{
	write_start();
	write_run(0, count / 2);
	raise(SIGSTOP);
	write_run(count / 2, count);
	write_end(count);
	return DH_PREPARE_OK;
}

/* The job's first name, or its second. */
static const char *name_of_input(int i)
{
	static char text[200];
	static const char names[] = "\"names\":[\"", next[] = "\",\"";
	const char *name = strstr(job, names);

	name = name ? name + sizeof names - 1 : NULL;
	if (name && i > 0) {
		name = strstr(name, next);
		name = name ? name + sizeof next - 1 : NULL;
	}
	snprintf(text, sizeof text, "%s", name ? name : "");
	text[strcspn(text, "\"")] = 0;
	return text;
}

/* The same; a file of it has been touched meanwhile. */
static int doubt_file(int count, int i)
{
	struct dh_stream_end end = { count * 2 * DH_SLOT_TICKS, count * 2 * DH_SLOT_TICKS, true };
	char text[300];

	write_start();
	write_run(0, count / 2);
	raise(SIGSTOP);
	write_run(count / 2, count);
	snprintf(text, sizeof text, "[changed] %s changed while it was prepared", name_of_input(i));
	dh_stream_write_note(&writer, text);
	dh_stream_write_end(&writer, &end);
	return DH_PREPARE_OK;
}

static int doubt(int count)
{
	return doubt_file(count, 0);
}

static int doubt_second(int count)
{
	return doubt_file(count, 1);
}

/* Something is wrong, but nothing is missing. */
static int mend(int count)
{
	char text[300];

	write_pictures(count);
	snprintf(text, sizeof text, "[damaged] %s: 1 damaged packet skipped", name_of_input(0));
	dh_stream_write_note(&writer, text);
	write_end(count);
	return DH_PREPARE_OK;
}

/* When the test sends SIGCONT it fails. */
static int blame(int code)
{
	char text[300];

	raise(SIGSTOP);
	snprintf(text, sizeof text, "%s is no good", name_of_input(0));
	dh_stream_write_failure(&writer, code, text);
	return code;
}

static int late(int count)
{
	write_start();
	write_run(0, count / 2);
	usleep(1500000);
	write_run(count / 2, count);
	write_end(count);
	return DH_PREPARE_OK;
}

static int late_exit(int code)
{
	good(5);
	return code;
}

static int cut(int count)
{
	write_pictures(count);
	return DH_PREPARE_OK;
}

static int crash(int count)
{
	write_pictures(count);
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return 0;
}

static int hang(int count)
{
	write_pictures(count);
	for (;;)
		pause();
	return 0;
}

static int stop(int count)
{
	write_pictures(count);
	raise(SIGSTOP);
	return 0;
}

static int flood(int unused)
{
	(void)unused;
	for (;;)
		write_pictures(100000000);
	return 0;
}

static int babble(int unused)
{
	char noise[1000];

	(void)unused;
	memset(noise, 'x', sizeof noise);
	for (int i = 0; i < 1000; i++)
		if (write_all(NULL, noise, sizeof noise) < 0)
			break;
	return DH_PREPARE_OK;
}

static int leave(int code)
{
	return code;
}

static int fail(int code)
{
	dh_stream_write_failure(&writer, code, "the input says so");
	return code;
}

static int linger(int count)
{
	good(count);
	close(STDOUT_FILENO);
	for (;;)
		pause();
	return 0;
}

/* A descendant keeps the pipe open. */
static int breed(int escape)
{
	if (fork() == 0) {
		if (escape)
			setsid();
		sleep(escape ? 3 : 1000);
		_exit(0);
	}
	return good(10);
}

static int burn(int unused)
{
	(void)unused;
	for (;;)
		;
	return 0;
}

static int eat(int megabytes)
{
	char *food = malloc((size_t)megabytes << 20);

	if (!food)
		return DH_PREPARE_MEMORY;
	memset(food, 1, (size_t)megabytes << 20);
	free(food);
	return good(5);
}

static int tell(int unused)
{
	char text[200];

	(void)unused;
	snprintf(text, sizeof text, "uid %d gid %d nice %d group %d", (int)getuid(), (int)getgid(),
		getpriority(PRIO_PROCESS, 0), getpgrp() == getpid());
	write_start();
	dh_stream_write_note(&writer, text);
	job[DH_STREAM_TEXT_MAX] = 0;
	dh_stream_write_note(&writer, job);
	write_unit(DH_VIDEO, 0, DH_SLOT_TICKS, 10);
	write_end(1);
	return DH_PREPARE_OK;
}

/* Counts open descriptors other than 0 to 3 and the inputs (as many as the number says). */
static int count_fds(int inputs)
{
	char text[100];
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += dup2(fd, fd) == fd;
	snprintf(text, sizeof text, "open %d", n - 4 - inputs);
	write_start();
	dh_stream_write_note(&writer, text);
	write_unit(DH_VIDEO, 0, DH_SLOT_TICKS, 10);
	write_end(1);
	return DH_PREPARE_OK;
}

/* Pictures alone. */
static int bridge(int count)
{
	struct dh_stream_end end = { .video_ticks = count * 2 * DH_SLOT_TICKS };
	struct dh_stream_head head = { .has_video = 1, .width = SIDE, .height = SIDE, .rate_den = 1 };

	dh_stream_write_head(&writer, &head);
	dh_stream_write_anchor(&writer, anchor, sizeof anchor);
	for (int i = 0; i < count; i++)
		write_unit(DH_VIDEO, i * 2 * DH_SLOT_TICKS, 2 * DH_SLOT_TICKS, 400);
	dh_stream_write_end(&writer, &end);
	return DH_PREPARE_OK;
}

/* A picture for so many bytes that follow the script. */
static int relay(int bytes)
{
	char block[4096];
	int pictures = 0;
	ssize_t n;

	write_start();
	for (ssize_t all = 0; (n = read(input, block, sizeof block)) > 0;)
		for (all += n; (ssize_t)pictures * bytes < all; pictures++)
			write_run(pictures, pictures + 1);
	write_end(pictures);
	return DH_PREPARE_OK;
}

static const struct script {
	const char *name;
	int (*run)(int number);
} scripts[] = {
	{ "good", good },
	{ "first", first },
	{ "slow", slow },
	{ "halve", halve },
	{ "doubt", doubt },
	{ "doubt_second", doubt_second },
	{ "mend", mend },
	{ "blame", blame },
	{ "late", late },
	{ "late_exit", late_exit },
	{ "cut", cut },
	{ "crash", crash },
	{ "hang", hang },
	{ "stop", stop },
	{ "flood", flood },
	{ "babble", babble },
	{ "leave", leave },
	{ "fail", fail },
	{ "linger", linger },
	{ "breed", breed },
	{ "burn", burn },
	{ "eat", eat },
	{ "tell", tell },
	{ "count_fds", count_fds },
	{ "bridge", bridge },
	{ "relay", relay },
};

/* --- the protocol */

/* Returns the first descriptor, or -1 if no job came. */
static int receive_job(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} space;
	struct iovec body = { job, DH_JOB_MAX };
	struct msghdr message = { .msg_iov = &body,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof space.bytes };
	ssize_t n = recvmsg(DH_JOB_FD, &message, 0);
	int fd = -1;

	if (n > 0 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	if (fd >= 0 && dh_envelope_open(&fd) < 0)
		return -1;
	return fd;
}

static const char *how_to_start;

static void start(void)
{
	if (strcmp(how_to_start, "exit") == 0)
		exit(DH_PREPARE_INTERNAL);
	if (strcmp(how_to_start, "mute") == 0)
		pause();
	if (strcmp(how_to_start, "late") == 0)
		usleep(1500000);
}

static void read_how(const char *name, char *how, size_t size)
{
	char path[1000];
	FILE *file;

	snprintf(path, sizeof path, "%s.how", name);
	file = fopen(path, "re");
	if (!file)
		return;
	how[fread(how, 1, size - 1, file)] = 0;
	fclose(file);
}

static int option(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return atoi(argv[i + 1]);
	return 0;
}

static struct dh_confine read_limits(int argc, char **argv)
{
	struct dh_confine limits = {
		.memory_mb = option(argc, argv, "--memory-mb"),
		.cpu_s = option(argc, argv, "--cpu-s"),
		.nice = option(argc, argv, "--nice"),
		.parent = option(argc, argv, "--parent"),
	};

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--user") == 0)
			limits.user = argv[i + 1];
	return limits;
}

static void confine(int argc, char **argv)
{
	struct dh_confine limits = read_limits(argc, argv);
	const char *what;

	if (dh_confine(&limits, &what) < 0) {
		fprintf(stderr, "fake worker: %s\n", what);
		exit(DH_PREPARE_INTERNAL);
	}
}

/* The inputs of a bridge are streams: its script is their name. */
static int read_script(int fd, char *text, size_t size)
{
	static const char names[] = "\"names\":[\"";
	const char *name = strstr(job, "\"kind\":\"bridge\"") ? strstr(job, names) : NULL;

	if (!name)
		return read(fd, text, size - 1) < 0 ? -1 : 0;
	snprintf(text, size, "%s", name + sizeof names - 1);
	return 0;
}

static int work(void)
{
	char text[100] = "", name[100];
	int fd = receive_job(), number = 0;

	if (fd < 0)
		return DH_PREPARE_OK;
	input = fd;
	if (read_script(fd, text, sizeof text) < 0 || sscanf(text, "%99s %d", name, &number) < 1)
		return DH_PREPARE_INPUT;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		if (strcmp(scripts[i].name, name) == 0)
			return scripts[i].run(number);
	return DH_PREPARE_FORMAT;
}

int main(int argc, char **argv)
{
	char text[100] = "hello", how[100] = "";
	struct dh_confine limits;

	read_how(argv[0], how, sizeof how);
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		if (strcmp(how, "confined") == 0) {
			confine(argc, argv);
			snprintf(how, sizeof how, "uid %d nice %d group %d privileges %d", (int)geteuid(),
				getpriority(PRIO_PROCESS, 0), getpgrp() == getpid(),
				!prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		}
		printf("fake worker %s\n", how);
		return strcmp(how, "ashamed") == 0;
	}
	how_to_start = how;
	limits = read_limits(argc, argv);
	if (strcmp(how, "noise") != 0)
		snprintf(text, sizeof text, "ready %d",
			DH_PREPARE_PROTOCOL + (strcmp(how, "newer") == 0) - (strcmp(how, "older") == 0));
	return dh_fork_server_run(
		&(struct dh_fork_server){ .confine = &limits, .warm_up = start, .greeting = text, .work = work });
}
