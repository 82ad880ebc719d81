/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
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

/* When this whole process was stopped, what a worker wrote meanwhile is found at the same
 * time as its silence. */
static bool has_news(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0;
}

/* One that is late because it gets no processor, on a machine that is too busy, will come: if it
 * were killed, the next one would be as late. It is looked at again after a while, and is starved if
 * it has had less than a quarter of a processor since. */
static bool is_starved(struct dh_worker *worker, int limit_ms)
{
	int64_t before_us = worker->used_us, again_ms = MAX(limit_ms / 2, 1);
	bool is_runnable = dh_child_is_runnable(worker->child, &worker->used_us);

	if (!is_runnable || (before_us >= 0 && worker->used_us - before_us > again_ms * 1000 / 4))
		return false;
	dh_io_timer_set(worker->timer, again_ms);
	return true;
}

static int limit_ms(const struct dh_worker *worker)
{
	return worker->job ? worker->job->silence_ms : worker->workers->config.start_ms;
}

static gboolean timeout(gpointer arg)
{
	struct dh_worker *worker = arg;

	if (!worker->is_drained && is_starved(worker, limit_ms(worker)))
		return G_SOURCE_CONTINUE;
	if (worker->control_source && worker->state == DH_WORKER_STARTING && has_news(worker->control))
		dh_io_timer_set(worker->timer, worker->workers->config.start_ms);
	else if (worker->output_source && worker->job && has_news(worker->output))
		dh_io_timer_set(worker->timer, worker->job->silence_ms);
	else if (worker->state == DH_WORKER_STARTING)
		dh_worker_kill(worker, DH_PREPARE_INTERNAL,
			g_strdup_printf("dh-prepare was not ready after %d ms", worker->workers->config.start_ms));
	else if (worker->is_drained)
		dh_worker_kill(worker, DH_PREPARE_INTERNAL, g_strdup("dh-prepare closed its output and did not end"));
	else if (worker->job)
		dh_worker_kill(worker, DH_PREPARE_INTERNAL,
			g_strdup_printf("dh-prepare wrote nothing for %d ms", worker->job->silence_ms));
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

static void tell_first(struct dh_worker *worker, const char *text, size_t size)
{
	struct dh_job *job = worker->job;

	if (job && job->listener.first && size == strlen(DH_JOB_FIRST) && !memcmp(text, DH_JOB_FIRST, size))
		job->listener.first(job->arg);
}

static gboolean control(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_worker *worker = arg;
	char text[64];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
	int version, end = 0;

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	dh_io_drop(&worker->control_source);
	if (n <= 0)
		return G_SOURCE_REMOVE; /* its exit follows */
	if (worker->state != DH_WORKER_STARTING) {
		tell_first(worker, text, (size_t)n);
		return G_SOURCE_REMOVE; /* later messages do not matter */
	}
	text[n] = 0;
	if (sscanf(text, "ready %d%n", &version, &end) != 1 || text[end])
		dh_worker_kill(worker, DH_PREPARE_INTERNAL, g_strdup("dh-prepare did not report that it is ready"));
	else if (version != DH_PREPARE_PROTOCOL)
		dh_worker_kill(worker, DH_PREPARE_INTERNAL,
			g_strdup_printf("dh-prepare speaks protocol %d, this plugin %d: install both from one release",
				version, DH_PREPARE_PROTOCOL));
	else {
		worker->state = DH_WORKER_READY;
		worker->used_us = -1;
		worker->ready_us = g_get_monotonic_time();
		dh_io_timer_set(worker->timer, -1);
		dh_workers_pump(worker->workers);
	}
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

static int spawn(struct dh_worker *worker)
{
	int output[2] = { -1, -1 }, sockets[2] = { -1, -1 };
	struct dh_child_spec spec;
	char **argv;
	int err;

	if (pipe2(output, O_CLOEXEC) < 0 || fcntl(output[0], F_SETFL, O_NONBLOCK) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		err = -errno;
		goto out;
	}
	argv = dh_worker_arguments(&worker->workers->config, "--worker");
	spec = (struct dh_child_spec){ .argv = argv, .fds = { -1, output[1], -1, sockets[1], -1 } };
	err = dh_child_spawn(&worker->child, worker->workers->io, &spec, exited, worker);
	g_strfreev(argv);
	if (err < 0)
		goto out;
	worker->output = output[0];
	worker->control = sockets[0];
	output[0] = sockets[0] = -1;
out:
	close_pair(output);
	close_pair(sockets);
	return err;
}

int dh_worker_start(struct dh_workers *workers, struct dh_worker **worker, char **error)
{
	struct dh_io *io = workers->io;
	struct dh_worker *new = g_new0(struct dh_worker, 1);
	int err;

	new->workers = workers;
	new->output = new->control = -1;
	new->used_us = -1;
	err = spawn(new);
	if (err < 0) {
		*error = g_strdup_printf("%s cannot be started: %s", workers->config.path, g_strerror(-err));
		g_free(new);
		return err;
	}
	new->control_source = dh_io_watch(io, new->control, G_IO_IN | G_IO_HUP | G_IO_ERR, control, new);
	new->timer = dh_io_timer(io, timeout, new);
	dh_io_timer_set(new->timer, workers->config.start_ms);
	*worker = new;
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
