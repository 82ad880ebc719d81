/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tail.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "voice.h"

#define MAGIC 0x6c696174

#define CONTEXT (6 * DH_VOICE_PACKET)

#define RATE_MIN  4000
#define LEVEL_MAX 16.0f

void dh_tail_begin(struct dh_tail_keeper *keeper, int rate, int64_t start)
{
	keeper->rate = rate;
	keeper->start = start;
	keeper->first = 0;
	keeper->count = 0;
}

void dh_tail_move(struct dh_tail_keeper *keeper, int64_t samples)
{
	keeper->start += samples;
}

void dh_tail_keep(struct dh_tail_keeper *keeper, const float *samples, int count)
{
	int skip = count > DH_TAIL_SAMPLES ? count - DH_TAIL_SAMPLES : 0, drop = 0;
	if (skip)
		drop = keeper->count;
	else if (keeper->count + count > 2 * DH_TAIL_SAMPLES) /* what stays, and this, fit */
		drop = keeper->count - DH_TAIL_SAMPLES;
	keeper->count -= drop;
	memmove(keeper->samples, keeper->samples + drop, (size_t)keeper->count * sizeof *samples);
	memcpy(keeper->samples + keeper->count, samples + skip, (size_t)(count - skip) * sizeof *samples);
	keeper->count += count - skip;
	keeper->first += drop + skip;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Only some samples are at whole samples of 48 kHz: every 147th of 44.1 kHz. */
bool dh_tail_make(struct dh_tail *tail, const struct dh_tail_keeper *keeper, int64_t length)
{
	int64_t cut = dh_voice_cut(length);
	if (!keeper->count || keeper->rate < RATE_MIN || keeper->rate > DH_TAIL_RATE || cut < DH_VOICE_PACKET)
		return false;
	int64_t step = keeper->rate / common_divisor(keeper->rate, DH_VOICE_RATE);
	int64_t wanted = (cut - CONTEXT - keeper->start) * keeper->rate / DH_VOICE_RATE;
	int64_t end = keeper->first + keeper->count, first = keeper->first;
	if (first < end - DH_TAIL_SAMPLES)
		first = end - DH_TAIL_SAMPLES;
	if (first < wanted)
		first = wanted;
	first = (first + step - 1) / step * step;
	if (first >= end)
		return false;
	tail->magic = MAGIC;
	tail->rate = keeper->rate;
	tail->from = (int32_t)(keeper->start + first * DH_VOICE_RATE / keeper->rate - cut);
	tail->lead = (int32_t)(length - cut);
	tail->packets = (int32_t)((length + DH_VOICE_PACKET - 1) / DH_VOICE_PACKET);
	tail->count = (int32_t)(end - first);
	memcpy(tail->samples, keeper->samples + (first - keeper->first), (size_t)tail->count * sizeof *tail->samples);
	return true;
}

/* --- from worker to worker */

static int size_of(int count)
{
	return (int)(offsetof(struct dh_tail, samples) + (size_t)count * sizeof(float));
}

void dh_tail_write(const struct dh_tail *tail, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return;
	while (write(fd, tail, (size_t)size_of(tail->count)) < 0 && errno == EINTR)
		;
}

static bool is_valid(const struct dh_tail *tail, int size)
{
	return size >= size_of(0) && tail->magic == MAGIC && tail->count > 0 && tail->count <= DH_TAIL_SAMPLES &&
		size == size_of(tail->count) && tail->rate >= RATE_MIN && tail->rate <= DH_TAIL_RATE &&
		tail->lead > 0 && tail->lead <= DH_VOICE_LEAD_MAX && tail->packets > 0 && tail->from <= tail->lead &&
		tail->from > -2 * CONTEXT;
}

static void clean(struct dh_tail *tail)
{
	for (int i = 0; i < tail->count; i++)
		if (!(fabsf(tail->samples[i]) < LEVEL_MAX))
			tail->samples[i] = 0;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int dh_tail_read(struct dh_tail *tail, int fd, int wait_ms, int *size)
{
	int64_t until = now_ms() + wait_ms;
	for (;;) {
		struct pollfd pipe = { .fd = fd, .events = POLLIN };
		int64_t left = until - now_ms();
		int ready = poll(&pipe, 1, left > 0 ? (int)left : 0);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return 0;
		ssize_t n = read(fd, (char *)tail + *size, sizeof *tail - (size_t)*size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		*size += (int)n;
		if (is_valid(tail, *size)) {
			clean(tail);
			return 1;
		}
		if ((size_t)*size == sizeof *tail)
			return -1;
	}
}
