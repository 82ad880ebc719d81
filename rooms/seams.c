/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seams.h"

#include <fcntl.h>
#include <unistd.h>
#include <glib.h>

/* Behind piece `index`: the end that waits. */
struct seam {
	char *utterance;
	int64_t index;
	bool is_tail; /* of piece `index`, to write; otherwise of the one behind it, to read */
	int fd;
};

struct dh_seams {
	GQueue waiting; /* struct seam, oldest first */
};

static void seam_free(struct seam *seam)
{
	if (seam->fd >= 0)
		close(seam->fd);
	g_free(seam->utterance);
	g_free(seam);
}

static void drop(struct dh_seams *seams, GList *link)
{
	seam_free(link->data);
	g_queue_delete_link(&seams->waiting, link);
}

struct dh_seams *dh_seams_new(void)
{
	struct dh_seams *seams = g_new0(struct dh_seams, 1);

	g_queue_init(&seams->waiting);
	return seams;
}

void dh_seams_free(struct dh_seams **seams)
{
	struct dh_seams *old = *seams;

	*seams = NULL;
	if (!old)
		return;
	while (old->waiting.head)
		drop(old, old->waiting.head);
	g_free(old);
}

/* The waiting end behind piece `index`, or else one end of a new pipe, whose other end waits. */
static int take(struct dh_seams *seams, const char *utterance, int64_t index, bool is_tail)
{
	int fds[2];

	for (GList *l = seams->waiting.head; l; l = l->next) {
		struct seam *seam = l->data;
		if (seam->index != index || seam->is_tail != is_tail || g_strcmp0(seam->utterance, utterance) != 0)
			continue;
		int fd = seam->fd;
		seam->fd = -1;
		drop(seams, l);
		return fd;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	struct seam *other = g_new0(struct seam, 1);
	other->utterance = g_strdup(utterance);
	other->index = index;
	other->is_tail = !is_tail;
	other->fd = fds[is_tail ? 0 : 1];
	g_queue_push_tail(&seams->waiting, other);
	if (seams->waiting.length > DH_SEAMS_MAX)
		drop(seams, seams->waiting.head);
	return fds[is_tail ? 1 : 0];
}

int dh_seams_lead(struct dh_seams *seams, const char *utterance, int64_t index)
{
	return take(seams, utterance, index - 1, false);
}

int dh_seams_tail(struct dh_seams *seams, const char *utterance, int64_t index)
{
	return take(seams, utterance, index, true);
}

void dh_seams_pass(struct dh_seams *seams, const char *utterance, int64_t index, int64_t count)
{
	for (GList *l = seams->waiting.head, *next; l; l = next) {
		const struct seam *seam = l->data;
		next = l->next;
		if (seam->is_tail && seam->index >= index && seam->index < index + count &&
			!g_strcmp0(seam->utterance, utterance))
			drop(seams, l);
	}
}

void dh_seams_forget(struct dh_seams *seams, const char *utterance)
{
	for (GList *l = seams->waiting.head, *next; l; l = next) {
		const struct seam *seam = l->data;
		next = l->next;
		if (!g_strcmp0(seam->utterance, utterance))
			drop(seams, l);
	}
}

int dh_seams_count(const struct dh_seams *seams)
{
	return (int)seams->waiting.length;
}
