/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preparation_private.h"

#include <errno.h>

#include "ingest_state.h"
#include "inspection.h"
#include "loading.h"
#include "log.h"
#include "playout/timebase.h"
#include "prepare/job.h"

/* --- subscribers */

/* Listeners cannot change the list: subscribing and unsubscribing are posted. */
void dh_preparation_pump(struct dh_preparation *preparation)
{
	for (guint i = 0; i < preparation->subscriptions->len; i++)
		dh_subscription_tell(preparation->subscriptions->pdata[i], &preparation->recording,
			preparation->may_end);
	if (preparation->inputs->is_live)
		dh_preparation_check_hold(preparation);
}

/* A live source has one subscriber. */
void dh_preparation_first_byte(struct dh_preparation *preparation)
{
	if (preparation->subscriptions->len > 0)
		dh_subscription_first_byte(preparation->subscriptions->pdata[0]);
}

/* They have heard nothing yet; from now on they listen to `to`. */
static void move_subscriptions(struct dh_preparation *from, struct dh_preparation *to)
{
	for (guint i = 0; i < from->subscriptions->len; i++) {
		struct dh_subscription *s = from->subscriptions->pdata[i];
		s->preparation = to;
		g_ptr_array_add(to->subscriptions, s);
		if (s->is_next)
			dh_preparation_set_next(to);
		dh_subscription_tell(s, &to->recording, to->may_end);
	}
	g_ptr_array_set_size(from->subscriptions, 0);
}

/* --- ends */

void dh_preparation_unshare(struct dh_preparation *preparation)
{
	if (preparation->key)
		g_hash_table_remove(preparation->ingest->by_key, preparation->key);
	if (preparation->early_key)
		g_hash_table_remove(preparation->ingest->by_key, preparation->early_key);
	g_clear_pointer(&preparation->key, g_free);
	g_clear_pointer(&preparation->early_key, g_free);
}

/* Whether its subscriber may still say that it is complete. */
static bool may_be_kept(const struct dh_preparation *preparation)
{
	const struct dh_recording *recording = &preparation->recording;

	return preparation->inputs->source.made_of && preparation->subscriptions->len > 0 &&
		recording->state == DH_RECORDING_ENDED && !recording->end.is_incomplete;
}

void dh_preparation_finish(struct dh_preparation *preparation)
{
	preparation->state = DH_PREPARATION_OVER;
	preparation->may_end = true;
	dh_preparation_stop_hashing(preparation);
	dh_stream_reader_free(&preparation->reader);
	dh_live_input_free(&preparation->live);
	if (preparation->is_kept || !may_be_kept(preparation))
		dh_cache_writer_end(&preparation->writer, preparation->is_kept);
	dh_open_files_unref(&preparation->files);
	if (preparation->recording.state != DH_RECORDING_ENDED)
		dh_preparation_unshare(preparation);
	dh_preparation_pump(preparation);
	if (preparation->subscriptions->len == 0)
		dh_preparation_free(&preparation);
}

void dh_preparation_fail(struct dh_preparation *preparation, int code, const char *text)
{
	dh_recording_fail(&preparation->recording, code, text);
	dh_preparation_finish(preparation);
}

int dh_preparation_code_of(int err)
{
	switch (err) {
	case -EBADMSG:
	case -ENODATA:
		return DH_PREPARE_FORMAT;
	case -EFBIG:
	case -EMFILE:
	case -ETIMEDOUT:
	case -ENOBUFS:
		return DH_PREPARE_LIMIT;
	case -ENOMEM:
		return DH_PREPARE_MEMORY;
	default:
		return DH_PREPARE_INPUT;
	}
}

void dh_preparation_fail_reading(struct dh_preparation *preparation, int err, const char *text)
{
	char *reason = text ? g_strdup(text) : g_strdup_printf("cannot be read: %s", g_strerror(-err));

	dh_preparation_fail(preparation, dh_preparation_code_of(err), reason);
	g_free(reason);
}

/* --- loading */

