/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "timed_text.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "ingest/text.h"
#include "playout/timebase.h"

/* Two lines of 42 characters, as broadcasters have them, and no longer than is read at a glance. */
#define CHARACTERS_MAX 84
#define LENGTH_TICKS   (7 * DH_TICKS_PER_SECOND)
#define MS_MAX         (DH_STREAM_TICKS_MAX / DH_TICKS_PER_MS)

struct dh_timed_text {
	json_t *captions, *markers; /* NULL: none */
};

/* --- what requests give */

static bool is_time(const json_t *value, json_int_t least)
{
	return json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= MS_MAX;
}

/* Its lines may be broken. */
static bool is_caption_text(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);

	if (!text || !size || size > DH_CAPTION_BYTES_MAX || strlen(text) != size)
		return false;
	char *line = g_strdelimit(g_strdup(text), "\n", ' ');
	bool is_right = !dh_text_has_controls(line);
	g_free(line);
	return is_right;
}

const char *dh_captions_check(const json_t *captions)
{
	static const char *const expected = "an array of at most 1000 [text, from_ms, to_ms], in order, is expected, a "
					    "text of 1 to 1000 bytes without control characters but line breaks";
	json_int_t last = 0;
	json_t *caption;
	size_t i;

	if (!json_is_array(captions) || json_array_size(captions) > DH_CAPTIONS_MAX)
		return expected;
	json_array_foreach((json_t *)captions, i, caption) {
		const json_t *from = json_array_get(caption, 1), *to = json_array_get(caption, 2);
		if (json_array_size(caption) != 3 || !is_caption_text(json_array_get(caption, 0)) ||
			!is_time(from, last) || !is_time(to, json_integer_value(from)))
			return expected;
		last = json_integer_value(from);
	}
	return NULL;
}

const char *dh_marker_check(const json_t *data)
{
	size_t size = data ? json_dumpb(data, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) : 0;

	return size && size <= DH_MARKER_BYTES_MAX ? NULL : "JSON of at most 4096 bytes is expected";
}

const char *dh_markers_check(const json_t *markers)
{
	static const char *const expected =
		"an array of at most 500 [at_ms, data], in order, is expected, the data of at most 4096 bytes";
	json_int_t last = 0;
	json_t *marker;
	size_t i;

	if (!json_is_array(markers) || json_array_size(markers) > DH_MARKERS_MAX)
		return expected;
	json_array_foreach((json_t *)markers, i, marker) {
		const json_t *at = json_array_get(marker, 0);
		if (json_array_size(marker) != 2 || !is_time(at, last) || dh_marker_check(json_array_get(marker, 1)))
			return expected;
		last = json_integer_value(at);
	}
	return NULL;
}

/* --- life */

struct dh_timed_text *dh_timed_text_new(const json_t *captions, const json_t *markers)
{
	if (!captions && !markers)
		return NULL;
	struct dh_timed_text *timed_text = g_new0(struct dh_timed_text, 1);

	timed_text->captions = json_incref((json_t *)captions);
	timed_text->markers = json_incref((json_t *)markers);
	return timed_text;
}

void dh_timed_text_free(struct dh_timed_text **timed_text)
{
	if (!*timed_text)
		return;
	json_decref((*timed_text)->captions);
	json_decref((*timed_text)->markers);
	g_free(*timed_text);
	*timed_text = NULL;
}

/* The array may be the request's. */
int dh_timed_text_add_marker(struct dh_timed_text **timed_text, int64_t at_ms, json_t *data, size_t *index)
{
	const json_t *old = *timed_text ? (*timed_text)->markers : NULL;
	size_t at = json_array_size(old);

	if (at >= DH_MARKERS_MAX)
		return -ENOBUFS;
	if (!*timed_text)
		*timed_text = g_new0(struct dh_timed_text, 1);
	json_t *markers = old ? json_copy((json_t *)old) : json_array();
	while (at > 0 && json_integer_value(json_array_get(json_array_get(markers, at - 1), 0)) > at_ms)
		at--;
	json_array_insert_new(markers, at, json_pack("[I, O]", (json_int_t)at_ms, data));
	json_decref((*timed_text)->markers);
	(*timed_text)->markers = markers;
	if (index)
		*index = at;
	return 0;
}

