/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Media files, touched only by dh-open processes (ingest/dh_open.c).
 *
 * A thread that waits in the kernel for a FUSE server's answer cannot be killed, and then
 * the gateway cannot end. So the gateway holds a file only in its envelope
 * (prepare/envelope.h), and has it opened, examined, read and closed by a process, which it
 * kills and forgets when that takes too long. Idle processes are kept for whoever comes
 * next; each serves one opener at a time.
 */
#ifndef DH_OPENER_H
#define DH_OPENER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "openers.h"

/* One user of dh-open processes: embed it. One thread at a time but for dh_opener_stop. */
struct dh_opener {
	struct dh_openers *openers; /* a reference */
	GMutex lock;
	struct dh_opener_process *process; /* changes with the lock held; NULL: none */
	bool is_stopped;                   /* protected by lock */
	bool is_broken;                    /* its process no longer answers */
	int attached;                      /* the envelope whose file the process reads; -1: none */
};

void dh_opener_init(struct dh_opener *opener, struct dh_openers *openers);
void dh_opener_clear(struct dh_opener *opener);

/* These wait for the file system. They return -ETIMEDOUT once dh_opener_stop has been
 * called, -ECHILD if no process can be started, or what the file system says. */

/* Opens `path` beneath `folder`, or any path if `folder` is NULL. Returns its envelope, for
 * the caller to close with dh_openers_close; -ENODATA: it is not a regular file, *st says
 * what. */
int dh_opener_open(struct dh_opener *opener, const char *folder, const char *path, struct stat *st);
int dh_opener_stat(struct dh_opener *opener, int envelope, struct stat *st);
/* How many bytes were read; 0 at the end of the file. */
ssize_t dh_opener_read(struct dh_opener *opener, int envelope, void *bytes, size_t size, off_t at);

/* The names of the files in the folder `path` beneath `folder`, each with its NUL: how many bytes they are. -EFBIG:
 * they are more than `size` bytes, or DH_OPENER_BYTES. */
ssize_t dh_opener_list(struct dh_opener *opener, const char *folder, const char *path, void *bytes, size_t size);

/* Gives the process back, for others to use. If it was killed, waits for its end, which may
 * be never. */
void dh_opener_rest(struct dh_opener *opener);

/* Kills the process: what waits for it returns. Any thread. */
void dh_opener_stop(struct dh_opener *opener);

#endif
