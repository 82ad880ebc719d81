#include "input_bytes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/error.h>
#include <libavutil/mem.h>

#include "input_end.h"
#include "mp4_index.h"

#define BUFFER_BYTES (32 * 1024)

struct dh_input_bytes {
	AVIOContext *io;
	int fd;
	const char *name;
	int silence_ms;
	int is_file;
	int64_t size;     /* of a file */
	int64_t position; /* in a file */
	int64_t total;    /* bytes read */
	struct dh_mp4_index boxes;
	struct dh_input_end end; /* of a pipe */
	bool has_ended;          /* a pipe did */
	int error;        /* errno of a failed read */
	int is_silent;
	int is_index_cut; /* a file that ends inside its index */
};

/* Waits for a pipe; only while we read does silence count. */
static int wait_readable(struct dh_input_bytes *feed)
{
	struct pollfd p = { .fd = feed->fd, .events = POLLIN };
	if (feed->silence_ms <= 0)
		return 0;
	for (;;) {
		int n = poll(&p, 1, feed->silence_ms);
		if (n > 0)
			return 0;
		if (n == 0) {
			feed->is_silent = 1;
			return AVERROR(ETIMEDOUT);
		}
		if (errno != EINTR)
			return 0; /* let read() say what it is */
	}
}

static int feed_read(void *opaque, uint8_t *buffer, int size)
{
	struct dh_input_bytes *feed = opaque;
	ssize_t n;
	if (feed->is_silent || feed->error)
		return AVERROR(EIO);
	if (!feed->is_file && wait_readable(feed))
		return AVERROR(ETIMEDOUT);
	do
		n = feed->is_file ? pread(feed->fd, buffer, (size_t)size, feed->position) :
			read(feed->fd, buffer, (size_t)size);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		feed->error = errno;
		return AVERROR(errno);
	}
	if (n == 0) {
		feed->has_ended = true;
		return AVERROR_EOF;
	}
	feed->position += n;
	feed->total += n;
	if (!feed->is_file) {
		dh_mp4_index_push(&feed->boxes, buffer, (size_t)n);
		dh_input_end_push(&feed->end, buffer, (size_t)n);
		if (feed->boxes.media_first)
			return AVERROR_INVALIDDATA; /* nothing that follows can help */
	}
	return (int)n;
}

static int64_t feed_seek(void *opaque, int64_t offset, int whence)
{
	struct dh_input_bytes *feed = opaque;
	int64_t from = 0;
	whence &= ~AVSEEK_FORCE;
	if (whence == AVSEEK_SIZE)
		return feed->size;
	if (whence == SEEK_CUR)
		from = feed->position;
	else if (whence == SEEK_END)
		from = feed->size;
	else if (whence != SEEK_SET)
		return AVERROR(EINVAL);
	if (offset < -from || offset > INT64_MAX - from)
		return AVERROR(EINVAL);
	feed->position = from + offset;
	return feed->position;
}

/* A file's top level, from box header to box header. */
static void scan_file(struct dh_input_bytes *feed)
{
	int64_t at = 0;
	uint8_t header[16];
	while (!feed->boxes.done && at < feed->size) {
		ssize_t n = pread(feed->fd, header, sizeof header, at);
		if (n <= 0)
			return;
		dh_mp4_index_push(&feed->boxes, header, (size_t)n);
		uint64_t skip = dh_mp4_index_skip(&feed->boxes);
		if (skip > (uint64_t)(INT64_MAX - at - n))
			return;
		at += n + (int64_t)skip;
	}
	feed->is_index_cut = feed->boxes.has_index && !feed->boxes.media_first &&
		feed->size < feed->boxes.index_end;
}

int dh_input_bytes_alloc(struct dh_input_bytes **feed, int fd, const char *name, int silence_ms, struct dh_fault *fault)
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
	f->is_file = S_ISREG(st.st_mode);
	f->size = f->is_file ? st.st_size : 0;
	if (f->is_file)
		scan_file(f);
	buffer = av_malloc(BUFFER_BYTES);
	if (buffer)
		f->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, f, feed_read, NULL,
			f->is_file ? feed_seek : NULL);
	if (!f->io) {
		av_free(buffer);
		free(f);
		return dh_fault_memory(fault);
	}
	*feed = f;
	return 0;
}

void dh_input_bytes_free(struct dh_input_bytes **feed)
{
	struct dh_input_bytes *f = *feed;
	*feed = NULL;
	if (!f)
		return;
	av_freep(&f->io->buffer);
	avio_context_free(&f->io);
	free(f);
}

AVIOContext *dh_input_bytes_io(struct dh_input_bytes *feed)
{
	return feed->io;
}

int dh_input_bytes_is_file(const struct dh_input_bytes *feed)
{
	return feed->is_file;
}

int64_t dh_input_bytes_file_size(const struct dh_input_bytes *feed)
{
	return feed->size;
}

bool dh_input_bytes_is_cut(const struct dh_input_bytes *feed)
{
	struct dh_input_end end = { 0 };
	struct stat st;
	int64_t at = 0;
	uint8_t header[512];
	if (!feed->is_file)
		return feed->has_ended && dh_input_end_is_early(&feed->end);
	if (fstat(feed->fd, &st) < 0)
		return false;
	while (!end.is_done && at < st.st_size) {
		ssize_t n = pread(feed->fd, header, sizeof header, at);
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

int dh_input_bytes_verdict(const struct dh_input_bytes *feed, struct dh_fault *fault)
{
	if (feed->is_silent)
		return dh_fault_set(fault, DH_PREPARE_SILENT, "%s: nothing came for %d ms", feed->name,
			feed->silence_ms);
	if (feed->error)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "%s cannot be read: %s", feed->name,
			strerror(feed->error));
	if (feed->is_file ? feed->size == 0 : feed->total == 0)
		return dh_fault_set(fault, DH_PREPARE_EMPTY, "%s is empty: 0 bytes", feed->name);
	if (!feed->is_file && feed->boxes.media_first)
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is an MP4 whose index (moov) comes last, which cannot be read through a pipe: "
			"write it with -movflags frag_keyframe+empty_moov, or hand it over as a file", feed->name);
	if (feed->is_index_cut)
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is an MP4 that was cut short, within its index (moov)",
			feed->name);
	if (feed->boxes.is_mp4 && !feed->boxes.has_index && feed->boxes.count > 0 &&
			(feed->boxes.media_first || feed->boxes.done || feed->is_file))
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"%s is an MP4 without its index (moov): it was cut short, or its writer did not finish",
			feed->name);
	return 0;
}
