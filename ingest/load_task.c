#include "load_task.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "ingest_state.h"
#include "io.h"
#include "loader.h"
#include "playout/timebase.h"

#define READ_BYTES (128 * 1024)

static struct dh_load_task *task_new(struct dh_ingest *ingest, struct dh_inputs *inputs,
	const struct dh_load_listener *listener, void *arg)
{
	struct dh_load_task *task = g_new0(struct dh_load_task, 1);

	task->ingest = ingest;
	task->inputs = dh_inputs_ref(inputs);
	atomic_init(&task->cancelled, 0);
	task->listener = listener;
	task->arg = arg;
	dh_recording_init(&task->batch);
	return task;
}

static void task_free(struct dh_load_task *task)
{
	dh_inputs_unref(&task->inputs);
	dh_recording_clear(&task->batch);
	g_free(task->version);
	g_free(task);
}

void dh_load_task_cancel(struct dh_load_task **task)
{
	if (*task) {
		(*task)->listener = NULL;
		atomic_store(&(*task)->cancelled, 1);
	}
	*task = NULL;
}

/* What a task tells: part of a stream, or its result. */
struct report {
	struct dh_load_task *task;
	struct dh_recording batch;
	bool is_last;
	int error;
};

static struct report *report_new(struct dh_load_task *task, int is_last, int error)
{
	struct report *report = g_new0(struct report, 1);

	report->task = task;
	report->batch = task->batch;
	dh_recording_init(&task->batch);
	report->is_last = is_last;
	report->error = error;
	return report;
}

static void report_free(struct report *report)
{
	dh_recording_clear(&report->batch);
	g_free(report);
}

/* --- inspecting */

static void inspected(void *arg)
{
	struct report *report = arg;
	struct dh_load_task *task = report->task;

	if (task->listener)
		task->listener->inspected(task->arg, task, report->error);
	task_free(task);
	report_free(report);
}

static int is_stream(int fd, int *answer)
{
	char start[4];
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, start, sizeof start, 0));

	*answer = n == sizeof start && memcmp(start, "DHS1", sizeof start) == 0;
	return n < 0 ? -errno : 0;
}

static void inspect(void *arg)
{
	struct dh_load_task *task = arg;
	const struct dh_ingest_source *source = &task->inputs->source;
	int r = 0;

	if (source->count == 1)
		r = is_stream(source->fds[0], &task->is_stream);
	if (r == 0 && !task->is_stream && task->version)
		r = dh_inputs_key(task->inputs, task->ingest->hashes, task->version, &task->cancelled, task->key);
	dh_io_post(task->ingest->io, inspected, report_new(task, 1, r));
}

struct dh_load_task *dh_inspect(struct dh_ingest *ingest, struct dh_inputs *inputs, const char *version,
	const struct dh_load_listener *listener, void *arg)
{
	struct dh_load_task *task = task_new(ingest, inputs, listener, arg);

	task->version = g_strdup(version);
	dh_loader_post(task->ingest->loader, inspect, task);
	return task;
}

/* --- loading */

static void loaded(void *arg)
{
	struct report *report = arg;
	struct dh_load_task *task = report->task;

	if (task->listener)
		task->listener->loaded(task->arg, &report->batch, report->is_last, report->error, task->text);
	if (report->is_last)
		task_free(task);
	report_free(report);
}

/* The last one takes the task away. */
static void tell(struct dh_load_task *task, int is_last, int error)
{
	dh_io_post(task->ingest->io, loaded, report_new(task, is_last, error));
}

/* What comes from the cache is told only when all of it is good: else it is
 * prepared again, and nobody has heard anything. */
static int read_stream(struct dh_load_task *task, int fd, struct dh_stream_reader *reader)
{
	char *buffer = g_malloc(READ_BYTES);
	off_t at = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = TEMP_FAILURE_RETRY(pread(fd, buffer, READ_BYTES, at))) != 0) {
		at += n;
		if (n < 0)
			r = -errno;
		else if (atomic_load(&task->cancelled))
			r = -ECANCELED;
		else
			r = dh_stream_reader_push(reader, buffer, (size_t)n);
		if (r == 0 && !task->from_cache)
			tell(task, 0, 0);
	}
	g_free(buffer);
	return r < 0 ? r : dh_stream_reader_finish(reader);
}

static int load_from(struct dh_load_task *task, int fd)
{
	const struct dh_ingest_config *config = &task->ingest->config;
	struct dh_stream_limits limits = {
		.duration_ticks = config->max_ms * DH_TICKS_PER_MS,
		.bytes = (size_t)config->max_segment_bytes,
	};
	struct dh_stream_reader *reader;
	int r = dh_stream_reader_alloc(&reader, &limits, &dh_recording_sink, &task->batch);

	if (r < 0)
		return r;
	r = read_stream(task, fd, reader);
	if (r < 0)
		g_strlcpy(task->text, dh_stream_reader_error(reader), sizeof task->text);
	dh_stream_reader_free(&reader);
	return r;
}

static int load_from_cache(struct dh_load_task *task)
{
	struct dh_cache *cache = task->ingest->cache;
	int fd = dh_cache_open(cache, task->key);
	int r;

	if (fd < 0)
		return fd;
	r = load_from(task, fd);
	close(fd);
	/* Only good ones are put there. */
	if (r == 0 && task->batch.state != DH_RECORDING_ENDED)
		r = -EBADMSG;
	if (r == -EBADMSG || r == -ENODATA || r == -EFBIG)
		dh_cache_remove(cache, task->key);
	return r;
}

static void load(void *arg)
{
	struct dh_load_task *task = arg;
	int r = task->from_cache ? load_from_cache(task) : load_from(task, task->inputs->source.fds[0]);

	tell(task, 1, r);
}

struct dh_load_task *dh_load(struct dh_ingest *ingest, struct dh_inputs *inputs, const char *key,
	const struct dh_load_listener *listener, void *arg)
{
	struct dh_load_task *task = task_new(ingest, inputs, listener, arg);

	task->from_cache = key != NULL;
	if (key)
		g_strlcpy(task->key, key, sizeof task->key);
	dh_loader_post(task->ingest->loader, load, task);
	return task;
}
