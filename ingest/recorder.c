/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "log.h"
#include "prepare/record_wire.h"

/* Some seconds of media, while the process gets no processor. Without CAP_NET_ADMIN the system may allow
 * less. */
#define SEND_BUFFER (4 << 20)
#define ARGUMENTS   24

struct dh_recorder {
	atomic_int refs;
	/* immutable */
	struct dh_io *io;
	char *path; /* its files', without their endings */
	int socket;
	atomic_int *count;
	/* before has_ended: the I/O thread's, afterwards immutable */
	struct dh_io_left left;
	struct dh_child *child;
	char *error;
	atomic_bool has_ended;
};

/* --- life */

void dh_recorder_unref(struct dh_recorder **recorder)
{
	struct dh_recorder *old = *recorder;

	*recorder = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) > 1)
		return;
	close(old->socket);
	g_free(old->path);
	g_free(old->error);
	g_free(old);
}

/* What it says before it exits. */
static char *last_words(const struct dh_recorder *recorder, int status)
{
	char text[DH_RECORD_TEXT_MAX];
	ssize_t size = recv(recorder->socket, text, sizeof(text), MSG_DONTWAIT);

	if (size < 0 && errno == ECONNRESET) /* it has not read all, which is reported once */
		size = recv(recorder->socket, text, sizeof(text), MSG_DONTWAIT);
	if (size > 0)
		return g_strndup(text, (size_t)size);
	if (status == 0)
		return NULL;
	if (status > 0 && WIFSIGNALED(status))
		return g_strdup_printf("dh-record was ended by signal %d", WTERMSIG(status));
	return g_strdup_printf("dh-record ended with status %d", status > 0 ? WEXITSTATUS(status) : status);
}

/* The process is no more, or no longer ours. */
static void finish(struct dh_recorder *recorder, char *error)
{
	recorder->error = error;
	atomic_fetch_sub(recorder->count, 1); /* first: who sees that it has ended may start another */
	atomic_store(&recorder->has_ended, true);
	dh_recorder_unref(&recorder);
}

static void exited(void *arg, int status)
{
	struct dh_recorder *recorder = arg;
	char *error = last_words(recorder, status);

	if (error) /* whoever wanted to know may have ended */
		dh_log(DH_LOG_WARNING, "recording %s: %s", recorder->path, error);
	dh_io_forget(&recorder->left);
	dh_child_free(&recorder->child);
	finish(recorder, error);
}

static void hurry(struct dh_io_left *left)
{
	dh_recorder_end((struct dh_recorder *)((char *)left - offsetof(struct dh_recorder, left)));
}

/* A slow disk. The socket has ended, and what it needs to complete its files is in it, or in the process. */
static void abandon(struct dh_io_left *left)
{
	struct dh_recorder *recorder = (struct dh_recorder *)((char *)left - offsetof(struct dh_recorder, left));

	dh_log(DH_LOG_WARNING, "dh-record is not waited for: it is still writing %s", recorder->path);
	dh_child_disown(&recorder->child);
	finish(recorder, g_strdup("dh-record is still writing"));
}

/* --- starting it */

struct start {
	struct dh_recorder *recorder;
	char *const *argv;
	int socket; /* the process's end */
	int err;
};

static void start(void *arg)
{
	struct start *start = arg;
	struct dh_recorder *recorder = start->recorder;
	const struct dh_child_spec spec = { .argv = start->argv, .fds = { start->socket, -1, -1, -1, -1 } };

	start->err = dh_child_spawn(&recorder->child, recorder->io, &spec, exited, recorder);
	if (start->err)
		return;
	atomic_fetch_add(&recorder->refs, 1);
	recorder->left.hurry = hurry;
	recorder->left.abandon = abandon;
	dh_io_leave(recorder->io, &recorder->left);
}

static void add(GPtrArray *argv, const char *option, char *value)
{
	g_ptr_array_add(argv, g_strdup(option));
	if (value)
		g_ptr_array_add(argv, value);
}

static GPtrArray *arguments(const struct dh_recorder_config *config)
{
	GPtrArray *argv = g_ptr_array_new_full(ARGUMENTS, g_free);

	add(argv, config->program, NULL);
	add(argv, "--folder", g_strdup(config->folder));
	add(argv, "--name", g_strdup(config->name));
	if (config->webm)
		add(argv, "--webm", NULL);
	if (config->mjr)
		add(argv, "--mjr", NULL);
	if (config->title)
		add(argv, "--title", g_strdup(config->title));
	if (config->comment)
		add(argv, "--comment", g_strdup(config->comment));
	g_ptr_array_add(argv, NULL);
	return argv;
}

int dh_recorder_alloc(struct dh_recorder **out, struct dh_io *io, const struct dh_recorder_config *config,
	atomic_int *count)
{
	int sockets[2], size = SEND_BUFFER;

	*out = NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		atomic_fetch_sub(count, 1);
		return -errno;
	}
	if (setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	GPtrArray *argv = arguments(config);
	struct dh_recorder *recorder = g_new0(struct dh_recorder, 1);
	struct start call = { .recorder = recorder, .argv = (char *const *)argv->pdata, .socket = sockets[1] };
	atomic_init(&recorder->refs, 1);
	recorder->io = io;
	recorder->path = g_build_filename(config->folder, config->name, NULL);
	recorder->socket = sockets[0];
	recorder->count = count;
	dh_io_call(io, start, &call);
	close(sockets[1]);
	g_ptr_array_free(argv, TRUE);
	if (call.err) {
		atomic_fetch_sub(count, 1);
		dh_recorder_unref(&recorder);
	}
	*out = recorder;
	return call.err;
}

/* --- use */

static int put(struct dh_recorder *recorder, char kind, const void *bytes, size_t size)
{
	struct iovec parts[2] = { { &kind, 1 }, { (void *)bytes, size } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (size >= DH_RECORD_MESSAGE_MAX)
		return -EAGAIN;
	if (sendmsg(recorder->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		return 0;
	return errno == EPIPE || errno == ECONNRESET ? -EPIPE : -EAGAIN;
}

int dh_recorder_packet(struct dh_recorder *recorder, enum dh_media media, const uint8_t *rtp, size_t size)
{
	return put(recorder, media == DH_VIDEO ? DH_RECORD_VIDEO : DH_RECORD_AUDIO, rtp, size);
}

int dh_recorder_line(struct dh_recorder *recorder, const char *text)
{
	return put(recorder, DH_RECORD_LINE, text, strlen(text));
}

void dh_recorder_end(struct dh_recorder *recorder)
{
	shutdown(recorder->socket, SHUT_WR);
}

bool dh_recorder_has_ended(struct dh_recorder *recorder, const char **error)
{
	if (!atomic_load(&recorder->has_ended))
		return false;
	*error = recorder->error;
	return true;
}
