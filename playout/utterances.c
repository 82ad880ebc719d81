/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "utterances.h"

#include <stdlib.h>
#include <string.h>

struct dh_utterance *dh_utterances_find(const struct dh_utterances *utterances, const char *name)
{
	for (size_t i = utterances->count; i > 0; i--)
		if (!strcmp(utterances->at[i - 1]->name, name))
			return utterances->at[i - 1];
	return NULL;
}

struct dh_utterance *dh_utterances_add(struct dh_utterances *utterances, const char *name, enum dh_priority priority)
{
	if (utterances->count == utterances->capacity) {
		size_t capacity = utterances->capacity ? utterances->capacity * 2 : 16;
		struct dh_utterance **grown = realloc(utterances->at, capacity * sizeof *grown);
		if (!grown)
			return NULL;
		utterances->at = grown;
		utterances->capacity = capacity;
	}
	struct dh_utterance *utterance = calloc(1, sizeof *utterance);
	if (!utterance)
		return NULL;
	strncpy(utterance->name, name, DH_UTTERANCE_MAX);
	utterance->priority = priority;
	utterance->highest = utterance->last = -1;
	utterances->at[utterances->count++] = utterance;
	return utterance;
}

static void remove_at(struct dh_utterances *utterances, size_t index)
{
	free(utterances->at[index]);
	utterances->count--;
	memmove(utterances->at + index, utterances->at + index + 1,
		(utterances->count - index) * sizeof *utterances->at);
}

void dh_utterances_remove(struct dh_utterances *utterances, struct dh_utterance *utterance)
{
	size_t i = 0;
	while (utterances->at[i] != utterance)
		i++;
	remove_at(utterances, i);
}

void dh_utterances_trim(struct dh_utterances *utterances, const struct dh_utterance *keep)
{
	size_t spare = 0;
	for (size_t i = 0; i < utterances->count; i++)
		spare += !utterances->at[i]->waiting && utterances->at[i] != keep;
	for (size_t i = 0; spare > DH_UTTERANCES_KEPT && i < utterances->count;) {
		if (utterances->at[i]->waiting || utterances->at[i] == keep) {
			i++;
			continue;
		}
		remove_at(utterances, i);
		spare--;
	}
}

void dh_utterances_clear(struct dh_utterances *utterances)
{
	for (size_t i = 0; i < utterances->count; i++)
		free(utterances->at[i]);
	free(utterances->at);
	*utterances = (struct dh_utterances){ 0 };
}

void dh_utterance_note(struct dh_utterance *utterance, const struct dh_order *order)
{
	utterance->waiting++;
	utterance->priority = order->priority;
	dh_utterance_regain(utterance, order->index);
	if (order->index > utterance->highest)
		utterance->highest = order->index;
	if (order->is_last)
		utterance->last = order->index;
}

void dh_utterance_lose(struct dh_utterance *utterance, int64_t index)
{
	if (index < utterance->next)
		return;
	if (utterance->gone_count == DH_GONE_MAX) /* the oldest is waited for, then left out */
		memmove(utterance->gone, utterance->gone + 1, --utterance->gone_count * sizeof *utterance->gone);
	utterance->gone[utterance->gone_count++] = index;
}

static int find_gone(const struct dh_utterance *utterance, int64_t index)
{
	for (int i = 0; i < utterance->gone_count; i++)
		if (utterance->gone[i] == index)
			return i;
	return -1;
}

bool dh_utterance_has_lost(const struct dh_utterance *utterance, int64_t index)
{
	return find_gone(utterance, index) >= 0;
}

void dh_utterance_regain(struct dh_utterance *utterance, int64_t index)
{
	int at = find_gone(utterance, index);
	if (at >= 0)
		utterance->gone[at] = utterance->gone[--utterance->gone_count];
}

void dh_utterance_pass(struct dh_utterance *utterance)
{
	int at;
	while ((at = find_gone(utterance, utterance->next)) >= 0) {
		utterance->gone[at] = utterance->gone[--utterance->gone_count];
		utterance->next++;
	}
}
