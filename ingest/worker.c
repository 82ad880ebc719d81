/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_late.h"
#include "prepare/job.h"

/* Per read; a small amount keeps the I/O thread fair to all pipes. */
#define READ_BYTES 65536
/* Reads more than the largest pipe holds. */
#define PIPE_READS 32
/* From the end of its output to its exit. */
#define EXIT_MS 2000

void dh_worker_kill(struct dh_worker *worker, int code, char *why)
{
	if (worker->why)
		g_free(why);
	else {
		worker->why = why;
		worker->why_code = code;
	}
	dh_child_kill(worker->child);
}

/* Only of one that has a job, or had one. */
static gboolean timeout(gpointer arg)
{
	struct dh_worker *worker = arg;
	int silence_ms = worker->job ? worker->job->silence_ms : 0;

	if (worker->is_drained)
		dh_worker_kill(worker, DH_PREPARE_INTERNAL, g_strdup("dh-prepare closed its output and did not end"));
	else if (!worker->job || dh_child_is_starved(worker->child, worker->timer, &worker->used_us, silence_ms))
		return G_SOURCE_CONTINUE;
	else if (worker->output_source && dh_child_has_news(worker->output))
		dh_io_timer_set(worker->timer, silence_ms);
	else
		dh_worker_kill(worker, DH_PREPARE_INTERNAL,
			g_strdup_printf("dh-prepare wrote nothing for %d ms", silence_ms));
	return G_SOURCE_CONTINUE;
}

/* --- output */

static void drained(struct dh_worker *worker)
{
	worker->is_drained = true;
	dh_io_drop(&worker->output_source);
	if (worker->is_exited)
		dh_workers_ended(worker);
	else
		dh_io_timer_set(worker->timer, EXIT_MS);
}

/* Returns -1 if the job was cancelled and the worker has been freed, else 0. */
static int deliver(struct dh_worker *worker, const void *bytes, size_t size)
{
	struct dh_job *job = worker->job;
	int err;

	if (!job)
		return 0;
	if (!worker->is_exited)
		dh_io_timer_set(worker->timer, job->silence_ms);
	worker->used_us = -1;
	job->is_in_data = true;
	err = job->listener.data(job->arg, bytes, size);
	job->is_in_data = false;
	if (err == 0 && !job->is_cancelled)
		return 0;
	err = worker->is_exited ? -1 : 0;
	dh_job_cancel(&job);
	return err;
}

static gboolean control(gint fd, GIOCondition condition, gpointer arg);

/* 1: there may be more; 0: not now; -1: the worker has been freed. */
static int read_some(struct dh_worker *worker)
{
	static char buffer[READ_BYTES]; /* only the I/O thread uses it */
	ssize_t n = read(worker->output, buffer, sizeof buffer);
	bool is_last = worker->is_exited;

	/* What it has said came before what it has written. */
	if (worker->control_source)
		control(worker->control, G_IO_IN, worker);
	if (n > 0)
		return deliver(worker, buffer, (size_t)n) < 0 ? -1 : 1;
	/* Once it has exited, it does not matter who else holds the pipe. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !worker->is_exited)
		return 0;
	drained(worker);
	return is_last ? -1 : 0;
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	(void)fd;
	(void)condition;
	read_some(arg);
	return G_SOURCE_CONTINUE;
}

static void read_output(struct dh_worker *worker)
{
	worker->output_source = dh_io_watch(worker->workers->io, worker->output, G_IO_IN | G_IO_HUP | G_IO_ERR,
		readable, worker);
	dh_io_timer_set(worker->timer, worker->job->silence_ms);
}

void dh_worker_hold(struct dh_worker *worker, bool is_held)
{
	if (worker->is_exited || worker->is_drained)
		return;
	dh_io_drop(&worker->output_source);
	dh_io_timer_set(worker->timer, -1);
	if (!is_held)
		read_output(worker);
}

/* --- control */

/* The only message of a worker. */
static gboolean control(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_worker *worker = arg;
	struct dh_job *job = worker->job;
	char text[64];
	ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	dh_io_drop(&worker->control_source);
	if (job && job->listener.first && n == (ssize_t)strlen(DH_JOB_FIRST) && !memcmp(text, DH_JOB_FIRST, (size_t)n))
		job->listener.first(job->arg);
	return G_SOURCE_REMOVE;
}

static int send_job(int fd, const struct dh_job *job)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * DH_JOB_FDS)];
	} space;
	struct iovec body = { .iov_base = job->json, .iov_len = strlen(job->json) };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };
	struct cmsghdr *header;

	memset(&space, 0, sizeof space);
	if (job->count > 0) {
		message.msg_control = space.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)job->count);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)job->count);
		memcpy(CMSG_DATA(header), job->fds, sizeof(int) * (size_t)job->count);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int dh_worker_give(struct dh_worker *worker, struct dh_job *job)
{
	int err = send_job(worker->control, job);

	if (err < 0)
		return err;
	/* The worker has its own copies. Closing ours lets a pipe's writer notice when it dies. */
	dh_job_close_fds(job);
	worker->state = DH_WORKER_BUSY;
	worker->is_live = job->queued.is_live;
	worker->job = job;
	job->worker = worker;
	read_output(worker);
	if (job->queued.is_live)
		worker->control_source = dh_io_watch(worker->workers->io, worker->control,
			G_IO_IN | G_IO_HUP | G_IO_ERR, control, worker);
	return 0;
}

