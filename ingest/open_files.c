/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "open_files.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "close_later.h"
#include "file_slice.h"

#define CHANGED "it was changed while it was read"

static struct dh_open_files *files_ref(struct dh_open_files *files)
{
	atomic_fetch_add(&files->refs, 1);
	return files;
}

void dh_open_files_unref(struct dh_open_files **files)
{
	struct dh_open_files *old = *files;

	*files = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	for (int i = 0; i < old->count; i++)
		dh_close_later(old->loader, old->limits, old->fds[i]);
	dh_limits_add(old->limits, DH_LIMIT_MEMORY, -old->copied_bytes);
	dh_limits_unref(&old->limits);
	dh_loader_unref(&old->loader);
	g_free(old);
}

/* --- opening */

struct opening {
	struct dh_load_task task;
	struct dh_inputs *inputs;
	struct dh_expected_files expected;
	int read_ms;
	dh_open_files_opened_fn *opened;
	/* the lane's thread; `files` also the I/O thread once the result is in */
	struct dh_open_files *files;
	struct dh_file_hasher *hasher; /* while copying */
	int copy;                      /* the target; -1: none */
	int64_t copied;                /* bytes of this file */
	off_t at;
};

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, bytes, size));
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static int push_copy(void *arg, const void *bytes, size_t size)
{
	struct opening *opening = arg;

	opening->copied += (int64_t)size;
	/* It has grown, and may go on growing. */
	if (opening->copied > opening->expected.identities[opening->files->count - 1].size)
		return -ESTALE;
	dh_file_hasher_push(opening->hasher, bytes, size);
	return write_all(opening->copy, bytes, size);
}

/* Opens the next file, or reports that all are open. */
static bool open_next(struct opening *opening)
{
	if (opening->files->count == opening->inputs->source.count)
		return dh_load_task_end(&opening->task, 0, NULL);
	return dh_load_task_go(&opening->task, DH_LANE_OPEN, dh_inputs_device(opening->inputs, opening->files->count),
		dh_loader_open_ms(opening->task.loader));
}

/* The copy has the expected hash, so later changes to the file do not matter. */
static bool end_copy(struct opening *opening)
{
	struct dh_open_files *files = opening->files;
	int i = files->count - 1;
	struct dh_file_hash hash;

	dh_file_hasher_finish(opening->hasher, &hash);
	dh_file_hasher_free(&opening->hasher);
	if (strcmp(hash.hex, opening->expected.hashes[i].hex) != 0)
		return dh_load_task_end(&opening->task, -ESTALE, CHANGED);
	dh_close_later(files->loader, files->limits, files->fds[i]);
	files->fds[i] = opening->copy;
	files->is_copied[i] = true;
	opening->copy = -1;
	lseek(files->fds[i], 0, SEEK_SET);
	return open_next(opening);
}

static bool copy_step(struct opening *opening)
{
	int fd = opening->files->fds[opening->files->count - 1], err;

	err = dh_file_slice(&opening->task.opener, fd, &opening->at, &opening->task.is_cancelled, push_copy, opening);
	if (err == 0)
		return end_copy(opening);
	return err > 0 || dh_load_task_end(&opening->task, err, err == -ESTALE ? CHANGED : NULL);
}

static bool begin_copy(struct opening *opening, int i)
{
	int64_t size = opening->expected.identities[i].size;
	struct dh_limits *limits = opening->files->limits;
	int err;

	if (!dh_limits_take(limits, DH_LIMIT_MEMORY, size))
		return dh_load_task_end(&opening->task, -ENOBUFS,
			"prepared media use all the memory they may (" DH_MEMORY_OPTION ")");
	opening->files->copied_bytes += size;
	if (!dh_limits_take(limits, DH_LIMIT_DESCRIPTORS, 1))
		return dh_load_task_end(&opening->task, -EMFILE, "too many files are open");
	opening->copy = memfd_create("copy", MFD_CLOEXEC);
	if (opening->copy < 0) {
		err = -errno;
		dh_limits_add(limits, DH_LIMIT_DESCRIPTORS, -1);
		return dh_load_task_end(&opening->task, err, NULL);
	}
	opening->copied = 0;
	opening->hasher = dh_file_hasher_new();
	opening->at = 0;
	opening->task.option = DH_FILE_READ_OPTION;
	return dh_load_task_go(&opening->task, DH_LANE_READ, opening->expected.identities[i].device, opening->read_ms);
}

static bool open_one(struct opening *opening)
{
	const struct dh_expected_files *expected = &opening->expected;
	struct dh_open_files *files = opening->files;
	struct dh_file_identity identity;
	char *error = NULL;
	int fd, i = files->count;

	opening->task.option = NULL;
	if (!dh_limits_take(files->limits, DH_LIMIT_DESCRIPTORS, 1))
		return dh_load_task_end(&opening->task, -EMFILE, "too many files are open");
	fd = dh_inputs_open(opening->inputs, i, &opening->task.opener, &identity, &error);
	if (fd < 0) {
		dh_limits_add(files->limits, DH_LIMIT_DESCRIPTORS, -1);
		dh_load_task_end(&opening->task, fd, error);
		g_free(error);
		return false;
	}
	files->fds[files->count++] = fd;
	if (!dh_file_identity_same(&identity, &expected->identities[i]))
		return dh_load_task_end(&opening->task, -ESTALE, "it was changed before its turn came");
	return expected->is_hashed && expected->hashes[i].is_slow ? begin_copy(opening, i) : open_next(opening);
}

