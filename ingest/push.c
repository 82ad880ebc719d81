/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Closing a socket that holds unread bytes resets the connection, and the peer might lose
 * the last line. So they are read and thrown away, for at most so long. */
#define DRAIN_MS    2000
#define DRAIN_BYTES 65536

enum state {
	LINE,     /* a line is being read */
	ASKED,    /* the owner has the line */
	MEDIA,    /* the owner reads */
	DRAINING, /* everything is sent; what still comes is thrown away */
	CLOSED,
};

struct dh_push {
	atomic_int refs;
	/* immutable */
	struct dh_io *io; /* this and the owner are valid until CLOSED */
	const struct dh_push_owner *owner;
	void *arg;
	int line_ms;
	char *peer;
	void *user; /* see dh_push_set_user */
	/* I/O thread */
	enum state state;
	GString *line; /* what has come of it */
	GSource *readable, *writable, *timer;
	gsize sent; /* bytes of the first of `out` */
	/* protected by lock */
	GMutex lock;
	int fd;     /* -1 once closed */
	GQueue out; /* GBytes */
	gsize unsent;
	bool is_ending; /* when all is sent */
	bool is_posted; /* the I/O thread will look at it */
};

struct dh_push *dh_push_ref(struct dh_push *push)
{
	atomic_fetch_add(&push->refs, 1);
	return push;
}

void dh_push_unref(struct dh_push **push)
{
	struct dh_push *old = *push;

	*push = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	g_queue_clear_full(&old->out, (GDestroyNotify)g_bytes_unref);
	g_string_free(old->line, TRUE);
	g_mutex_clear(&old->lock);
	g_free(old->peer);
	g_free(old);
}

const char *dh_push_peer(const struct dh_push *push)
{
	return push->peer;
}

void dh_push_set_user(struct dh_push *push, void *user)
{
	push->user = user;
}

void *dh_push_user(const struct dh_push *push)
{
	return push->user;
}

/* --- I/O thread */

void dh_push_close(struct dh_push *push)
{
	if (push->state == CLOSED)
		return;
	push->state = CLOSED;
	dh_io_drop(&push->readable);
	dh_io_drop(&push->writable);
	dh_io_drop(&push->timer);
	g_mutex_lock(&push->lock);
	close(push->fd);
	push->fd = -1;
	g_mutex_unlock(&push->lock);
	push->owner->closed(push->arg, push);
}

static gboolean drain(gint fd, GIOCondition condition, gpointer arg)
{
	static char discarded[DRAIN_BYTES]; /* only the I/O thread uses it */
	ssize_t n = recv(fd, discarded, sizeof discarded, MSG_DONTWAIT);

	(void)condition;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		dh_push_close(arg);
	return G_SOURCE_CONTINUE;
}

static void start_draining(struct dh_push *push)
{
	push->state = DRAINING;
	dh_io_drop(&push->readable);
	if (shutdown(push->fd, SHUT_WR) < 0) {
		dh_push_close(push);
		return;
	}
	push->readable = dh_io_watch(push->io, push->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, drain, push);
	dh_io_timer_set(push->timer, DRAIN_MS);
}

/* The first piece that waits, NULL if nothing does. A reference. */
static GBytes *first_of(struct dh_push *push, bool *is_ending)
{
	g_mutex_lock(&push->lock);
	GBytes *first = g_queue_peek_head(&push->out);
	if (first)
		g_bytes_ref(first);
	*is_ending = push->is_ending;
	g_mutex_unlock(&push->lock);
	return first;
}

static void count_sent(struct dh_push *push, gsize sent, gsize size)
{
	push->sent += sent;
	g_mutex_lock(&push->lock);
	push->unsent -= sent;
	if (push->sent == size) {
		g_bytes_unref(g_queue_pop_head(&push->out));
		push->sent = 0;
	}
	g_mutex_unlock(&push->lock);
}

