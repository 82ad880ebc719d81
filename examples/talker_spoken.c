/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_spoken.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int dh_spoken_add(struct dh_spoken *spoken, double lead_s, const struct dh_word *words, size_t count)
{
	if (spoken->count + count > spoken->capacity) {
		size_t capacity = 2 * (spoken->count + count);
		struct dh_word *grown = realloc(spoken->words, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		spoken->words = grown;
		spoken->capacity = capacity;
	}
	for (size_t i = 0; i < count; i++) {
		spoken->words[spoken->count] = words[i];
		spoken->words[spoken->count++].start_s += lead_s;
	}
	return 0;
}

int dh_spoken_write(struct dh_spoken *spoken, struct dh_mux *mux, double until_s)
{
	int err = 0;

	for (; !err && spoken->written < spoken->count; spoken->written++) {
		const struct dh_word *word = &spoken->words[spoken->written];
		if (word->start_s >= until_s)
			break;
		err = dh_mux_word(mux, (int64_t)(word->start_s * 1000), word->text);
	}
	return err;
}

void dh_spoken_clear(struct dh_spoken *spoken)
{
	free(spoken->words);
	memset(spoken, 0, sizeof(*spoken));
}
