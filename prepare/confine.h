/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker gives up before it reads any media.
 *
 * `dh-prepare --fork-server` (and `--version`) takes `--memory-mb N`, `--cpu-s N`, `--nice N`
 * and `--user NAME`, and calls dh_confine with them before it reports ready or answers: the
 * plugin starts it by posix_spawn, which can set none of these.
 */
#ifndef DH_CONFINE_H
#define DH_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

struct dh_confine {
	int memory_mb;    /* data of the process (RLIMIT_DATA: heap, stacks, private memory); 0: no limit */
	int cpu_s;        /* processor time; SIGXCPU ends the process; 0: no limit; see dh_confine_job */
	int nice;         /* 0 to 19 */
	const char *user; /* to become, when started as root; NULL or "": none */
	pid_t parent;     /* the process dies with the thread that spawned it; 0: it does not */
};

/* Sets limits, niceness, user (with its primary group alone), no_new_privs, no core
 * files and the parent-death signal, in an order that works. 0, or a negative errno
 * with *what naming what failed (a constant text): the process must then exit.
 * Exits by itself where the parent has gone already. */
int dh_confine(const struct dh_confine *confine, const char **what);

/* The same for a copy of a confined process: what fork(2) does not hand on, the parent-death
 * signal, and what counts from there, the processor time. */
int dh_confine_copy(const struct dh_confine *confine, const char **what);

/* What such a copy is for: if its input is live, it may use DH_LIVE_CPU_TIMES as much processor time from here on; if
 * not, it never can. A negative errno. */
int dh_confine_job(bool is_live);

#endif
