/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "generator_log.h"
#include "log.h"
#include "prepare/job.h"

#define NICENESS "5" /* below pacing, above preparing ahead of time */

struct dh_generator {
	struct dh_io *io;
	int max_s;
	char *who;
	struct dh_child *child;
	struct dh_generator_log *log;
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
	if (generator->alive >= 0)
		close(generator->alive);
	g_free(generator->who);
	g_free(generator);
}

static void explain(const struct dh_generator *generator, int status, char *error, size_t size)
{
	*error = 0;
	if (generator->is_late)
		g_snprintf(error, size, "the generator took longer than %d s", generator->max_s);
	else if (generator->is_lingering)
		return;
	else if (status < 0)
		g_snprintf(error, size, "the generator is gone");
	else if (WIFSIGNALED(status))
		g_snprintf(error, size, "the generator was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		g_snprintf(error, size, "the generator ended with code %d", WEXITSTATUS(status));
}

static void exited(void *arg, int status)
{
	struct dh_generator *generator = arg;
	char error[100];

	dh_io_timer_set(generator->timer, -1);
	explain(generator, status, error, sizeof error);
	/* Log its last words first. */
	dh_generator_log_free(&generator->log);
	if (*error && generator->is_over)
		dh_log(DH_LOG_WARNING, "%s: after its output: %s", generator->who, error);
	if (generator->is_left) {
		dh_io_forget(&generator->left);
		release(generator);
	} else
		generator->ended(generator->arg, *error ? error : NULL);
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

/* --- what it gets */

/* An anonymous file: unlike a pipe, writing it needs no reader. */
static int open_text(const char *text)
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

/* `voice` is always one of the configured voices. */
static char *with_voice(const char *argument, const char *voice)
{
	if (!voice)
		return g_strdup(argument);
	char **parts = g_strsplit(argument, "{voice}", -1);
	char *joined = g_strjoinv(voice, parts);
	g_strfreev(parts);
	return joined;
}

static char **arguments(const struct dh_generator_spec *spec)
{
	GPtrArray *argv = g_ptr_array_new();

	g_ptr_array_add(argv, g_strdup(spec->scope));
	g_ptr_array_add(argv, g_strdup("--nice=" NICENESS));
	g_ptr_array_add(argv, g_strdup_printf("--memory-mb=%" G_GINT64_FORMAT, spec->config->memory_mb));
	g_ptr_array_add(argv, g_strdup_printf("--grace-ms=%d", DH_GENERATOR_GRACE_MS));
	if (spec->user && *spec->user)
		g_ptr_array_add(argv, g_strdup_printf("--user=%s", spec->user));
	g_ptr_array_add(argv, g_strdup("--"));
	for (char **argument = spec->config->command; *argument; argument++)
		g_ptr_array_add(argv, with_voice(*argument, spec->voice));
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

/* Inherits nothing of the gateway's environment, which may hold secrets. */
static char **environment(const struct dh_generator_config *config, const char *mark)
{
	GPtrArray *envp = g_ptr_array_new();

	g_ptr_array_add(envp, g_strdup_printf(DH_SCOPE_MARK "=%s", mark));
	g_ptr_array_add(envp, g_strdup("PATH=/usr/local/bin:/usr/bin:/bin"));
	g_ptr_array_add(envp, g_strdup("LANG=C.UTF-8"));
	g_ptr_array_add(envp, g_strdup("HOME=/"));
	for (char **entry = config->environment; entry && *entry; entry++)
		g_ptr_array_add(envp, g_strdup(*entry));
	g_ptr_array_add(envp, NULL);
	return (char **)g_ptr_array_free(envp, FALSE);
}

/* --- how it starts */

enum { TEXT, OUTPUT, WORDS, ALIVE, ENDS }; /* become its descriptors 0 to 3 */

static int spawn(struct dh_generator *generator, const struct dh_generator_spec *spec, const int *fds)
{
	char *mark = g_uuid_string_random();
	char **argv = arguments(spec), **envp = environment(spec->config, mark);
	char *sweep[] = { argv[0], (char *)"--sweep", mark, NULL };
	const struct dh_child_spec child = { .argv = argv,
		.envp = envp,
		.is_scope = true,
		.sweep = sweep,
		.fds = { fds[TEXT], fds[OUTPUT], fds[WORDS], fds[ALIVE] } };
	int err = dh_child_spawn(&generator->child, generator->io, &child, exited, generator);

	g_strfreev(argv);
	g_strfreev(envp);
	g_free(mark);
	return err;
}

/* Opens all pipes; the generator's ends go into `fds`. */
static int open_ends(struct dh_generator *generator, const struct dh_generator_spec *spec, int *fds, int *output)
{
	int ends[2], err;

	fds[TEXT] = open_text(spec->text);
	if (fds[TEXT] < 0)
		return fds[TEXT];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*output = ends[0];
	fds[OUTPUT] = ends[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	generator->alive = ends[1];
	fds[ALIVE] = ends[0];
	err = dh_generator_log_alloc(&generator->log, generator->io, generator->who, &fds[WORDS]);
	return err;
}

int dh_generator_start(struct dh_generator **out, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg, int *output)
{
	int fds[ENDS] = { -1, -1, -1, -1 }, from = -1, err;
	struct dh_generator *generator;

	/* Otherwise only the exit code would tell. */
	if (access(spec->config->command[0], X_OK) < 0)
		return -errno;
	generator = g_new0(struct dh_generator, 1);
	generator->io = io;
	generator->max_s = (int)spec->config->max_s;
	generator->who = g_strdup_printf("%s: %s", spec->who, spec->config->name);
	generator->alive = -1;
	generator->ended = ended;
	generator->arg = arg;
	generator->timer = dh_io_timer(io, too_late, generator);
	err = open_ends(generator, spec, fds, &from);
	if (!err)
		err = spawn(generator, spec, fds);
	for (int i = 0; i < ENDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (err) {
		if (from >= 0)
			close(from);
		release(generator);
		return err;
	}
	generator->left_ms = spec->config->max_s * 1000;
	generator->since_us = g_get_monotonic_time();
	dh_io_timer_set(generator->timer, generator->left_ms);
	*output = from;
	*out = generator;
	return 0;
}
