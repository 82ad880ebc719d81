#include "realtime.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICENESS (-10)

/* Niceness alone does not do: a thread of the fair class that wakes may wait for
 * several milliseconds until the running one's slice ends, whatever it weighs. */
void dh_realtime(int realtime)
{
	struct sched_param param = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	if (sched_getscheduler(0) != SCHED_OTHER)
		return; /* the operator has decided */
	/* What the thread may start in its turn is nobody's hurry. */
	if (!realtime || sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) != 0)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
}
