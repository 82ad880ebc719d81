/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_bytes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/error.h>
#include <libavutil/mem.h>

#include "input_end.h"
#include "mp4_index.h"
#include "nut_end.h"

#define BUFFER_BYTES (32 * 1024)
/* A pipe that stays open behind a complete container has ended after this long: by then
 * another container, as in chained Ogg, would have begun. */
#define END_MS 250

struct dh_input_bytes {
	AVIOContext *io;
	int fd;
	const char *name;
	int silence_ms, first_fd;
	bool is_file;
	int64_t size;     /* of a file */
	int64_t position; /* in a file */
	int64_t total;    /* bytes read */
	struct dh_mp4_index index;
	struct dh_input_end end; /* of a pipe */
	struct dh_nut_end nut;   /* likewise */
	bool has_ended;          /* a pipe was read to its end */
	int error;               /* errno of a failed read */
	bool is_silent;
	bool is_index_cut; /* a file that ends inside its index */
};

/* Waits for a pipe. Silence counts only while we read. */
static int wait_readable(struct dh_input_bytes *input)
{
	struct pollfd p = { .fd = input->fd, .events = POLLIN };
	bool is_complete = dh_input_end_is_complete(&input->end) || input->nut.is_complete;
	int silence_ms = input->silence_ms > 0 ? input->silence_ms : -1;
	if (is_complete && (silence_ms < 0 || silence_ms > END_MS))
		silence_ms = END_MS;
	if (silence_ms < 0)
		return 0;
	for (;;) {
		int n = poll(&p, 1, silence_ms);
		if (n > 0)
			return 0;
		if (n == 0 && is_complete) {
			input->has_ended = true;
			return AVERROR_EOF;
		}
		if (n == 0) {
			input->is_silent = true;
			return AVERROR(ETIMEDOUT);
		}
		if (errno != EINTR)
			return 0; /* read() will report it */
	}
}

static int input_read(void *opaque, uint8_t *buffer, int size)
{
	struct dh_input_bytes *input = opaque;
	ssize_t n;
	if (input->is_silent || input->error)
		return AVERROR(EIO);
	if (input->has_ended && !input->is_file)
		return AVERROR_EOF;
	int waited = input->is_file ? 0 : wait_readable(input);
	if (waited)
		return waited;
	do
		n = input->is_file ? pread(input->fd, buffer, (size_t)size, input->position) :
				     read(input->fd, buffer, (size_t)size);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		input->error = errno;
		return AVERROR(errno);
	}
	if (n == 0) {
		input->has_ended = true;
		return AVERROR_EOF;
	}
	if (input->total == 0 && !input->is_file && input->first_fd >= 0)
		send(input->first_fd, DH_JOB_FIRST, strlen(DH_JOB_FIRST), MSG_NOSIGNAL | MSG_DONTWAIT);
	input->position += n;
	input->total += n;
	if (!input->is_file) {
		dh_mp4_index_push(&input->index, buffer, (size_t)n);
		dh_input_end_push(&input->end, buffer, (size_t)n);
		dh_nut_end_push(&input->nut, buffer, (size_t)n);
		if (input->index.media_first)
			return AVERROR_INVALIDDATA; /* nothing later can help */
	}
	return (int)n;
}

static int64_t input_seek(void *opaque, int64_t offset, int whence)
{
	struct dh_input_bytes *input = opaque;
	int64_t from = 0;
	whence &= ~AVSEEK_FORCE;
	if (whence == AVSEEK_SIZE)
		return input->size;
	if (whence == SEEK_CUR)
		from = input->position;
	else if (whence == SEEK_END)
		from = input->size;
	else if (whence != SEEK_SET)
		return AVERROR(EINVAL);
	if (offset < -from || offset > INT64_MAX - from)
		return AVERROR(EINVAL);
	input->position = from + offset;
	return input->position;
}

