/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	if (push->state == DH_PUSH_CLOSED)
		return;
	push->state = DH_PUSH_CLOSED;
	dh_io_drop(&push->readable);
	dh_io_drop(&push->writable);
	dh_io_drop(&push->timer);
	g_mutex_lock(&push->lock);
	close(push->fd);
	push->fd = -1;
	g_mutex_unlock(&push->lock);
	push->owner->closed(push->arg, push);
}

/* --- lines */

void dh_push_refuse(struct dh_push *push, const char *limit)
{
	dh_io_drop(&push->readable);
	push->state = DH_PUSH_ASKED;
	dh_push_end(push, push->owner->refusal(push->arg, limit));
}

static void give_line(struct dh_push *push)
{
	GString *line = push->line;

	dh_io_drop(&push->readable);
	dh_io_timer_set(push->timer, -1);
	push->state = DH_PUSH_ASKED;
	push->line = g_string_new(NULL);
	g_string_truncate(line, line->len - 1);
	push->owner->line(push->arg, push, line->str, line->len);
	g_string_free(line, TRUE);
}

/* A sender that has forgotten the last line feed still hears what became of its line. */
static void end_of_input(struct dh_push *push, bool is_whole)
{
	if (is_whole && push->line->len > 0) {
		g_string_append_c(push->line, '\n');
		give_line(push);
	} else {
		dh_push_close(push);
	}
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
		end_of_input(push, n == 0);
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

/* What came in time is taken, and what can leave leaves, however late this thread gets a processor: then
 * both are found at the same time as the lateness. */
static gboolean timeout(gpointer arg)
{
	struct dh_push *push = dh_push_ref(arg);
	enum dh_push_state before = push->state;

	if (before == DH_PUSH_LINE)
		read_line(push->fd, G_IO_IN, push);
	else if (before == DH_PUSH_ASKED)
		dh_push_flush(push);
	if (push->state == before) {
		bool has_time = before == DH_PUSH_LINE || before == DH_PUSH_ASKED;
		if (has_time && dh_push_is_being_read(push))
			dh_io_timer_set(push->timer, push->line_ms);
		else if (before == DH_PUSH_LINE)
			dh_push_refuse(push, DH_PUSH_LINE_OPTION);
		else if (before == DH_PUSH_ASKED || before == DH_PUSH_DRAINING)
			dh_push_close(push); /* it does not read what it gets */
	}
	dh_push_unref(&push);
	return G_SOURCE_CONTINUE;
}

void dh_push_await_line(struct dh_push *push)
{
	push->state = DH_PUSH_LINE;
	push->wants_line = false;
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
	dh_push_await_line(push);
	return push;
}

/* --- any thread */

static void next(void *arg)
{
	struct dh_push *push = arg;

	if (push->state == DH_PUSH_ASKED) {
		push->wants_line = true;
		dh_push_flush_in_time(push);
	}
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
	if (push->state == DH_PUSH_ASKED && !is_ending)
		push->state = DH_PUSH_MEDIA;
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
