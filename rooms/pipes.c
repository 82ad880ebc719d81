/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipes.h"

#include <fcntl.h>
#include <unistd.h>
#include <glib.h>

/* Behind piece `index`: the end that waits. */
struct pipe_end {
	char *utterance;
	int64_t index;
	bool is_tail; /* of piece `index`, to write; otherwise of the one behind it, to read */
	int fd;
};

struct dh_pipes {
	GQueue waiting; /* struct pipe_end, oldest first */
};

static void pipe_end_free(struct pipe_end *end)
{
	if (end->fd >= 0)
		close(end->fd);
	g_free(end->utterance);
	g_free(end);
}

static void drop(struct dh_pipes *pipes, GList *link)
{
	pipe_end_free(link->data);
	g_queue_delete_link(&pipes->waiting, link);
}

struct dh_pipes *dh_pipes_new(void)
{
	struct dh_pipes *pipes = g_new0(struct dh_pipes, 1);

	g_queue_init(&pipes->waiting);
	return pipes;
}

void dh_pipes_free(struct dh_pipes **pipes)
{
	struct dh_pipes *old = *pipes;

	*pipes = NULL;
	if (!old)
		return;
	while (old->waiting.head)
		drop(old, old->waiting.head);
	g_free(old);
}

/* The waiting end behind piece `index`, or else one end of a new pipe, whose other end waits. */
static int take(struct dh_pipes *pipes, const char *utterance, int64_t index, bool is_tail)
{
	int fds[2];

	for (GList *l = pipes->waiting.head; l; l = l->next) {
		struct pipe_end *end = l->data;
		if (end->index != index || end->is_tail != is_tail || g_strcmp0(end->utterance, utterance) != 0)
			continue;
		int fd = end->fd;
		end->fd = -1;
		drop(pipes, l);
		return fd;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	struct pipe_end *other = g_new0(struct pipe_end, 1);
	other->utterance = g_strdup(utterance);
	other->index = index;
	other->is_tail = !is_tail;
	other->fd = fds[is_tail ? 0 : 1];
	g_queue_push_tail(&pipes->waiting, other);
	if (pipes->waiting.length > DH_PIPES_MAX)
		drop(pipes, pipes->waiting.head);
	return fds[is_tail ? 1 : 0];
}

int dh_pipes_lead(struct dh_pipes *pipes, const char *utterance, int64_t index)
{
	return take(pipes, utterance, index - 1, false);
}

int dh_pipes_tail(struct dh_pipes *pipes, const char *utterance, int64_t index)
{
	return take(pipes, utterance, index, true);
}

void dh_pipes_pass(struct dh_pipes *pipes, const char *utterance, int64_t index, int64_t count)
{
	for (GList *l = pipes->waiting.head, *next; l; l = next) {
		const struct pipe_end *end = l->data;
		next = l->next;
		if (end->is_tail && end->index >= index && end->index < index + count &&
			!g_strcmp0(end->utterance, utterance))
			drop(pipes, l);
	}
}

void dh_pipes_forget(struct dh_pipes *pipes, const char *utterance)
{
	for (GList *l = pipes->waiting.head, *next; l; l = next) {
		const struct pipe_end *end = l->data;
		next = l->next;
		if (!g_strcmp0(end->utterance, utterance))
			drop(pipes, l);
	}
}

int dh_pipes_count(const struct dh_pipes *pipes)
{
	return (int)pipes->waiting.length;
}
