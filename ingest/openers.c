/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "openers.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "log.h"
#include "opener_wire.h"
#include "prepare/envelope.h"

/* A killed process that waits for a file system all that time is given up. */
#define END_MS   300
#define CHECK_MS 20
/* waitid names P_PIDFD only since glibc 2.36. */
#define WAIT_PIDFD ((idtype_t)3)

struct dh_openers {
	atomic_int refs;
	char *program;
	GMutex lock;
	/* protected by lock */
	bool is_stopped, has_failed;
	GPtrArray *idle;                  /* struct dh_opener_process */
	struct dh_opener_process *closer; /* closes envelopes; may be NULL */
	GPtrArray *killed;                /* closers that have not ended yet */
};

/* --- one process */

static struct dh_opener_process *start(const char *program, int *err)
{
	char *argv[] = { (char *)program, NULL };
	struct dh_opener_process *process;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		*err = -errno;
		return NULL;
	}
	const struct dh_child_spec spec = { .argv = argv, .fds = { -1, -1, -1, sockets[1], -1 } };
	process = g_new0(struct dh_opener_process, 1);
	process->socket = sockets[0];
	process->pidfd = dh_child_start(&process->pid, NULL, &spec);
	close(sockets[1]);
	if (process->pidfd >= 0)
		return process;
	*err = process->pidfd;
	close(process->socket);
	g_free(process);
	return NULL;
}

void dh_opener_process_kill(struct dh_opener_process *process)
{
	syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
}

/* Whether it has ended; waits for that with flags 0. */
static bool reap(struct dh_opener_process *process, int flags)
{
	siginfo_t info = { .si_pid = 0 };
	int err;

	do
		err = waitid(WAIT_PIDFD, (id_t)process->pidfd, &info, WEXITED | flags);
	while (err < 0 && errno == EINTR);
	return err < 0 || info.si_pid != 0; /* < 0: someone else's wait() reaped it */
}

static void process_free(struct dh_opener_process *process)
{
	close(process->pidfd);
	close(process->socket);
	g_free(process);
}

/* Whether it waits in the kernel so that it cannot be killed. */
static bool is_stuck(const struct dh_opener_process *process)
{
	char path[40], *text = NULL;
	const char *state;
	bool answer;

	g_snprintf(path, sizeof path, "/proc/%d/stat", (int)process->pid);
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	state = strrchr(text, ')');
	answer = state && strncmp(state, ") D", 3) == 0;
	g_free(text);
	return answer;
}

/* On a busy machine a killed process may take long to end, and waits in the kernel now and
 * then, for other reasons. Only one that is seen to do nothing else is not waited for: it
 * would never be reaped. */
static void await_end(const struct dh_opener_process *process, int64_t until_us)
{
	struct pollfd p = { .fd = process->pidfd, .events = POLLIN };

	while (poll(&p, 1, CHECK_MS) <= 0) {
		if (!is_stuck(process))
			until_us = g_get_monotonic_time() + END_MS * 1000;
		else if (g_get_monotonic_time() >= until_us)
			return;
	}
}

static void end_all(const GPtrArray *processes)
{
	int64_t until_us = g_get_monotonic_time() + END_MS * 1000;

	for (guint i = 0; i < processes->len; i++)
		dh_opener_process_kill(processes->pdata[i]);
	for (guint i = 0; i < processes->len; i++) {
		await_end(processes->pdata[i], until_us);
		reap(processes->pdata[i], WNOHANG);
		process_free(processes->pdata[i]);
	}
}

/* --- openers */

struct dh_openers *dh_openers_new(const char *program)
{
	struct dh_openers *openers = g_new0(struct dh_openers, 1);

	atomic_init(&openers->refs, 1);
	openers->program = g_strdup(program);
	g_mutex_init(&openers->lock);
	openers->idle = g_ptr_array_new();
	openers->killed = g_ptr_array_new();
	return openers;
}

struct dh_openers *dh_openers_ref(struct dh_openers *openers)
{
	atomic_fetch_add(&openers->refs, 1);
	return openers;
}

