/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "worker_private.h"

#define ANSWER_MAX 1000
#define ANSWER_MS  10000

struct dh_worker_version {
	struct dh_child *child;
	int output;
	GSource *timer;
	dh_worker_version_fn *fn;
	void *arg;
};

static gboolean timeout(gpointer arg)
{
	dh_child_kill(((struct dh_worker_version *)arg)->child);
	return G_SOURCE_CONTINUE;
}

/* It has ended, and one line fits into a pipe, so this does not wait. */
static void ended(void *arg, int status)
{
	struct dh_worker_version *version = arg;
	char text[ANSWER_MAX + 1];
	ssize_t n = TEMP_FAILURE_RETRY(read(version->output, text, ANSWER_MAX));

	text[MAX(n, 0)] = 0;
	g_strstrip(text);
	if (status != 0)
		version->fn(version->arg, NULL, "it failed");
	else if (!text[0] || !g_utf8_validate(text, -1, NULL))
		version->fn(version->arg, NULL, "it said nothing readable");
	else
		version->fn(version->arg, text, NULL);
}

int dh_worker_version_ask(struct dh_worker_version **version, struct dh_io *io, const struct dh_workers_config *config,
	dh_worker_version_fn *fn, void *arg)
{
	struct dh_worker_version *new;
	char **argv;
	int output[2], err;

	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	new = g_new0(struct dh_worker_version, 1);
	new->output = output[0];
	new->fn = fn;
	new->arg = arg;
	argv = dh_worker_arguments(config, "--version");
	err = dh_child_spawn(&new->child, io,
		&(struct dh_child_spec){ .argv = argv, .fds = { -1, output[1], -1, -1, -1 } }, ended, new);
	g_strfreev(argv);
	close(output[1]);
	if (err < 0) {
		close(output[0]);
		g_free(new);
		return err;
	}
	new->timer = dh_io_timer(io, timeout, new);
	dh_io_timer_set(new->timer, ANSWER_MS);
	*version = new;
	return 0;
}

void dh_worker_version_free(struct dh_worker_version **version)
{
	struct dh_worker_version *old = *version;

	*version = NULL;
	if (!old)
		return;
	dh_child_free(&old->child);
	dh_io_drop(&old->timer);
	close(old->output);
	g_free(old);
}
