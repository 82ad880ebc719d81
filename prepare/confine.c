/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "job.h"

/* The hard limit is for a process that SIGXCPU does not end. */
#define AFTER_SIGXCPU_S 2

/* A sanitizer's shadow memory exceeds any sensible limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LIMIT_MEMORY 0
#endif
#endif
#ifndef LIMIT_MEMORY
#define LIMIT_MEMORY 1
#endif

static int limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit now, wanted = { .rlim_cur = soft, .rlim_max = hard };

	if (getrlimit(resource, &now) < 0)
		return -errno;
	if (wanted.rlim_max > now.rlim_max)
		wanted.rlim_max = now.rlim_max;
	if (wanted.rlim_cur > wanted.rlim_max)
		wanted.rlim_cur = wanted.rlim_max;
	return setrlimit(resource, &wanted) < 0 ? -errno : 0;
}

static int drop_user(const char *name, const char **what)
{
	struct passwd *user;

	if (!name || !*name || geteuid() != 0)
		return 0;
	*what = "no such user";
	errno = 0;
	user = getpwnam(name);
	if (!user)
		return errno ? -errno : -ENOENT;
	if (user->pw_uid == 0)
		return 0;
	*what = "the user's group is root's";
	if (user->pw_gid == 0)
		return -EPERM;
	*what = "the user cannot be dropped";
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	return setuid(0) == 0 ? -EPERM : 0;
}

static int limit_cpu(int cpu_s, const char **what)
{
	*what = "the limit of processor time";
	return cpu_s > 0 ? limit(RLIMIT_CPU, (rlim_t)cpu_s, (rlim_t)cpu_s * DH_LIVE_CPU_TIMES + AFTER_SIGXCPU_S) : 0;
}

int dh_confine_job(bool is_live)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_CPU, &now) < 0)
		return -errno;
	if (now.rlim_max == RLIM_INFINITY || now.rlim_max <= AFTER_SIGXCPU_S)
		return 0;
	if (is_live)
		return limit(RLIMIT_CPU, now.rlim_max - AFTER_SIGXCPU_S, now.rlim_max);
	return limit(RLIMIT_CPU, now.rlim_cur, now.rlim_cur + AFTER_SIGXCPU_S);
}

static int die_with(pid_t parent, const char **what)
{
	*what = "the parent-death signal";
	if (parent <= 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != parent)
		_exit(0);
	return 0;
}

int dh_confine_copy(const struct dh_confine *confine, const char **what)
{
	int err = limit_cpu(confine->cpu_s, what);

	if (!err)
		err = die_with(confine->parent, what);
	if (!err)
		*what = "";
	return err;
}

int dh_confine(const struct dh_confine *confine, const char **what)
{
	int err;

	/* RLIMIT_DATA, not RLIMIT_AS: reserved address space (malloc's arenas, one for
	 * each decoder thread) is not memory. */
	*what = "the memory limit";
	if (LIMIT_MEMORY && confine->memory_mb > 0) {
		rlim_t bytes = (rlim_t)confine->memory_mb * 1024 * 1024;
		if ((err = limit(RLIMIT_DATA, bytes, bytes)) < 0)
			return err;
	}
	if ((err = limit_cpu(confine->cpu_s, what)) < 0)
		return err;
	*what = "the limit of core files";
	if ((err = limit(RLIMIT_CORE, 0, 0)) < 0)
		return err;
	*what = "the niceness";
	if (confine->nice > 0 && setpriority(PRIO_PROCESS, 0, confine->nice) < 0)
		return -errno;
	if ((err = drop_user(confine->user, what)) < 0)
		return err;
	*what = "no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* after the user: a change of credentials clears the signal */
	if ((err = die_with(confine->parent, what)) < 0)
		return err;
	*what = "";
	return 0;
}