/* Reads the box headers of a file's top level. */
static void scan_file(struct dh_input_bytes *input)
{
	int64_t at = 0;
	uint8_t header[16];
	while (!input->index.is_done && at < input->size) {
		ssize_t n = pread(input->fd, header, sizeof header, at);
		if (n <= 0)
			return;
		dh_mp4_index_push(&input->index, header, (size_t)n);
		uint64_t skip = dh_mp4_index_skip(&input->index);
		if (skip > (uint64_t)(INT64_MAX - at - n))
			return;
		at += n + (int64_t)skip;
	}
	input->is_index_cut = input->index.has_index && !input->index.media_first &&
		input->size < input->index.index_end;
}

int dh_input_bytes_alloc(struct dh_input_bytes **input, int fd, const char *name, int silence_ms, int first_fd,
	struct dh_fault *fault)
{
	struct stat st;
	uint8_t *buffer = NULL;
	struct dh_input_bytes *f;
	if (fstat(fd, &st) < 0)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "%s cannot be read: %s", name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return dh_fault_set(fault, DH_PREPARE_INPUT, "%s is a folder, expected a media file", name);
	f = calloc(1, sizeof *f);
	if (!f)
		return dh_fault_memory(fault);
	f->fd = fd;
	f->name = name;
	f->silence_ms = silence_ms;
	f->first_fd = first_fd;
	f->is_file = S_ISREG(st.st_mode);
	f->size = f->is_file ? st.st_size : 0;
	if (f->is_file)
		scan_file(f);
	buffer = av_malloc(BUFFER_BYTES);
	if (buffer)
		f->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, f, input_read, NULL,
			f->is_file ? input_seek : NULL);
	if (!f->io) {
		av_free(buffer);
		free(f);
		return dh_fault_memory(fault);
	}
	*input = f;
	return 0;
}

void dh_input_bytes_free(struct dh_input_bytes **input)
{
	struct dh_input_bytes *f = *input;
	*input = NULL;
	if (!f)
		return;
	av_freep(&f->io->buffer);
	avio_context_free(&f->io);
	free(f);
}

AVIOContext *dh_input_bytes_io(struct dh_input_bytes *input)
{
	return input->io;
}

bool dh_input_bytes_is_file(const struct dh_input_bytes *input)
{
	return input->is_file;
}

int64_t dh_input_bytes_file_size(const struct dh_input_bytes *input)
{
	return input->size;
}

bool dh_input_bytes_is_cut(const struct dh_input_bytes *input)
{
	struct dh_input_end end = { 0 };
	struct stat st;
	int64_t at = 0;
	uint8_t header[512];
	if (!input->is_file)
		return input->has_ended && dh_input_end_is_early(&input->end);
	if (fstat(input->fd, &st) < 0)
		return false;
	while (!end.is_done && at < st.st_size) {
		ssize_t n = pread(input->fd, header, sizeof header, at);
		if (n <= 0)
			return false;
		dh_input_end_push(&end, header, (size_t)n);
		at += n;
		uint64_t skip = dh_input_end_skip(&end), left = (uint64_t)(at < st.st_size ? st.st_size - at : 0);
		if (skip > left)
			skip = left;
		dh_input_end_pass(&end, skip);
		at += (int64_t)skip;
	}
	return dh_input_end_is_early(&end);
}

int dh_input_bytes_verdict(const struct dh_input_bytes *input, struct dh_fault *fault)
{
	if (input->is_silent)
		return dh_fault_set(fault, DH_PREPARE_SILENT, "%s: no data for %d ms", input->name, input->silence_ms);
	if (input->error)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "%s cannot be read: %s", input->name,
			strerror(input->error));
	if (input->is_file ? input->size == 0 : input->total == 0)
		return dh_fault_set(fault, DH_PREPARE_EMPTY, "%s is empty: 0 bytes", input->name);
	if (!input->is_file && input->index.media_first)
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is an MP4 whose index (moov) comes last, which cannot be read through a pipe: "
			"write it with -movflags frag_keyframe+empty_moov, or pass it as a file",
			input->name);
	if (input->is_index_cut)
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is an MP4 that was cut short, within its index (moov)", input->name);
	if (input->index.is_mp4 && !input->index.has_index && input->index.count > 0 &&
		(input->index.media_first || input->index.is_done || input->is_file))
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is an MP4 without its index (moov): it was cut short, or its writer did not finish",
			input->name);
	return 0;
}
