/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodes a preparation's input with a worker. */
#include "preparation_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "close_later.h"
#include "ingest_state.h"
#include "log.h"
#include "prepare/job.h"

/* The anchor of an idle clip is chosen after seeing the whole clip; nothing is written before that. */
#define IDLE_PATIENCE 4
/* The worker itself notices a silent live source; this is for a worker that fails to. */
#define LIVE_PATIENCE_MS 1000

/* What the worker wrote cannot be used: ends the worker and the preparation. */
static int refuse(struct dh_preparation *preparation, int err)
{
	const char *reason = dh_stream_reader_error(preparation->reader);
	char *text = g_strdup_printf("%s%s", err == -EFBIG ? "" : "what dh-prepare wrote is damaged: ", reason);
	int code = err == -EFBIG || err == -ENOMEM ? dh_preparation_code_of(err) : DH_PREPARE_INTERNAL;

	preparation->job = NULL;
	dh_preparation_fail(preparation, code, text);
	g_free(text);
	return -1;
}

/* A live source has one subscriber. */
static void no_place(void *arg, const struct dh_live_wait *wait)
{
	struct dh_preparation *preparation = arg;

	if (preparation->subscriptions->len > 0)
		dh_subscription_no_place(preparation->subscriptions->pdata[0], wait);
}

static void read_first(void *arg)
{
	dh_preparation_first_byte(arg);
}

static int encoded_data(void *arg, const void *bytes, size_t size)
{
	struct dh_preparation *preparation = arg;
	int err;

	if (preparation->writer)
		dh_cache_writer_push(preparation->writer, bytes, size);
	preparation->encoded_bytes += (int64_t)size;
	err = dh_stream_reader_push(preparation->reader, bytes, size);
	if (err < 0)
		return refuse(preparation, err);
	dh_preparation_pump(preparation);
	if (preparation->inputs->is_live && dh_preparation_keeps_too_much(preparation))
		return -1;
	return 0;
}

#define CHANGED "[changed] "

/* A file changed while the worker read it: the result is a whole segment of neither
 * version, and does not match its key. */
static void mark_changed(struct dh_preparation *preparation, int file)
{
	static const char *const texts[] = { CHANGED DH_JOB_NAME_1 " changed while it was prepared",
		CHANGED DH_JOB_NAME_2 " changed while it was prepared" };

	dh_recording_mark_incomplete(&preparation->recording, texts[file]);
}

static bool has_note_of_change(const struct dh_recording *recording)
{
	for (guint i = 0; i < recording->notes->len; i++)
		if (g_str_has_prefix(recording->notes->pdata[i], CHANGED))
			return true;
	return false;
}

static void checked(void *arg, int err, int changed, const char *text)
{
	struct dh_preparation *preparation = arg;
	/* It may only have been touched. What the worker doubts nobody else gets. */
	bool is_doubted = has_note_of_change(&preparation->recording);

	preparation->task = NULL;
	if (err == -ESTALE && !is_doubted)
		mark_changed(preparation, changed);
	else if (err < 0 && err != -ESTALE)
		dh_log(DH_LOG_WARNING, "%s: cannot tell whether it changed while it was prepared: %s",
			preparation->inputs->source.names[0], text ? text : g_strerror(-err));
	if (is_doubted || err == -ESTALE)
		dh_preparation_unshare(preparation);
	dh_cache_writer_end(&preparation->writer, err == 0 && !is_doubted);
	dh_preparation_finish(preparation);
}

void dh_preparation_check(struct dh_preparation *preparation)
{
	struct dh_ingest *ingest = preparation->ingest;

	preparation->state = DH_PREPARATION_CHECKING;
	preparation->task = dh_open_files_check(ingest->loader, preparation->files, &preparation->expected,
		ingest->config.file_read_ms, checked, preparation);
}

static void encoded_all(void *arg, int code, const char *text)
{
	struct dh_preparation *preparation = arg;
	int err = dh_stream_reader_finish(preparation->reader);

	preparation->job = NULL;
	dh_load_task_cancel(&preparation->task); /* it failed while its files were being opened */
	if (preparation->recording.state == DH_RECORDING_ENDED && code != DH_PREPARE_OK)
		dh_log(DH_LOG_WARNING, "%s: after its end: %s", preparation->inputs->source.names[0], text);
	/* If the stream itself said why it failed, that stays. */
	if (code != DH_PREPARE_OK)
		dh_preparation_fail(preparation, code, text);
	else if (err < 0)
		dh_preparation_fail(preparation, DH_PREPARE_INTERNAL, "dh-prepare ended in the middle of its output");
	else if (preparation->files && preparation->recording.state == DH_RECORDING_ENDED && preparation->hashing)
		preparation->is_encoded = true;
	else if (preparation->files && preparation->recording.state == DH_RECORDING_ENDED)
		dh_preparation_check(preparation);
	else
		dh_preparation_finish(preparation);
}