/* Of a live source little is kept of what has been played: dh_preparation_keeps_too_much. */
void dh_preparation_limits(const struct dh_preparation *preparation, struct dh_stream_limits *limits)
{
	const struct dh_ingest_config *config = &preparation->ingest->config;
	bool is_endless = preparation->inputs->is_live && preparation->state != DH_PREPARATION_LOADING;

	*limits = (struct dh_stream_limits){
		.duration_ticks = (is_endless ? config->max_live_ms : config->max_ms) * DH_TICKS_PER_MS,
		.bytes = is_endless ? 0 : (size_t)config->max_segment_bytes,
	};
}

static void loaded_more(void *arg, struct dh_recording *batch)
{
	struct dh_preparation *preparation = arg;

	dh_recording_absorb(&preparation->recording, batch);
	dh_preparation_pump(preparation);
}

static void loaded_file(void *arg, int err, const char *text)
{
	struct dh_preparation *preparation = arg;

	preparation->task = NULL;
	if (err == -EBADMSG || err == -ENODATA || err == -EFBIG)
		dh_preparation_fail(preparation, dh_preparation_code_of(err), text ? text : g_strerror(-err));
	else if (err < 0)
		dh_preparation_fail_reading(preparation, err, text);
	else
		dh_preparation_finish(preparation);
}

static void loaded_entry(void *arg, int err, const char *text)
{
	struct dh_preparation *preparation = arg;
	struct dh_ingest *ingest = preparation->ingest;

	preparation->task = NULL;
	if (err == 0) {
		ingest->cache_hits++;
		dh_preparation_finish(preparation);
		return;
	}
	if (err == -ETIMEDOUT || err == -EHOSTDOWN)
		dh_cache_fault(ingest->cache, ETIMEDOUT);
	else if (err != -ENOENT && err != -ENOTDIR)
		dh_log(DH_LOG_WARNING, "the cache entry %s cannot be used (%s): %s is prepared anew", preparation->key,
			text ? text : g_strerror(-err), preparation->inputs->source.names[0]);
	ingest->cache_misses++;
	dh_preparation_encode(preparation);
}

static void load_entry(struct dh_preparation *preparation)
{
	static const struct dh_loading_listener listener = { .more = loaded_more, .ended = loaded_entry };
	struct dh_ingest *ingest = preparation->ingest;
	struct dh_stream_limits limits;

	preparation->has_cache_key = true;
	preparation->state = DH_PREPARATION_LOADING;
	dh_preparation_limits(preparation, &limits);
	preparation->task = dh_load_cached(ingest->loader, ingest->limits, ingest->cache, preparation->key, &limits,
		&listener, preparation);
}

static void load_file(struct dh_preparation *preparation)
{
	static const struct dh_loading_listener listener = { .more = loaded_more, .ended = loaded_file };
	struct dh_ingest *ingest = preparation->ingest;
	struct dh_stream_limits limits;

	preparation->state = DH_PREPARATION_LOADING;
	dh_preparation_limits(preparation, &limits);
	preparation->task = dh_load_file(ingest->loader, ingest->limits, preparation->inputs,
		&preparation->expected.identities[0], &limits, ingest->config.file_read_ms, &listener, preparation);
}

/* --- inspecting */

bool dh_preparation_share(struct dh_preparation *preparation, char **own, const char *key)
{
	GHashTable *by_key = preparation->ingest->by_key;
	struct dh_preparation *other = g_hash_table_lookup(by_key, key);

	if (other) {
		move_subscriptions(preparation, other);
		dh_preparation_free(&preparation);
		return false;
	}
	*own = g_strdup(key);
	g_hash_table_insert(by_key, *own, preparation);
	return true;
}

/* A prepared file is identified by the file itself, not by settings. */
static void share_stream(struct dh_preparation *preparation)
{
	const struct dh_file_identity *identity = &preparation->expected.identities[0];
	char *key = identity->is_fresh ? NULL : dh_file_identity_text(identity);

	if (!key || dh_preparation_share(preparation, &preparation->key, key))
		load_file(preparation);
	g_free(key);
}

static void share_segment(struct dh_preparation *preparation)
{
	char key[DH_HASH_SIZE];

	dh_inputs_key(preparation->inputs, preparation->expected.hashes, preparation->ingest->version, key);
	if (!dh_preparation_share(preparation, &preparation->key, key))
		return;
	if (preparation->ingest->cache)
		load_entry(preparation);
	else
		dh_preparation_encode(preparation);
}

