/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a preparation, open while a worker reads them: opened again when
 * it is their turn, and looked at once more when the worker is done. What is slow
 * to read is copied first: a worker is one that others lack.
 */
#ifndef DH_OPEN_FILES_H
#define DH_OPEN_FILES_H

#include "file_hash.h"
#include "inputs.h"
#include "limits.h"
#include "load_task.h"

/* Refcounted; any thread. Immutable once opened. */
struct dh_open_files {
	atomic_int refs;
	struct dh_limits *limits;
	int count, fds[2];
	bool is_copied[2];
	int64_t copied_bytes; /* in memory */
};
void dh_open_files_unref(struct dh_open_files **files);

/* Which files are expected, and what they held; copied. */
struct dh_expected_files {
	struct dh_file_identity identities[2];
	bool is_stream; /* the last of them begins as a segment that dh-prepare wrote */
	bool is_hashed;
	struct dh_file_hash hashes[2]; /* with is_hashed */
};

/* In the I/O thread; `files` is a reference for `arg`, or NULL: `err`, and `text`
 * says why: -ESTALE, they are not the expected ones; -EMFILE, there may be no more
 * descriptors; … */
typedef void dh_open_files_opened_fn(void *arg, struct dh_open_files *files, int err, const char *text);
/* `err` is 0, -ESTALE (they were changed while they were read), or why that cannot be told. */
typedef void dh_open_files_checked_fn(void *arg, int err, const char *text);

/* I/O thread. The task is `arg`'s, until the function was called or dh_load_task_cancel.
 * `read_ms`: copying a file may take so long. */
struct dh_load_task *dh_open_files_open(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	const struct dh_expected_files *expected, int read_ms, dh_open_files_opened_fn *opened, void *arg);

/* Whether they still hold what they held. What has changed in size or time is read again. */
struct dh_load_task *dh_open_files_check(struct dh_loader *loader, struct dh_open_files *files,
	const struct dh_expected_files *expected, int read_ms, dh_open_files_checked_fn *checked, void *arg);

#endif