void dh_openers_unref(struct dh_openers **openers)
{
	struct dh_openers *old = *openers;

	*openers = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	dh_openers_stop(old);
	g_ptr_array_unref(old->idle);
	g_ptr_array_unref(old->killed);
	g_mutex_clear(&old->lock);
	g_free(old->program);
	g_free(old);
}

void dh_openers_stop(struct dh_openers *openers)
{
	GPtrArray *all = g_ptr_array_new();

	g_mutex_lock(&openers->lock);
	openers->is_stopped = true;
	for (guint i = 0; i < openers->idle->len; i++)
		g_ptr_array_add(all, openers->idle->pdata[i]);
	for (guint i = 0; i < openers->killed->len; i++)
		g_ptr_array_add(all, openers->killed->pdata[i]);
	if (openers->closer)
		g_ptr_array_add(all, openers->closer);
	openers->closer = NULL;
	g_ptr_array_set_size(openers->idle, 0);
	g_ptr_array_set_size(openers->killed, 0);
	g_mutex_unlock(&openers->lock);
	end_all(all);
	g_ptr_array_unref(all);
}

/* --- for use */

/* With the lock held. Says so once, until one starts again. */
static void note_start(struct dh_openers *openers, int err)
{
	if (err < 0 && !openers->has_failed)
		dh_log(DH_LOG_ERROR, "%s cannot be started: %s; no file can be opened", openers->program,
			g_strerror(-err));
	openers->has_failed = err < 0;
}

struct dh_opener_process *dh_openers_get(struct dh_openers *openers)
{
	struct dh_opener_process *process = NULL;
	int err = 0;

	g_mutex_lock(&openers->lock);
	if (openers->idle->len > 0)
		process = g_ptr_array_steal_index_fast(openers->idle, openers->idle->len - 1);
	g_mutex_unlock(&openers->lock);
	if (process)
		return process;
	process = start(openers->program, &err);
	g_mutex_lock(&openers->lock);
	note_start(openers, err);
	g_mutex_unlock(&openers->lock);
	return process;
}

void dh_openers_put(struct dh_openers *openers, struct dh_opener_process *process, bool is_over)
{
	bool is_kept;

	g_mutex_lock(&openers->lock);
	is_kept = !is_over && !openers->is_stopped && openers->idle->len < DH_OPENERS_IDLE;
	if (is_kept)
		g_ptr_array_add(openers->idle, process);
	g_mutex_unlock(&openers->lock);
	if (is_kept)
		return;
	dh_opener_process_kill(process);
	reap(process, 0);
	process_free(process);
}

/* --- closing */

/* With the lock held. */
static void reap_killed(struct dh_openers *openers)
{
	for (guint i = openers->killed->len; i-- > 0;)
		if (reap(openers->killed->pdata[i], WNOHANG))
			process_free(g_ptr_array_steal_index_fast(openers->killed, i));
}

/* With the lock held. The closer's queue is full if it hangs: then another one goes on. */
static bool pass_to_closer(struct dh_openers *openers, int envelope)
{
	const struct dh_opener_request request = { .what = DH_OPENER_CLOSE };
	int err = 0;

	for (int i = 0; i < 2; i++) {
		if (!openers->closer && !openers->is_stopped)
			openers->closer = start(openers->program, &err);
		if (!openers->closer)
			return false;
		if (dh_envelope_send(openers->closer->socket, &request, sizeof request, NULL, 0, envelope,
			    MSG_DONTWAIT) == 0)
			return true;
		dh_opener_process_kill(openers->closer);
		g_ptr_array_add(openers->killed, g_steal_pointer(&openers->closer));
	}
	return false;
}

void dh_openers_close(struct dh_openers *openers, int envelope)
{
	g_mutex_lock(&openers->lock);
	reap_killed(openers);
	pass_to_closer(openers, envelope);
	g_mutex_unlock(&openers->lock);
	close(envelope);
}
