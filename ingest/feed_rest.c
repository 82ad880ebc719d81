/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of a sentence whose generator fails in the middle of it: what has been made
 * plays, and another one may say the rest.
 */
#include "feed_private.h"

#include <string.h>

#include "playout/timebase.h"
#include "prepare/job.h"
#include "words.h"

/* One after the other may fail as well, but not for ever. */
#define DEPTH_MAX 4

static bool ends_word(const char *at)
{
	gunichar before = g_utf8_get_char(g_utf8_prev_char(at)), after = g_utf8_get_char(at);

	return g_unichar_isspace(after) || dh_words_end_between(before, after);
}

/* Where the word after the one at `characters` begins. */
static const char *next_word(const char *text, int64_t characters)
{
	const char *at = text;

	for (; characters > 0 && *at; characters--)
		at = g_utf8_next_char(at);
	if (at > text)
		while (*at && !ends_word(at))
			at = g_utf8_next_char(at);
	while (*at && g_unichar_isspace(g_utf8_get_char(at)))
		at = g_utf8_next_char(at);
	return at;
}

void dh_feed_rest_word(struct dh_feed *feed, const struct dh_stream_word *word)
{
	struct dh_feed_word made = { .to_ticks = word->to_ticks };
	const char *found;
	size_t from = 0;

	if (!feed->words_made)
		feed->words_made = g_array_new(FALSE, FALSE, sizeof made);
	if (feed->words_made->len > 0)
		from = g_array_index(feed->words_made, struct dh_feed_word, feed->words_made->len - 1).end;
	g_mutex_lock(&feed->lock);
	found = dh_words_find(feed->text, from, DH_WORDS_NEARBY, word->text);
	if (found)
		made.begin = (size_t)(found - feed->text->str);
	g_mutex_unlock(&feed->lock);
	made.end = made.begin + strlen(word->text);
	if (found)
		g_array_append_val(feed->words_made, made);
	else
		feed->has_other_words = true;
}

/* How much has been made of what it is to say: pictures may be ahead of their sound. */
static int64_t said_ticks(const struct dh_feed *feed)
{
	return feed->has_sound ? feed->spoken_ticks : feed->made_ticks;
}

/* Of a generator that calls its words otherwise they do not say how far it has come. */
static bool has_word_times(const struct dh_feed *feed)
{
	return feed->words_made && feed->words_made->len > 0 && !feed->has_other_words && feed->made_ticks > 0;
}

/* What follows the last word that has been made to its end: one that is cut is said again. With the lock held. */
static const char *behind_words(const struct dh_feed *feed)
{
	const struct dh_feed_word *words = (const struct dh_feed_word *)(const void *)feed->words_made->data;
	const char *at = feed->text->str;
	guint said = 0;

	while (said < feed->words_made->len && words[said].to_ticks <= said_ticks(feed))
		said++;
	if (said < feed->words_made->len)
		return said > 0 ? at + words[said].begin : at;
	at += words[said - 1].end;
	while (*at && g_unichar_ispunct(g_utf8_get_char(at)))
		at = g_utf8_next_char(at);
	return next_word(at, 0);
}

/* The place that failed is not asked again. */
static bool has_other_place(const struct dh_feed *feed, uint64_t tried)
{
	int count = dh_generator_places(feed->config);

	for (int i = 0; i < count; i++)
		if (!(tried >> i & 1))
			return true;
	return false;
}

static const struct dh_generator_config *choose(const struct dh_feed *feed, uint64_t tried)
{
	/* A place of which nothing was delivered may have sent bytes; it has said as little as one that sent none. */
	bool is_tail = g_strcmp0(feed->config->retry, "tail") == 0 || feed->made_ticks == 0;

	if (feed->depth >= DEPTH_MAX)
		return NULL;
	return is_tail && has_other_place(feed, tried) ? feed->config : feed->config->fallback_config;
}

void dh_feed_rest_find(struct dh_feed *feed)
{
	/* The worker may have noticed before the place's own time was over. */
	uint64_t here = feed->place >= 0 ? UINT64_C(1) << feed->place : 0, tried = feed->place_wait.tried | here;
	const struct dh_generator_config *config = choose(feed, tried);
	struct dh_generator_pool *pool = dh_generators_pool(feed->context.generators, feed->config);
	int64_t said = dh_generator_pool_characters(pool, said_ticks(feed) / DH_TICKS_PER_MS);

	if (!config || feed->audio >= 0)
		return;
	g_mutex_lock(&feed->lock);
	const char *rest = has_word_times(feed) ? behind_words(feed) : next_word(feed->text->str, said);
	if (!feed->is_text_open)
		feed->rest = (struct dh_feed_rest){ .text = g_strdup(rest),
			.config = config,
			.tried = config == feed->config ? tried : 0 };
	g_mutex_unlock(&feed->lock);
}

void dh_feed_rest_none(struct dh_feed *feed)
{
	struct dh_generator_pool *pool = dh_generators_pool(feed->context.generators, feed->config);

	g_mutex_lock(&feed->lock);
	dh_generator_pool_spoke(pool, g_utf8_strlen(feed->text->str, -1), said_ticks(feed) / DH_TICKS_PER_MS);
	g_mutex_unlock(&feed->lock);
}

/* --- the owner's thread */

/* The same voice, if that generator has it. */
static const char *voice_of(const struct dh_generator_config *config, const char *voice)
{
	if (!config->voices)
		return NULL;
	for (char **known = config->voices; voice && *known; known++)
		if (strcmp(*known, voice) == 0)
			return *known;
	return config->voices[0];
}

/* What there is to say; `text` NULL: nothing. */
static struct dh_feed_rest take(struct dh_feed *feed, bool is_whole)
{
	g_mutex_lock(&feed->lock);
	struct dh_feed_rest rest = feed->rest;
	memset(&feed->rest, 0, sizeof(feed->rest));
	if (rest.text && is_whole) {
		g_free(rest.text);
		rest.text = g_strdup(feed->text->str);
	}
	g_mutex_unlock(&feed->lock);
	if (rest.text && !*rest.text)
		g_clear_pointer(&rest.text, g_free);
	return rest;
}

struct dh_feed *dh_feed_take_rest(struct dh_feed *feed, const struct dh_feed_owner *owner, bool is_whole)
{
	struct dh_feed_rest rest = take(feed, is_whole);

	if (!rest.text)
		return NULL;
	struct dh_ingest_source source = feed->source;
	source.count = 0;
	source.anchor = source.anchor_frame = source.background_picture = source.mark_picture = NULL;
	source.is_next = false;
	const struct dh_feed_speech speech = { .generator = rest.config,
		.text = rest.text,
		.audio = -1,
		.voice = voice_of(rest.config, feed->voice) };
	struct dh_feed *next = dh_feed_new(&feed->context, owner, feed->name, feed->metadata, &source, &speech, NULL);
	next->place_wait.tried = rest.tried;
	next->depth = feed->depth + 1;
	g_free(rest.text);
	return next;
}

char *dh_feed_copy_text(const struct dh_feed *feed)
{
	return g_strdup(feed->text->str);
}

const char *dh_feed_generator(const struct dh_feed *feed)
{
	return feed->config ? feed->config->name : NULL;
}
