/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done with every byte of raw pictures: looking for a file that was joined on, passing it to the
 * demuxer, and thumbnails. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "playout/unit.h"
#include "prepare/find_bytes.h"
#include "prepare/input_bytes.h"
#include "prepare/stack.h"

/* --- finding */

static uint32_t state = 1;

static uint32_t dice(uint32_t sides)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % sides;
}

/* Two values only, so that the pattern nearly begins everywhere; an exact buffer, so that a read beyond
 * it is seen. */
static void test_finds(void)
{
	for (int round = 0; round < 3000; round++) {
		size_t size = dice(2000), count = 2 + dice(9);
		uint8_t *bytes = malloc(size + !size), pattern[10];
		CHECK(bytes);
		for (size_t i = 0; i < count; i++)
			pattern[i] = (uint8_t)dice(2);
		for (size_t i = 0; i < size; i++)
			bytes[i] = dice(20) ? 0 : 1;
		if (size >= count && dice(2))
			memcpy(bytes + dice((uint32_t)(size - count + 1)), pattern, count);
		CHECK(dh_find_bytes(bytes, size, pattern, count) == memmem(bytes, size, pattern, count));
		free(bytes);
	}
}

/* The rare pair is in the middle of this pattern. */
static void test_finds_at_edges(void)
{
	static const char pattern[] = "nut/multimedia container";
	size_t count = sizeof pattern - 1;
	for (size_t at = 0; at < 1100; at++) {
		size_t size = at + count + at % 7;
		uint8_t *bytes = malloc(size);
		CHECK(bytes);
		memset(bytes, 'n', size);
		memcpy(bytes + at, pattern, count);
		CHECK(dh_find_bytes(bytes, size, pattern, count) == bytes + at);
		CHECK(!dh_find_bytes(bytes, at + count - 1, pattern, count));
		free(bytes);
	}
}

/* --- reading */

#define NUT     "nut/multimedia container"
#define JOINED  5
#define MOST    300000
#define READ_IN (256 * 1024) /* as a demuxer reads a picture: more than the buffer */

struct writer {
	int fd;
	uint8_t *bytes;
	size_t size;
};

static void *write_all(void *arg)
{
	struct writer *w = arg;
	for (size_t at = 0; at < w->size;) {
		size_t piece = 1 + dice(90000), left = w->size - at;
		ssize_t n = write(w->fd, w->bytes + at, piece < left ? piece : left);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(w->fd);
	return NULL;
}

/* Files that begin with the name of their container, and end with its beginning. */
static size_t make_joined(uint8_t *bytes, size_t *sizes)
{
	size_t at = 0;
	for (int i = 0; i < JOINED; i++) {
		sizes[i] = 100 + dice(MOST - 100);
		for (size_t k = 0; k < sizes[i]; k++)
			bytes[at + k] = (uint8_t)("nut/"[dice(4)]);
		memcpy(bytes + at, NUT, strlen(NUT));
		memcpy(bytes + at + sizes[i] - 23, NUT, 23);
		bytes[at + sizes[i] - 24] = 'x';
		at += sizes[i];
	}
	return at;
}

static void read_one(struct dh_input_bytes *input, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size + READ_IN);
	size_t have = 0;
	CHECK(copy);
	for (int n;
		(n = avio_read(dh_input_bytes_io(input), copy + have, (int)(dice(3) ? READ_IN : 1 + dice(40000)))) > 0;
		have += (size_t)n)
		CHECK(have + (size_t)n <= size);
	CHECK_INT(have, size);
	CHECK(memcmp(copy, bytes, size) == 0);
	free(copy);
}

static void test_joined_in_a_pipe(void)
{
	uint8_t *bytes = malloc((size_t)JOINED * MOST);
	CHECK(bytes);
	for (int round = 0; round < 8; round++) {
		size_t sizes[JOINED], at = 0;
		int fds[2];
		pthread_t thread;
		struct dh_input_bytes *input = NULL;
		struct dh_fault fault = { 0 };
		CHECK_INT(pipe(fds), 0);
		struct writer writer = { fds[1], bytes, make_joined(bytes, sizes) };
		CHECK_INT(dh_input_bytes_alloc(&input, fds[0], "pipe", 0, -1, &fault), 0);
		CHECK_INT(pthread_create(&thread, NULL, write_all, &writer), 0);
		for (int i = 0; i < JOINED; at += sizes[i++]) {
			read_one(input, bytes + at, sizes[i]);
			CHECK(dh_input_bytes_has_next(input) == (i + 1 < JOINED));
			if (i + 1 < JOINED)
				CHECK_INT(dh_input_bytes_next(input, &fault), 0);
		}
		pthread_join(thread, NULL);
		dh_input_bytes_free(&input);
		close(fds[0]);
	}
	free(bytes);
}

/* --- thumbnails */

static unsigned mean(const uint8_t *luma, int width, int x0, int x1, int y0, int y1)
{
	int step = y1 - y0 > 8 ? (y1 - y0) / 8 : 1;
	unsigned sum = 0, count = 0;
	for (int y = y0 + step / 2; y < y1; y += step)
		for (int x = x0; x < x1; x++, count++)
			sum += luma[(size_t)y * (size_t)width + (size_t)x];
	return (sum + count / 2) / count;
}

static void test_thumbnails(void)
{
	static const int sizes[][2] = { { 16, 16 }, { 18, 34 }, { 250, 130 }, { 512, 512 }, { 2302, 64 },
		{ 2304, 2304 } };
	for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
		int width = sizes[n][0], height = sizes[n][1];
		size_t size = (size_t)width * (size_t)height * 3 / 2;
		uint8_t *i420 = malloc(size), luma[DH_LUMA_BYTES];
		CHECK(i420);
		for (size_t i = 0; i < size; i++)
			i420[i] = n % 2 ? 255 : (uint8_t)dice(256);
		dh_stack_thumbnail(i420, width, height, false, luma);
		for (int j = 0; j < DH_LUMA_SIDE; j++)
			for (int i = 0; i < DH_LUMA_SIDE; i++)
				CHECK_INT(luma[j * DH_LUMA_SIDE + i],
					mean(i420, width, i * width / 16, (i + 1) * width / 16, j * height / 16,
						(j + 1) * height / 16));
		free(i420);
	}
}

static const struct check_test tests[] = {
	TEST(test_finds),
	TEST(test_finds_at_edges),
	TEST(test_joined_in_a_pipe),
	TEST(test_thumbnails),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