/* A picture as an anonymous file; -1 with errno. */
static int picture_fd(GBytes *picture)
{
	gsize size;
	const char *at = g_bytes_get_data(picture, &size);
	int fd = memfd_create("picture", MFD_CLOEXEC), error;

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
		return config->live_silence_ms + LIVE_PATIENCE_MS +
			(preparation->inputs->lead_fd >= 0 ? DH_LEAD_WAIT_MS : 0);
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

/* --- what a worker gets when it is the job's turn */

/* Duplicates the descriptors, because the job closes its own. */
static int copy_fds(struct dh_preparation *preparation, const int *from, int count, int *fds)
{
	int n = 0;

	for (; n < count; n++) {
		fds[n] = fcntl(from[n], F_DUPFD_CLOEXEC, 0);
		if (fds[n] < 0)
			break;
	}
	if (n == count)
		return n;
	int err = -errno;
	while (n > 0)
		dh_close_later(preparation->ingest->loader, NULL, fds[--n]);
	return err;
}

/* A late-opened source is live, so it has one subscriber. */
static int open_late(struct dh_preparation *preparation, int *fds, char **error)
{
	int err = -ECANCELED;

	if (preparation->subscriptions->len > 0)
		err = dh_subscription_open(preparation->subscriptions->pdata[0], fds, error);
	return err < 0 ? err : 1;
}

void dh_preparation_give_up_job(struct dh_preparation *preparation)
{
	dh_job_cancel(&preparation->job);
	dh_cache_writer_end(&preparation->writer, false);
	dh_stream_reader_free(&preparation->reader);
}

static void opened(void *arg, struct dh_open_files *files, int err, const char *text)
{
	struct dh_preparation *preparation = arg;

	preparation->task = NULL;
	preparation->files = files;
	if (err == 0) {
		dh_job_ready(preparation->job);
		return;
	}
	dh_preparation_give_up_job(preparation);
	if (err == -ESTALE && !preparation->is_inspected_again)
		dh_preparation_inspect_again(preparation);
	else
		dh_preparation_fail_reading(preparation, err, text);
}

/* Does not wait for their file system: `opened` follows. */
static int open_files(struct dh_preparation *preparation, int *fds)
{
	struct dh_ingest *ingest = preparation->ingest;

	if (preparation->files)
		return copy_fds(preparation, preparation->files->fds, preparation->files->count, fds);
	preparation->task = dh_open_files_open(ingest->loader, ingest->limits, preparation->inputs,
		&preparation->expected, ingest->config.file_read_ms, opened, preparation);
	return -EINPROGRESS;
}

static int open_inputs(struct dh_preparation *preparation, int *fds, char **error)
{
	const struct dh_ingest_source *source = &preparation->inputs->source;

	if (source->is_opened_late)
		return open_late(preparation, fds, error);
	return preparation->inputs->is_live ? copy_fds(preparation, source->fds, source->count, fds) :
					      open_files(preparation, fds);
}

/* The job gets them instead of the inputs: while anybody else holds a pipe's end, the worker at
 * the other one does not notice that this one has ended. */
static int move_seams(struct dh_inputs *inputs, int *fds)
{
	int count = 0;

	if (inputs->lead_fd >= 0)
		fds[count++] = inputs->lead_fd;
	if (inputs->tail_fd >= 0)
		fds[count++] = inputs->tail_fd;
	inputs->lead_fd = inputs->tail_fd = -1;
	return count;
}

/* Behind `count` descriptors; returns how many there are then. */
static int open_pictures(struct dh_preparation *preparation, int *fds, int count)
{
	const struct dh_ingest_source *source = &preparation->inputs->source;
	GBytes *const pictures[] = { source->anchor, source->anchor_frame, source->background_picture,
		source->mark_picture };
	int err = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(pictures) && err == 0; i++) {
		if (!pictures[i])
			continue;
		fds[count] = picture_fd(pictures[i]);
		if (fds[count] < 0)
			err = -errno;
		else
			count++;
	}
	while (err < 0 && count > 0)
		dh_close_later(preparation->ingest->loader, NULL, fds[--count]);
	return err < 0 ? err : count;
}

static int open_job(void *arg, int fds[DH_JOB_FDS], char **error)
{
	struct dh_preparation *preparation = arg;
	int count = open_inputs(preparation, fds, error);

	if (count >= 0)
		count = open_pictures(preparation, fds, count);
	return count < 0 ? count : count + move_seams(preparation->inputs, fds + count);
}

static int start_job(struct dh_preparation *preparation)
{
	/* Nobody waits for a bridge. */
	bool is_awaited = preparation->inputs->source.kind != DH_INGEST_BRIDGE;
	const struct dh_job_listener listener = { .open = open_job,
		.no_place = is_awaited ? no_place : NULL,
		.first = read_first,
		.data = encoded_data,
		.done = encoded_all };
	struct dh_ingest *ingest = preparation->ingest;
	char *json = dh_inputs_job(preparation->inputs, &ingest->config);
	struct dh_job_spec spec = {
		.json = json,
		.silence_ms = silence_ms(preparation),
		.owner = preparation->inputs->source.owner,
		.is_live = preparation->inputs->is_live,
		.is_next = is_next(preparation),
	};
	int err = dh_job_start(ingest->workers, &spec, &listener, preparation, &preparation->job);

	g_free(json);
	return err;
}

void dh_preparation_encode(struct dh_preparation *preparation)
{
	struct dh_ingest *ingest = preparation->ingest;
	struct dh_stream_limits limits;
	int err;

	preparation->state = DH_PREPARATION_ENCODING;
	preparation->may_end = preparation->inputs->is_live;
	dh_preparation_limits(preparation, &limits);
	dh_stream_reader_free(&preparation->reader);
	err = dh_stream_reader_alloc(&preparation->reader, &limits, &dh_recording_sink, &preparation->recording);
	if (err == 0)
		err = start_job(preparation);
	if (err == -ENOBUFS)
		dh_preparation_fail(preparation, DH_PREPARE_LIMIT, "too many segments wait to be prepared");
	else if (err < 0)
		dh_preparation_fail(preparation, DH_PREPARE_INTERNAL, g_strerror(-err));
	else if (preparation->has_cache_key)
		preparation->writer = dh_cache_writer_new(ingest->cache, ingest->loader, ingest->limits,
			preparation->key);
}
