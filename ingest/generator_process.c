/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "child.h"
#include "generator_command.h"
#include "generator_log.h"
#include "log.h"
#include "text.h"

/* Connections that wait until it accepts them. */
#define BACKLOG 128
/* The first request, and how long to wait before it is made again if it was not answered. */
#define PROBE    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define PROBE_MS 200
/* From the beginning of its answer to the end: then it is ready all the same. */
#define ANSWER_MS 1000
/* Of its last words. */
#define WORDS_BYTES 200

struct dh_generator_process {
	struct dh_io *io;
	struct dh_generator_process_spec spec;
	char *who;
	enum dh_place_state state;
	uint64_t starts;
	int failures; /* in a row */
	char *error;
	GSource *timer; /* while it does not run: its start; then the next step of the first request */
	/* while it runs */
	struct dh_child *child;
	struct dh_generator_log *log;
	int alive;      /* our end of a pipe that closes when we die */
	int socket;     /* the socket's file, by which it is found */
	GSource *limit; /* start_s */
	int probe;      /* the connection of the first request; -1: none */
	GSource *probe_source;
	bool has_answered, is_ready;
	int64_t ready_us;  /* since when */
	const char *fault; /* why it is killed; NULL: it is not */
};

static void set_state(struct dh_generator_process *process, enum dh_place_state state)
{
	if (process->state == state)
		return;
	process->state = state;
	process->spec.changed(process->spec.arg, process->spec.number, state);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- its socket */

/* tmpfs first: it never waits for a disk. */
static int make_folder(char *path, size_t size)
{
	static const char *const parents[] = { "/dev/shm", "/tmp" };
	int err = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(parents); i++) {
		snprintf(path, size, "%s/dh-XXXXXX", parents[i]);
		if (mkdtemp(path))
			return 0;
		err = -errno;
	}
	return err;
}

static int bind_to(int listener, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0)
		return -errno;
	return 0;
}

/* Its file is removed at once; an O_PATH descriptor still finds it. */
static int open_socket(int *listener, int *file)
{
	char folder[40], path[50];
	int err = make_folder(folder, sizeof folder);

	if (err < 0)
		return err;
	snprintf(path, sizeof path, "%s/socket", folder);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = *listener < 0 ? -errno : bind_to(*listener, path);
	if (!err) {
		*file = open(path, O_PATH | O_CLOEXEC);
		/* dh-fetch is another user. */
		err = *file < 0 || chmod(path, 0666) < 0 ? -errno : 0;
		unlink(path);
	}
	rmdir(folder);
	return err;
}

static int connect_to(const struct dh_generator_process *process)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", process->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* --- the first request */

static void end_probe(struct dh_generator_process *process)
{
	dh_io_drop(&process->probe_source);
	close_fd(&process->probe);
}

static void be_ready(struct dh_generator_process *process)
{
	end_probe(process);
	process->is_ready = true;
	process->ready_us = g_get_monotonic_time();
	dh_io_timer_set(process->limit, -1);
	dh_log(DH_LOG_INFO, "%s is ready", process->who);
	set_state(process, DH_PLACE_THERE);
}

static gboolean answering(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_generator_process *process = arg;
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n > 0 && !process->has_answered) {
		process->has_answered = true;
		dh_io_timer_set(process->timer, ANSWER_MS);
	}
	if (n > 0)
		return G_SOURCE_CONTINUE;
	end_probe(process);
	dh_io_timer_set(process->timer, process->has_answered ? 0 : PROBE_MS);
	return G_SOURCE_CONTINUE;
}

