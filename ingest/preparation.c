#include "preparation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest_state.h"
#include "log.h"
#include "playout/timebase.h"
#include "prepare/job.h"
#include "subscription.h"

/* An idle clip's anchor is chosen when all of it has been seen, and only then
 * is the first unit written. */
#define IDLE_PATIENCE 4
/* The worker itself notices that a live source is silent; this is for a worker
 * that does not. */
#define LIVE_PATIENCE_MS 1000

/* --- who listens */

/* Listeners cannot change the list: whoever comes or goes is posted. */
static void pump(struct dh_preparation *preparation)
{
	for (guint i = 0; i < preparation->subscriptions->len; i++)
		dh_subscription_tell(preparation->subscriptions->pdata[i], &preparation->recording);
}

/* They listen to `to` from now on, having heard nothing. */
static void move_subscriptions(struct dh_preparation *from, struct dh_preparation *to)
{
	for (guint i = 0; i < from->subscriptions->len; i++) {
		struct dh_subscription *s = from->subscriptions->pdata[i];
		s->preparation = to;
		g_ptr_array_add(to->subscriptions, s);
		if (s->is_next)
			dh_preparation_set_next(to);
		dh_subscription_tell(s, &to->recording);
	}
	g_ptr_array_set_size(from->subscriptions, 0);
}

/* --- ends */

static void leave_table(struct dh_preparation *preparation)
{
	if (preparation->key)
		g_hash_table_remove(preparation->ingest->by_key, preparation->key);
	g_clear_pointer(&preparation->key, g_free);
}

/* Nothing more comes. May free it. */
static void finish(struct dh_preparation *preparation)
{
	preparation->state = DH_PREPARATION_OVER;
	dh_stream_reader_free(&preparation->reader);
	dh_cache_writer_end(&preparation->feed, 0);
	if (preparation->recording.state != DH_RECORDING_ENDED)
		leave_table(preparation);
	pump(preparation);
	if (preparation->subscriptions->len == 0)
		dh_preparation_free(preparation);
}

static void fail(struct dh_preparation *preparation, int code, const char *text)
{
	dh_recording_fail(&preparation->recording, code, text);
	finish(preparation);
}

/* An error of reading a file or a stream as the code of a failure. */
static int code_of(int error)
{
	switch (error) {
	case -EBADMSG:
	case -ENODATA:
		return DH_PREPARE_FORMAT;
	case -EFBIG:
		return DH_PREPARE_LIMIT;
	case -ENOMEM:
		return DH_PREPARE_MEMORY;
	default:
		return DH_PREPARE_INPUT;
	}
}

/* --- encoding */

/* What a worker wrote cannot be used: it is ended, and so is the preparation. */
static int refuse(struct dh_preparation *preparation, int error)
{
	const char *reason = dh_stream_reader_error(preparation->reader);
	char *text = g_strdup_printf("%s%s", error == -EFBIG ? "" : "what dh-prepare wrote is damaged: ", reason);
	int code = error == -EFBIG || error == -ENOMEM ? code_of(error) : DH_PREPARE_INTERNAL;

	preparation->job = NULL;
	fail(preparation, code, text);
	g_free(text);
	return -1;
}

static int encoded_data(void *arg, const void *bytes, size_t size)
{
	struct dh_preparation *preparation = arg;
	int r;

	if (preparation->feed)
		dh_cache_writer_push(preparation->feed, bytes, size);
	r = dh_stream_reader_push(preparation->reader, bytes, size);
	if (r < 0)
		return refuse(preparation, r);
	pump(preparation);
	return 0;
}

static void encoded_all(void *arg, int code, const char *text)
{
	struct dh_preparation *preparation = arg;
	int r = dh_stream_reader_finish(preparation->reader);
	int is_good = r == 0 && code == DH_PREPARE_OK && preparation->recording.state == DH_RECORDING_ENDED;

	preparation->job = NULL;
	/* A file that was changed meanwhile is not what its key says. */
	dh_cache_writer_end(&preparation->feed, is_good && dh_inputs_unchanged(preparation->inputs));
	if (preparation->recording.state == DH_RECORDING_ENDED && code != DH_PREPARE_OK)
		dh_log(DH_LOG_WARNING, "%s: after its end: %s", preparation->inputs->source.names[0], text);
	/* Keeps what the stream said where it said why. */
	if (code != DH_PREPARE_OK)
		fail(preparation, code, text);
	else if (r < 0)
		fail(preparation, DH_PREPARE_INTERNAL, "dh-prepare ended in the middle of its output");
	else
		finish(preparation);
}

