/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_server.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_late.h"
#include "log.h"
#include "prepare/job.h"

#define TEXT_MAX 64

struct request {
	unsigned number;
	void *asker;
};

struct dh_worker_server {
	struct dh_io *io;
	struct dh_worker_server_listener listener;
	void *arg;
	bool is_left;
	struct dh_io_left left;
	int limit_ms; /* to be ready, or to answer */
	struct dh_child *child;
	int control;
	GSource *source; /* NULL: the socket is at its end, so nobody will answer any more */
	GSource *timer;
	bool is_ready, is_exited;
	int status;
	int64_t used_us;
	unsigned last; /* number of a request */
	GQueue asked;  /* struct request */
	char *why;     /* it was killed, or NULL */
};

static void release(struct dh_worker_server *server)
{
	dh_child_free(&server->child);
	dh_io_drop(&server->source);
	dh_io_drop(&server->timer);
	g_queue_clear_full(&server->asked, g_free);
	close(server->control);
	g_free(server->why);
	g_free(server);
}

/* Its process has ended, and every worker that it made has answered. */
static void settle(struct dh_worker_server *server)
{
	char *text;
	int code;

	if (!server->is_exited || server->source)
		return;
	if (server->is_left) {
		dh_io_forget(&server->left);
		release(server);
		return;
	}
	text = server->why ? g_steal_pointer(&server->why) : dh_worker_server_explain(server->status, 0, &code);
	server->listener.ended(server->arg, text ? text : g_strdup("dh-prepare ended before it was asked to"));
}

/* Takes ownership of `why`. */
static void fail(struct dh_worker_server *server, char *why)
{
	if (server->why)
		g_free(why);
	else
		server->why = why;
	dh_child_kill(server->child);
}

static gboolean timeout(gpointer arg)
{
	struct dh_worker_server *server = arg;

	if (server->is_exited) {
		dh_io_drop(&server->source); /* one that was just made never answered */
		settle(server);
	} else if (server->source && dh_child_has_news(server->control)) {
		dh_io_timer_set(server->timer, server->limit_ms);
	} else if (!dh_child_is_starved(server->child, server->timer, &server->used_us, server->limit_ms)) {
		fail(server, g_strdup_printf("dh-prepare was not ready after %d ms", server->limit_ms));
		dh_io_timer_set(server->timer, server->limit_ms);
	}
	return G_SOURCE_CONTINUE;
}

/* --- its messages */

static void be_ready(struct dh_worker_server *server, const char *text)
{
	int version, end = 0;

	if (sscanf(text, "ready %d%n", &version, &end) != 1 || text[end]) {
		fail(server, g_strdup("dh-prepare did not report that it is ready"));
	} else if (version != DH_PREPARE_PROTOCOL) {
		fail(server,
			g_strdup_printf("dh-prepare speaks protocol %d, this plugin %d: install both from one release",
				version, DH_PREPARE_PROTOCOL));
	} else {
		server->is_ready = true;
		if (!server->is_left)
			server->listener.ready(server->arg);
	}
}

/* Nobody wants it any more. */
static void kill_stray(struct dh_io *io, pid_t pid)
{
	struct dh_child *child;

	if (pid > 0 && dh_child_adopt(&child, io, pid, NULL, NULL) == 0)
		dh_child_free(&child);
}

/* Whose request it was, no longer waiting; NULL if nobody's. */
static void *take_asker(struct dh_worker_server *server, unsigned number)
{
	for (GList *l = server->asked.head; l; l = l->next) {
		struct request *request = l->data;
		void *asker = request->asker;
		if (request->number != number)
			continue;
		g_queue_delete_link(&server->asked, l);
		g_free(request);
		return asker;
	}
	return NULL;
}

static void be_answered(struct dh_worker_server *server, const char *text)
{
	void *asker = NULL;
	unsigned number;
	int pid, err;

	if (sscanf(text, DH_FORK_FAILED, &number, &err) == 2)
		pid = -err;
	else if (sscanf(text, DH_FORK_DONE, &number, &pid) != 2)
		pid = 0;
	if (pid != 0)
		asker = take_asker(server, number);
	if (asker && !server->is_left)
		server->listener.forked(server->arg, asker, pid);
	else
		kill_stray(server->io, pid);
	if (!asker)
		fail(server, g_strdup("dh-prepare answered what nobody had asked"));
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_worker_server *server = arg;
	char text[TEXT_MAX];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n <= 0) {
		dh_io_drop(&server->source);
		dh_child_kill(server->child);
		settle(server);
		return G_SOURCE_REMOVE;
	}
	text[n] = 0;
	server->used_us = -1;
	if (server->is_ready)
		be_answered(server, text);
	else
		be_ready(server, text);
	dh_io_timer_set(server->timer, g_queue_is_empty(&server->asked) ? -1 : server->limit_ms);
	return G_SOURCE_CONTINUE;
}

