/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspection.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "close_later.h"
#include "file_slice.h"

/* The coarsest tick of the kernel's file clock: two changes within one tick leave the same
 * time. So a file that changed in the current tick is read in the next one. */
#define TICK_US 20000
/* A file that takes longer to read, and reads slowly, would hog a worker. */
#define SLOW_US 1000000

/* Hashing the rest of a file takes so long that preparing it need not wait: from here on, */
#define KNOWN_BYTES (2 << 20)
/* if there is at least so much left. */
#define REST_BYTES (6 << 20)

struct inspection {
	struct dh_load_task task;
	struct dh_inputs *inputs;
	struct dh_limits *limits;
	struct dh_file_hashes *hashes;
	dh_known_fn *known;
	dh_inspected_fn *inspected;
	int read_ms;
	/* the lane's thread; the I/O thread once the result is in */
	struct dh_expected_files files;
	int i;                         /* which file */
	int fd;                        /* -1: not open */
	struct dh_file_hasher *hasher; /* while it is being read */
	off_t at;
	int64_t read_us;
	bool is_told; /* that the files are known */
};

static int push(void *arg, const void *bytes, size_t size)
{
	dh_file_hasher_push(((struct inspection *)arg)->hasher, bytes, size);
	return 0;
}

static void close_file(struct inspection *inspection)
{
	if (inspection->fd < 0)
		return;
	dh_close_later(inspection->task.loader, inspection->limits, inspection->fd);
	inspection->fd = -1;
}

/* Its hash is known: on to the next. */
static bool next_file(struct inspection *inspection)
{
	dh_file_hasher_free(&inspection->hasher);
	close_file(inspection);
	if (inspection->i-- > 0)
		return dh_load_task_go(&inspection->task, DH_LANE_OPEN,
			dh_inputs_device(inspection->inputs, inspection->i),
			dh_loader_open_ms(inspection->task.loader));
	inspection->files.is_hashed = true;
	return dh_load_task_end(&inspection->task, 0, NULL);
}

/* It is shared by identity, so it needs no hash. */
static bool is_single_stream(const struct inspection *inspection)
{
	return inspection->files.is_stream && inspection->inputs->source.count == 1;
}

static bool open_file(struct inspection *inspection)
{
	struct dh_file_identity *identity = &inspection->files.identities[inspection->i];
	struct dh_file_hash *hash = &inspection->files.hashes[inspection->i];
	char *error = NULL;

	if (!dh_limits_take(inspection->limits, DH_LIMIT_DESCRIPTORS, 1))
		return dh_load_task_end(&inspection->task, -EMFILE, "too many files are open");
	inspection->fd = dh_inputs_open(inspection->inputs, inspection->i, &inspection->task.opener, identity, &error);
	if (inspection->fd < 0) {
		dh_limits_add(inspection->limits, DH_LIMIT_DESCRIPTORS, -1);
		dh_load_task_end(&inspection->task, inspection->fd, error);
		g_free(error);
		return false;
	}
	if (dh_file_hashes_find(inspection->hashes, identity, hash)) {
		inspection->files.is_stream = hash->is_stream;
		return is_single_stream(inspection) ? dh_load_task_end(&inspection->task, 0, NULL) :
						      next_file(inspection);
	}
	inspection->hasher = dh_file_hasher_new();
	inspection->at = 0;
	inspection->read_us = 0;
	return dh_load_task_go(&inspection->task, DH_LANE_READ, identity->device, inspection->read_ms);
}

static void wait_a_tick(const struct dh_file_identity *identity)
{
	struct timespec now;
	int64_t age_us;

	clock_gettime(CLOCK_REALTIME, &now);
	age_us = now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000 - identity->ctime_ns / 1000;
	if (age_us >= 0 && age_us < TICK_US)
		g_usleep((gulong)(TICK_US - age_us));
}

/* Whether it starts like a segment written by dh-prepare (playout/stream.h). */
static int look_at_start(struct inspection *inspection, bool *is_stream)
{
	char start[4];
	ssize_t n = dh_opener_read(&inspection->task.opener, inspection->fd, start, sizeof start, 0);

	*is_stream = n == sizeof start && memcmp(start, "DHS1", sizeof start) == 0;
	return n < 0 ? (int)n : 0;
}

/* --- telling that the files are known */

struct known {
	struct dh_load_task *task; /* a reference */
	struct dh_expected_files files;
};

