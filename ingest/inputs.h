/* The files of one preparation, and the key of their contents. Shared by a
 * preparation and its tasks; immutable but for `refs`.
 */
#ifndef DH_INPUTS_H
#define DH_INPUTS_H

#include <stdatomic.h>

#include "file_hash.h"
#include "file_identity.h"
#include "ingest_config.h"
#include "source.h"

struct dh_inputs {
	atomic_int refs;
	struct dh_ingest_source source;         /* owns names, descriptors and anchor */
	int is_live;
	struct dh_file_identity identities[2];/* of files */
};

/* Takes over the descriptors, also when it fails: -EINVAL. */
int dh_inputs_alloc(struct dh_inputs **inputs, const struct dh_ingest_source *source);
struct dh_inputs *dh_inputs_ref(struct dh_inputs *inputs);
void dh_inputs_unref(struct dh_inputs **inputs);
/* Whether the files are still what they were. */
int dh_inputs_unchanged(const struct dh_inputs *inputs);
/* Loader thread. The key of what a worker with that version text makes of them;
 * or why one cannot be read. */
int dh_inputs_key(const struct dh_inputs *inputs, struct dh_file_hashes *hashes, const char *version,
	const atomic_int *cancelled, char key[DH_HASH_SIZE]);
/* The job for a worker (g_free it), prepare/job.h. */
char *dh_inputs_job(const struct dh_inputs *inputs, const struct dh_ingest_config *config);

#endif
