#include "generator.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define NICENESS "5" /* below pacing, above what is prepared ahead of time */

struct dh_generator {
	const struct dh_generator_config *config;
	struct dh_io *io;
	struct dh_child *child;
	GSource *timer;
	gboolean is_late;
	dh_generator_end_fn *ended;
	void *arg;
};

static void exited(void *arg, int status)
{
	struct dh_generator *generator = arg;
	char error[100] = "";

	if (generator->is_late)
		g_snprintf(error, sizeof(error), "the generator took longer than %d s", (int)generator->config->max_s);
	else if (status < 0)
		g_snprintf(error, sizeof(error), "the generator is gone");
	else if (WIFSIGNALED(status))
		g_snprintf(error, sizeof(error), "the generator was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		g_snprintf(error, sizeof(error), "the generator ended with code %d", WEXITSTATUS(status));
	generator->ended(generator->arg, *error ? error : NULL);
}

static gboolean too_late(gpointer arg)
{
	struct dh_generator *generator = arg;

	generator->is_late = TRUE;
	dh_child_kill(generator->child);
	return G_SOURCE_CONTINUE;
}

/* --- what it is given */

/* A file without a name: it needs no reader to be written, and has an end. */
static int open_text(const char *text)
{
	size_t size = strlen(text);
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);
		if (n <= 0 && errno != EINTR) {
			int error = -errno;
			close(fd);
			return error;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd;
}

/* Only voices that the configuration lists come here. */
static char *with_voice(const char *argument, const char *voice)
{
	if (!voice)
		return g_strdup(argument);
	char **parts = g_strsplit(argument, "{voice}", -1);
	char *joined = g_strjoinv(voice, parts);
	g_strfreev(parts);
	return joined;
}

static void add_user(GPtrArray *argv, const char *user)
{
	struct passwd entry, *found = NULL;
	char room[4096];

	if (geteuid() != 0 || !user || !*user)
		return;
	g_ptr_array_add(argv, g_strdup_printf("--reuid=%s", user));
	if (getpwnam_r(user, &entry, room, sizeof(room), &found) == 0 && found)
		g_ptr_array_add(argv, g_strdup_printf("--regid=%u", (unsigned)found->pw_gid));
	g_ptr_array_add(argv, g_strdup("--clear-groups"));
}

static char **arguments(const struct dh_generator_spec *spec)
{
	GPtrArray *argv = g_ptr_array_new();

	g_ptr_array_add(argv, g_strdup("nice"));
	g_ptr_array_add(argv, g_strdup("-n" NICENESS));
	if (spec->config->memory_mb) {
		g_ptr_array_add(argv, g_strdup("prlimit"));
		g_ptr_array_add(argv, g_strdup_printf("--data=%" G_GINT64_FORMAT, spec->config->memory_mb << 20));
		g_ptr_array_add(argv, g_strdup("--"));
	}
	g_ptr_array_add(argv, g_strdup("setpriv"));
	g_ptr_array_add(argv, g_strdup("--no-new-privs"));
	add_user(argv, spec->user);
	g_ptr_array_add(argv, g_strdup("--pdeathsig=KILL"));
	g_ptr_array_add(argv, g_strdup("--"));
	for (char **argument = spec->config->command; *argument; argument++)
		g_ptr_array_add(argv, with_voice(*argument, spec->voice));
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

/* Nothing of the gateway's environment, which may hold what is none of its business. */
static char **environment(const struct dh_generator_config *config)
{
	GPtrArray *envp = g_ptr_array_new();

	g_ptr_array_add(envp, g_strdup("PATH=/usr/local/bin:/usr/bin:/bin"));
	g_ptr_array_add(envp, g_strdup("LANG=C.UTF-8"));
	g_ptr_array_add(envp, g_strdup("HOME=/"));
	for (char **entry = config->environment; entry && *entry; entry++)
		g_ptr_array_add(envp, g_strdup(*entry));
	g_ptr_array_add(envp, NULL);
	return (char **)g_ptr_array_free(envp, FALSE);
}

/* --- life */

static int spawn(struct dh_generator *generator, const struct dh_generator_spec *spec, int text, int output)
{
	char **argv = arguments(spec), **envp = environment(spec->config);
	const struct dh_child_spec child = { .argv = argv, .envp = envp, .fds = { text, output, -1, -1 } };
	int error = dh_child_spawn(&generator->child, generator->io, &child, exited, generator);

	g_strfreev(argv);
	g_strfreev(envp);
	return error;
}

int dh_generator_start(struct dh_generator **out, struct dh_io *io,
	const struct dh_generator_spec *spec, dh_generator_end_fn *ended, void *arg, int *output)
{
	struct dh_generator *generator = g_new0(struct dh_generator, 1);
	int pipe_fds[2] = { -1, -1 };
	int text = open_text(spec->text);
	int error = text < 0 ? text : 0;

	generator->config = spec->config;
	generator->io = io;
	generator->ended = ended;
	generator->arg = arg;
	if (!error && pipe2(pipe_fds, O_CLOEXEC) < 0)
		error = -errno;
	if (!error && access(spec->config->command[0], X_OK) < 0)
		error = -errno;
	if (!error)
		error = spawn(generator, spec, text, pipe_fds[1]);
	if (text >= 0)
		close(text);
	if (pipe_fds[1] >= 0)
		close(pipe_fds[1]);
	if (error) {
		if (pipe_fds[0] >= 0)
			close(pipe_fds[0]);
		g_free(generator);
		return error;
	}
	generator->timer = dh_io_timer(io, too_late, generator);
	dh_io_timer_set(generator->timer, spec->config->max_s * 1000);
	*output = pipe_fds[0];
	*out = generator;
	return 0;
}

void dh_generator_free(struct dh_generator **generator)
{
	if (!*generator)
		return;
	dh_io_drop(&(*generator)->timer);
	dh_child_free(&(*generator)->child);
	g_free(*generator);
	*generator = NULL;
}
