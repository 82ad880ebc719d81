/* What a worker gives up before it touches any medium.
 *
 * `dh-prepare --worker` takes `--memory-mb N`, `--cpu-s N`, `--nice N` and
 * `--user NAME`, and calls dh_confine with them before it says that it is ready:
 * posix_spawn, with which the plugin starts it, can set none of these.
 */
#ifndef DH_CONFINE_H
#define DH_CONFINE_H

#include <sys/types.h>

struct dh_confine {
	int memory_mb;     /* data of the process (RLIMIT_DATA: heap, stacks, private memory); 0: no limit */
	int cpu_s;         /* processor time; SIGXCPU ends the process; 0: no limit */
	int nice;          /* 0 to 19 */
	const char *user;  /* NULL or "": stay; dropped to only where the process is root's */
	pid_t parent;      /* who spawned it: it dies with that thread, at once when it is gone; 0: no matter */
};

/* Sets limits, niceness, user (with its group and no other), no_new_privs, no
 * core files and the parent-death signal, in the order in which this works. 0 or
 * a negative errno, with *what set to what failed (a constant text); the process
 * must then end. Never returns where the parent is gone already. */
int dh_confine(const struct dh_confine *confine, const char **what);

#endif
