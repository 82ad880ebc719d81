/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <string.h>

#include "playout/timebase.h"

#define MS_MAX (DH_STREAM_TICKS_MAX / DH_TICKS_PER_MS)

static bool is_word(const json_t *word)
{
	const json_t *text = json_array_get(word, 0), *from = json_array_get(word, 1), *to = json_array_get(word, 2);
	size_t length = json_string_length(text);

	return json_array_size(word) == 3 && length > 0 && length <= DH_STREAM_WORD_MAX &&
		dh_stream_text_is_valid(json_string_value(text), length) && json_is_integer(from) &&
		json_is_integer(to) && json_integer_value(from) >= 0 &&
		json_integer_value(to) >= json_integer_value(from) && json_integer_value(to) <= MS_MAX;
}

const char *dh_words_check(const json_t *words, int64_t from_ticks)
{
	static const char *const expected = "an array of at most 2000 [word, from_ms, to_ms], in order, is expected, "
					    "a word of 1 to 200 bytes without control characters";
	json_int_t last = from_ticks / DH_TICKS_PER_MS;
	json_t *word;
	size_t i;

	if (!json_is_array(words) || json_array_size(words) > DH_STREAM_WORDS_MAX)
		return expected;
	json_array_foreach((json_t *)words, i, word) {
		if (!is_word(word) || json_integer_value(json_array_get(word, 1)) < last)
			return expected;
		last = json_integer_value(json_array_get(word, 1));
	}
	return NULL;
}

void dh_words_get(const json_t *words, size_t index, struct dh_stream_word *word)
{
	const json_t *from = json_array_get(words, index), *text = json_array_get(from, 0);

	*word = (struct dh_stream_word){
		.from_ticks = json_integer_value(json_array_get(from, 1)) * DH_TICKS_PER_MS,
		.to_ticks = json_integer_value(json_array_get(from, 2)) * DH_TICKS_PER_MS,
	};
	memcpy(word->text, json_string_value(text), json_string_length(text));
}

json_t *dh_words_from_line(const char *json, size_t size, int64_t from_ticks, const char **why)
{
	json_t *line = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *words = json_incref(json_object_get(line, "words"));

	*why = words ? dh_words_check(words, from_ticks) : line ? "\"words\" is expected" : "it is no JSON";
	json_decref(line);
	if (*why)
		json_decref(words);
	return *why ? NULL : words;
}

bool dh_words_is_ideograph(gunichar character)
{
	return g_unichar_iswide(character) && g_unichar_get_script(character) != G_UNICODE_SCRIPT_HANGUL;
}

bool dh_words_end_between(gunichar before, gunichar after)
{
	if (g_unichar_isspace(before))
		return false;
	if (after == 0 || g_unichar_isspace(after))
		return true;
	return (dh_words_is_ideograph(before) || dh_words_is_ideograph(after)) && !g_unichar_ispunct(after);
}

/* Whether letters on both sides of `at` make one word. */
static bool is_inside_word(const char *text, const char *at)
{
	if (at == text || !*at)
		return false;
	gunichar before = g_utf8_get_char(g_utf8_prev_char(at)), after = g_utf8_get_char(at);
	return g_unichar_isalnum(before) && g_unichar_isalnum(after) && !dh_words_is_ideograph(before) &&
		!dh_words_is_ideograph(after);
}

const char *dh_words_find(const GString *text, size_t from, size_t nearby, const char *word)
{
	size_t size = strlen(word), rest = text->len - from;
	const char *at = text->str + from, *end = at + MIN(rest, nearby + size), *found;

	while ((found = memmem(at, (size_t)(end - at), word, size))) {
		if (!is_inside_word(text->str, found) && !is_inside_word(text->str, found + size))
			return found;
		at = g_utf8_next_char(found);
	}
	return NULL;
}