static bool open_step(struct dh_load_task *task)
{
	struct opening *opening = (struct opening *)task;

	return opening->hasher ? copy_step(opening) : open_one(opening);
}

/* On error the task keeps the files: a late step may still use them. */
static void open_tell(struct dh_load_task *task, int err, const char *text)
{
	struct opening *opening = (struct opening *)task;

	opening->opened(task->arg, err < 0 ? NULL : files_ref(opening->files), err, text);
}

static void open_free(struct dh_load_task *task)
{
	struct opening *opening = (struct opening *)task;

	if (opening->copy >= 0) {
		close(opening->copy);
		dh_limits_add(opening->files->limits, DH_LIMIT_DESCRIPTORS, -1);
	}
	dh_file_hasher_free(&opening->hasher);
	dh_inputs_unref(&opening->inputs);
	dh_open_files_unref(&opening->files);
	g_free(opening);
}

struct dh_load_task *dh_open_files_open(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	const struct dh_expected_files *expected, int read_ms, dh_open_files_opened_fn *opened, void *arg)
{
	static const struct dh_load_task_kind kind = { .step = open_step, .tell = open_tell, .free = open_free };
	struct opening *new = g_new0(struct opening, 1);

	dh_load_task_init(&new->task, &kind, loader, arg);
	new->inputs = dh_inputs_ref(inputs);
	new->expected = *expected;
	new->read_ms = read_ms;
	new->copy = -1;
	new->opened = opened;
	new->files = g_new0(struct dh_open_files, 1);
	atomic_init(&new->files->refs, 1);
	new->files->loader = dh_loader_ref(loader);
	new->files->limits = dh_limits_ref(limits);
	dh_load_task_start(&new->task, DH_LANE_OPEN, dh_inputs_device(inputs, 0), dh_loader_open_ms(loader));
	return &new->task;
}

/* --- checking */

struct checking {
	struct dh_load_task task;
	struct dh_open_files *files;
	struct dh_expected_files expected;
	dh_open_files_checked_fn *checked;
	int read_ms;
	/* the lane's thread */
	int i;                         /* which file */
	struct dh_file_hasher *hasher; /* while it is read again; else NULL */
	off_t at;
};

static int push(void *arg, const void *bytes, size_t size)
{
	dh_file_hasher_push(((struct checking *)arg)->hasher, bytes, size);
	return 0;
}

/* 1: the file must be read again; otherwise the result for this file. */
static int look(struct checking *checking)
{
	const struct dh_file_identity *expected = &checking->expected.identities[checking->i];
	struct dh_file_identity identity;
	int err;

	if (checking->files->is_copied[checking->i])
		return 0;
	err = dh_file_identity_get(&identity, &checking->task.opener, checking->files->fds[checking->i]);
	if (err < 0 || dh_file_identity_same(&identity, expected))
		return err;
	if (checking->expected.is_hashed)
		return 1;
	return dh_file_identity_alike(&identity, expected) ? 0 : -ESTALE;
}

/* 1: there is more to read. */
static int read_again(struct checking *checking)
{
	struct dh_file_hash hash;
	int err = dh_file_slice(&checking->task.opener, checking->files->fds[checking->i], &checking->at,
		&checking->task.is_cancelled, push, checking);

	if (err != 0)
		return err;
	dh_file_hasher_finish(checking->hasher, &hash);
	dh_file_hasher_free(&checking->hasher);
	return strcmp(hash.hex, checking->expected.hashes[checking->i].hex) == 0 ? 0 : -ESTALE;
}

static bool check_step(struct dh_load_task *task)
{
	struct checking *checking = (struct checking *)task;
	int err = checking->hasher ? read_again(checking) : look(checking);

	if (err < 0)
		return dh_load_task_end(task, err, err == -ESTALE ? CHANGED : NULL);
	if (err > 0) {
		if (!checking->hasher)
			checking->hasher = dh_file_hasher_new();
		return true;
	}
	if (++checking->i == checking->files->count)
		return dh_load_task_end(task, 0, NULL);
	checking->at = 0;
	return dh_load_task_go(task, DH_LANE_READ, checking->expected.identities[checking->i].device,
		checking->read_ms);
}

static void check_tell(struct dh_load_task *task, int err, const char *text)
{
	struct checking *checking = (struct checking *)task;

	/* with other errors its thread may still be at work */
	checking->checked(task->arg, err, err == -ESTALE ? checking->i : 0, text);
}

static void check_free(struct dh_load_task *task)
{
	struct checking *checking = (struct checking *)task;

	dh_open_files_unref(&checking->files);
	dh_file_hasher_free(&checking->hasher);
	g_free(checking);
}

struct dh_load_task *dh_open_files_check(struct dh_loader *loader, struct dh_open_files *files,
	const struct dh_expected_files *expected, int read_ms, dh_open_files_checked_fn *checked, void *arg)
{
	static const struct dh_load_task_kind kind = { .step = check_step, .tell = check_tell, .free = check_free };
	struct checking *new = g_new0(struct checking, 1);

	dh_load_task_init(&new->task, &kind, loader, arg);
	new->task.option = DH_FILE_READ_OPTION;
	new->files = files_ref(files);
	new->expected = *expected;
	new->read_ms = read_ms;
	new->checked = checked;
	dh_load_task_start(&new->task, DH_LANE_READ, expected->identities[0].device, read_ms);
	return &new->task;
}
