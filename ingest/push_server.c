/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "push_listen.h"

/* Accepted in one turn of the I/O thread. */
#define ACCEPT_MAX 16
/* Connections beyond the limit that get an error; more are closed without a word. */
#define REFUSED_MAX 64
/* Without descriptors, wait so long. */
#define PAUSE_MS 200

struct dh_push_server {
	/* immutable */
	struct dh_io *io;
	struct dh_push_owner owner;
	void *arg;
	int max, line_ms;
	char *path; /* of the Unix socket, to be removed */
	int tcp, local;
	/* I/O thread */
	GSource *tcp_source, *local_source, *pause;
	bool is_short;  /* of descriptors or memory, and has said so */
	GPtrArray *all; /* struct dh_push, references */
	atomic_int count;
};

/* --- what connections report */

static void on_line(void *arg, struct dh_push *push, const char *line, size_t size)
{
	const struct dh_push_server *server = arg;

	server->owner.line(server->arg, push, line, size);
}

static json_t *on_refusal(void *arg, const char *limit)
{
	const struct dh_push_server *server = arg;

	return server->owner.refusal(server->arg, limit);
}

static void on_closed(void *arg, struct dh_push *push)
{
	struct dh_push_server *server = arg;

	g_ptr_array_remove_fast(server->all, push);
	atomic_store(&server->count, (int)server->all->len);
	server->owner.closed(server->arg, push);
	dh_push_unref(&push);
}

/* --- accepting */

static char *peer_of(const struct sockaddr_storage *address, socklen_t size)
{
	char host[INET6_ADDRSTRLEN], port[8];

	if (address->ss_family == AF_UNIX ||
		getnameinfo((const struct sockaddr *)address, size, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV))
		return g_strdup("a Unix socket");
	return g_strdup_printf("%s port %s", host, port);
}

/* Events leave at once, and a peer that has lost its network is noticed. */
static void tune(int fd, const struct sockaddr_storage *address)
{
	const int on = 1, idle_s = 20, interval_s = 5, count = 3;

	if (address->ss_family == AF_UNIX)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static const struct dh_push_owner owner = { .line = on_line, .refusal = on_refusal, .closed = on_closed };

static void welcome(struct dh_push_server *server, int fd, const struct sockaddr_storage *address, socklen_t size)
{
	int count = (int)server->all->len;

	if (count >= server->max + REFUSED_MAX) {
		close(fd);
		return;
	}
	tune(fd, address);
	struct dh_push *push = dh_push_new(server->io, fd, peer_of(address, size), server->line_ms, &owner, server);
	g_ptr_array_add(server->all, push);
	atomic_store(&server->count, count + 1);
	if (count >= server->max)
		dh_push_refuse(push, DH_PUSH_MAX_OPTION);
}

static void drop_sources(struct dh_push_server *server)
{
	dh_io_drop(&server->tcp_source);
	dh_io_drop(&server->local_source);
}

/* Tries again after a while; says so once. */
static void pause_accepting(struct dh_push_server *server, int err)
{
	if (!server->is_short)
		dh_log(DH_LOG_WARNING, "no connection can be accepted for now: %s", g_strerror(err));
	server->is_short = true;
	drop_sources(server);
	dh_io_timer_set(server->pause, PAUSE_MS);
}

static gboolean acceptable(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_push_server *server = arg;

	(void)condition;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage address = { .ss_family = AF_UNIX };
		socklen_t size = sizeof address;
		int from = accept4(fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
		if (from >= 0) {
			server->is_short = false;
			welcome(server, from, &address, size);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			pause_accepting(server, errno);
			break;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			break;
		}
	}
	return G_SOURCE_CONTINUE;
}

static void add_sources(struct dh_push_server *server)
{
	if (server->tcp >= 0)
		server->tcp_source = dh_io_watch(server->io, server->tcp, G_IO_IN, acceptable, server);
	if (server->local >= 0)
		server->local_source = dh_io_watch(server->io, server->local, G_IO_IN, acceptable, server);
}

static gboolean go_on(gpointer arg)
{
	add_sources(arg);
	return G_SOURCE_CONTINUE;
}

/* --- life */

static void start(void *arg)
{
	struct dh_push_server *server = arg;

	server->pause = dh_io_timer(server->io, go_on, server);
	add_sources(server);
}

static void release(struct dh_push_server *server)
{
	if (server->tcp >= 0)
		close(server->tcp);
	if (server->local >= 0)
		close(server->local);
	if (server->path)
		unlink(server->path);
	g_free(server->path);
	g_ptr_array_free(server->all, TRUE);
	g_free(server);
}

int dh_push_server_alloc(struct dh_push_server **out, struct dh_io *io, const struct dh_push_config *config,
	const struct dh_push_owner *given, void *arg, char **error)
{
	struct dh_push_server *server = g_new0(struct dh_push_server, 1);
	int err = 0;

	server->io = io;
	server->owner = *given;
	server->arg = arg;
	server->max = config->max;
	server->line_ms = config->line_ms;
	server->tcp = server->local = -1;
	server->all = g_ptr_array_new();
	if (config->listen)
		server->tcp = err = dh_push_listen_tcp(config->listen, error);
	if (err >= 0 && config->socket) {
		server->local = err = dh_push_listen_local(config->socket, config->socket_mode, config->socket_group,
			error);
		server->path = err >= 0 ? g_strdup(config->socket) : NULL;
	}
	if (err < 0) {
		release(server);
		return err;
	}
	dh_io_call(io, start, server);
	*out = server;
	return 0;
}

static void stop(void *arg)
{
	struct dh_push_server *server = arg;

	drop_sources(server);
	dh_io_drop(&server->pause);
	while (server->all->len > 0)
		dh_push_close(server->all->pdata[server->all->len - 1]);
}

void dh_push_server_free(struct dh_push_server **server)
{
	struct dh_push_server *old = *server;

	*server = NULL;
	if (!old)
		return;
	dh_io_call(old->io, stop, old);
	release(old);
}

int dh_push_server_count(const struct dh_push_server *server)
{
	return atomic_load(&server->count);
}
