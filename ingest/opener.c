/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "opener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "opener_wire.h"
#include "prepare/envelope.h"

void dh_opener_init(struct dh_opener *opener, struct dh_openers *openers)
{
	memset(opener, 0, sizeof *opener);
	opener->openers = dh_openers_ref(openers);
	g_mutex_init(&opener->lock);
	opener->attached = -1;
}

void dh_opener_clear(struct dh_opener *opener)
{
	dh_opener_rest(opener);
	g_mutex_clear(&opener->lock);
	dh_openers_unref(&opener->openers);
}

/* --- its process */

static bool is_stopped(struct dh_opener *opener)
{
	bool answer;

	g_mutex_lock(&opener->lock);
	answer = opener->is_stopped;
	g_mutex_unlock(&opener->lock);
	return answer;
}

static int get_process(struct dh_opener *opener)
{
	struct dh_opener_process *process;

	if (is_stopped(opener))
		return -ETIMEDOUT;
	if (opener->is_broken)
		return -EIO;
	if (opener->process)
		return 0;
	process = dh_openers_get(opener->openers);
	if (!process)
		return -ECHILD;
	g_mutex_lock(&opener->lock);
	opener->process = process;
	if (opener->is_stopped)
		dh_opener_process_kill(process);
	g_mutex_unlock(&opener->lock);
	return 0;
}

static struct dh_opener_process *take_process(struct dh_opener *opener)
{
	struct dh_opener_process *process;

	g_mutex_lock(&opener->lock);
	process = opener->process;
	opener->process = NULL;
	g_mutex_unlock(&opener->lock);
	opener->attached = -1;
	return process;
}

void dh_opener_stop(struct dh_opener *opener)
{
	g_mutex_lock(&opener->lock);
	opener->is_stopped = true;
	if (opener->process)
		dh_opener_process_kill(opener->process);
	g_mutex_unlock(&opener->lock);
}

/* --- requests */

struct parcel {
	const struct dh_opener_request *request;
	const char *paths; /* the request's body */
	size_t paths_size;
	int with; /* the request's descriptor, or -1 */
	struct dh_opener_answer answer;
	void *bytes; /* for the answer's body */
	size_t most;
	int fd; /* the answer's descriptor, or -1 */
};

/* -EPIPE: the process is dead. */
static int exchange(struct dh_opener *opener, struct parcel *parcel)
{
	int err = get_process(opener);
	ssize_t n;

	if (err == 0)
		err = dh_envelope_send(opener->process->socket, parcel->request, sizeof *parcel->request, parcel->paths,
			parcel->paths_size, parcel->with, 0);
	if (err < 0)
		return err;
	n = dh_envelope_receive(opener->process->socket, &parcel->answer, sizeof parcel->answer, parcel->bytes,
		parcel->most, &parcel->fd, 0);
	if (n == -EMFILE) /* it has answered all the same */
		parcel->answer.result = n;
	if (n >= (ssize_t)sizeof parcel->answer || n == -EMFILE)
		return 0;
	return is_stopped(opener) ? -ETIMEDOUT : -EPIPE;
}

/* Returns the answer's result. An idle process may have died meanwhile: then another gets
 * the first request. */
static int64_t call(struct dh_opener *opener, struct parcel *parcel)
{
	bool is_first = !opener->process;
	int err = -EPIPE;

	parcel->fd = -1;
	for (int i = 0; err == -EPIPE && i <= (is_first ? DH_OPENERS_IDLE : 0); i++) {
		err = exchange(opener, parcel);
		if (err == -EPIPE)
			dh_openers_put(opener->openers, take_process(opener), true);
	}
	opener->is_broken = err < 0;
	if (err < 0)
		return err == -EPIPE ? -EIO : err;
	return parcel->answer.result;
}

static int attach(struct dh_opener *opener, int envelope)
{
	const struct dh_opener_request request = { .what = DH_OPENER_ATTACH };
	struct parcel parcel = { .request = &request, .with = envelope };
	int err;

	if (opener->process && opener->attached == envelope)
		return 0;
	err = (int)call(opener, &parcel);
	opener->attached = err == 0 ? envelope : -1;
	return err;
}

/* Folder (may be NULL) and path as the body of a request: their size, or a negative errno. */
static ssize_t write_paths(char paths[DH_OPENER_PATHS], const char *folder, const char *path)
{
	size_t before = folder ? strlen(folder) + 1 : 1, after = strlen(path) + 1;

	if (before + after > DH_OPENER_PATHS)
		return -ENAMETOOLONG;
	memcpy(paths, folder ? folder : "", before);
	memcpy(paths + before, path, after);
	return (ssize_t)(before + after);
}

int dh_opener_open(struct dh_opener *opener, const char *folder, const char *path, struct stat *st)
{
	const struct dh_opener_request request = { .what = DH_OPENER_OPEN };
	char paths[DH_OPENER_PATHS];
	ssize_t size = write_paths(paths, folder, path);
	struct parcel parcel = { .request = &request, .paths = paths, .paths_size = (size_t)size, .with = -1 };
	int64_t err;

	if (size < 0)
		return (int)size;
	err = call(opener, &parcel);
	if (err < 0)
		return (int)err;
	*st = parcel.answer.st;
	return parcel.fd < 0 ? -ENODATA : parcel.fd;
}

int dh_opener_stat(struct dh_opener *opener, int envelope, struct stat *st)
{
	const struct dh_opener_request request = { .what = DH_OPENER_STAT };
	struct parcel parcel = { .request = &request, .with = -1 };
	int err = attach(opener, envelope);

	if (err == 0)
		err = (int)call(opener, &parcel);
	if (err == 0)
		*st = parcel.answer.st;
	return err;
}

ssize_t dh_opener_read(struct dh_opener *opener, int envelope, void *bytes, size_t size, off_t at)
{
	const struct dh_opener_request request = {
		.what = DH_OPENER_READ,
		.size = (uint32_t)MIN(size, DH_OPENER_BYTES),
		.at = at,
	};
	struct parcel parcel = { .request = &request, .with = -1, .bytes = bytes, .most = size };
	int err = attach(opener, envelope);

	return err < 0 ? err : (ssize_t)call(opener, &parcel);
}

ssize_t dh_opener_list(struct dh_opener *opener, const char *folder, const char *path, void *bytes, size_t size)
{
	const struct dh_opener_request request = { .what = DH_OPENER_LIST };
	char paths[DH_OPENER_PATHS];
	ssize_t length = write_paths(paths, folder, path);
	struct parcel parcel = {
		.request = &request,
		.paths = paths,
		.paths_size = (size_t)length,
		.with = -1,
		.bytes = bytes,
		.most = size,
	};

	return length < 0 ? length : (ssize_t)call(opener, &parcel);
}

void dh_opener_rest(struct dh_opener *opener)
{
	struct dh_opener_process *process;

	/* Closing the file may hang as well: not when the next one uses the process. */
	if (opener->attached >= 0 && !opener->is_broken)
		attach(opener, -1);
	process = take_process(opener);
	if (process)
		dh_openers_put(opener->openers, process, opener->is_broken || is_stopped(opener));
	opener->is_broken = false;
}