bool dh_timed_text_has_captions(const struct dh_timed_text *timed_text)
{
	return timed_text && timed_text->captions;
}

/* --- at a time of the segment */

static int64_t ticks_at(const json_t *array, size_t index)
{
	return json_integer_value(json_array_get(array, index)) * DH_TICKS_PER_MS;
}

bool dh_timed_text_marker(const struct dh_timed_text *timed_text, size_t index, struct dh_marker *marker)
{
	const json_t *found = timed_text ? json_array_get(timed_text->markers, index) : NULL;

	if (!found)
		return false;
	*marker = (struct dh_marker){ ticks_at(found, 0), json_array_get(found, 1) };
	return true;
}

static bool given_caption(const struct dh_timed_text *timed_text, size_t index, struct dh_caption *caption)
{
	const json_t *found = json_array_get(timed_text->captions, index);

	if (!found)
		return false;
	*caption = (struct dh_caption){ ticks_at(found, 1), ticks_at(found, 2), index, index + 1, false };
	return true;
}

/* A sentence is over; what closes behind its last character belongs to it. */
static bool ends_sentence(const struct dh_script_word *word)
{
	static const char *const ends[] = { ".", "!", "?", "…", "。", "！", "？" };
	char *text = g_strndup(word->text, word->size);
	bool is_end = false;

	for (size_t size = strlen(text); size && strchr("\"')]", text[size - 1]); size--)
		text[size - 1] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(ends) && !is_end; i++)
		is_end = g_str_has_suffix(text, ends[i]);
	g_free(text);
	return is_end;
}

bool dh_timed_text_caption(const struct dh_timed_text *timed_text, const struct dh_script *script, size_t first,
	bool is_complete, struct dh_caption *caption)
{
	struct dh_script_word word, last;
	glong characters = 0;

	if (dh_timed_text_has_captions(timed_text))
		return given_caption(timed_text, first, caption);
	if (!dh_script_word(script, first, &last))
		return false;
	*caption = (struct dh_caption){ last.from_ticks, last.to_ticks, first, first + 1, false };
	characters = g_utf8_strlen(last.text, (gssize)last.size);
	for (;; caption->end++, last = word) {
		if (ends_sentence(&last))
			return true;
		if (!dh_script_word(script, caption->end, &word))
			break;
		characters += 1 + g_utf8_strlen(word.text, (gssize)word.size);
		if (characters > CHARACTERS_MAX ||
			word.from_ticks - last.to_ticks >= DH_CAPTION_PAUSE_MS * DH_TICKS_PER_MS ||
			word.to_ticks - caption->from_ticks > LENGTH_TICKS)
			return true;
		caption->to_ticks = MAX(caption->to_ticks, word.to_ticks);
	}
	caption->is_open = !is_complete;
	return true;
}

/* --- JSON */

static json_t *words_json(const struct dh_script *script, const struct dh_caption *caption, int64_t start_ticks)
{
	json_t *words = json_array();
	struct dh_script_word word;

	for (size_t i = caption->first; i < caption->end && dh_script_word(script, i, &word); i++)
		json_array_append_new(words,
			json_pack("[s%, I, I]", word.text, word.size,
				(json_int_t)dh_ms_from_ticks(start_ticks + word.from_ticks),
				(json_int_t)dh_ms_from_ticks(start_ticks + word.to_ticks)));
	return words;
}

json_t *dh_timed_text_json(const struct dh_timed_text *timed_text, const struct dh_script *script,
	const struct dh_caption *caption, int64_t start_ticks)
{
	if (dh_timed_text_has_captions(timed_text))
		return json_pack("{s:O}", "text",
			json_array_get(json_array_get(timed_text->captions, caption->first), 0));
	char *text = dh_script_passage(script, caption->first, caption->end);
	json_t *json = json_pack("{s:s, s:o}", "text", text, "words", words_json(script, caption, start_ticks));

	g_free(text);
	return json;
}
