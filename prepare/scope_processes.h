/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system's processes, for dh-scope. */
#ifndef DH_SCOPE_PROCESSES_H
#define DH_SCOPE_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct dh_process {
	pid_t pid, parent; /* parent 0: it is gone */
	uint64_t start;    /* with the pid, it tells processes apart */
	bool is_ours;      /* for the caller */
};

struct dh_processes {
	struct dh_process *all;
	size_t count, size;
};

/* Lists all processes; without memory, as many as fit. Free `list->all`. */
void dh_processes_list(struct dh_processes *list);

/* Kills it, unless its pid has become another process's since it was listed. */
void dh_process_kill(const struct dh_process *process);

#endif
