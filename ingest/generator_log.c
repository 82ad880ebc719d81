/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define READ_BYTES 65536
/* Reading pauses once this much has come within a second: a faster writer has to wait. */
#define BYTES_PER_S (8 << 20)
/* With no writer left, the pipe holds at most this many buffers. */
#define LAST_READS 16

struct dh_generator_log {
	char *who;
	int fd;
	struct dh_io *io;
	GSource *source, *timer;
	/* the unfinished line */
	char line[DH_GENERATOR_LINE_BYTES + 1];
	size_t length;
	bool is_cut;
	char *last; /* line that was not empty, or NULL */
	/* since `second_us` */
	int64_t second_us;
	int lines;
	size_t bytes;
	/* in total; since `told_us` if it stays */
	int told;
	bool stays;
	int64_t told_us;
	/* left out, and not reported yet */
	uint64_t left_lines, left_bytes;
};

static void tell_left_out(struct dh_generator_log *log)
{
	if (log->left_bytes > 0)
		dh_log(DH_LOG_WARNING,
			"%s: %" PRIu64 " bytes of its standard error are left out, %" PRIu64 " whole lines", log->who,
			log->left_bytes, log->left_lines);
	log->left_lines = log->left_bytes = 0;
}

static void begin_second(struct dh_generator_log *log)
{
	int64_t now_us = g_get_monotonic_time();

	if (now_us - log->second_us < G_USEC_PER_SEC)
		return;
	log->second_us = now_us;
	log->lines = 0;
	log->bytes = 0;
	if (log->stays && now_us - log->told_us >= DH_GENERATOR_LINES_US) {
		log->told_us = now_us;
		log->told = 0;
	}
	if (log->told < DH_GENERATOR_LINES)
		tell_left_out(log);
}

static void end_line(struct dh_generator_log *log)
{
	if (log->length > 0) {
		g_free(log->last);
		log->last = g_strndup(log->line, log->length);
	}
	if (log->length > 0 && log->lines < DH_GENERATOR_LINES_PER_S && log->told < DH_GENERATOR_LINES) {
		char *text = g_utf8_make_valid(log->line, (gssize)log->length);
		dh_log(DH_LOG_WARNING, "%s: %s%s", log->who, text, log->is_cut ? "…" : "");
		g_free(text);
		log->lines++;
		log->told++;
	} else if (log->length > 0) {
		log->left_lines++;
		log->left_bytes += log->length + 1;
	}
	log->length = 0;
	log->is_cut = false;
}

static void push(struct dh_generator_log *log, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			end_line(log);
		else if (log->length < DH_GENERATOR_LINE_BYTES)
			log->line[log->length++] = bytes[i];
		else {
			log->is_cut = true;
			log->left_bytes++;
		}
	}
}

/* Returns false if there is nothing to read, now or ever. */
static bool read_some(struct dh_generator_log *log)
{
	static char buffer[READ_BYTES]; /* only the I/O thread uses it */
	ssize_t n = read(log->fd, buffer, sizeof buffer);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		dh_io_drop(&log->source);
	if (n <= 0)
		return false;
	begin_second(log);
	push(log, buffer, (size_t)n);
	log->bytes += (size_t)n;
	return true;
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg);

static void watch(struct dh_generator_log *log)
{
	log->source = dh_io_watch(log->io, log->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, readable, log);
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_generator_log *log = arg;

	(void)fd;
	(void)condition;
	read_some(log);
	if (log->source && log->bytes >= BYTES_PER_S) {
		dh_io_drop(&log->source);
		dh_io_timer_set(log->timer, 1000);
	}
	return G_SOURCE_CONTINUE;
}

static gboolean read_on(gpointer arg)
{
	watch(arg);
	return G_SOURCE_CONTINUE;
}

int dh_generator_log_alloc(struct dh_generator_log **log, struct dh_io *io, const char *who, bool stays, int *fd)
{
	struct dh_generator_log *new;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	new = g_new0(struct dh_generator_log, 1);
	new->io = io;
	new->who = g_strdup(who);
	new->fd = ends[0];
	new->second_us = new->told_us = g_get_monotonic_time();
	new->stays = stays;
	new->timer = dh_io_timer(io, read_on, new);
	watch(new);
	*fd = ends[1];
	*log = new;
	return 0;
}

char *dh_generator_log_end(struct dh_generator_log **log)
{
	struct dh_generator_log *old = *log;
	char *last;

	*log = NULL;
	if (!old)
		return NULL;
	for (int i = 0; i < LAST_READS && read_some(old); i++)
		;
	end_line(old);
	tell_left_out(old);
	last = old->last;
	dh_io_drop(&old->source);
	dh_io_drop(&old->timer);
	close(old->fd);
	g_free(old->who);
	g_free(old);
	return last;
}

void dh_generator_log_free(struct dh_generator_log **log)
{
	g_free(dh_generator_log_end(log));
}