/* 1: go on; 0: the socket is full; -1: the peer is gone. */
static int send_some(struct dh_push *push, GBytes *bytes)
{
	gsize size;
	const char *at = g_bytes_get_data(bytes, &size);
	ssize_t n = send(push->fd, at + push->sent, size - push->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		count_sent(push, (gsize)n, size);
	if (n >= 0 || errno == EINTR)
		return 1;
	return errno == EAGAIN ? 0 : -1;
}

static void flush(struct dh_push *push);

static gboolean writable(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_push *push = arg;

	(void)fd;
	(void)condition;
	dh_io_drop(&push->writable);
	flush(push);
	return G_SOURCE_REMOVE;
}

static void flush(struct dh_push *push)
{
	int going = 1;
	bool is_ending = false;

	while (push->state != CLOSED && push->state != DRAINING && going > 0) {
		GBytes *first = first_of(push, &is_ending);
		if (!first)
			break;
		going = send_some(push, first);
		g_bytes_unref(first);
	}
	if (push->state == CLOSED || push->state == DRAINING)
		return;
	if (going < 0)
		dh_push_close(push);
	else if (going == 0 && !push->writable)
		push->writable = dh_io_watch(push->io, push->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, writable, push);
	else if (going > 0 && is_ending)
		start_draining(push);
}

/* --- lines */

void dh_push_refuse(struct dh_push *push, const char *limit)
{
	dh_io_drop(&push->readable);
	push->state = ASKED;
	dh_push_end(push, push->owner->refusal(push->arg, limit));
}

static gboolean timeout(gpointer arg)
{
	struct dh_push *push = arg;

	if (push->state == LINE)
		dh_push_refuse(push, DH_PUSH_LINE_OPTION);
	else if (push->state == ASKED || push->state == DRAINING)
		dh_push_close(push); /* it does not read its refusal */
	return G_SOURCE_CONTINUE;
}

static void give_line(struct dh_push *push)
{
	GString *line = push->line;

	dh_io_drop(&push->readable);
	dh_io_timer_set(push->timer, -1);
	push->state = ASKED;
	push->line = g_string_new(NULL);
	g_string_truncate(line, line->len - 1);
	push->owner->line(push->arg, push, line->str, line->len);
	g_string_free(line, TRUE);
}

/* Takes what has come, but nothing behind the line feed: those are media. */
static gboolean read_line(gint fd, GIOCondition condition, gpointer arg)
{
	static char bytes[DH_PUSH_LINE_MAX];
	struct dh_push *push = arg;
	ssize_t n = recv(fd, bytes, sizeof bytes - push->line->len, MSG_DONTWAIT | MSG_PEEK);

	(void)condition;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n <= 0) {
		dh_push_close(push);
		return G_SOURCE_CONTINUE;
	}
	const char *end = memchr(bytes, '\n', (size_t)n);
	size_t size = end ? (size_t)(end - bytes) + 1 : (size_t)n;
	n = recv(fd, bytes, size, MSG_DONTWAIT);
	if (n > 0)
		g_string_append_len(push->line, bytes, n);
	if (end && n == (ssize_t)size)
		give_line(push);
	else if (push->line->len >= DH_PUSH_LINE_MAX)
		dh_push_refuse(push, "the length of a line, " G_STRINGIFY(DH_PUSH_LINE_MAX) " bytes,");
	return G_SOURCE_CONTINUE;
}

static void await_line(struct dh_push *push)
{
	push->state = LINE;
	push->readable = dh_io_watch(push->io, push->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, read_line, push);
	dh_io_timer_set(push->timer, push->line_ms);
}

