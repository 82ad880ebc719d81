/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "child_late.h"
#include "generator_command.h"
#include "generator_log.h"
#include "generator_text.h"
#include "log.h"
#include "prepare/fetch.h"
#include "text.h"

/* Of what dh-fetch says. */
#define WORDS_BYTES 400

struct dh_generator {
	struct dh_io *io;
	int max_s;
	char *who;
	struct dh_child *child;
	struct dh_generator_log *log;
	struct dh_generator_text *text;
	bool is_fetch;
	int alive;                 /* our end of a pipe that closes when we die */
	GSource *timer;            /* max_s, then the grace period */
	int64_t left_ms, since_us; /* of max_s, when it last began to run */
	bool is_held;
	bool is_late, is_over, is_lingering;
	bool is_left; /* freed, but still in its grace period */
	struct dh_io_left left;
	dh_generator_end_fn *ended;
	void *arg;
};

/* --- how it ends */

static void release(struct dh_generator *generator)
{
	dh_io_drop(&generator->timer);
	dh_child_free(&generator->child);
	dh_generator_log_free(&generator->log);
	dh_generator_text_free(&generator->text);
	if (generator->alive >= 0)
		close(generator->alive);
	g_free(generator->who);
	g_free(generator);
}

/* `words`: the last line of its standard error, or NULL. g_free the result. */
static char *explain(const struct dh_generator *generator, int status, const char *words)
{
	if (generator->is_late)
		return g_strdup_printf("the generator took longer than %d s", generator->max_s);
	if (generator->is_lingering)
		return NULL;
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	if (status >= 0 && WIFEXITED(status) && generator->is_fetch && words)
		return g_strdup_printf("the generator %s", words);
	char *end = dh_generator_explain(status, words);
	char *text = g_strdup_printf("the generator %s", end);
	g_free(end);
	return text;
}

static enum dh_generator_output output_of(const struct dh_generator *generator, int status)
{
	if (!generator->is_fetch || generator->is_late || status < 0 || !WIFEXITED(status))
		return DH_OUTPUT_UNKNOWN;
	switch (WEXITSTATUS(status)) {
	case DH_FETCH_UNABLE:
		return DH_OUTPUT_NONE;
	case DH_FETCH_MUTE:
		return DH_OUTPUT_MUTE;
	case DH_FETCH_SILENT:
		return DH_OUTPUT_SILENT;
	case DH_FETCH_REFUSED:
		return DH_OUTPUT_REFUSED;
	case DH_FETCH_BROKEN:
		return DH_OUTPUT_SOME;
	default:
		return DH_OUTPUT_UNKNOWN;
	}
}

static void exited(void *arg, int status)
{
	struct dh_generator *generator = arg;
	/* Log its last words first. */
	char *last = dh_generator_log_end(&generator->log);
	char *words = last ? dh_text_line(last, WORDS_BYTES) : NULL;
	char *error = explain(generator, status, words);

	dh_io_timer_set(generator->timer, -1);
	if (error && generator->is_over)
		dh_log(DH_LOG_WARNING, "%s: after its output: %s", generator->who, error);
	if (generator->is_left) {
		dh_io_forget(&generator->left);
		release(generator);
	} else
		generator->ended(generator->arg, error, output_of(generator, status));
	g_free(error);
	g_free(words);
	g_free(last);
}

static gboolean too_late(gpointer arg)
{
	struct dh_generator *generator = arg;

	if (generator->is_over) {
		generator->is_lingering = true;
		dh_log(DH_LOG_WARNING,
			"%s: the generator was still running %d ms after its output had ended, and is killed",
			generator->who, DH_GENERATOR_GRACE_MS);
	} else
		generator->is_late = true;
	dh_child_kill(generator->child);
	return G_SOURCE_CONTINUE;
}

void dh_generator_hold(struct dh_generator *generator, bool is_held)
{
	int64_t now_us = g_get_monotonic_time();

	if (generator->is_over || generator->is_late || generator->is_held == is_held)
		return;
	generator->is_held = is_held;
	if (is_held)
		generator->left_ms = MAX(1, generator->left_ms - (now_us - generator->since_us) / 1000);
	generator->since_us = now_us;
	dh_io_timer_set(generator->timer, is_held ? -1 : generator->left_ms);
}

