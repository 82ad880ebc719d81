/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heard_private.h"

#include <string.h>

#include "ingest/words.h"
#include "playout/timebase.h"

/* A text that consists of words grows no further than this. */
#define TEXT_MAX 65536
/* A word is looked for further on behind others that were not found, but within so many bytes. */
#define NEARBY_MAX 4000

/* --- words */

const char *dh_script_check(const json_t *words)
{
	return dh_words_check(words, 0);
}

/* Punctuation that follows belongs to a word. */
static const char *end_of(const char *end)
{
	while (*end && g_unichar_ispunct(g_utf8_get_char(end)))
		end = g_utf8_next_char(end);
	return end;
}

/* Not far away, where it would be another one. */
static const char *find_word(const struct dh_script *script, const char *spelt)
{
	return dh_words_find(script->text, script->at, MIN(DH_WORDS_NEARBY + 2 * script->missed, NEARBY_MAX), spelt);
}

/* Ideographs follow each other without a space. */
bool dh_script_needs_space(const GString *text, const char *spelt)
{
	if (!text->len)
		return false;
	gunichar before = g_utf8_get_char(g_utf8_prev_char(text->str + text->len)), after = g_utf8_get_char(spelt);
	return !dh_words_is_ideograph(before) || !dh_words_is_ideograph(after);
}

/* A word that is not in the text ends where the one before it does. */
static void add_word(struct dh_script *script, const struct dh_stream_word *word)
{
	struct word new = { .spelt = script->spelt->len, .from_ticks = word->from_ticks, .to_ticks = word->to_ticks };

	g_string_append_len(script->spelt, word->text, (gssize)strlen(word->text) + 1);
	new.begin = script->at;
	if (script->is_text_given) {
		const char *found = find_word(script, word->text);
		new.begin = found ? (size_t)(found - script->text->str) : script->at;
		if (found)
			script->at = (size_t)(end_of(found + strlen(word->text)) - script->text->str);
		script->missed = found ? 0 : script->missed + strlen(word->text) + 1;
		script->has_found = script->has_found || found;
	} else if (script->text->len + strlen(word->text) < TEXT_MAX) {
		g_string_append(script->text, dh_script_needs_space(script->text, word->text) ? " " : "");
		new.begin = script->text->len;
		g_string_append(script->text, word->text);
		script->at = script->text->len;
		script->has_found = true;
	}
	new.end = script->at;
	g_array_append_val(script->words, new);
}

static struct dh_script *alloc(const char *text)
{
	struct dh_script *script = g_new0(struct dh_script, 1);

	atomic_init(&script->refs, 1);
	script->is_text_given = text && *text;
	script->text = g_string_new(text);
	script->spelt = g_string_new(NULL);
	script->words = g_array_new(FALSE, FALSE, sizeof(struct word));
	return script;
}

struct dh_script *dh_script_new(const char *text, const json_t *words)
{
	struct dh_stream_word word;

	if (!text && !words)
		return NULL;
	struct dh_script *script = alloc(text);
	for (size_t i = 0; i < json_array_size(words); i++) {
		dh_words_get(words, i, &word);
		add_word(script, &word);
	}
	script->is_fixed = script->words->len > 0;
	return script;
}

static struct dh_script *copy(const struct dh_script *script)
{
	struct dh_script *new = alloc(script->text->str);

	new->is_text_given = script->is_text_given;
	new->is_fixed = script->is_fixed;
	new->is_cut = script->is_cut;
	new->at = script->at;
	new->missed = script->missed;
	new->has_found = script->has_found;
	g_string_append_len(new->spelt, script->spelt->str, (gssize)script->spelt->len);
	g_array_append_vals(new->words, script->words->data, script->words->len);
	return new;
}

/* Makes it the caller's alone. */
static void make_own(struct dh_script **script)
{
	struct dh_script *old = *script;

	if (!old) {
		*script = alloc(NULL);
	} else if (atomic_load(&old->refs) > 1) {
		*script = copy(old);
		dh_script_unref(&old);
	}
}