/* The anchor's picture as a file without a name; -1 with errno. */
static int picture_fd(GBytes *picture)
{
	gsize size;
	const char *at = g_bytes_get_data(picture, &size);
	int fd = memfd_create("anchor", MFD_CLOEXEC), error;

	while (fd >= 0 && size > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, at, size));
		if (n < 0) {
			error = errno;
			close(fd);
			errno = error;
			return -1;
		}
		at += n;
		size -= (gsize)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int silence_ms(const struct dh_preparation *preparation)
{
	const struct dh_ingest_config *config = &preparation->ingest->config;

	if (preparation->inputs->is_live)
		return config->live_silence_ms + LIVE_PATIENCE_MS;
	if (preparation->inputs->source.kind == DH_INGEST_IDLE)
		return config->worker_silence_ms * IDLE_PATIENCE;
	return config->worker_silence_ms;
}

static bool is_next(const struct dh_preparation *preparation)
{
	bool any = false;

	for (guint i = 0; i < preparation->subscriptions->len; i++)
		any = any || ((struct dh_subscription *)preparation->subscriptions->pdata[i])->is_next;
	return any;
}

void dh_preparation_set_next(struct dh_preparation *preparation)
{
	if (preparation->job)
		dh_job_set_next(preparation->job);
}

/* A copy of each descriptor: the job closes them. */
static int open_files(const struct dh_ingest_source *source, int *fds)
{
	int n = 0;

	for (; n < source->count; n++) {
		fds[n] = fcntl(source->fds[n], F_DUPFD_CLOEXEC, 0);
		if (fds[n] < 0)
			break;
	}
	if (n == source->count)
		return n;
	int err = -errno;
	while (n > 0)
		close(fds[--n]);
	return err;
}

/* What is opened late has one subscriber: it is live. */
static int open_late(struct dh_preparation *preparation, int *fds, char **error)
{
	int err = -ECANCELED;

	if (preparation->subscriptions->len > 0)
		err = dh_subscription_open(preparation->subscriptions->pdata[0], fds, error);
	return err < 0 ? err : 1;
}

/* There is a worker: the files that it is given. */
static int opened(void *arg, int fds[DH_JOB_FDS], char **error)
{
	struct dh_preparation *preparation = arg;
	const struct dh_ingest_source *source = &preparation->inputs->source;
	int anchor = -1, count;

	if (source->anchor) {
		anchor = picture_fd(source->anchor);
		if (anchor < 0)
			return -errno;
	}
	count = source->is_opened_late ? open_late(preparation, fds, error) : open_files(source, fds);
	if (count >= 0 && anchor >= 0)
		fds[count++] = anchor;
	else if (anchor >= 0)
		close(anchor);
	return count;
}

static int start_job(struct dh_preparation *preparation)
{
	static const struct dh_job_listener listener = { .open = opened, .data = encoded_data, .done = encoded_all };
	struct dh_ingest *ingest = preparation->ingest;
	char *json = dh_inputs_job(preparation->inputs, &ingest->config);
	struct dh_job_spec spec = {
		.json = json, .silence_ms = silence_ms(preparation), .owner = preparation->inputs->source.owner,
		.is_live = preparation->inputs->is_live, .is_next = is_next(preparation),
	};
	int err = dh_job_start(ingest->workers, &spec, &listener, preparation, &preparation->job);

	g_free(json);
	return err;
}

static void encode(struct dh_preparation *preparation)
{
	struct dh_ingest *ingest = preparation->ingest;
	struct dh_stream_limits limits = {
		.duration_ticks = ingest->config.max_ms * DH_TICKS_PER_MS,
		.bytes = (size_t)ingest->config.max_segment_bytes,
	};
	int r;

	preparation->state = DH_PREPARATION_ENCODING;
	r = dh_stream_reader_alloc(&preparation->reader, &limits, &dh_recording_sink, &preparation->recording);
	if (r == 0)
		r = start_job(preparation);
	if (r == -ENOBUFS)
		fail(preparation, DH_PREPARE_LIMIT, "too many segments wait to be prepared");
	else if (r < 0)
		fail(preparation, DH_PREPARE_INTERNAL, g_strerror(-r));
	else {
		if (preparation->has_cache_key)
			dh_cache_writer_alloc(&preparation->feed, ingest->cache, ingest->loader, preparation->key);
	}
}

/* --- inspecting and loading */

static const struct dh_load_listener load_listener;

/* Gives it the key under which it is shared. Where another preparation has it
 * already, all listen to that one, this one is freed, and the answer is 0. */
