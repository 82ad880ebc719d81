/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scope_sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "job.h"
#include "scope_processes.h"

/* Between two rounds: killed processes need a moment to disappear. */
#define ROUND_MS 5
#define ROUNDS   1000
/* A process may fork and end while a round looks elsewhere. */
#define EMPTY_ROUNDS 2
/* Of an environment; the marker is put first. */
#define ENVIRON_MAX (256 * 1024)

struct sweep {
	char entry[200]; /* with the zero bytes around it */
	size_t size;
	char *environment;
};

static size_t read_environment(const struct sweep *sweep, pid_t pid)
{
	char path[40];
	size_t size = 1; /* every entry follows a zero byte */
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return size;
	while (size < ENVIRON_MAX && (n = read(fd, sweep->environment + size, ENVIRON_MAX - size)) > 0)
		size += (size_t)n;
	close(fd);
	return size;
}

static bool is_marked(const struct sweep *sweep, pid_t pid)
{
	size_t size = read_environment(sweep, pid);

	return memmem(sweep->environment, size, sweep->entry, sweep->size) != NULL;
}

/* How many were found. */
static int sweep_once(const struct sweep *sweep)
{
	struct dh_processes list = { 0 };
	int found = 0;

	dh_processes_list(&list);
	for (size_t i = 0; i < list.count; i++) {
		const struct dh_process *process = &list.all[i];
		if (process->pid == getpid() || !is_marked(sweep, process->pid))
			continue;
		dh_process_kill(process);
		found++;
	}
	free(list.all);
	return found;
}

bool dh_scope_sweep(const char *marker)
{
	struct sweep sweep;
	int empty = 0;

	sweep.size = (size_t)snprintf(sweep.entry, sizeof sweep.entry, "%c" DH_SCOPE_MARK "=%s", 0, marker) + 1;
	if (!*marker || sweep.size > sizeof sweep.entry)
		return false;
	sweep.environment = calloc(1, ENVIRON_MAX);
	if (!sweep.environment)
		return false;
	for (int i = 0; i < ROUNDS && empty < EMPTY_ROUNDS; i++) {
		empty = sweep_once(&sweep) ? 0 : empty + 1;
		nanosleep(&(struct timespec){ .tv_nsec = ROUND_MS * 1000000 }, NULL);
	}
	free(sweep.environment);
	return empty >= EMPTY_ROUNDS;
}
