/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A script's words as texts: each, some of them, and those that were heard. */
#include "heard_private.h"

#include <string.h>

#include "ingest/words.h"
#include "playout/timebase.h"

/* Speech has about so many characters a second. */
#define CHARACTERS_PER_SECOND 15

/* --- word by word */

/* Where none of the words is in the text, they are taken as they were given. */
static const char *spelling(const struct dh_script *script, const struct word *word, size_t *size)
{
	const char *spelt = script->spelt->str + word->spelt;

	*size = word->end - word->begin;
	if (*size && word->end <= script->text->len)
		return script->text->str + word->begin;
	*size = strlen(spelt);
	return spelt;
}

bool dh_script_word(const struct dh_script *script, size_t index, struct dh_script_word *word)
{
	if (!script || index >= script->words->len)
		return false;
	const struct word *found = &g_array_index(script->words, struct word, index);

	*word = (struct dh_script_word){ .from_ticks = found->from_ticks, .to_ticks = found->to_ticks };
	word->text = spelling(script, found, &word->size);
	return true;
}

static char *join_spellings(const struct dh_script *script, size_t first, size_t end)
{
	GString *text = g_string_new(NULL);

	for (size_t i = first; i < end; i++) {
		const char *spelt = script->spelt->str + g_array_index(script->words, struct word, i).spelt;
		g_string_append(text, dh_script_needs_space(text, spelt) ? " " : "");
		g_string_append(text, spelt);
	}
	return g_string_free(text, FALSE);
}

/* What lies before the next word belongs to it, such as a number that was given as words. */
char *dh_script_passage(const struct dh_script *script, size_t first, size_t end)
{
	if (!script->has_found)
		return join_spellings(script, first, end);
	const struct word *words = &g_array_index(script->words, struct word, 0);
	size_t from = MIN(words[first].begin, script->text->len);
	size_t to = end < script->words->len ? MAX(words[end].begin, words[end - 1].end) : words[end - 1].end;

	to = MAX(MIN(to, script->text->len), from);
	return g_strstrip(g_strndup(script->text->str + from, to - from));
}

/* --- what was heard */

static size_t end_by_time(const char *text, int64_t played_ms, int64_t duration_ms)
{
	int64_t most = duration_ms > 0 ? g_utf8_strlen(text, -1) * played_ms / duration_ms : 0;
	size_t end = 0;
	const char *at = text;

	for (int64_t i = 0; *at && i < most; i++) {
		gunichar before = g_utf8_get_char(at);
		at = g_utf8_next_char(at);
		if (dh_words_end_between(before, *at ? g_utf8_get_char(at) : 0))
			end = (size_t)(at - text);
	}
	return end;
}

static size_t end_by_words(const struct dh_script *script, int64_t played_ms)
{
	size_t end = 0;

	for (guint i = 0; i < script->words->len; i++) {
		const struct word *word = &g_array_index(script->words, struct word, i);
		if (word->to_ticks > played_ms * DH_TICKS_PER_MS)
			break;
		end = word->end;
	}
	return end;
}

/* Of the text, when all before `reached_ms` has been played. */
static size_t end_at(const struct dh_script *script, int64_t reached_ms, int64_t duration_ms, int64_t known_ms)
{
	const char *text = script->text->str;

	if (duration_ms >= 0 && reached_ms >= duration_ms && reached_ms > 0)
		return script->text->len;
	if (script->has_found)
		return end_by_words(script, reached_ms);
	if (duration_ms < 0)
		duration_ms = MAX(known_ms, g_utf8_strlen(text, -1) * 1000 / CHARACTERS_PER_SECOND);
	return end_by_time(text, reached_ms, duration_ms);
}

char *dh_script_heard(const struct dh_script *script, int64_t from_ms, int64_t played_ms, int64_t duration_ms,
	int64_t known_ms)
{
	if (!script)
		return NULL;
	size_t begin = from_ms > 0 ? end_at(script, from_ms, duration_ms, known_ms) : 0;
	size_t end = MAX(end_at(script, from_ms + played_ms, duration_ms, known_ms), begin);
	while (begin > 0 && begin < end && g_ascii_isspace(script->text->str[begin]))
		begin++;
	return g_strndup(script->text->str + begin, end - begin);
}