void dh_script_add_text(struct dh_script **script, const char *text)
{
	const struct dh_script *old = *script;

	if (!*text || (old && !old->is_text_given && old->words->len > 0))
		return;
	make_own(script);
	g_string_append((*script)->text, text);
	(*script)->is_text_given = true;
}

/* Its length without the spaces at its end. */
static gsize length_of_words(const char *text, gsize length)
{
	while (length > 0) {
		const char *last = g_utf8_prev_char(text + length);
		if (!g_unichar_isspace(g_utf8_get_char(last)))
			break;
		length = (gsize)(last - text);
	}
	return length;
}

void dh_script_cut(struct dh_script **script, const char *rest)
{
	const struct dh_script *old = *script;

	if (!old || !old->is_text_given || !g_str_has_suffix(old->text->str, rest))
		return;
	make_own(script);
	struct dh_script *cut = *script;
	g_string_truncate(cut->text, length_of_words(cut->text->str, cut->text->len - strlen(rest)));
	cut->at = MIN(cut->at, cut->text->len);
	cut->is_cut = true;
}

bool dh_script_is_cut(const struct dh_script *script)
{
	return script && script->is_cut;
}

void dh_script_add(struct dh_script **script, const struct dh_stream_word *const *words, size_t count)
{
	const struct dh_script *old = *script;

	if (!count || (old && old->is_fixed))
		return;
	make_own(script);
	for (size_t i = 0; i < count; i++)
		add_word(*script, words[i]);
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
	g_array_unref(old->words);
	g_string_free(old->text, TRUE);
	g_string_free(old->spelt, TRUE);
	g_free(old);
}

/* --- where words are */

/* The word that sounds at `at_ticks`, or the next one; NULL: there is none. */
static const struct word *word_at(const struct dh_script *script, int64_t at_ticks)
{
	for (guint i = 0; i < script->words->len; i++) {
		const struct word *word = &g_array_index(script->words, struct word, i);
		if (word->to_ticks > at_ticks)
			return word;
	}
	return NULL;
}

int64_t dh_script_word_end(const struct dh_script *script, int64_t at_ticks)
{
	if (!script || script->words->len == 0)
		return -1;
	const struct word *word = word_at(script, at_ticks);
	return word && word->from_ticks < at_ticks ? word->to_ticks : at_ticks;
}

/* Whether a sentence ends at `end`, with quotes and brackets behind it. */
static bool is_sentence_end(const char *text, size_t end)
{
	const char *at = text + end;

	while (at > text) {
		at = g_utf8_prev_char(at);
		gunichar c = g_utf8_get_char(at);
		if (strchr(".!?", (int)MIN(c, 127)) || c == 0x2026 || c == 0x3002 || c == 0xff01 || c == 0xff1f ||
			c == 0x061f || c == 0x0964)
			return true;
		if (g_unichar_isalnum(c))
			return false;
	}
	return false;
}

/* Where the text lacks the word before it, that one's end is not known: what stands between them decides. */
static bool begins_sentence(const struct dh_script *script, const struct word *word)
{
	const struct word *before = word - 1;

	if (before->begin < before->end)
		return is_sentence_end(script->text->str, before->end);
	return word->begin < word->end && is_sentence_end(script->text->str, word->begin);
}

static const struct word *first_of_sentence(const struct dh_script *script, const struct word *word)
{
	const struct word *first = &g_array_index(script->words, struct word, 0);

	while (word > first && !begins_sentence(script, word))
		word--;
	return word;
}

int64_t dh_script_begin(const struct dh_script *script, int64_t at_ticks, bool whole_sentence)
{
	if (!script || script->words->len == 0)
		return -1;
	const struct word *word = word_at(script, at_ticks);
	if (word && whole_sentence)
		word = first_of_sentence(script, word);
	return word ? MIN(word->from_ticks, at_ticks) : at_ticks;
}
