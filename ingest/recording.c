/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recording.h"

#include <errno.h>
#include <string.h>

#include "free_later.h"
#include "words.h"

static void count(struct dh_recording *recording, int64_t bytes)
{
	recording->bytes += bytes;
	dh_limits_add(recording->limits, DH_LIMIT_MEMORY, bytes);
}

void dh_recording_init(struct dh_recording *recording, struct dh_limits *limits)
{
	memset(recording, 0, sizeof *recording);
	recording->limits = limits;
	recording->units = g_ptr_array_new();
	recording->words = g_ptr_array_new_with_free_func(g_free);
	recording->notes = g_ptr_array_new_with_free_func(g_free);
}

void dh_recording_clear(struct dh_recording *recording, struct dh_loader *loader)
{
	dh_free_units_later(loader, g_steal_pointer(&recording->units));
	dh_unit_unref(&recording->anchor);
	g_clear_pointer(&recording->picture, g_bytes_unref);
	g_clear_pointer(&recording->words, g_ptr_array_unref);
	g_clear_pointer(&recording->notes, g_ptr_array_unref);
	g_clear_pointer(&recording->text, g_free);
	count(recording, -recording->bytes);
}

static int64_t unit_bytes(const struct dh_unit *unit)
{
	int64_t bytes = (int64_t)dh_unit_bytes(unit);

	for (; unit; unit = unit->lower)
		bytes += (int64_t)sizeof *unit;
	return bytes;
}

static int take_head(void *arg, const struct dh_stream_head *head)
{
	struct dh_recording *recording = arg;

	recording->head = *head;
	recording->has_head = true;
	return 0;
}

static int take_anchor(void *arg, struct dh_unit *anchor)
{
	struct dh_recording *recording = arg;

	count(recording, unit_bytes(anchor));
	recording->anchor = dh_unit_ref(anchor);
	return 0;
}

static int take_picture(void *arg, const uint8_t *i420, size_t size)
{
	struct dh_recording *recording = arg;
	void *copy = g_try_malloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, i420, size);
	count(recording, (int64_t)size);
	recording->picture = g_bytes_new_take(copy, size);
	return 0;
}

static int take_unit(void *arg, struct dh_unit *unit)
{
	struct dh_recording *recording = arg;

	count(recording, unit_bytes(unit));
	g_ptr_array_add(recording->units, dh_unit_ref(unit));
	return 0;
}

static int64_t newest_word_ticks(const struct dh_recording *recording)
{
	guint count = recording->words->len;

	return count ? ((const struct dh_stream_word *)recording->words->pdata[count - 1])->from_ticks : 0;
}

/* Records and lines are in order among themselves; here they meet. */
static int take_word(void *arg, const struct dh_stream_word *word)
{
	struct dh_recording *recording = arg;

	if (recording->words->len >= DH_STREAM_WORDS_MAX)
		return 0;
	struct dh_stream_word *copy = g_new(struct dh_stream_word, 1);
	*copy = *word;
	copy->from_ticks = MAX(copy->from_ticks, newest_word_ticks(recording));
	copy->to_ticks = MAX(copy->to_ticks, copy->from_ticks);
	count(recording, (int64_t)sizeof *copy);
	g_ptr_array_add(recording->words, copy);
	return 0;
}

static int take_line(void *arg, const char *json, size_t size, const char **why)
{
	struct dh_recording *recording = arg;
	json_t *words = dh_words_from_line(json, size, newest_word_ticks(recording), why);
	struct dh_stream_word word;

	if (!words)
		return -EBADMSG;
	if (recording->words->len + json_array_size(words) > DH_STREAM_WORDS_MAX) {
		*why = "more than 2000 words";
		json_decref(words);
		return -EFBIG;
	}
	for (size_t i = 0; i < json_array_size(words); i++) {
		dh_words_get(words, i, &word);
		take_word(recording, &word);
	}
	json_decref(words);
	return 0;
}

/* A person reads a few notes; a worker could write any number. */
#define NOTES_MAX 100

static int take_note(void *arg, const char *text)
{
	struct dh_recording *recording = arg;

	if (recording->notes->len < NOTES_MAX)
		g_ptr_array_add(recording->notes, g_strdup(text));
	return 0;
}

static int take_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_recording *recording = arg;

	recording->end = *end;
	recording->state = DH_RECORDING_ENDED;
	return 0;
}

static int take_failure(void *arg, int code, const char *text)
{
	dh_recording_fail(arg, code, text);
	return 0;
}

const struct dh_stream_sink dh_recording_sink = {
	.head = take_head,
	.anchor = take_anchor,
	.picture = take_picture,
	.unit = take_unit,
	.word = take_word,
	.line = take_line,
	.note = take_note,
	.end = take_end,
	.failure = take_failure,
};

void dh_recording_fail(struct dh_recording *recording, int code, const char *text)
{
	if (recording->state != DH_RECORDING_OPEN)
		return;
	recording->state = DH_RECORDING_FAILED;
	recording->code = code;
	recording->text = g_strdup(text);
}

void dh_recording_mark_incomplete(struct dh_recording *recording, const char *text)
{
	recording->end.is_incomplete = true;
	/* Even beyond NOTES_MAX: it says why. */
	g_ptr_array_add(recording->notes, g_strdup(text));
}

/* The lengths follow from the units. */
void dh_recording_end_incomplete(struct dh_recording *recording, const char *text)
{
	if (recording->state != DH_RECORDING_OPEN)
		return;
	recording->state = DH_RECORDING_ENDED;
	dh_recording_mark_incomplete(recording, text);
}

void dh_recording_absorb(struct dh_recording *recording, struct dh_recording *more)
{
	if (more->has_head)
		take_head(recording, &more->head);
	if (more->anchor)
		recording->anchor = g_steal_pointer(&more->anchor);
	if (more->picture)
		recording->picture = g_steal_pointer(&more->picture);
	g_ptr_array_extend_and_steal(recording->units, g_steal_pointer(&more->units));
	g_ptr_array_extend_and_steal(recording->words, g_steal_pointer(&more->words));
	for (guint i = 0; i < more->notes->len; i++)
		take_note(recording, more->notes->pdata[i]);
	if (more->state == DH_RECORDING_ENDED)
		take_end(recording, &more->end);
	else if (more->state == DH_RECORDING_FAILED)
		dh_recording_fail(recording, more->code, more->text);
	/* What moved is counted here; clearing `more` gives back its count. */
	count(recording, more->bytes);
	dh_recording_clear(more, NULL);
	dh_recording_init(more, recording->limits);
}

guint dh_recording_release(struct dh_recording *recording, int64_t before_ticks, guint most)
{
	struct dh_unit **units = (struct dh_unit **)recording->units->pdata;
	int64_t bytes = 0;
	guint n = 0;

	for (; n < most && n + 1 < recording->units->len && units[n]->pts_ticks < before_ticks; n++) {
		bytes += unit_bytes(units[n]);
		dh_unit_unref(&units[n]);
	}
	if (n > 0)
		g_ptr_array_remove_range(recording->units, 0, n);
	count(recording, -bytes);
	return n;
}
