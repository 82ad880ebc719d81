/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "find_bytes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512

/* Neighbours in pictures are alike, so a pair that is not is rare. */
static size_t rarest_pair(const uint8_t *what, size_t count)
{
	size_t at = 0;
	int most = -1;
	for (size_t i = 0; i + 1 < count; i++)
		if (abs(what[i] - what[i + 1]) > most) {
			most = abs(what[i] - what[i + 1]);
			at = i;
		}
	return at;
}

/* Of a fixed length and without a branch, so that compilers use vectors. */
static bool has_pair(const uint8_t *bytes, const uint8_t *pair)
{
	uint8_t least = UINT8_MAX, first = pair[0], second = pair[1];
	for (int i = 0; i < BLOCK; i++) {
		uint8_t off = (uint8_t)((bytes[i] ^ first) | (bytes[i + 1] ^ second));
		least = off < least ? off : least;
	}
	return least == 0;
}

const uint8_t *dh_find_bytes(const uint8_t *bytes, size_t size, const void *what, size_t count)
{
	size_t at = rarest_pair(what, count), i = 0;
	const uint8_t *pair = (const uint8_t *)what + at, *found;
	/* `i` is where the pattern may begin at the earliest; its pair is `at` bytes behind it */
	for (; i + at + BLOCK < size; i += BLOCK) {
		if (!has_pair(bytes + i + at, pair))
			continue;
		size_t left = size - i, most = BLOCK + count - 1;
		found = memmem(bytes + i, left < most ? left : most, what, count);
		if (found)
			return found;
	}
	return memmem(bytes + i, size - i, what, count);
}