static int share(struct dh_preparation *preparation, const char *key)
{
	GHashTable *by_key = preparation->ingest->by_key;
	struct dh_preparation *other = g_hash_table_lookup(by_key, key);

	if (other) {
		move_subscriptions(preparation, other);
		dh_preparation_free(preparation);
		return 0;
	}
	preparation->key = g_strdup(key);
	g_hash_table_insert(by_key, preparation->key, preparation);
	return 1;
}

/* A prepared file is known by being the same file. */
static char *stream_key(const struct dh_preparation *preparation)
{
	const struct dh_file_identity *identity = &preparation->inputs->identities[0];

	if (identity->is_fresh)
		return NULL;
	return g_strdup_printf("file %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
		identity->device, identity->inode, identity->size, identity->mtime_ns);
}

static void load_stream(struct dh_preparation *preparation)
{
	char *key = stream_key(preparation);
	int is_first = !key || share(preparation, key);

	g_free(key);
	if (!is_first)
		return;
	preparation->state = DH_PREPARATION_LOADING;
	preparation->task = dh_load(preparation->ingest, preparation->inputs, NULL, &load_listener, preparation);
}

static void inspected(void *arg, const struct dh_load_task *task, int error)
{
	struct dh_preparation *preparation = arg;

	preparation->task = NULL;
	if (error < 0) {
		char *text = g_strdup_printf("cannot be read: %s", g_strerror(-error));
		fail(preparation, DH_PREPARE_INPUT, text);
		g_free(text);
	} else if (task->is_stream)
		load_stream(preparation);
	else if (!task->version)
		encode(preparation);
	else if (!share(preparation, task->key))
		return;
	else if (!preparation->ingest->cache)
		encode(preparation);
	else {
		preparation->has_cache_key = 1;
		preparation->state = DH_PREPARATION_LOADING;
		preparation->task = dh_load(preparation->ingest, preparation->inputs, preparation->key, &load_listener,
			preparation);
	}
}

static void loaded(void *arg, struct dh_recording *batch, bool is_last, int error, const char *text)
{
	struct dh_preparation *preparation = arg;
	struct dh_ingest *ingest = preparation->ingest;

	if (is_last)
		preparation->task = NULL;
	if (preparation->has_cache_key && error < 0) {
		if (error == -EBADMSG || error == -ENODATA || error == -EFBIG)
			dh_log(DH_LOG_WARNING, "an entry of the cache cannot be used (%s), %s is prepared anew",
				text && *text ? text : g_strerror(-error), preparation->inputs->source.names[0]);
		ingest->cache_misses++;
		encode(preparation);
		return;
	}
	dh_recording_absorb(&preparation->recording, batch);
	if (!is_last)
		pump(preparation);
	else if (error < 0)
		fail(preparation, code_of(error), text && *text ? text : g_strerror(-error));
	else {
		ingest->cache_hits += preparation->has_cache_key != 0;
		finish(preparation);
	}
}

static const struct dh_load_listener load_listener = { .inspected = inspected, .loaded = loaded };

/* --- life */

struct dh_preparation *dh_preparation_new(struct dh_ingest *ingest, struct dh_inputs *inputs)
{
	struct dh_preparation *new = g_new0(struct dh_preparation, 1);

	new->ingest = ingest;
	new->inputs = inputs;
	new->subscriptions = g_ptr_array_new();
	dh_recording_init(&new->recording);
	g_ptr_array_add(ingest->all, new);
	return new;
}

void dh_preparation_free(struct dh_preparation *preparation)
{
	leave_table(preparation);
	dh_load_task_cancel(&preparation->task);
	dh_job_cancel(&preparation->job);
	dh_cache_writer_end(&preparation->feed, 0);
	dh_stream_reader_free(&preparation->reader);
	dh_recording_clear(&preparation->recording);
	g_ptr_array_unref(preparation->subscriptions);
	dh_inputs_unref(&preparation->inputs);
	g_ptr_array_remove_fast(preparation->ingest->all, preparation);
	g_free(preparation);
}

void dh_preparation_begin(struct dh_preparation *preparation)
{
	if (preparation->inputs->is_live)
		encode(preparation);
	else
		preparation->task = dh_inspect(preparation->ingest, preparation->inputs,
			preparation->ingest->version, &load_listener, preparation);
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
	/* Only what the cache waits for goes on. */
	if (preparation->state == DH_PREPARATION_ENCODING && preparation->feed &&
	    orphans(preparation->ingest) <= preparation->ingest->config.orphans_max)
		return;
	dh_preparation_free(preparation);
}
