/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heard.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>

/* Speech has about so many characters a second. */
#define CHARACTERS_PER_SECOND 15
#define WORDS_MAX             2000

struct word {
	size_t end; /* in the text, behind the word and its punctuation */
	int64_t to_ms;
};

struct dh_script {
	atomic_int refs;
	/* immutable */
	char *text;
	struct word *words;
	size_t count;
};

/* --- words */

static bool is_word(const json_t *word)
{
	const json_t *text = json_array_get(word, 0), *from = json_array_get(word, 1), *to = json_array_get(word, 2);

	return json_array_size(word) == 3 && json_string_length(text) > 0 && json_is_integer(from) &&
		json_is_integer(to) && json_integer_value(from) >= 0 &&
		json_integer_value(to) >= json_integer_value(from);
}

const char *dh_script_check(const json_t *words)
{
	static const char *const expected = "an array of at most 2000 [word, from_ms, to_ms], in order, is expected";
	json_int_t last = 0;
	json_t *word;
	size_t i;

	if (!json_is_array(words) || json_array_size(words) > WORDS_MAX)
		return expected;
	json_array_foreach((json_t *)words, i, word) {
		if (!is_word(word) || json_integer_value(json_array_get(word, 1)) < last)
			return expected;
		last = json_integer_value(json_array_get(word, 1));
	}
	return NULL;
}

static char *join(const json_t *words)
{
	GString *text = g_string_new(NULL);
	json_t *word;
	size_t i;

	json_array_foreach((json_t *)words, i, word)
		g_string_append_printf(text, "%s%s", i ? " " : "", json_string_value(json_array_get(word, 0)));
	return g_string_free(text, FALSE);
}

/* Punctuation that follows belongs to a word. */
static const char *end_of(const char *end)
{
	while (*end && g_unichar_ispunct(g_utf8_get_char(end)))
		end = g_utf8_next_char(end);
	return end;
}

/* Finds the words in the text. One that is not there ends where the one before it does. */
static void find_words(struct dh_script *script, const json_t *words)
{
	const char *at = script->text;
	json_t *word;
	size_t i;

	script->words = g_new(struct word, json_array_size(words));
	json_array_foreach((json_t *)words, i, word) {
		const char *spelt = json_string_value(json_array_get(word, 0)), *found = strstr(at, spelt);
		if (found)
			at = end_of(found + strlen(spelt));
		script->words[script->count++] = (struct word){ .end = (size_t)(at - script->text),
			.to_ms = json_integer_value(json_array_get(word, 2)) };
	}
}

struct dh_script *dh_script_new(const char *text, const json_t *words)
{
	if (!text && !words)
		return NULL;
	struct dh_script *script = g_new0(struct dh_script, 1);
	atomic_init(&script->refs, 1);
	script->text = text ? g_strdup(text) : join(words);
	if (words)
		find_words(script, words);
	return script;
}

struct dh_script *dh_script_ref(struct dh_script *script)
{
	if (script)
		atomic_fetch_add(&script->refs, 1);
	return script;
}

void dh_script_unref(struct dh_script **script)
{
	struct dh_script *old = *script;

	*script = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	g_free(old->words);
	g_free(old->text);
	g_free(old);
}

/* --- what was heard */

/* Whether a word may end between two characters; ideographs are words. */
static bool is_end(gunichar before, gunichar after)
{
	if (g_unichar_isspace(before))
		return false;
	if (after == 0 || g_unichar_isspace(after))
		return true;
	return (g_unichar_iswide(before) || g_unichar_iswide(after)) && !g_unichar_ispunct(after);
}

static size_t end_by_time(const char *text, int64_t played_ms, int64_t duration_ms)
{
	int64_t most = duration_ms > 0 ? g_utf8_strlen(text, -1) * played_ms / duration_ms : 0;
	size_t end = 0;
	const char *at = text;

	for (int64_t i = 0; *at && i < most; i++) {
		gunichar before = g_utf8_get_char(at);
		at = g_utf8_next_char(at);
		if (is_end(before, *at ? g_utf8_get_char(at) : 0))
			end = (size_t)(at - text);
	}
	return end;
}

static size_t end_by_words(const struct dh_script *script, int64_t played_ms)
{
	size_t end = 0;

	for (size_t i = 0; i < script->count && script->words[i].to_ms <= played_ms; i++)
		end = script->words[i].end;
	return end;
}

char *dh_script_heard(const struct dh_script *script, int64_t played_ms, int64_t duration_ms, int64_t known_ms)
{
	if (!script)
		return NULL;
	if (duration_ms >= 0 && played_ms >= duration_ms && played_ms > 0)
		return g_strdup(script->text);
	if (script->count)
		return g_strndup(script->text, end_by_words(script, played_ms));
	if (duration_ms < 0)
		duration_ms = MAX(known_ms, g_utf8_strlen(script->text, -1) * 1000 / CHARACTERS_PER_SECOND);
	return g_strndup(script->text, end_by_time(script->text, played_ms, duration_ms));
}
