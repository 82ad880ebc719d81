/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inspects the files of a preparation: which they are and what they contain. */
#ifndef DH_INSPECTION_H
#define DH_INSPECTION_H

#include "inputs.h"
#include "limits.h"
#include "load_task.h"
#include "open_files.h"

/* I/O thread. `files`, borrowed, has the identities and, with is_hashed, the hashes. On
 * error it is NULL, `err` is a negative errno, and `text` says more or is NULL. */
typedef void dh_inspected_fn(void *arg, const struct dh_expected_files *files, int err, const char *text);

/* I/O thread. The same once, before that, if hashing goes on for a while: the files are known,
 * is_hashed is false, and none of them is slow to read. */
typedef void dh_known_fn(void *arg, const struct dh_expected_files *files);

/* I/O thread. Opens, reads and closes the files one after the other, the last one first,
 * unless their hashes are remembered. Reading each may take `read_ms`. */
struct dh_load_task *dh_inspect(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	struct dh_file_hashes *hashes, int read_ms, dh_known_fn *known, dh_inspected_fn *inspected, void *arg);

#endif
