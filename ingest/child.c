#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

#define REAP_MS 5000

extern char **environ;

struct dh_child {
	pid_t pid;
	int pidfd;
	int is_reaped;
	GSource *source;
	dh_child_exit_fn *exited;
	void *arg;
};

/* waitid names P_PIDFD only since glibc 2.36. */
#define WAIT_PIDFD ((idtype_t)3)

/* The group is killed before its leader is reaped: until then the number
 * cannot belong to anybody else. 0: not yet (a debugger holds it). */
static int reap(struct dh_child *child, int *status)
{
	siginfo_t info;

	memset(&info, 0, sizeof info);
	kill(-child->pid, SIGKILL);
	if (waitid(WAIT_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) < 0)
		*status = -1; /* somebody else has, who waits for any child */
	else if (info.si_pid == 0)
		return 0;
	else if (info.si_code == CLD_EXITED)
		*status = W_EXITCODE(info.si_status, 0);
	else
		*status = W_EXITCODE(0, info.si_status);
	child->is_reaped = 1;
	return 1;
}

static gboolean ended(gint fd, GIOCondition condition, gpointer arg)
{
	struct dh_child *child = arg;
	int status;

	(void)fd;
	(void)condition;
	if (!reap(child, &status)) {
		g_usleep(1000);
		return G_SOURCE_CONTINUE;
	}
	dh_io_drop(&child->source);
	child->exited(child->arg, status);
	return G_SOURCE_REMOVE;
}

/* Descriptors are first copied out of the way, so that none of them is
 * overwritten while the four are put in place. */
static int add_fds(posix_spawn_file_actions_t *actions, const int *fds, int *copies)
{
	int r = 0;

	for (int i = 0; i < DH_CHILD_FDS && !r; i++) {
		if (fds[i] < 0)
			continue;
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, DH_CHILD_FDS);
		if (copies[i] < 0)
			return errno;
	}
	for (int i = 0; i < DH_CHILD_FDS && !r; i++) {
		if (copies[i] >= 0)
			r = posix_spawn_file_actions_adddup2(actions, copies[i], i);
		else if (i < 2)
			r = posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
	}
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(actions, copies[3] >= 0 ? 4 : 3);
	return r;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setsigmask(attributes, &none);
	if (!r)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (!r)
		r = posix_spawnattr_setpgroup(attributes, 0);
	if (!r)
		r = posix_spawnattr_setflags(attributes,
			POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return r;
}

static int spawn(pid_t *pid, const struct dh_child_spec *spec)
{
	int copies[DH_CHILD_FDS] = { -1, -1, -1, -1 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	r = set_attributes(&attributes);
	if (!r)
		r = add_fds(&actions, spec->fds, copies);
	if (!r)
		r = posix_spawnp(pid, spec->argv[0], &actions, &attributes, spec->argv,
			spec->envp ? spec->envp : environ);
	for (int i = 0; i < DH_CHILD_FDS; i++)
		if (copies[i] >= 0)
			close(copies[i]);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int dh_child_spawn(struct dh_child **child, struct dh_io *io, const struct dh_child_spec *spec,
	dh_child_exit_fn *exited, void *arg)
{
	struct dh_child *new = calloc(1, sizeof *new);
	int r;

	if (!new)
		return -ENOMEM;
	new->exited = exited;
	new->arg = arg;
	r = spawn(&new->pid, spec);
	if (r < 0)
		goto failed;
	/* Nobody else reaps our children, so the pid is still this child's. */
	new->pidfd = (int)syscall(SYS_pidfd_open, new->pid, 0);
	if (new->pidfd < 0) {
		r = -errno;
		kill(-new->pid, SIGKILL);
		waitpid(new->pid, NULL, 0);
		goto failed;
	}
	new->source = dh_io_watch(io, new->pidfd, G_IO_IN, ended, new);
	*child = new;
	return 0;
failed:
	free(new);
	return r;
}

void dh_child_kill(struct dh_child *child)
{
	if (!child->is_reaped)
		kill(-child->pid, SIGKILL);
}

static void wait_for_end(struct dh_child *child)
{
	struct pollfd end = { .fd = child->pidfd, .events = POLLIN };
	int64_t until_us = g_get_monotonic_time() + REAP_MS * 1000;
	int status;

	kill(-child->pid, SIGKILL);
	do {
		int r = poll(&end, 1, 100);
		if (r == 1 && reap(child, &status))
			return;
		if (r == 1)
			g_usleep(1000);
	} while (g_get_monotonic_time() < until_us);
	dh_log(DH_LOG_ERROR, "process %d does not end", (int)child->pid);
}

void dh_child_free(struct dh_child **child)
{
	struct dh_child *old = *child;

	*child = NULL;
	if (!old)
		return;
	dh_io_drop(&old->source);
	if (!old->is_reaped)
		wait_for_end(old);
	close(old->pidfd);
	free(old);
}
