/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child_unwatched.h"

#include <stddef.h>
#include <sys/wait.h>

/* It has been killed, but may have to wait for a disk before it ends. */
#define AGAIN_MS 20

struct unwatched {
	struct dh_io *io;
	pid_t pid;
	GSource *timer;
	struct dh_io_left left;
};

static void drop_unwatched(struct unwatched *unwatched)
{
	dh_io_drop(&unwatched->timer);
	g_free(unwatched);
}

static void hurry_unwatched(struct dh_io_left *left)
{
	(void)left; /* it is looked at often enough */
}

static void abandon_unwatched(struct dh_io_left *left)
{
	drop_unwatched((struct unwatched *)((char *)left - offsetof(struct unwatched, left)));
}

static gboolean reap_unwatched(gpointer arg)
{
	struct unwatched *unwatched = arg;

	if (waitpid(unwatched->pid, NULL, WNOHANG) == 0) {
		dh_io_timer_set(unwatched->timer, AGAIN_MS);
		return G_SOURCE_CONTINUE;
	}
	dh_io_forget(&unwatched->left);
	drop_unwatched(unwatched);
	return G_SOURCE_CONTINUE;
}

static void begin_to_reap(void *arg)
{
	struct unwatched *unwatched = arg;

	unwatched->left.hurry = hurry_unwatched;
	unwatched->left.abandon = abandon_unwatched;
	dh_io_leave(unwatched->io, &unwatched->left);
	unwatched->timer = dh_io_timer(unwatched->io, reap_unwatched, unwatched);
	dh_io_timer_set(unwatched->timer, 0);
}

void dh_child_reap_later(struct dh_io *io, pid_t pid)
{
	struct unwatched *unwatched = g_new0(struct unwatched, 1);

	unwatched->io = io;
	unwatched->pid = pid;
	dh_io_post(io, begin_to_reap, unwatched);
}
