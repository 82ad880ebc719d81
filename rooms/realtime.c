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

static void set_niceness(int niceness)
{
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), niceness);
}

/* Niceness is the weaker means: a waking thread of the fair class may wait several
 * milliseconds until the running thread's slice ends. */
void dh_realtime_enter(enum dh_realtime_role role, bool is_allowed)
{
	int priority = is_allowed ? (int)role : 0;

	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	if (sched_getscheduler(0) != SCHED_OTHER)
		return; /* the operator has chosen */
	while (priority > 0 && !set_class(priority))
		priority--;
	if (priority == 0)
		set_niceness(NICENESS);
}

void dh_realtime_leave(void)
{
	struct sched_param param = { .sched_priority = 0 };

	if (sched_getscheduler(0) == CLASS)
		sched_setscheduler(0, SCHED_OTHER, &param);
	set_niceness(0);
}