void dh_generator_output_over(struct dh_generator *generator)
{
	if (generator->is_over || generator->is_late)
		return;
	generator->is_over = true;
	dh_io_timer_set(generator->timer, DH_GENERATOR_GRACE_MS);
}

bool dh_generator_is_starved(const struct dh_generator *generator, GSource *timer, int64_t *used_us, int limit_ms)
{
	return dh_child_is_starved(generator->child, timer, used_us, limit_ms);
}

static void abandon(struct dh_io_left *left)
{
	release((struct dh_generator *)((char *)left - offsetof(struct dh_generator, left)));
}

static void hurry(struct dh_io_left *left)
{
	dh_io_forget(left);
	abandon(left);
}

void dh_generator_free(struct dh_generator **generator)
{
	struct dh_generator *old = *generator;

	*generator = NULL;
	if (!old)
		return;
	/* No log: it has ended already. */
	if (!old->is_over || !old->log || old->is_lingering) {
		release(old);
		return;
	}
	old->is_left = true;
	old->left.hurry = hurry;
	old->left.abandon = abandon;
	dh_io_leave(old->io, &old->left);
}

/* --- how it starts */

enum { TEXT, OUTPUT, WORDS, ALIVE, ENDS }; /* become its descriptors 0 to 3 */

static int open_input(struct dh_generator *generator, const struct dh_generator_spec *spec, int *fd)
{
	if (spec->audio < 0)
		return dh_generator_text_alloc(&generator->text, generator->io, spec->text, spec->is_text_open, fd);
	*fd = fcntl(spec->audio, F_DUPFD_CLOEXEC, 0);
	return *fd < 0 ? -errno : 0;
}

/* The generator's ends go into `fds`. */
static int open_ends(struct dh_generator *generator, const struct dh_generator_spec *spec, int *fds)
{
	int ends[2];
	int err = open_input(generator, spec, &fds[TEXT]);

	if (err < 0)
		return err;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	generator->alive = ends[1];
	fds[ALIVE] = ends[0];
	return dh_generator_log_alloc(&generator->log, generator->io, generator->who, false, &fds[WORDS]);
}

static struct dh_generator *new_generator(struct dh_io *io, const struct dh_generator_spec *spec)
{
	struct dh_generator *generator = g_new0(struct dh_generator, 1);

	generator->io = io;
	generator->max_s = (int)spec->config->max_s;
	generator->who = g_strdup_printf("%s: %s", spec->who, spec->config->name);
	generator->is_fetch = spec->url != NULL;
	generator->alive = -1;
	generator->timer = dh_io_timer(io, too_late, generator);
	return generator;
}

static void start_time(struct dh_generator *generator)
{
	generator->left_ms = (int64_t)generator->max_s * 1000;
	generator->since_us = g_get_monotonic_time();
	if (!generator->is_held)
		dh_io_timer_set(generator->timer, generator->left_ms);
}

int dh_generator_start(struct dh_generator **out, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg)
{
	int fds[] = { -1, -1, -1, -1, spec->socket }, err;
	struct dh_generator *generator;

	generator = new_generator(io, spec);
	generator->ended = ended;
	generator->arg = arg;
	err = open_ends(generator, spec, fds);
	fds[OUTPUT] = spec->output;
	if (!err)
		err = dh_generator_spawn(&generator->child, io, spec, fds, exited, generator);
	fds[OUTPUT] = -1;
	for (int i = 0; i < ENDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (err) {
		release(generator);
		return err;
	}
	start_time(generator);
	*out = generator;
	return 0;
}

void dh_generator_add_text(struct dh_generator *generator, const char *more, bool is_last)
{
	if (generator->text)
		dh_generator_text_add(generator->text, more, is_last);
	if (!generator->is_over && !generator->is_late)
		start_time(generator);
}
