/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine.h"
#include "envelope.h"
#include "file.h"
#include "fork_server.h"
#include "prepare.h"
#include "task_job.h"
#include "warm_up.h"

#define JOB_FDS (DH_TASK_INPUTS + 6)

_Static_assert(DH_PREPARE_PROTOCOL == 12 && DH_STREAM_VERSION == 5, "a new stream version needs a new protocol");

struct job {
	char text[DH_JOB_MAX];
	ssize_t size;
	int fds[JOB_FDS];
	int fds_count;
	bool is_cut;
};

static void take_descriptors(struct job *job, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count && job->fds_count < JOB_FDS; i++)
			memcpy(&job->fds[job->fds_count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

/* Waits for the job; size 0: the socket was closed. */
static int receive_job(struct job *job)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(JOB_FDS * sizeof(int))];
	} control;
	struct iovec part = { job->text, sizeof job->text };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	do
		job->size = recvmsg(DH_JOB_FD, &message, MSG_CMSG_CLOEXEC);
	while (job->size < 0 && errno == EINTR);
	if (job->size < 0)
		return -errno;
	take_descriptors(job, &message);
	for (int i = 0; i < job->fds_count; i++) {
		int err = dh_envelope_open(&job->fds[i]);
		if (err < 0)
			return err;
	}
	job->is_cut = message.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	return 0;
}

static int do_job(const struct job *job, struct dh_task *task, const struct dh_stream_writer *writer,
	struct dh_fault *fault)
{
	if (job->is_cut)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "Job: longer than %d bytes or more than %d descriptors",
			DH_JOB_MAX, JOB_FDS);
	int code = dh_task_from_job(task, job->text, (size_t)job->size, job->fds, job->fds_count, fault);
	task->first_fd = DH_JOB_FD;
	if (!code && dh_confine_job(task->silence_ms > 0) < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "the limit of processor time cannot be set");
	return code ? code : dh_prepare(task, writer, NULL, fault);
}

static int serve(const struct job *job)
{
	struct dh_file_writer output = { .fd = STDOUT_FILENO };
	const struct dh_stream_writer writer = { dh_file_write, &output };
	struct dh_fault fault = { 0 };
	struct dh_task task;
	dh_task_init(&task);
	int code = do_job(job, &task, &writer, &fault);
	if (code && code != DH_PREPARE_OUTPUT)
		dh_stream_write_failure(&writer, code, fault.text);
	dh_task_clear(&task);
	for (int i = 0; i < job->fds_count; i++)
		close(job->fds[i]);
	return code;
}

/* What a copy of the fork server does. */
static int work(void)
{
	struct job *job = calloc(1, sizeof *job);
	int code;
	if (!job)
		return DH_PREPARE_MEMORY;
	dh_prepare_warm_copy();
	code = receive_job(job);
	if (code == 0 && job->size > 0) {
		code = serve(job);
	} else if (code < 0) {
		fprintf(stderr, "dh-prepare: control socket: %s\n", strerror(-code));
		code = DH_PREPARE_USAGE;
	}
	free(job);
	return code;
}

int dh_workers_serve(const struct dh_confine *confine)
{
	char greeting[32];
	const struct dh_fork_server server = { .confine = confine,
		.warm_up = dh_prepare_warm_up,
		.greeting = greeting,
		.work = work };
	snprintf(greeting, sizeof greeting, "ready %d", DH_PREPARE_PROTOCOL);
	return dh_fork_server_run(&server);
}
