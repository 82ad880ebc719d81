/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one preparation reads: files by name, or a pipe. Shared by the preparation
 * and its tasks; immutable but for `refs`.
 */
#ifndef DH_INPUTS_H
#define DH_INPUTS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "file_hash.h"
#include "ingest_config.h"
#include "source.h"

struct dh_inputs {
	atomic_int refs;
	struct dh_ingest_source source; /* owns names, folders, the pipe and the anchor */
	bool is_live;                   /* a pipe or socket */
};

/* The pipe is taken over, also when it fails: -EINVAL. */
int dh_inputs_alloc(struct dh_inputs **inputs, const struct dh_ingest_source *source);
struct dh_inputs *dh_inputs_ref(struct dh_inputs *inputs);
void dh_inputs_unref(struct dh_inputs **inputs);

/* What the first input is called, without its folders. Lent. */
const char *dh_inputs_file_name(const struct dh_inputs *inputs);

/* Opens file `i` and tells which one it is; waits for its file system. The
 * descriptor; -ESTALE: it is not the one that was found before; or as dh_media_open,
 * with *error (g_free it). */
int dh_inputs_open(const struct dh_inputs *inputs, int i, struct dh_file_identity *identity, char **error);
/* The device that file `i` is probably on, told without asking it. */
uint64_t dh_inputs_device(const struct dh_inputs *inputs, int i);

/* The key of what a worker with that version text makes of such files. */
void dh_inputs_key(const struct dh_inputs *inputs, const struct dh_file_hash *hashes, const char *version,
	char key[DH_HASH_SIZE]);
/* The job for a worker (g_free it), prepare/job.h. */
char *dh_inputs_job(const struct dh_inputs *inputs, const struct dh_ingest_config *config);

#endif
