/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_unwatched.h"
#include "log.h"

/* From SIGTERM to SIGKILL. */
#define SCOPE_MS 1000
/* A debugger can keep an exited process from being reaped; retry after this long. */
#define AGAIN_MS 20

struct dh_child {
	struct dh_io *io;
	pid_t pid;
	int pidfd;
	bool is_scope, is_alone, is_killed, is_reaped;
	bool is_forced; /* the scope did not react, and got SIGKILL */
	char **sweep;   /* NULL: none */
	bool is_left;   /* freed, but not reaped yet */
	struct dh_io_left left;
	GSource *end, *timer;
	dh_child_exit_fn *exited;
	void *arg;
};

/* waitid names P_PIDFD only since glibc 2.36. */
#define WAIT_PIDFD ((idtype_t)3)

static void start_sweep(struct dh_io *io, char *const *argv);

static bool send_signal(const struct dh_child *child, int number)
{
	return syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0) == 0 || errno != ESRCH;
}

/* Unless someone else's wait() has reaped its leader: then the id may be a stranger's. */
static void kill_group(const struct dh_child *child)
{
	if (child->is_alone)
		send_signal(child, SIGKILL);
	else if (send_signal(child, 0))
		kill(-child->pid, SIGKILL);
}

/* Kills the group before reaping its leader: until then the id cannot be reused. Returns
 * false if it cannot be reaped yet. */
static bool reap(struct dh_child *child, int *status)
{
	siginfo_t info;

	memset(&info, 0, sizeof info);
	kill_group(child);
	if (waitid(WAIT_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) < 0)
		*status = -1; /* someone else's wait() reaped it */
	else if (info.si_pid == 0)
		return false;
	else if (info.si_code == CLD_EXITED)
		*status = W_EXITCODE(info.si_status, 0);
	else
		*status = W_EXITCODE(0, info.si_status);
	child->is_reaped = true;
	return true;
}

static void release(struct dh_child *child)
{
	dh_io_drop(&child->end);
	dh_io_drop(&child->timer);
	close(child->pidfd);
	g_strfreev(child->sweep);
	g_free(child);
}

/* A scope ends as its command did: by a signal, too. But that it was asked to end, and did,
 * means that it has killed everything. */
static bool was_scope_killed(const struct dh_child *child, int status)
{
	return (status < 0 || WIFSIGNALED(status)) && (!child->is_killed || child->is_forced);
}

static void has_ended(struct dh_child *child)
{
	int status;

	dh_io_drop(&child->end);
	if (!reap(child, &status)) {
		dh_io_timer_set(child->timer, AGAIN_MS);
		return;
	}
	if (child->sweep && was_scope_killed(child, status))
		start_sweep(child->io, child->sweep);
	if (child->is_left) {
		dh_io_forget(&child->left);
		release(child);
	} else {
		dh_io_timer_set(child->timer, -1);
		child->exited(child->arg, status);
	}
}

static gboolean ended(gint fd, GIOCondition condition, gpointer arg)
{
	(void)fd;
	(void)condition;
	has_ended(arg);
	return G_SOURCE_CONTINUE;
}

static gboolean out_of_time(gpointer arg)
{
	struct dh_child *child = arg;

	child->is_forced = child->is_forced || child->end;
	if (child->end)
		kill_group(child);
	else
		has_ended(child);
	return G_SOURCE_CONTINUE;
}

/* Copies the descriptors out of the way first, so that putting them in place overwrites
 * none of them. */
static int add_fds(posix_spawn_file_actions_t *actions, const int *fds, int *copies)
{
	int err = 0, end = 3;

	for (int i = 0; i < DH_CHILD_FDS && !err; i++) {
		if (fds[i] < 0)
			continue;
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, DH_CHILD_FDS);
		if (copies[i] < 0)
			return errno;
	}
	for (int i = 0; i < DH_CHILD_FDS && !err; i++) {
		if (copies[i] >= 0)
			err = posix_spawn_file_actions_adddup2(actions, copies[i], i);
		else if (i < 2)
			err = posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
		else if (i > 2)
			err = posix_spawn_file_actions_addclose(actions, i);
		end = MAX(end, copies[i] >= 0 ? i + 1 : 0);
	}
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(actions, end);
	return err;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setsigmask(attributes, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attributes, &all);
	if (!err)
		err = posix_spawnattr_setpgroup(attributes, 0);
	if (!err)
		err = posix_spawnattr_setflags(attributes,
			POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return err;
}

