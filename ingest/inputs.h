/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one preparation reads: named files, or a pipe. Shared by the preparation and its
 * tasks; immutable except for `refs`. Any thread.
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
	struct dh_ingest_source source; /* owns names, folders, the pipe and the pictures */
	bool is_live;                   /* a pipe or socket, */
	bool is_socket;                 /* and which of them */
	/* the preparation's, in the I/O thread; live ones only: see source.h */
	int lead_fd, tail_fd;
};

/* Takes ownership of the pipe and of `lead_fd` and `tail_fd`, even on failure. -EINVAL. */
int dh_inputs_alloc(struct dh_inputs **inputs, const struct dh_ingest_source *source);
struct dh_inputs *dh_inputs_ref(struct dh_inputs *inputs);
void dh_inputs_unref(struct dh_inputs **inputs);

/* A worker has its own copies, or none will need them. */
void dh_inputs_close_seams(struct dh_inputs *inputs);

/* Opens file `i` and gets its identity; waits for the file system. Returns its envelope,
 * -ESTALE if it is not the file found earlier, or an error of dh_media_open. On error sets
 * *error (g_free it). */
int dh_inputs_open(const struct dh_inputs *inputs, int i, struct dh_opener *opener, struct dh_file_identity *identity,
	char **error);
/* The device that file `i` is probably on, without asking that device. */
uint64_t dh_inputs_device(const struct dh_inputs *inputs, int i);

/* Cache key of what a worker of that version makes of these files. */
void dh_inputs_key(const struct dh_inputs *inputs, const struct dh_file_hash *hashes, const char *version,
	char key[DH_HASH_SIZE]);
/* What tells it apart before its files are hashed; NULL: nothing does, because one has
 * just changed (g_free it). */
char *dh_inputs_early_key(const struct dh_inputs *inputs, const struct dh_file_identity *identities,
	const char *version);
/* The same of what is `made_of` something. */
void dh_inputs_made_key(const struct dh_inputs *inputs, const char *version, char key[DH_HASH_SIZE]);
/* The job for a worker, as in prepare/job.h (g_free it). Files have no names there: others with the
 * same contents may share what it makes. */
char *dh_inputs_job(const struct dh_inputs *inputs, const struct dh_ingest_config *config);

#endif
