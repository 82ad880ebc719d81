/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real-time priority for threads whose delay is seen and heard.
 *
 * Rooms go one above senders. A room's thread works for a fraction of a
 * millisecond, and until it has run no sender has anything to send. At the same
 * priority it would queue behind every sender that is ready to run, each of
 * which encrypts a whole picture: behind a hundred viewers that is a few
 * milliseconds for this room, and for each room after it.
 */
#ifndef DH_REALTIME_H
#define DH_REALTIME_H

#include <stdbool.h>

/* The value is the priority. */
enum dh_realtime_role {
	DH_REALTIME_SENDER = 1, /* a thread of the gateway that sends to a viewer */
	DH_REALTIME_ROOM = 2,   /* a thread that paces a room */
};

/* What a thread was before. */
struct dh_realtime_before {
	bool is_changed; /* dh_realtime_enter has changed it */
	int niceness;
	int slack_ns; /* how late timers may be */
};

/* Makes the calling thread wake on time and run before other work: in the class
 * SCHED_RR if `is_allowed` and the process may (root, CAP_SYS_NICE, or an
 * RLIMIT_RTPRIO; where that limit is lower than the role's priority, at the
 * limit), otherwise by niceness as far as the process may. A scheduling class that
 * the thread already has is left alone. Sets *before. */
void dh_realtime_enter(enum dh_realtime_role role, bool is_allowed, struct dh_realtime_before *before);

/* The calling thread is again what it was before. */
void dh_realtime_leave(const struct dh_realtime_before *before);

#endif
