/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-scope: runs a command and leaves none of its processes behind.
 *
 *     dh-scope [--nice N] [--memory-mb N] [--user NAME] [--grace-ms N] [--listen] [--] COMMAND [ARGUMENT...]
 *     dh-scope --sweep MARKER
 *
 * The plugin runs every generator in one. The scope is the subreaper of all its
 * descendants, so none can escape, whatever session or process group it creates. When the
 * command has ended, its descendants have --grace-ms to end as well, and are then killed.
 * SIGTERM, SIGHUP, SIGINT, the death of the thread that spawned the scope, or the end of
 * descriptor 3, a pipe, kill everything at once.
 *
 * If the scope itself is killed, its command dies with it; --sweep (scope_sweep.h) then finds the
 * command's descendants.
 *
 * The command gets descriptors 0 to 2, and 4 if there is one (job.h), confined as in confine.h.
 * With --listen, descriptor 4 is a listening socket, which becomes the command's 3, as from
 * systemd's socket activation: LISTEN_FDS and LISTEN_PID name it. The scope itself keeps its user:
 * if that is root, the command cannot touch it.
 *
 * It ends as the command did: with its exit code, or by the same signal. 126 and 127, with
 * a line on standard error, mean that the command could not be run.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "envelope.h"
#include "job.h"
#include "scope_processes.h"
#include "scope_sweep.h"

#define PARENT_FD 3
#define LISTEN_FD 3 /* of the command */
/* Between two rounds of killing: killed processes need a moment to disappear. Doubles
 * while a round finds none but those of the last one. */
#define ROUND_MS     5
#define ROUND_MAX_MS 200

struct scope {
	struct dh_confine confine;
	int memory_mb, grace_ms;
	bool is_listener;
	char **command;
	/* while it runs */
	sigset_t signals;
	int signal_fd;
	bool has_parent_fd, has_more_fd;
	pid_t pid;
	bool is_over;     /* kill everything */
	int round_ms;     /* until the next round */
	uint64_t found;   /* which processes the last round found */
	bool has_ended;   /* the command has ended */
	int status;       /* if ended: how */
	int64_t until_ms; /* if ended: when the grace period is over */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* --- the command */

/* For the command only, and set last: the code until then needs no limit. */
static int limit_memory(int megabytes)
{
	rlim_t bytes = (rlim_t)megabytes << 20;
	struct rlimit limit;

	if (megabytes <= 0)
		return 0;
	if (getrlimit(RLIMIT_DATA, &limit) < 0)
		return -errno;
	if (bytes > limit.rlim_max)
		bytes = limit.rlim_max;
	limit.rlim_cur = limit.rlim_max = bytes;
	return setrlimit(RLIMIT_DATA, &limit) < 0 ? -errno : 0;
}

static int hand_on_listener(void)
{
	char pid[20];

	snprintf(pid, sizeof pid, "%d", (int)getpid());
	if (dup2(DH_SCOPE_MORE_FD, LISTEN_FD) < 0 || close(DH_SCOPE_MORE_FD) < 0 || setenv("LISTEN_FDS", "1", 1) < 0 ||
		setenv("LISTEN_PID", pid, 1) < 0)
		return -errno;
	return 0;
}

_Noreturn static void run_command(const struct scope *scope)
{
	const char *what = "";
	int err = dh_confine(&scope->confine, &what);
	sigset_t none;

	if (err == 0) {
		what = "the memory limit";
		err = limit_memory(scope->memory_mb);
	}
	if (err == 0 && scope->is_listener) {
		what = "its socket";
		err = hand_on_listener();
	}
	if (err < 0) {
		dprintf(STDERR_FILENO, DH_SCOPE_PREFIX "%s: %s\n", what, strerror(-err));
		_exit(DH_SCOPE_NOT_CONFINED);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(scope->command[0], scope->command);
	dprintf(STDERR_FILENO, DH_SCOPE_PREFIX "%s: %s\n", scope->command[0], strerror(errno));
	_exit(DH_SCOPE_NOT_STARTED);
}

/* In its own process group: a command that signals its group must not hit the scope. */
static int start_command(struct scope *scope)
{
	scope->confine.parent = getpid();
	scope->pid = fork();
	if (scope->pid < 0)
		return -errno;
	if (scope->pid == 0) {
		setpgid(0, 0);
		run_command(scope);
	}
	return 0;
}

/* --- descendants */

static bool is_ours(const struct dh_processes *list, pid_t pid)
{
	if (pid == getpid())
		return true;
	for (size_t i = 0; i < list->count; i++)
		if (list->all[i].pid == pid)
			return list->all[i].is_ours;
	return false;
}

/* Children of ours are ours; repeat until none are added. */
static void find_ours(struct dh_processes *list)
{
	bool has_found = true;

	while (has_found) {
		has_found = false;
		for (size_t i = 0; i < list->count; i++) {
			struct dh_process *process = &list->all[i];
			if (process->is_ours || !is_ours(list, process->parent))
				continue;
			process->is_ours = has_found = true;
		}
	}
}

/* One round. A killed process cannot fork, so each round finds fewer. */
static void kill_descendants(struct scope *scope)
{
	struct dh_processes list = { 0 };
	uint64_t found = 0;

	if (!scope->has_ended)
		kill(-scope->pid, SIGKILL);
	dh_processes_list(&list);
	find_ours(&list);
	for (size_t i = 0; i < list.count; i++)
		if (list.all[i].is_ours) {
			dh_process_kill(&list.all[i]);
			found += (uint64_t)list.all[i].pid << 40 ^ list.all[i].start;
		}
	free(list.all);
	if (found != scope->found)
		scope->round_ms = ROUND_MS;
	else if ((scope->round_ms *= 2) > ROUND_MAX_MS)
		scope->round_ms = ROUND_MAX_MS;
	scope->found = found;
}

/* --- the scope */

/* Returns false when nothing is left. */
static bool reap(struct scope *scope)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != scope->pid)
			continue;
		scope->has_ended = true;
		scope->status = status;
		scope->until_ms = now_ms() + scope->grace_ms;
	}
	return pid == 0 || errno != ECHILD;
}

