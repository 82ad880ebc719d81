/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading.h"

#include <errno.h>
#include <glib.h>

#include "close_later.h"
#include "file_slice.h"

/* A cache entry that takes longer to read is prepared anew. */
#define CACHE_MS 10000

struct loading {
	struct dh_load_task task;
	struct dh_limits *limits;
	struct dh_inputs *inputs; /* a file, or NULL */
	struct dh_file_identity expected;
	struct dh_cache *cache; /* the cache, or NULL */
	char key[DH_HASH_SIZE];
	int read_ms;
	const struct dh_loading_listener *listener;
	/* the lane's thread */
	int fd; /* -1: not open */
	off_t at;
	struct dh_stream_reader *reader;
	struct dh_recording batch;
};

/* --- reporting */

struct batch {
	struct loading *loading; /* a reference */
	struct dh_recording recording;
};

static void batch_free(struct batch *batch)
{
	struct dh_load_task *task = &batch->loading->task;

	dh_recording_clear(&batch->recording, NULL);
	dh_load_task_unref(&task);
	g_free(batch);
}

static void tell_batch(void *arg)
{
	struct batch *batch = arg;
	struct loading *loading = batch->loading;

	if (loading->task.arg)
		loading->listener->more(loading->task.arg, &batch->recording);
	batch_free(batch);
}

static void report_batch(struct loading *loading)
{
	struct batch *batch = g_new0(struct batch, 1);

	batch->loading = (struct loading *)dh_load_task_ref(&loading->task);
	batch->recording = loading->batch;
	dh_recording_init(&loading->batch, loading->limits);
	if (!dh_load_task_report(&loading->task, tell_batch, batch))
		batch_free(batch);
}

static void tell(struct dh_load_task *task, int err, const char *text)
{
	struct loading *loading = (struct loading *)task;

	/* After success there are no more steps: the batch is ours. */
	if (err == 0)
		loading->listener->more(task->arg, &loading->batch);
	loading->listener->ended(task->arg, err, text);
}

/* --- steps */

static bool end(struct loading *loading, int err)
{
	bool is_damaged = err == -EBADMSG || err == -ENODATA || err == -EFBIG;
	const char *text = is_damaged ? dh_stream_reader_error(loading->reader) : NULL;

	/* Only complete segments are put into the cache. */
	if (err == 0 && loading->cache && loading->batch.state != DH_RECORDING_ENDED) {
		err = -EBADMSG;
		is_damaged = true;
		text = "it says that it failed";
	}
	if (loading->cache && is_damaged)
		dh_cache_remove(loading->cache, loading->key);
	return dh_load_task_end(&loading->task, err, text && *text ? text : NULL);
}

static int push(void *arg, const void *bytes, size_t size)
{
	return dh_stream_reader_push(((struct loading *)arg)->reader, bytes, size);
}

static bool read_on(struct loading *loading)
{
	int err = dh_file_slice(loading->cache ? NULL : &loading->task.opener, loading->fd, &loading->at,
		&loading->task.is_cancelled, push, loading);

	if (err > 0) {
		if (!loading->cache)
			report_batch(loading);
		return true;
	}
	return end(loading, err < 0 ? err : dh_stream_reader_finish(loading->reader));
}

static bool open_entry(struct loading *loading)
{
	loading->fd = dh_cache_open(loading->cache, loading->key);
	if (loading->fd < 0)
		return dh_load_task_end(&loading->task, loading->fd, NULL);
	return true;
}

static bool open_file(struct loading *loading)
{
	struct dh_file_identity identity;
	char *error = NULL;

	loading->fd = dh_inputs_open(loading->inputs, 0, &loading->task.opener, &identity, &error);
	if (loading->fd < 0)
		dh_load_task_end(&loading->task, loading->fd, error);
	else if (!dh_file_identity_alike(&identity, &loading->expected))
		dh_load_task_end(&loading->task, -ESTALE, "it was changed before its turn came");
	else
		dh_load_task_go(&loading->task, DH_LANE_READ, identity.device, loading->read_ms);
	g_free(error);
	return false;
}

static bool step(struct dh_load_task *task)
{
	struct loading *loading = (struct loading *)task;

	if (!loading->reader)
		return dh_load_task_end(task, -ENOMEM, NULL);
	if (loading->fd < 0) {
		if (!dh_limits_take(loading->limits, DH_LIMIT_DESCRIPTORS, 1))
			return dh_load_task_end(task, -EMFILE, "too many files are open");
		if (loading->cache ? open_entry(loading) : open_file(loading))
			return true;
		if (loading->fd < 0)
			dh_limits_add(loading->limits, DH_LIMIT_DESCRIPTORS, -1);
		return false;
	}
	task->option = loading->cache ? NULL : DH_FILE_READ_OPTION;
	return read_on(loading);
}

static void loading_free(struct dh_load_task *task)
{
	struct loading *loading = (struct loading *)task;

	if (loading->fd >= 0)
		dh_close_later(task->loader, loading->limits, loading->fd);
	dh_stream_reader_free(&loading->reader);
	dh_recording_clear(&loading->batch, NULL);
	dh_inputs_unref(&loading->inputs);
	dh_cache_unref(&loading->cache);
	dh_limits_unref(&loading->limits);
	g_free(loading);
}

/* --- starting */

static struct loading *loading_new(struct dh_loader *loader, struct dh_limits *limits,
	const struct dh_stream_limits *bounds, const struct dh_loading_listener *listener, void *arg)
{
	static const struct dh_load_task_kind kind = { .step = step, .tell = tell, .free = loading_free };
	struct loading *new = g_new0(struct loading, 1);

	dh_load_task_init(&new->task, &kind, loader, arg);
	new->limits = dh_limits_ref(limits);
	new->listener = listener;
	new->fd = -1;
	dh_recording_init(&new->batch, limits);
	dh_stream_reader_alloc(&new->reader, bounds, &dh_recording_sink, &new->batch);
	return new;
}

struct dh_load_task *dh_load_file(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	const struct dh_file_identity *expected, const struct dh_stream_limits *bounds, int read_ms,
	const struct dh_loading_listener *listener, void *arg)
{
	struct loading *new = loading_new(loader, limits, bounds, listener, arg);

	new->inputs = dh_inputs_ref(inputs);
	new->expected = *expected;
	new->read_ms = read_ms;
	dh_load_task_start(&new->task, DH_LANE_OPEN, dh_inputs_device(inputs, 0), dh_loader_open_ms(loader));
	return &new->task;
}

struct dh_load_task *dh_load_cached(struct dh_loader *loader, struct dh_limits *limits, struct dh_cache *cache,
	const char *key, const struct dh_stream_limits *bounds, const struct dh_loading_listener *listener, void *arg)
{
	struct loading *new = loading_new(loader, limits, bounds, listener, arg);

	new->cache = dh_cache_ref(cache);
	g_strlcpy(new->key, key, sizeof new->key);
	dh_load_task_start(&new->task, DH_LANE_CACHE_READ, 0, CACHE_MS);
	return &new->task;
}
