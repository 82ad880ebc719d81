/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a preparation, open while a worker reads them: reopened when their turn
 * comes, and checked again when the worker is done. Files that are slow to read are copied
 * to memory first, so that they do not occupy a worker for long.
 */
#ifndef DH_OPEN_FILES_H
#define DH_OPEN_FILES_H

#include "file_hash.h"
#include "inputs.h"
#include "limits.h"
#include "load_task.h"

/* Refcounted; any thread. Immutable once open. */
struct dh_open_files {
	atomic_int refs;
	struct dh_loader *loader; /* a reference */
	struct dh_limits *limits;
	int count;
	int fds[2]; /* envelopes; of copies, descriptors */
	bool is_copied[2];
	int64_t copied_bytes; /* in memory */
};
void dh_open_files_unref(struct dh_open_files **files);

/* The files to expect, and their hashes; copied. */
struct dh_expected_files {
	struct dh_file_identity identities[2];
	bool is_stream; /* the file read last starts like a segment that dh-prepare wrote */
	bool is_hashed;
	struct dh_file_hash hashes[2]; /* valid if is_hashed */
};

/* I/O thread. `files` is a reference for the callee. On error it is NULL, `err` is a
 * negative errno and `text` says more or is NULL: -ESTALE, not the expected files; -EMFILE,
 * too many open files; … */
typedef void dh_open_files_opened_fn(void *arg, struct dh_open_files *files, int err, const char *text);
/* I/O thread. `err` is 0, -ESTALE if one changed while it was read, the one with index `changed`, or why
 * that is unknown; `text` as above. */
typedef void dh_open_files_checked_fn(void *arg, int err, int changed, const char *text);

/* I/O thread. Cancel the task with dh_load_task_cancel, unless the function has been
 * called. Copying each file may take `read_ms`. */
struct dh_load_task *dh_open_files_open(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	const struct dh_expected_files *expected, int read_ms, dh_open_files_opened_fn *opened, void *arg);

/* I/O thread. Checks that the files still have the same contents; reads those again whose
 * size or times have changed. */
struct dh_load_task *dh_open_files_check(struct dh_loader *loader, struct dh_open_files *files,
	const struct dh_expected_files *expected, int read_ms, dh_open_files_checked_fn *checked, void *arg);

#endif
