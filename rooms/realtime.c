/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "realtime.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Threads started by a real-time thread are ordinary ones. */
#define CLASS    (SCHED_RR | SCHED_RESET_ON_FORK)
#define NICENESS (-10)

static bool set_class(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, CLASS, &param) == 0;
}

/* Without privileges a thread cannot get rid of the flag that its children are ordinary. */
static void set_ordinary(void)
{
	struct sched_param param = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_OTHER, &param) < 0)
		sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param);
}

static id_t thread_id(void)
{
	return (id_t)syscall(SYS_gettid);
}

static bool is_ordinary(void)
{
	return (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER;
}

/* Niceness is the weaker means: a waking thread of the fair class may wait several
 * milliseconds until the running thread's slice ends. */
void dh_realtime_enter(enum dh_realtime_role role, bool is_allowed, struct dh_realtime_before *before)
{
	int priority = is_allowed ? (int)role : 0;

	*before = (struct dh_realtime_before){
		.niceness = getpriority(PRIO_PROCESS, thread_id()),
		.slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0),
	};
	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	if (!is_ordinary())
		return; /* the operator has chosen */
	before->is_changed = true;
	while (priority > 0 && !set_class(priority))
		priority--;
	if (priority == 0 && NICENESS < before->niceness)
		setpriority(PRIO_PROCESS, thread_id(), NICENESS);
}

void dh_realtime_leave(const struct dh_realtime_before *before)
{
	if (before->slack_ns > 0)
		prctl(PR_SET_TIMERSLACK, (unsigned long)before->slack_ns, 0, 0, 0);
	if (!before->is_changed)
		return;
	if (sched_getscheduler(0) == CLASS)
		set_ordinary();
	setpriority(PRIO_PROCESS, thread_id(), before->niceness);
}
