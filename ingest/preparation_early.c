/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodes large files while they are being hashed, so that nobody waits for that. Their
 * identity (file_identity.h) stands for their contents meanwhile: files that are not the same
 * when they are opened, and again when the worker is done, have changed. */
#include "preparation_private.h"

#include <string.h>

#include "ingest_state.h"
#include "loading.h"

void dh_preparation_stop_hashing(struct dh_preparation *preparation)
{
	dh_load_task_cancel(&preparation->hashing);
	dh_recording_clear(&preparation->cached, NULL);
	dh_recording_init(&preparation->cached, preparation->ingest->limits);
}

void dh_preparation_encode_early(void *arg, const struct dh_expected_files *files)
{
	struct dh_preparation *preparation = arg;
	struct dh_ingest *ingest = preparation->ingest;
	char *key = ingest->version ? dh_inputs_early_key(preparation->inputs, files->identities, ingest->version) :
				      NULL;

	if (!key || dh_preparation_share(preparation, &preparation->early_key, key)) {
		preparation->hashing = preparation->task;
		preparation->task = NULL;
		preparation->expected = *files;
		preparation->has_cache_key = ingest->version && ingest->cache;
		dh_preparation_encode(preparation);
	}
	g_free(key);
}

/* What had to wait for the hashes. */
static void go_on(struct dh_preparation *preparation)
{
	if (!preparation->is_encoded)
		return;
	preparation->is_encoded = false;
	dh_preparation_check(preparation);
}

/* --- the cache */

static bool is_same_unit(const struct dh_unit *a, const struct dh_unit *b)
{
	return a->media == b->media && a->pts_ticks == b->pts_ticks && a->size == b->size &&
		memcmp(a->data, b->data, a->size) == 0;
}

/* Whether what subscribers have heard so far is the beginning of what the cache has. */
static bool begins_alike(const struct dh_recording *heard, const struct dh_recording *cached)
{
	if (heard->units->len > cached->units->len || heard->notes->len > cached->notes->len ||
		heard->words->len > cached->words->len ||
		(heard->anchor && (!cached->anchor || !is_same_unit(heard->anchor, cached->anchor))))
		return false;
	for (guint i = 0; i < heard->units->len; i++)
		if (!is_same_unit(heard->units->pdata[i], cached->units->pdata[i]))
			return false;
	return true;
}

static void found_more(void *arg, struct dh_recording *batch)
{
	dh_recording_absorb(&((struct dh_preparation *)arg)->cached, batch);
}

static void found(void *arg, int err, const char *text)
{
	struct dh_preparation *preparation = arg;
	struct dh_recording *recording = &preparation->recording;

	(void)text; /* it is being encoded anyway */
	preparation->hashing = NULL;
	if (err < 0 || !begins_alike(recording, &preparation->cached)) {
		preparation->ingest->cache_misses++;
		go_on(preparation);
		return;
	}
	preparation->ingest->cache_hits++;
	dh_load_task_cancel(&preparation->task);
	dh_preparation_give_up_job(preparation);
	dh_recording_clear(recording, preparation->ingest->loader);
	*recording = preparation->cached;
	dh_recording_init(&preparation->cached, preparation->ingest->limits);
	dh_preparation_finish(preparation);
}

static void look_in_cache(struct dh_preparation *preparation, const char *key)
{
	static const struct dh_loading_listener listener = { .more = found_more, .ended = found };
	struct dh_ingest *ingest = preparation->ingest;
	struct dh_stream_limits limits;

	dh_preparation_limits(preparation, &limits);
	preparation->hashing = dh_load_cached(ingest->loader, ingest->limits, ingest->cache, key, &limits, &listener,
		preparation);
}

void dh_preparation_hashed(struct dh_preparation *preparation, const struct dh_expected_files *files)
{
	struct dh_ingest *ingest = preparation->ingest;
	char key[DH_HASH_SIZE];

	preparation->hashing = NULL;
	if (files) {
		preparation->expected = *files;
	} else { /* nobody else may have what comes of it */
		dh_preparation_unshare(preparation);
		dh_cache_writer_end(&preparation->writer, false);
	}
	if (files && ingest->version) {
		dh_inputs_key(preparation->inputs, files->hashes, ingest->version, key);
		/* another one may have it: both go on */
		if (!g_hash_table_contains(ingest->by_key, key))
			dh_preparation_share(preparation, &preparation->key, key);
		if (preparation->writer)
			dh_cache_writer_set_key(preparation->writer, key);
		if (ingest->cache && !preparation->is_encoded)
			look_in_cache(preparation, key);
	}
	if (!preparation->hashing)
		go_on(preparation);
}
