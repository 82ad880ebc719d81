/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at the files of a preparation: which they are and what they hold. */
#ifndef DH_INSPECTION_H
#define DH_INSPECTION_H

#include "inputs.h"
#include "limits.h"
#include "load_task.h"
#include "open_files.h"

/* In the I/O thread. `files` is what they are and, where they were all hashed, what
 * they held; lent. Or `err`, and `text` says why where it is not NULL. */
typedef void dh_inspected_fn(void *arg, const struct dh_expected_files *files, int err, const char *text);

/* I/O thread. Opens, reads and closes one after the other what is not remembered.
 * Each may take `read_ms` to read. */
struct dh_load_task *dh_inspect(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	struct dh_file_hashes *hashes, int read_ms, dh_inspected_fn *inspected, void *arg);

#endif
