/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process that makes workers by copying itself, each with its libraries loaded and its tables
 * made: see job.h. The workers share what the server has in memory until they write to it, and
 * its layout of addresses.
 *
 * The process must have one thread.
 */
#ifndef DH_FORK_SERVER_H
#define DH_FORK_SERVER_H

#include "confine.h"

struct dh_fork_server {
	const struct dh_confine *confine;
	void (*warm_up)(void); /* confined, before the greeting */
	const char *greeting;
	int (*work)(void); /* in each worker; returns its exit code */
};

/* Serves DH_JOB_FD until it is closed. Returns twice, like fork(2): the server's exit code, and in
 * each worker what `work` returned. An error goes to standard error. */
int dh_fork_server_run(const struct dh_fork_server *server);

#endif