static void known_free(struct known *known)
{
	dh_load_task_unref(&known->task);
	g_free(known);
}

static void tell_known(void *arg)
{
	struct known *known = arg;

	if (known->task->arg)
		((struct inspection *)known->task)->known(known->task->arg, &known->files);
	known_free(known);
}

/* Not what could be a stream, and nothing slow: it would occupy a worker for long. */
static void check_known(struct inspection *inspection)
{
	const struct dh_expected_files *files = &inspection->files;
	bool is_slow = dh_file_reads_slowly(inspection->at, inspection->read_us);

	if (inspection->is_told || inspection->i > 0 || inspection->at < KNOWN_BYTES ||
		files->identities[0].size - inspection->at < REST_BYTES || is_slow ||
		(inspection->inputs->source.count > 1 && files->hashes[1].is_slow))
		return;
	inspection->is_told = true;
	struct known *known = g_new0(struct known, 1);
	known->task = dh_load_task_ref(&inspection->task);
	known->files = *files;
	if (!dh_load_task_report(known->task, tell_known, known))
		known_free(known);
}

static bool read_file(struct inspection *inspection)
{
	const struct dh_file_identity *identity = &inspection->files.identities[inspection->i];
	struct dh_file_hash *hash = &inspection->files.hashes[inspection->i];
	int64_t began_us = g_get_monotonic_time();
	struct dh_file_identity now;
	int err;

	if (inspection->at == 0) {
		wait_a_tick(identity);
		err = look_at_start(inspection, &hash->is_stream);
		inspection->files.is_stream = hash->is_stream;
		if (err < 0 || is_single_stream(inspection))
			return dh_load_task_end(&inspection->task, err, NULL);
	}
	err = dh_file_slice(&inspection->task.opener, inspection->fd, &inspection->at, &inspection->task.is_cancelled,
		push, inspection);
	inspection->read_us += g_get_monotonic_time() - began_us;
	if (err == 0) {
		dh_file_hasher_finish(inspection->hasher, hash);
		hash->is_slow = inspection->read_us > SLOW_US &&
			dh_file_reads_slowly(inspection->at, inspection->read_us);
		err = dh_file_identity_get(&now, &inspection->task.opener, inspection->fd);
	}
	if (err > 0) {
		check_known(inspection);
		return true;
	}
	if (err == 0 && !dh_file_identity_alike(&now, identity))
		return dh_load_task_end(&inspection->task, -ESTALE, "it was changed while it was read");
	if (err < 0)
		return dh_load_task_end(&inspection->task, err, NULL);
	dh_file_hashes_remember(inspection->hashes, identity, hash);
	return next_file(inspection);
}

static bool step(struct dh_load_task *task)
{
	struct inspection *inspection = (struct inspection *)task;

	task->option = inspection->hasher ? DH_FILE_READ_OPTION : NULL;
	return inspection->hasher ? read_file(inspection) : open_file(inspection);
}

static void tell(struct dh_load_task *task, int err, const char *text)
{
	struct inspection *inspection = (struct inspection *)task;

	inspection->inspected(task->arg, err < 0 ? NULL : &inspection->files, err, text);
}

static void inspection_free(struct dh_load_task *task)
{
	struct inspection *inspection = (struct inspection *)task;

	close_file(inspection);
	dh_file_hasher_free(&inspection->hasher);
	dh_inputs_unref(&inspection->inputs);
	dh_limits_unref(&inspection->limits);
	dh_file_hashes_unref(&inspection->hashes);
	g_free(inspection);
}

struct dh_load_task *dh_inspect(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	struct dh_file_hashes *hashes, int read_ms, dh_known_fn *known, dh_inspected_fn *inspected, void *arg)
{
	static const struct dh_load_task_kind kind = { .step = step, .tell = tell, .free = inspection_free };
	struct inspection *new = g_new0(struct inspection, 1);

	dh_load_task_init(&new->task, &kind, loader, arg);
	new->inputs = dh_inputs_ref(inputs);
	new->limits = dh_limits_ref(limits);
	new->hashes = dh_file_hashes_ref(hashes);
	new->known = known;
	new->inspected = inspected;
	new->i = inputs->source.count - 1;
	new->read_ms = read_ms;
	new->fd = -1;
	dh_load_task_start(&new->task, DH_LANE_OPEN, dh_inputs_device(inputs, new->i), dh_loader_open_ms(loader));
	return &new->task;
}
