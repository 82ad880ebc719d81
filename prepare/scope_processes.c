/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scope_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From the parent (4) to the start (22) in /proc/PID/stat. */
#define SKIP_17 " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"

/* Its parent; 0: it is gone. The name, in parentheses, may contain anything. */
static pid_t look_at(pid_t pid, uint64_t *start)
{
	char path[40], text[1000];
	const char *end;
	ssize_t n = -1;
	int fd, parent;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	if (n <= 0)
		return 0;
	text[n] = 0;
	end = strrchr(text, ')');
	return end && sscanf(end, ") %*c %d" SKIP_17 " %" SCNu64, &parent, start) == 2 ? parent : 0;
}

static void add_process(struct dh_processes *list, pid_t pid)
{
	if (list->count == list->size) {
		size_t size = list->size ? 2 * list->size : 256;
		struct dh_process *all = realloc(list->all, size * sizeof *all);
		if (!all)
			return; /* the rest are killed; the next round gets the others */
		list->all = all;
		list->size = size;
	}
	struct dh_process *process = &list->all[list->count++];
	*process = (struct dh_process){ .pid = pid };
	process->parent = look_at(pid, &process->start);
}

void dh_processes_list(struct dh_processes *list)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		int pid = atoi(entry->d_name);
		if (pid > 0)
			add_process(list, pid);
	}
	if (folder)
		closedir(folder);
}

void dh_process_kill(const struct dh_process *process)
{
	int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	uint64_t start;

	if (pidfd < 0)
		return; /* it is gone; or the next round tries again */
	if (look_at(process->pid, &start) && start == process->start)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}