/* It waits in the socket's queue until the process accepts connections. */
static void ask(struct dh_generator_process *process)
{
	process->probe = connect_to(process);
	if (process->probe >= 0 &&
		send(process->probe, PROBE, sizeof PROBE - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof PROBE - 1)
		process->probe_source = dh_io_watch(process->io, process->probe, G_IO_IN | G_IO_HUP | G_IO_ERR,
			answering, process);
	else {
		close_fd(&process->probe);
		dh_io_timer_set(process->timer, PROBE_MS);
	}
}

static gboolean out_of_time(gpointer arg)
{
	struct dh_generator_process *process = arg;

	process->fault = "was not ready within start_s";
	dh_child_kill(process->child);
	return G_SOURCE_CONTINUE;
}

/* --- its life */

static void clear_run(struct dh_generator_process *process)
{
	end_probe(process);
	dh_io_timer_set(process->limit, -1);
	dh_child_free(&process->child);
	dh_generator_log_free(&process->log);
	close_fd(&process->alive);
	close_fd(&process->socket);
}

/* It does not run, or not any more. Takes ownership of `error`. */
static void start_later(struct dh_generator_process *process, char *error)
{
	int64_t now_us = g_get_monotonic_time();
	bool was_ready = process->is_ready;

	if (was_ready && now_us - process->ready_us >= DH_POOL_PAUSE_MAX_US)
		process->failures = 0;
	int64_t pause_us = MIN(DH_POOL_PAUSE_MIN_US << MIN(process->failures, 10), DH_POOL_PAUSE_MAX_US);
	process->failures++;
	g_free(process->error);
	process->error = error;
	dh_log(DH_LOG_WARNING, "%s %s; it is started again in %d s", process->who, error,
		(int)(pause_us / G_USEC_PER_SEC));
	process->has_answered = process->is_ready = false;
	process->fault = NULL;
	clear_run(process);
	dh_io_timer_set(process->timer, pause_us / 1000);
	set_state(process, was_ready ? DH_PLACE_COMING : DH_PLACE_GONE);
}

static void exited(void *arg, int status)
{
	struct dh_generator_process *process = arg;
	char *last = dh_generator_log_end(&process->log);
	char *words = last ? dh_text_line(last, WORDS_BYTES) : NULL;
	char *end = dh_generator_explain(status, words);
	bool is_told = !words || strstr(end, words);

	start_later(process,
		process->fault  ? g_strdup(process->fault) :
			is_told ? g_strdup(end) :
				  g_strdup_printf("%s: %s", end, words));
	g_free(end);
	g_free(words);
	g_free(last);
}

static int spawn(struct dh_generator_process *process, const int *fds)
{
	const struct dh_generator_spec spec = { .config = process->spec.config,
		.scope = process->spec.scope,
		.user = process->spec.user,
		.socket = -1,
		.is_process = true,
		.audio = -1,
		.scene = { .position_ms = -1 } };

	return dh_generator_spawn(&process->child, process->io, &spec, fds, exited, process);
}

static int start(struct dh_generator_process *process)
{
	int listener = -1, words = -1, ends[2] = { -1, -1 };
	int err = open_socket(&listener, &process->socket);

	if (!err)
		err = dh_generator_log_alloc(&process->log, process->io, process->who, true, &words);
	if (!err && pipe2(ends, O_CLOEXEC) < 0)
		err = -errno;
	process->alive = ends[1];
	const int fds[] = { -1, words, words, ends[0], listener };
	if (!err)
		err = spawn(process, fds);
	/* The process has the only listener: once it ends, who waits for it learns that. */
	close_fd(&listener);
	close_fd(&words);
	close_fd(&ends[0]);
	return err;
}

static void begin(struct dh_generator_process *process)
{
	int err = start(process);

	process->starts++;
	if (err < 0) {
		start_later(process, g_strdup_printf("cannot be started: %s", g_strerror(-err)));
		return;
	}
	dh_io_timer_set(process->limit, process->spec.config->start_s * 1000);
	ask(process);
	set_state(process, DH_PLACE_COMING);
}

static gboolean next_step(gpointer arg)
{
	struct dh_generator_process *process = arg;

	if (!process->child)
		begin(process);
	else if (process->has_answered && !process->is_ready)
		be_ready(process);
	else if (!process->is_ready)
		ask(process);
	return G_SOURCE_CONTINUE;
}

struct dh_generator_process *dh_generator_process_new(struct dh_io *io, const struct dh_generator_process_spec *spec)
{
	struct dh_generator_process *process = g_new0(struct dh_generator_process, 1);

	process->io = io;
	process->spec = *spec;
	process->who = g_strdup_printf("generator-%s: process %d", spec->config->name, spec->number + 1);
	process->alive = process->socket = process->probe = -1;
	process->state = DH_PLACE_COMING;
	process->timer = dh_io_timer(io, next_step, process);
	process->limit = dh_io_timer(io, out_of_time, process);
	dh_io_timer_set(process->timer, 0);
	return process;
}

void dh_generator_process_free(struct dh_generator_process **process)
{
	struct dh_generator_process *old = *process;

	*process = NULL;
	if (!old)
		return;
	clear_run(old);
	dh_io_drop(&old->timer);
	dh_io_drop(&old->limit);
	g_free(old->error);
	g_free(old->who);
	g_free(old);
}

void dh_generator_process_is_stuck(struct dh_generator_process *process)
{
	if (!process->is_ready || process->fault)
		return;
	process->fault = "fell silent, and was killed";
	dh_child_kill(process->child);
}

enum dh_place_state dh_generator_process_state(const struct dh_generator_process *process)
{
	return process->state;
}

uint64_t dh_generator_process_starts(const struct dh_generator_process *process)
{
	return process->starts;
}

const char *dh_generator_process_error(const struct dh_generator_process *process)
{
	return process->error;
}

int dh_generator_process_socket(const struct dh_generator_process *process)
{
	return process->socket;
}