struct dh_push *dh_push_new(struct dh_io *io, int fd, char *peer, int line_ms, const struct dh_push_owner *owner,
	void *arg)
{
	struct dh_push *push = g_new0(struct dh_push, 1);

	atomic_init(&push->refs, 1);
	g_mutex_init(&push->lock);
	g_queue_init(&push->out);
	push->io = io;
	push->owner = owner;
	push->arg = arg;
	push->line_ms = line_ms;
	push->fd = fd;
	push->peer = peer;
	push->line = g_string_new(NULL);
	push->timer = dh_io_timer(push->io, timeout, push);
	await_line(push);
	return push;
}

/* --- any thread */

static void look(void *arg)
{
	struct dh_push *push = arg;

	g_mutex_lock(&push->lock);
	push->is_posted = false;
	bool is_ending = push->is_ending;
	g_mutex_unlock(&push->lock);
	/* A peer that does not read its last line is not waited for. */
	if (is_ending && push->state != CLOSED && push->state != DRAINING)
		dh_io_timer_set(push->timer, DRAIN_MS);
	if (is_ending && push->state == MEDIA)
		push->state = ASKED;
	if (push->state != CLOSED)
		flush(push);
	dh_push_unref(&push);
}

/* Call with the lock held; releases it. */
static void unlock_and_look(struct dh_push *push)
{
	bool post = !push->is_posted && push->fd >= 0;

	push->is_posted = push->is_posted || post;
	g_mutex_unlock(&push->lock);
	if (post)
		dh_io_post(push->io, look, dh_push_ref(push));
}

static void queue(struct dh_push *push, GBytes *bytes)
{
	g_queue_push_tail(&push->out, bytes);
	push->unsent += g_bytes_get_size(bytes);
}

static GBytes *line_of(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	GString *string = g_string_new(text);

	free(text);
	json_decref(line);
	g_string_append_c(string, '\n');
	return g_string_free_to_bytes(string);
}

static void send_bytes(struct dh_push *push, GBytes *bytes, gsize most)
{
	g_mutex_lock(&push->lock);
	if (push->fd < 0 || push->is_ending || push->unsent >= most)
		g_bytes_unref(bytes);
	else
		queue(push, bytes);
	unlock_and_look(push);
}

void dh_push_say(struct dh_push *push, json_t *line)
{
	send_bytes(push, line_of(line), DH_PUSH_UNREAD_MAX);
}

void dh_push_send(struct dh_push *push, GBytes *bytes)
{
	send_bytes(push, g_bytes_ref(bytes), G_MAXSIZE);
}

void dh_push_end(struct dh_push *push, json_t *last)
{
	GBytes *bytes = last ? line_of(last) : NULL;

	g_mutex_lock(&push->lock);
	if (bytes && push->fd >= 0 && !push->is_ending)
		queue(push, g_bytes_ref(bytes));
	push->is_ending = true;
	unlock_and_look(push);
	if (bytes)
		g_bytes_unref(bytes);
}

static void next(void *arg)
{
	struct dh_push *push = arg;

	if (push->state == ASKED)
		await_line(push);
	dh_push_unref(&push);
}

void dh_push_next(struct dh_push *push)
{
	g_mutex_lock(&push->lock);
	if (push->fd >= 0)
		dh_io_post(push->io, next, dh_push_ref(push));
	g_mutex_unlock(&push->lock);
}

static void taken(void *arg)
{
	struct dh_push *push = arg;

	g_mutex_lock(&push->lock);
	bool is_ending = push->is_ending;
	g_mutex_unlock(&push->lock);
	if (push->state == ASKED && !is_ending)
		push->state = MEDIA;
	dh_push_unref(&push);
}

int dh_push_take(struct dh_push *push)
{
	g_mutex_lock(&push->lock);
	int fd = push->fd < 0 ? -1 : fcntl(push->fd, F_DUPFD_CLOEXEC, 0);
	int err = push->fd < 0 ? -ENOTCONN : -errno;
	if (fd >= 0)
		dh_io_post(push->io, taken, dh_push_ref(push));
	g_mutex_unlock(&push->lock);
	return fd < 0 ? err : fd;
}
