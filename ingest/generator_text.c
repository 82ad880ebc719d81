/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct dh_generator_text {
	struct dh_io *io;
	int fd; /* our end; -1: it has ended */
	GString *waiting;
	bool is_last; /* it ends after what waits */
	GSource *writable;
};

/* An anonymous file: unlike a pipe, writing it needs no reader. */
static int open_file(const char *text)
{
	size_t size = strlen(text);
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);
		if (n <= 0 && errno != EINTR) {
			int err = -errno;
			close(fd);
			return err;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (lseek(fd, 0, SEEK_SET) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void end(struct dh_generator_text *text)
{
	dh_io_drop(&text->writable);
	if (text->fd >= 0)
		close(text->fd);
	text->fd = -1;
}

static gboolean writable(gint fd, GIOCondition condition, gpointer arg);

/* A socket, not a pipe: a generator that is gone must not raise SIGPIPE in the gateway. */
static void write_some(struct dh_generator_text *text)
{
	while (text->fd >= 0 && text->waiting->len > 0) {
		ssize_t n = send(text->fd, text->waiting->str, text->waiting->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			end(text); /* its own end will say why */
			return;
		}
		g_string_erase(text->waiting, 0, n);
	}
	if (text->waiting->len == 0)
		dh_io_drop(&text->writable);
	else if (text->fd >= 0 && !text->writable)
		text->writable = dh_io_watch(text->io, text->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, writable, text);
	if (text->waiting->len == 0 && text->is_last)
		end(text);
}

static gboolean writable(gint fd, GIOCondition condition, gpointer arg)
{
	(void)fd;
	(void)condition;
	write_some(arg);
	return G_SOURCE_CONTINUE;
}

static int open_socket(int *ours, int *theirs)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	/* Theirs can only be read, as a pipe's end. */
	shutdown(ends[1], SHUT_WR);
	*ours = ends[0];
	*theirs = ends[1];
	return 0;
}

int dh_generator_text_alloc(struct dh_generator_text **out, struct dh_io *io, const char *first, bool is_open, int *fd)
{
	int ours = -1, err = 0;

	if (is_open)
		err = open_socket(&ours, fd);
	else
		*fd = open_file(first);
	if (err < 0 || *fd < 0)
		return err < 0 ? err : *fd;
	struct dh_generator_text *text = g_new0(struct dh_generator_text, 1);
	text->io = io;
	text->fd = ours;
	text->waiting = g_string_new(NULL);
	if (is_open)
		dh_generator_text_add(text, first, false);
	*out = text;
	return 0;
}

void dh_generator_text_free(struct dh_generator_text **text)
{
	struct dh_generator_text *old = *text;

	*text = NULL;
	if (!old)
		return;
	end(old);
	g_string_free(old->waiting, TRUE);
	g_free(old);
}

void dh_generator_text_add(struct dh_generator_text *text, const char *more, bool is_last)
{
	if (text->fd < 0 || text->is_last)
		return;
	g_string_append(text->waiting, more);
	text->is_last = is_last;
	write_some(text);
}
