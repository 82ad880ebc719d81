/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/held.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GO_FD 3

/* Keeps none of the test's descriptors: somebody waits for their ends. */
static void trace(const pid_t *held, int count, int ready, int go)
{
	char byte = 'y';

	for (int i = 0; i < count; i++)
		if (ptrace(PTRACE_SEIZE, held[i], NULL, NULL) < 0)
			byte = 'n';
	if (write(ready, &byte, 1) != 1 || dup2(go, GO_FD) < 0 || syscall(SYS_close_range, GO_FD + 1, ~0U, 0) < 0)
		_exit(1);
	while (read(GO_FD, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

bool can_hold(void)
{
	int let_go;
	pid_t pid = fork(), holder;

	if (pid == 0)
		for (;;)
			pause();
	holder = hold(&pid, 1, &let_go);
	if (holder > 0)
		release_held(holder, let_go);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return holder > 0;
}

pid_t hold(const pid_t *held, int count, int *let_go)
{
	int ready[2], go[2];
	char byte = 0;
	pid_t holder;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		return -1;
	holder = fork();
	if (holder == 0)
		trace(held, count, ready[1], go[0]);
	close(go[0]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		byte = 'n';
	close(ready[0]);
	*let_go = go[1];
	if (byte == 'y')
		return holder;
	release_held(holder, go[1]);
	return -1;
}

void release_held(pid_t holder, int let_go)
{
	close(let_go);
	if (holder > 0)
		waitpid(holder, NULL, 0);
}
