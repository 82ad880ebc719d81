/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_bytes_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <libavutil/error.h>

/* A pipe that stays open behind a complete container has ended after this long: by then
 * another container, as in chained Ogg, would have begun. */
#define END_MS 250

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

/* The next bytes have come; nothing that is held lies between them and what was passed on. Returns how
 * many of those that are held, and of these, are this container's. */
static size_t follow(struct dh_input_bytes *input, size_t held, const uint8_t *bytes, size_t size)
{
	size_t taken = dh_input_end_push(&input->end, bytes, size);
	if (!input->is_file) {
		dh_mp4_index_push(&input->index, bytes, taken);
		dh_nut_end_push(&input->nut, bytes, taken);
	}
	input->has_next = input->end.is_next;
	return held + taken - dh_input_end_held(&input->end);
}

/* The next `size` bytes behind `used` have come. */
static void feed(struct dh_input_bytes *input, size_t size)
{
	input->known = follow(input, input->used, input->raw + input->used, size);
	input->used += size;
}

/* Reads the next bytes; how many, or an AVERROR. */
static int read_more(struct dh_input_bytes *input, uint8_t *to, size_t most)
{
	bool is_first = input->total == 0;
	int n = input->is_file ? 0 : wait_readable(input);
	if (n == 0)
		n = dh_input_bytes_read(input, to, most);
	if (n == AVERROR_EOF)
		input->known = input->used;
	if (n > 0 && is_first && !input->is_file && input->first_fd >= 0)
		send(input->first_fd, DH_JOB_FIRST, strlen(DH_JOB_FIRST), MSG_NOSIGNAL | MSG_DONTWAIT);
	return n;
}

/* Nothing later can help. */
static bool is_hopeless(const struct dh_input_bytes *input)
{
	return !input->is_file && input->index.media_first;
}

/* Reads more behind what is held; 0, or an AVERROR. */
static int fill(struct dh_input_bytes *input)
{
	memmove(input->raw, input->raw + input->first, input->used - input->first);
	input->used -= input->first;
	input->known -= input->first;
	input->first = 0;
	int n = read_more(input, input->raw + input->used, DH_INPUT_BUFFER_BYTES);
	if (n < 0)
		return n;
	feed(input, (size_t)n);
	return is_hopeless(input) ? AVERROR_INVALIDDATA : 0;
}

/* The same while nothing is held, straight to where it is wanted: what is not known to be this
 * container's is held then. Returns how much is, or an AVERROR. */
static int fill_direct(struct dh_input_bytes *input, uint8_t *buffer)
{
	int n = read_more(input, buffer, DH_INPUT_BUFFER_BYTES);
	if (n < 0)
		return n;
	size_t known = follow(input, 0, buffer, (size_t)n);
	input->first = input->known = 0;
	input->used = (size_t)n - known;
	memcpy(input->raw, buffer + known, input->used);
	return is_hopeless(input) ? AVERROR_INVALIDDATA : (int)known;
}

int dh_input_bytes_read_in_order(void *opaque, uint8_t *buffer, int size)
{
	struct dh_input_bytes *input = opaque;
	if (input->is_silent || input->error)
		return AVERROR(EIO);
	while (input->first == input->known) {
		bool is_direct = input->known == input->used && size >= DH_INPUT_BUFFER_BYTES;
		if (input->has_next || input->has_ended)
			return AVERROR_EOF;
		int n = is_direct ? fill_direct(input, buffer) : fill(input);
		if (n > 0 || (n < 0 && (n != AVERROR_EOF || input->first == input->known)))
			return n;
	}
	size_t count = input->known - input->first;
	if (count > (size_t)size)
		count = (size_t)size;
	memcpy(buffer, input->raw + input->first, count);
	input->first += count;
	return (int)count;
}

void dh_input_bytes_skip_to_next(struct dh_input_bytes *input)
{
	while (input->is_file && !input->has_next && !input->has_ended && !input->error) {
		uint64_t skip = dh_input_end_skip(&input->end);
		input->first = input->known;
		if (input->first == input->used && skip > 0 && input->position < input->size) {
			if (skip > (uint64_t)(input->size - input->position))
				skip = (uint64_t)(input->size - input->position);
			dh_input_end_pass(&input->end, skip);
			input->position += (int64_t)skip;
		}
		fill(input);
	}
}

void dh_input_bytes_begin_next(struct dh_input_bytes *input)
{
	size_t size = input->used - input->known;
	memmove(input->raw, input->raw + input->known, size);
	input->part_start += (int64_t)(input->end.at - input->end.used);
	input->first = input->known = input->used = 0;
	memset(&input->end, 0, sizeof input->end);
	memset(&input->index, 0, sizeof input->index);
	memset(&input->nut, 0, sizeof input->nut);
	feed(input, size);
}