int dh_worker_server_ask(struct dh_worker_server *server, int output, int control, void *asker)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 2)];
	} space;
	char text[TEXT_MAX];
	struct iovec body = { .iov_base = text };
	struct msghdr message = { .msg_iov = &body,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof space.bytes };
	const int fds[2] = { output, control };
	struct cmsghdr *header;
	struct request *request;

	memset(&space, 0, sizeof space);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(header), fds, sizeof fds);
	body.iov_len = (size_t)snprintf(text, sizeof text, DH_FORK_ASK, ++server->last);
	if (sendmsg(server->control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	if (g_queue_is_empty(&server->asked))
		dh_io_timer_set(server->timer, server->limit_ms);
	request = g_new0(struct request, 1);
	request->number = server->last;
	request->asker = asker;
	g_queue_push_tail(&server->asked, request);
	return 0;
}

/* --- life */

static void exited(void *arg, int status)
{
	struct dh_worker_server *server = arg;

	server->is_exited = true;
	server->status = status;
	settle(server);
}

static int spawn(struct dh_worker_server *server, const struct dh_worker_server_config *config, int control)
{
	/* Workers are in its group until they have answered. */
	struct dh_child_spec spec = { .argv = config->argv, .fds = { -1, -1, -1, control, -1 }, .is_alone = true };

	return dh_child_spawn(&server->child, config->io, &spec, exited, server);
}

int dh_worker_server_start(struct dh_worker_server **server, const struct dh_worker_server_config *config,
	const struct dh_worker_server_listener *listener, void *arg)
{
	struct dh_worker_server *new;
	int sockets[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	new = g_new0(struct dh_worker_server, 1);
	err = spawn(new, config, sockets[1]);
	close(sockets[1]);
	if (err < 0) {
		close(sockets[0]);
		g_free(new);
		return err;
	}
	new->io = config->io;
	new->listener = *listener;
	new->arg = arg;
	new->limit_ms = config->limit_ms;
	new->control = sockets[0];
	new->used_us = -1;
	new->source = dh_io_watch(new->io, new->control, G_IO_IN | G_IO_HUP | G_IO_ERR, readable, new);
	new->timer = dh_io_timer(new->io, timeout, new);
	dh_io_timer_set(new->timer, new->limit_ms);
	*server = new;
	return 0;
}

static void hurry(struct dh_io_left *left)
{
	struct dh_worker_server *server = (struct dh_worker_server *)((char *)left -
		offsetof(struct dh_worker_server, left));

	dh_child_kill(server->child);
}

static void abandon(struct dh_io_left *left)
{
	dh_log(DH_LOG_ERROR, "a worker that was just made does not answer");
	release((struct dh_worker_server *)((char *)left - offsetof(struct dh_worker_server, left)));
}

void dh_worker_server_free(struct dh_worker_server **server)
{
	struct dh_worker_server *old = *server;

	*server = NULL;
	if (!old)
		return;
	if (g_queue_is_empty(&old->asked) || !old->source) {
		release(old);
		return;
	}
	old->is_left = true;
	old->left.hurry = hurry;
	old->left.abandon = abandon;
	dh_io_leave(old->io, &old->left);
	shutdown(old->control, SHUT_WR); /* it answers what it was asked, and ends */
}

bool dh_worker_server_is_ready(const struct dh_worker_server *server)
{
	return server->is_ready && !server->why && !server->is_exited && server->source;
}

char *dh_worker_server_explain(int status, int cpu_s, int *code)
{
	*code = DH_PREPARE_INTERNAL;
	if (status == -1)
		return g_strdup("dh-prepare has ended, nobody knows how");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
		*code = DH_PREPARE_LIMIT;
		return g_strdup_printf("it takes more than %d s of processor time", cpu_s);
	}
	if (WIFSIGNALED(status))
		return g_strdup_printf("dh-prepare was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == DH_PREPARE_OK) {
		*code = DH_PREPARE_OK;
		return NULL;
	}
	if (WEXITSTATUS(status) <= DH_PREPARE_SILENT)
		*code = WEXITSTATUS(status);
	return g_strdup_printf("dh-prepare failed with exit code %d", WEXITSTATUS(status));
}