static void inspected(void *arg, const struct dh_expected_files *files, int err, const char *text)
{
	struct dh_preparation *preparation = arg;

	if (preparation->hashing) {
		dh_preparation_hashed(preparation, files);
		return;
	}
	preparation->task = NULL;
	if (err < 0) {
		dh_preparation_fail_reading(preparation, err, text);
		return;
	}
	preparation->expected = *files;
	if (preparation->inputs->source.count == 1 && files->is_stream)
		share_stream(preparation);
	else if (preparation->ingest->version)
		share_segment(preparation);
	else
		dh_preparation_encode(preparation);
}

/* --- life */

struct dh_preparation *dh_preparation_new(struct dh_ingest *ingest, struct dh_inputs *inputs)
{
	struct dh_preparation *new = g_new0(struct dh_preparation, 1);

	new->ingest = ingest;
	new->inputs = inputs;
	new->allowed_ticks = inputs->source.ahead_ticks;
	new->subscriptions = g_ptr_array_new();
	dh_recording_init(&new->recording, ingest->limits);
	dh_recording_init(&new->cached, ingest->limits);
	g_ptr_array_add(ingest->all, new);
	return new;
}

void dh_preparation_free(struct dh_preparation **preparation)
{
	struct dh_preparation *old = *preparation;

	*preparation = NULL;
	dh_preparation_unshare(old);
	dh_load_task_cancel(&old->task);
	dh_preparation_stop_hashing(old);
	dh_recording_clear(&old->cached, NULL);
	dh_live_input_free(&old->live);
	dh_job_cancel(&old->job);
	dh_cache_writer_end(&old->writer, false);
	dh_stream_reader_free(&old->reader);
	dh_recording_clear(&old->recording, old->ingest->loader);
	dh_open_files_unref(&old->files);
	g_ptr_array_unref(old->subscriptions);
	dh_inputs_unref(&old->inputs);
	g_ptr_array_remove_fast(old->ingest->all, old);
	g_free(old);
}

/* Like a file that has been inspected; but each has a generator of its own. */
static void begin_made(struct dh_preparation *preparation)
{
	struct dh_ingest *ingest = preparation->ingest;
	char key[DH_HASH_SIZE];

	if (!ingest->version || !ingest->cache) {
		dh_preparation_encode(preparation);
		return;
	}
	dh_inputs_made_key(preparation->inputs, ingest->version, key);
	preparation->key = g_strdup(key);
	load_entry(preparation);
}

void dh_preparation_begin(struct dh_preparation *preparation)
{
	struct dh_ingest *ingest = preparation->ingest;

	if (preparation->inputs->is_socket)
		dh_preparation_read_live(preparation);
	else if (preparation->inputs->source.made_of)
		begin_made(preparation);
	else if (preparation->inputs->is_live)
		dh_preparation_encode(preparation);
	else
		preparation->task = dh_inspect(ingest->loader, ingest->limits, preparation->inputs, ingest->hashes,
			ingest->config.file_read_ms, dh_preparation_encode_early, inspected, preparation);
}

void dh_preparation_inspect_again(struct dh_preparation *preparation)
{
	dh_preparation_unshare(preparation);
	dh_preparation_stop_hashing(preparation);
	preparation->is_inspected_again = true;
	preparation->has_cache_key = false;
	preparation->state = DH_PREPARATION_NEW;
	dh_preparation_begin(preparation);
}

static int orphans(const struct dh_ingest *ingest)
{
	int n = 0;

	for (guint i = 0; i < ingest->all->len; i++)
		n += ((struct dh_preparation *)ingest->all->pdata[i])->subscriptions->len == 0;
	return n;
}

void dh_preparation_unwanted(struct dh_preparation *preparation)
{
	const struct dh_ingest *ingest = preparation->ingest;
	bool is_encoding = preparation->state == DH_PREPARATION_ENCODING ||
		preparation->state == DH_PREPARATION_CHECKING;

	/* Only what will be cached goes on, and only while there is memory for it. Nobody would read a live source
	 * on, or say that it is complete. */
	if (is_encoding && preparation->writer && !preparation->inputs->is_live &&
		orphans(ingest) <= ingest->config.orphans_max &&
		dh_limits_used(ingest->limits, DH_LIMIT_MEMORY) < dh_limits_most(ingest->limits, DH_LIMIT_MEMORY))
		return;
	dh_preparation_free(&preparation);
}
