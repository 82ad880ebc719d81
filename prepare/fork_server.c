/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fork_server.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "job.h"

#define FDS      2
#define TEXT_MAX 40

static int fail(const char *what, int err)
{
	fprintf(stderr, "dh-prepare: %s: %s\n", what, strerror(-err));
	return DH_PREPARE_INTERNAL;
}

static int say(const char *text)
{
	return send(DH_JOB_FD, text, strlen(text), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* Takes what was sent with the message. Returns how many there are. */
static int take_descriptors(struct msghdr *message, int *fds)
{
	int count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof *fds);
		memcpy(fds, CMSG_DATA(c), (size_t)count * sizeof *fds);
	}
	return count;
}

struct request {
	unsigned number;
	int fds[FDS];
};

/* 1: there is one; 0: nobody asks any more. */
static int await_request(struct request *request)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
	} space;
	char text[TEXT_MAX];
	struct iovec part = { text, sizeof text - 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &space,
		.msg_controllen = sizeof space };
	ssize_t size;
	int count, end = 0;
	do
		size = recvmsg(DH_JOB_FD, &message, 0);
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return size < 0 ? -errno : 0;
	text[size] = 0;
	count = take_descriptors(&message, request->fds);
	if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && count == FDS &&
		sscanf(text, DH_FORK_ASK "%n", &request->number, &end) == 1 && text[end] == 0)
		return 1;
	close_all(request->fds, count);
	return -EPROTO;
}

/* As fork(2), but the copy is a sibling: a child of this process's parent. glibc's fork cannot do
 * that. It is enough for a process of one thread that keeps no thread's id. */
static pid_t copy_self(void)
{
#ifdef __s390__
	return (pid_t)syscall(SYS_clone, 0, CLONE_PARENT | SIGCHLD, 0, 0, 0);
#else
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
#endif
}

/* Answers with its own number: so it is heard of even if the server dies now. */
static int become_worker(const struct dh_fork_server *server, const struct request *request)
{
	const char *what = "";
	char text[TEXT_MAX];
	int err;
	snprintf(text, sizeof text, DH_FORK_DONE, request->number, (int)getpid());
	err = say(text);
	if (err < 0)
		return err == -EPIPE ? DH_PREPARE_OK : fail("control socket", err);
	if (dup2(request->fds[0], STDOUT_FILENO) < 0 || dup2(request->fds[1], DH_JOB_FD) < 0)
		return fail("a worker's descriptors", -errno);
	close_all(request->fds, FDS);
	err = dh_confine_copy(server->confine, &what);
	return err < 0 ? fail(what, err) : server->work();
}

/* Returns the exit code, of the server or a worker. */
static int serve(const struct dh_fork_server *server)
{
	struct request request = { 0 };
	char text[TEXT_MAX];
	int err = say(server->greeting);
	while (err == 0 && (err = await_request(&request)) > 0) {
		pid_t pid = copy_self();
		if (pid == 0)
			return become_worker(server, &request);
		snprintf(text, sizeof text, DH_FORK_FAILED, request.number, errno);
		close_all(request.fds, FDS);
		err = pid < 0 ? say(text) : 0;
	}
	return err == 0 || err == -EPIPE ? DH_PREPARE_OK : fail("control socket", err);
}

int dh_fork_server_run(const struct dh_fork_server *server)
{
	struct dh_confine own = *server->confine;
	const char *what = "";
	int err;
	own.cpu_s = 0; /* it counts in each worker */
	err = dh_confine(&own, &what);
	if (err < 0)
		return fail(what, err);
	signal(SIGPIPE, SIG_IGN);
	server->warm_up();
	return serve(server);
}