/* --- life */

static void exited(void *arg, int status)
{
	struct dh_worker *worker = arg;

	worker->is_exited = true;
	worker->status = status;
	dh_io_timer_set(worker->timer, -1);
	if (worker->is_drained || !worker->job) {
		dh_workers_ended(worker);
		return;
	}
	/* Read what is left in the pipe. */
	for (int i = 0; i < PIPE_READS; i++)
		if (read_some(worker) < 0)
			return;
	drained(worker);
}

char **dh_worker_arguments(const struct dh_workers_config *config, const char *action)
{
	GPtrArray *argv = g_ptr_array_new();

	g_ptr_array_add(argv, g_strdup(config->path));
	g_ptr_array_add(argv, g_strdup(action));
	g_ptr_array_add(argv, g_strdup("--parent"));
	g_ptr_array_add(argv, g_strdup_printf("%d", (int)getpid()));
	g_ptr_array_add(argv, g_strdup("--memory-mb"));
	g_ptr_array_add(argv, g_strdup_printf("%d", config->memory_mb));
	g_ptr_array_add(argv, g_strdup("--cpu-s"));
	g_ptr_array_add(argv, g_strdup_printf("%d", config->cpu_s));
	g_ptr_array_add(argv, g_strdup("--nice"));
	g_ptr_array_add(argv, g_strdup_printf("%d", config->nice));
	if (config->user && *config->user) {
		g_ptr_array_add(argv, g_strdup("--user"));
		g_ptr_array_add(argv, g_strdup(config->user));
	}
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

static void close_pair(int *fds)
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int dh_worker_ask(struct dh_workers *workers, struct dh_worker **worker)
{
	int output[2] = { -1, -1 }, sockets[2] = { -1, -1 }, err;
	struct dh_worker *new;

	if (pipe2(output, O_CLOEXEC) < 0 || fcntl(output[0], F_SETFL, O_NONBLOCK) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		err = -errno;
		goto out;
	}
	new = g_new0(struct dh_worker, 1);
	new->workers = workers;
	new->used_us = -1;
	err = dh_worker_server_ask(workers->server, output[1], sockets[1], new);
	if (err < 0) {
		g_free(new);
		goto out;
	}
	new->output = output[0];
	new->control = sockets[0];
	output[0] = sockets[0] = -1;
	*worker = new;
out:
	close_pair(output);
	close_pair(sockets);
	return err;
}

int dh_worker_forked(struct dh_worker *worker, pid_t pid, char **error)
{
	struct dh_io *io = worker->workers->io;
	int err = pid < 0 ? (int)pid : dh_child_adopt(&worker->child, io, pid, exited, worker);

	if (err < 0) {
		*error = g_strdup_printf("dh-prepare cannot be copied: %s", g_strerror(-err));
		return err;
	}
	worker->timer = dh_io_timer(io, timeout, worker);
	worker->state = DH_WORKER_READY;
	worker->ready_us = g_get_monotonic_time();
	return 0;
}

void dh_worker_free(struct dh_worker **out)
{
	struct dh_worker *worker = *out;

	*out = NULL;
	if (!worker)
		return;
	dh_io_drop(&worker->control_source);
	dh_io_drop(&worker->output_source);
	dh_io_drop(&worker->timer);
	dh_child_free(&worker->child);
	if (worker->output >= 0)
		close(worker->output);
	if (worker->control >= 0)
		close(worker->control);
	g_free(worker->why);
	g_free(worker);
}
