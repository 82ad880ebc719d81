/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "live_input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* A prepared stream's first record, see playout/stream.h. */
static const char magic[4] = { 'D', 'H', 'S', '1' };

/* Per read; a small amount keeps the I/O thread fair. */
#define READ_BYTES 65536
/* With a part of the magic, look again after so long. */
#define PART_MS 5

struct dh_live_input {
	struct dh_io *io;
	int fd, silence_ms;
	struct dh_live_input_listener listener;
	void *arg;
	GSource *readable, *silence, *part;
	bool is_stream, is_held;
};

static void stop(struct dh_live_input *input)
{
	dh_io_drop(&input->readable);
	dh_io_timer_set(input->silence, -1);
}

static void end(struct dh_live_input *input, int err)
{
	stop(input);
	input->listener.ended(input->arg, err);
}

/* --- what is it? */

static void start(struct dh_live_input *input);

static gboolean look_again(gpointer arg)
{
	start(arg);
	return G_SOURCE_CONTINUE;
}

static bool has_ended(const struct dh_live_input *input)
{
	struct pollfd poll_fd = { .fd = input->fd, .events = POLLRDHUP };

	return poll(&poll_fd, 1, 0) > 0;
}

static void look(struct dh_live_input *input)
{
	char first[sizeof magic];
	ssize_t n = recv(input->fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(input, n < 0 ? -errno : 0);
	} else if (memcmp(first, magic, (size_t)n) != 0) {
		stop(input);
		input->listener.foreign(input->arg);
	} else if (n == sizeof magic) {
		input->is_stream = true;
	} else if (has_ended(input)) {
		end(input, 0);
	} else {
		dh_io_drop(&input->readable);
		dh_io_timer_set(input->part, PART_MS);
	}
}

/* --- reading */

static void read_some(struct dh_live_input *input)
{
	static char bytes[READ_BYTES]; /* only the I/O thread uses it */
	ssize_t n = recv(input->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(input, n < 0 ? -errno : 0);
		return;
	}
	dh_io_timer_set(input->silence, input->silence_ms);
	input->listener.data(input->arg, bytes, (size_t)n);
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_live_input *input = arg;

	(void)fd;
	(void)condition;
	if (input->is_stream)
		read_some(input);
	else
		look(input);
	return G_SOURCE_CONTINUE;
}

/* When this whole process was stopped, what was sent meanwhile is found at the same time
 * as the silence. */
static gboolean silent(gpointer arg)
{
	struct dh_live_input *input = arg;
	struct pollfd poll_fd = { .fd = input->fd, .events = POLLIN };

	if (input->readable && poll(&poll_fd, 1, 0) > 0)
		dh_io_timer_set(input->silence, input->silence_ms);
	else
		end(input, -ETIMEDOUT);
	return G_SOURCE_CONTINUE;
}

static void start(struct dh_live_input *input)
{
	if (!input->readable && !input->is_held)
		input->readable = dh_io_watch(input->io, input->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, readable, input);
}

void dh_live_input_alloc(struct dh_live_input **out, struct dh_io *io, int fd, int silence_ms,
	const struct dh_live_input_listener *listener, void *arg)
{
	struct dh_live_input *input = g_new0(struct dh_live_input, 1);

	input->io = io;
	input->fd = fd;
	input->silence_ms = silence_ms;
	input->listener = *listener;
	input->arg = arg;
	input->silence = dh_io_timer(io, silent, input);
	input->part = dh_io_timer(io, look_again, input);
	dh_io_timer_set(input->silence, silence_ms);
	start(input);
	*out = input;
}

void dh_live_input_free(struct dh_live_input **input)
{
	struct dh_live_input *old = *input;

	*input = NULL;
	if (!old)
		return;
	dh_io_drop(&old->readable);
	dh_io_drop(&old->silence);
	dh_io_drop(&old->part);
	g_free(old);
}

void dh_live_input_hold(struct dh_live_input *input, bool is_held)
{
	input->is_held = is_held;
	if (is_held) {
		stop(input);
	} else {
		dh_io_timer_set(input->silence, input->silence_ms);
		start(input);
	}
}
