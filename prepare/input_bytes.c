/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_bytes_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/error.h>
#include <libavutil/mem.h>

static int64_t mtime_of(const struct stat *st)
{
	return st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

int dh_input_bytes_read(struct dh_input_bytes *input, uint8_t *buffer, size_t size)
{
	ssize_t n;
	do
		n = input->is_file ? pread(input->fd, buffer, size, input->position) : read(input->fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		input->error = errno;
		return AVERROR(errno);
	}
	if (n == 0) {
		input->has_ended = true;
		return AVERROR_EOF;
	}
	input->position += n;
	input->total += n;
	return (int)n;
}

/* --- random access */

/* The bytes before the position have been read. Returns how many of them are this container's. */
static int watch(struct dh_input_bytes *input, const uint8_t *bytes, int size)
{
	int64_t start = input->position - size, known = input->part_start + (int64_t)input->end.at - start;
	if (known < 0 || known >= size || input->end.is_next)
		return size;
	dh_input_end_push(&input->end, bytes + known, (size_t)(size - known));
	if (!input->end.is_next)
		return size;
	input->has_next = true;
	input->part_end = input->part_start + (int64_t)(input->end.at - input->end.used);
	input->position = input->part_end > start ? input->part_end : start;
	return input->position > start ? (int)(input->position - start) : AVERROR_EOF;
}

static int read_anywhere(void *opaque, uint8_t *buffer, int size)
{
	struct dh_input_bytes *input = opaque;
	int64_t left = input->part_end - input->position;
	if (input->error)
		return AVERROR(EIO);
	if (left <= 0) {
		input->has_ended = true;
		return AVERROR_EOF;
	}
	int n = dh_input_bytes_read(input, buffer, left < size ? (size_t)left : (size_t)size);
	return n > 0 && input->is_watched ? watch(input, buffer, n) : n;
}

static int64_t seek_anywhere(void *opaque, int64_t offset, int whence)
{
	struct dh_input_bytes *input = opaque;
	int64_t from = 0, size = (input->part_end < input->size ? input->part_end : input->size) - input->part_start;
	whence &= ~AVSEEK_FORCE;
	if (whence == AVSEEK_SIZE)
		return size;
	if (whence == SEEK_CUR)
		from = input->position - input->part_start;
	else if (whence == SEEK_END)
		from = size;
	else if (whence != SEEK_SET)
		return AVERROR(EINVAL);
	if (offset < -from || offset > INT64_MAX - from - input->part_start)
		return AVERROR(EINVAL);
	input->position = input->part_start + from + offset;
	return from + offset;
}

/* Reads the box headers of the top level. */
static void scan_boxes(struct dh_input_bytes *input)
{
	int64_t at = input->part_start;
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
		input->size - input->part_start < input->index.index_end;
}

/* Follows the container up to the next one, or to the end of the file as it is now. */
static void follow(const struct dh_input_bytes *input, struct dh_input_end *end)
{
	struct stat st;
	int64_t at = input->part_start + (int64_t)end->at;
	uint8_t header[512];
	if (fstat(input->fd, &st) < 0) {
		end->is_done = true;
		return;
	}
	while (!end->is_done && !end->is_next && at < st.st_size) {
		ssize_t n = pread(input->fd, header, sizeof header, at);
		if (n <= 0) {
			end->is_done = true;
			return;
		}
		dh_input_end_push(end, header, (size_t)n);
		at += n;
		uint64_t skip = dh_input_end_skip(end), left = (uint64_t)(at < st.st_size ? st.st_size - at : 0);
		if (skip > left)
			skip = left;
		dh_input_end_pass(end, skip);
		at += (int64_t)skip;
	}
}

static void find_part(struct dh_input_bytes *input)
{
	struct dh_input_end end = { 0 };
	uint8_t header[16];
	ssize_t n = pread(input->fd, header, sizeof header, input->part_start);
	input->position = input->part_start;
	input->part_end = INT64_MAX;
	input->has_next = input->has_ended = false;
	memset(&input->index, 0, sizeof input->index);
	scan_boxes(input);
	dh_input_end_push(&end, header, n > 0 ? (size_t)n : 0);
	input->is_in_order = dh_input_end_is_read_in_order(end.kind);
	input->is_watched = end.kind == DH_CONTAINER_TS || end.kind == DH_CONTAINER_M2TS;
	memset(&input->end, 0, sizeof input->end);
	if (input->is_in_order || input->is_watched || end.kind == DH_CONTAINER_ADTS)
		return;
	memset(&end, 0, sizeof end);
	follow(input, &end);
	input->has_next = end.is_next;
	/* the demuxer of AU reads on */
	if (end.is_next || (end.kind == DH_CONTAINER_AU && end.is_left))
		input->part_end = input->part_start + (int64_t)(end.at - end.used);
}

/* --- opening */

static int open_io(struct dh_input_bytes *input)
{
	uint8_t *buffer = av_malloc(DH_INPUT_BUFFER_BYTES);
	if (buffer)
		input->io = avio_alloc_context(buffer, DH_INPUT_BUFFER_BYTES, 0, input,
			input->is_in_order ? dh_input_bytes_read_in_order : read_anywhere, NULL,
			input->is_in_order ? NULL : seek_anywhere);
	if (!input->io) {
		av_free(buffer);
		return -ENOMEM;
	}
	return 0;
}

static void close_io(struct dh_input_bytes *input)
{
	if (input->io)
		av_freep(&input->io->buffer);
	avio_context_free(&input->io);
}

int dh_input_bytes_alloc(struct dh_input_bytes **input, int fd, const char *name, int silence_ms, int first_fd,
	struct dh_fault *fault)
{
	struct stat st;
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
	f->mtime_ns = mtime_of(&st);
	f->is_in_order = true;
	if (f->is_file)
		find_part(f);
	/* what is held back fits, too */
	f->raw = malloc(DH_INPUT_BUFFER_BYTES + DH_INPUT_END_HELD_MAX);
	if (!f->raw || open_io(f) < 0) {
		dh_input_bytes_free(&f);
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
	close_io(f);
	free(f->raw);
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

bool dh_input_bytes_has_next(struct dh_input_bytes *input)
{
	if (input->is_in_order)
		dh_input_bytes_skip_to_next(input);
	if (input->is_watched && !input->has_next) { /* beyond what was read */
		follow(input, &input->end);
		input->has_next = input->end.is_next;
		input->part_end = input->part_start + (int64_t)(input->end.at - input->end.used);
	}
	return input->has_next;
}

int dh_input_bytes_next(struct dh_input_bytes *input, struct dh_fault *fault)
{
	close_io(input);
	if (input->is_in_order) {
		dh_input_bytes_begin_next(input);
	} else {
		input->part_start = input->part_end;
		find_part(input);
	}
	return open_io(input) < 0 ? dh_fault_memory(fault) : 0;
}

/* As it was read, or as it is in the file now. */
static struct dh_input_end end_of(const struct dh_input_bytes *input)
{
	struct dh_input_end end = { 0 };
	if (input->is_in_order || input->is_watched)
		return input->end;
	follow(input, &end);
	return end;
}

bool dh_input_bytes_is_cut(const struct dh_input_bytes *input)
{
	struct dh_input_end end = end_of(input);
	bool is_read = !input->is_in_order || input->has_ended || input->has_next;
	return is_read && dh_input_end_is_early(&end);
}

int64_t dh_input_bytes_left(const struct dh_input_bytes *input)
{
	struct dh_input_end end = end_of(input);
	struct stat st;
	uint64_t left;
	if (!dh_input_end_has_left(&end, &left))
		return 0;
	int64_t at = input->part_start + (int64_t)left;
	if (!input->is_file)
		return input->total - at;
	return fstat(input->fd, &st) < 0 ? 0 : st.st_size - at;
}

bool dh_input_bytes_has_changed(const struct dh_input_bytes *input)
{
	struct stat st;
	return input->is_file && fstat(input->fd, &st) == 0 &&
		(st.st_size != input->size || mtime_of(&st) != input->mtime_ns);
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