static int wait_ms(const struct scope *scope)
{
	int64_t ms;

	if (scope->is_over)
		return scope->round_ms;
	if (!scope->has_ended)
		return -1;
	ms = scope->until_ms - now_ms();
	return ms < 0 ? 0 : (int)ms;
}

/* Until something happens. */
static void wait_for_news(struct scope *scope)
{
	struct pollfd fds[] = {
		{ .fd = scope->signal_fd, .events = POLLIN },
		{ .fd = scope->has_parent_fd ? PARENT_FD : -1, .events = POLLIN },
	};
	struct signalfd_siginfo news;

	poll(fds, 2, wait_ms(scope));
	while (read(scope->signal_fd, &news, sizeof news) == sizeof news)
		if (news.ssi_signo != SIGCHLD)
			scope->is_over = true;
	if (fds[1].revents) {
		scope->has_parent_fd = false;
		scope->is_over = true;
	}
}

static void supervise(struct scope *scope)
{
	while (reap(scope)) {
		if (scope->has_ended && now_ms() >= scope->until_ms)
			scope->is_over = true;
		if (scope->is_over)
			kill_descendants(scope);
		wait_for_news(scope);
	}
}

_Noreturn static void end_as(int status)
{
	sigset_t all;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	signal(WTERMSIG(status), SIG_DFL);
	prctl(PR_SET_DUMPABLE, 0); /* the core dump would be ours */
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

static int open_signals(struct scope *scope)
{
	static const int heeded[] = { SIGCHLD, SIGTERM, SIGHUP, SIGINT };

	sigemptyset(&scope->signals);
	for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++)
		sigaddset(&scope->signals, heeded[i]);
	if (sigprocmask(SIG_BLOCK, &scope->signals, NULL) < 0)
		return -errno;
	scope->signal_fd = signalfd(-1, &scope->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return scope->signal_fd < 0 ? -errno : 0;
}

static int usage(void)
{
	dprintf(STDERR_FILENO,
		"Usage: dh-scope [--nice N] [--memory-mb N] [--user NAME] [--grace-ms N] [--listen] [--] "
		"COMMAND [ARGUMENT...]\n       dh-scope --sweep MARKER\n");
	return DH_SCOPE_NOT_CONFINED;
}

static bool read_options(struct scope *scope, int argc, char **argv)
{
	static const struct option options[] = {
		{ "nice", required_argument, NULL, 'n' },
		{ "memory-mb", required_argument, NULL, 'm' },
		{ "user", required_argument, NULL, 'u' },
		{ "grace-ms", required_argument, NULL, 'g' },
		{ "listen", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'n')
			scope->confine.nice = atoi(optarg);
		else if (option == 'm')
			scope->memory_mb = atoi(optarg);
		else if (option == 'u')
			scope->confine.user = optarg;
		else if (option == 'g')
			scope->grace_ms = atoi(optarg);
		else if (option == 'l')
			scope->is_listener = true;
		else
			return false;
	}
	scope->command = argv + optind;
	return optind < argc;
}

/* A file comes in an envelope; somebody else may have read it. */
static int open_input(void)
{
	int fd = STDIN_FILENO;
	int err = dh_envelope_open(&fd);

	if (err < 0 || fd == STDIN_FILENO)
		return err;
	if (dup2(fd, STDIN_FILENO) < 0)
		return -errno;
	close(fd);
	lseek(STDIN_FILENO, 0, SEEK_SET);
	return 0;
}

int main(int argc, char **argv)
{
	struct scope scope = { .grace_ms = 1000, .round_ms = ROUND_MS };
	int err;

	if (argc == 3 && strcmp(argv[1], "--sweep") == 0)
		return dh_scope_sweep(argv[2]) ? 0 : 1;
	if (!read_options(&scope, argc, argv))
		return usage();
	/* First, before anything else may have that number. */
	scope.has_more_fd = fcntl(DH_SCOPE_MORE_FD, F_GETFD) >= 0;
	scope.has_parent_fd = fcntl(PARENT_FD, F_SETFD, FD_CLOEXEC) == 0;
	err = open_input();
	if (err == 0)
		err = open_signals(&scope);
	if (err == 0 && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0))
		err = -errno;
	if (err == 0)
		err = start_command(&scope);
	if (err < 0) {
		dprintf(STDERR_FILENO, DH_SCOPE_PREFIX "%s\n", strerror(-err));
		return DH_SCOPE_NOT_CONFINED;
	}
	/* Close them, so that readers see the command's end, not the scope's. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	if (scope.has_more_fd)
		close(DH_SCOPE_MORE_FD);
	supervise(&scope);
	end_as(scope.status);
}
