/* Threads whose delay is seen and heard: those that pace rooms, and those of
 * the gateway from which viewers are sent to. */
#ifndef DH_REALTIME_H
#define DH_REALTIME_H

/* The calling thread wakes exactly, and before other work: by the real-time
 * class SCHED_RR where `realtime` and the process may (root, CAP_SYS_NICE, or
 * RLIMIT_RTPRIO), else by niceness, else not at all. A class that somebody has
 * chosen for it already stays. */
void dh_realtime(int realtime);

#endif