static int spawn(pid_t *pid, const struct dh_child_spec *spec)
{
	int copies[DH_CHILD_FDS] = { -1, -1, -1, -1, -1 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int err;

	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (err) {
		posix_spawn_file_actions_destroy(&actions);
		return -err;
	}
	err = set_attributes(&attributes);
	if (!err)
		err = add_fds(&actions, spec->fds, copies);
	if (!err)
		err = posix_spawnp(pid, spec->argv[0], &actions, &attributes, spec->argv,
			spec->envp ? spec->envp : environ);
	for (int i = 0; i < DH_CHILD_FDS; i++)
		if (copies[i] >= 0)
			close(copies[i]);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

int dh_child_start(pid_t *pid, struct dh_io *io, const struct dh_child_spec *spec)
{
	int err = spawn(pid, spec), pidfd;

	if (err < 0)
		return err;
	/* Not reaped yet, so the pid still belongs to this child. */
	pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (pidfd >= 0)
		return pidfd;
	err = -errno;
	kill(-*pid, SIGKILL);
	if (io)
		dh_child_reap_later(io, *pid);
	else
		waitpid(*pid, NULL, 0);
	return err;
}

static struct dh_child *watch(struct dh_io *io, pid_t pid, int pidfd, dh_child_exit_fn *exited, void *arg)
{
	struct dh_child *new = g_new0(struct dh_child, 1);

	new->io = io;
	new->pid = pid;
	new->pidfd = pidfd;
	new->exited = exited;
	new->arg = arg;
	new->end = dh_io_watch(io, pidfd, G_IO_IN, ended, new);
	new->timer = dh_io_timer(io, out_of_time, new);
	return new;
}

int dh_child_spawn(struct dh_child **child, struct dh_io *io, const struct dh_child_spec *spec,
	dh_child_exit_fn *exited, void *arg)
{
	pid_t pid = 0;
	int pidfd = dh_child_start(&pid, io, spec);

	if (pidfd < 0)
		return pidfd;
	*child = watch(io, pid, pidfd, exited, arg);
	(*child)->is_scope = spec->is_scope;
	(*child)->is_alone = spec->is_alone;
	(*child)->sweep = g_strdupv((char **)spec->sweep);
	return 0;
}

int dh_child_adopt(struct dh_child **child, struct dh_io *io, pid_t pid, dh_child_exit_fn *exited, void *arg)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), err = pidfd < 0 ? -errno : 0;
	/* Of a stranger this is refused, and of a child that has executed a program. */
	bool is_ours = setpgid(pid, pid) == 0;

	if (err == 0 && !is_ours)
		err = -errno;
	if (err < 0) {
		if (pidfd >= 0)
			close(pidfd);
		if (is_ours) {
			kill(-pid, SIGKILL);
			dh_child_reap_later(io, pid);
		}
		return err;
	}
	*child = watch(io, pid, pidfd, exited, arg);
	return 0;
}

void dh_child_kill(struct dh_child *child)
{
	if (child->is_reaped || child->is_killed)
		return;
	child->is_killed = true;
	if (!child->is_scope) {
		kill_group(child);
		return;
	}
	send_signal(child, SIGTERM);
	send_signal(child, SIGCONT);
	if (child->end)
		dh_io_timer_set(child->timer, SCOPE_MS);
}

/* See proc(5), /proc/PID/stat: the state, then fields 14 and 15. The name, in parentheses, may
 * contain anything. */
bool dh_child_is_runnable(const struct dh_child *child, int64_t *used_us)
{
	char path[40], *text = NULL, *end, state = 0;
	uint64_t user = 0, system = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)child->pid);
	*used_us = 0;
	if (child->is_reaped || !g_file_get_contents(path, &text, NULL, NULL))
		return false;
	end = strrchr(text, ')');
	if (end &&
		sscanf(end, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64, &state, &user,
			&system) == 3)
		*used_us = (int64_t)((user + system) * G_USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
	g_free(text);
	return state == 'R';
}

static void nothing(struct dh_io_left *left)
{
	(void)left; /* it is killed already, or sweeps */
}

static void abandon(struct dh_io_left *left)
{
	struct dh_child *child = (struct dh_child *)((char *)left - offsetof(struct dh_child, left));

	kill_group(child);
	dh_log(DH_LOG_ERROR, "process %d does not end", (int)child->pid);
	release(child);
}

/* Nobody waits for it but the I/O thread. */
static void leave(struct dh_child *child)
{
	child->is_left = true;
	child->left.hurry = nothing;
	child->left.abandon = abandon;
	dh_io_leave(child->io, &child->left);
}

static void start_sweep(struct dh_io *io, char *const *argv)
{
	char *none[] = { NULL };
	const struct dh_child_spec spec = { .argv = argv, .envp = none, .fds = { -1, -1, -1, -1, -1 } };
	struct dh_child *child;
	int err = dh_child_spawn(&child, io, &spec, NULL, NULL);

	if (err < 0)
		dh_log(DH_LOG_ERROR, "what a killed %s has left cannot be looked for: %s", argv[0], g_strerror(-err));
	else
		leave(child);
}

void dh_child_free(struct dh_child **child)
{
	struct dh_child *old = *child;

	*child = NULL;
	if (!old)
		return;
	if (old->is_reaped) {
		release(old);
		return;
	}
	dh_child_kill(old);
	leave(old);
}

void dh_child_disown(struct dh_child **child)
{
	struct dh_child *old = *child;

	*child = NULL;
	if (old)
		release(old);
}
