/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a connection sends, and how it ends once all is sent. */
#include "push_private.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define DRAIN_BYTES 65536

/* --- I/O thread */

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
	push->state = DH_PUSH_DRAINING;
	dh_io_drop(&push->readable);
	if (shutdown(push->fd, SHUT_WR) < 0) {
		dh_push_close(push);
		return;
	}
	push->readable = dh_io_watch(push->io, push->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, drain, push);
	dh_io_timer_set(push->timer, DH_PUSH_DRAIN_MS);
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
	push->sent_all += sent;
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

static gboolean writable(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_push *push = arg;

	(void)fd;
	(void)condition;
	dh_io_drop(&push->writable);
	dh_push_flush(push);
	return G_SOURCE_REMOVE;
}

void dh_push_flush(struct dh_push *push)
{
	int going = 1;
	bool is_ending = false;

	while (push->state != DH_PUSH_CLOSED && push->state != DH_PUSH_DRAINING && going > 0) {
		GBytes *first = first_of(push, &is_ending);
		if (!first)
			break;
		going = send_some(push, first);
		g_bytes_unref(first);
	}
	if (push->state == DH_PUSH_CLOSED || push->state == DH_PUSH_DRAINING)
		return;
	if (going < 0)
		dh_push_close(push);
	else if (going == 0 && !push->writable)
		push->writable = dh_io_watch(push->io, push->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, writable, push);
	else if (going > 0 && is_ending)
		start_draining(push);
	else if (going > 0 && push->wants_line)
		dh_push_await_line(push);
}

/* --- time to read it */

/* What the socket has taken that has not arrived. */
static int unread(const struct dh_push *push)
{
	int bytes = 0;

	return ioctl(push->fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

void dh_push_flush_in_time(struct dh_push *push)
{
	dh_io_timer_set(push->timer, push->line_ms);
	g_mutex_lock(&push->lock);
	gsize unsent = push->unsent;
	g_mutex_unlock(&push->lock);
	dh_push_wait_begin(&push->wait, g_get_monotonic_time(), unsent + (uint64_t)unread(push));
	dh_push_flush(push);
	if (push->state != DH_PUSH_CLOSED)
		dh_push_wait_mark(&push->wait, push->sent_all, unread(push));
}

bool dh_push_is_being_read(struct dh_push *push)
{
	return dh_push_wait_goes_on(&push->wait, g_get_monotonic_time(), push->sent_all, unread(push));
}

/* --- any thread */

static void look(void *arg)
{
	struct dh_push *push = arg;

	g_mutex_lock(&push->lock);
	push->is_posted = false;
	bool is_ending = push->is_ending;
	g_mutex_unlock(&push->lock);
	if (is_ending && push->state == DH_PUSH_MEDIA)
		push->state = DH_PUSH_ASKED;
	/* A peer that does not read its last line is not waited for. */
	if (is_ending && push->state != DH_PUSH_CLOSED && push->state != DH_PUSH_DRAINING)
		dh_push_flush_in_time(push);
	else if (push->state != DH_PUSH_CLOSED)
		dh_push_flush(push);
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
