/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a feed's units come from: a preparation, and perhaps a generator behind it. I/O
 * thread.
 */
#include "feed_private.h"

#include <errno.h>
#include <stdatomic.h>

#include "log.h"
#include "prepare/job.h"

/* After the output ends, wait this long for the generator's exit status before reporting the end; longer while its
 * supervisor, which reports it, gets no processor, but no longer than its grace period. */
#define GENERATOR_WORD_MS 200
/* Every viewer receives them. */
#define NOTES_MAX 10

/* Call with the lock held when something has arrived; releases it. */
static void unlock_and_wake(struct dh_feed *feed)
{
	bool post = !feed->is_posted;

	feed->is_posted = true;
	g_mutex_unlock(&feed->lock);
	if (post)
		feed->owner.arrived(feed->owner.arg, feed);
}

void dh_feed_input_wake(struct dh_feed *feed)
{
	g_mutex_lock(&feed->lock);
	unlock_and_wake(feed);
}

/* Head and anchor do not wake the owner: there is nothing to play yet. */
static void on_head(void *arg, const struct dh_stream_head *head)
{
	struct dh_feed *feed = arg;

	feed->has_sound = head->has_audio;
	g_mutex_lock(&feed->lock);
	feed->arrived.has_head = true;
	feed->arrived.head = *head;
	feed->arrived.misfit = dh_ingest_source_misfit(&feed->source, head);
	g_mutex_unlock(&feed->lock);
}

static void on_anchor(void *arg, struct dh_unit *anchor)
{
	struct dh_feed *feed = arg;

	g_mutex_lock(&feed->lock);
	feed->arrived.anchor = dh_unit_ref(anchor);
	g_mutex_unlock(&feed->lock);
}

static void on_units(void *arg, struct dh_unit *const *units, size_t count)
{
	struct dh_feed *feed = arg;
	GPtrArray *more = g_ptr_array_sized_new((guint)count);

	if (feed->config)
		dh_feed_speech_has_media(feed);
	/* Before the lock is taken: the owner may be waiting for it. */
	for (size_t i = 0; i < count; i++) {
		g_ptr_array_add(more, dh_unit_ref(units[i]));
		if (units[i]->flags & DH_UNIT_LEAD)
			continue;
		feed->made_ticks = MAX(feed->made_ticks, units[i]->pts_ticks + units[i]->duration_ticks);
		if (units[i]->media == DH_AUDIO)
			feed->spoken_ticks = MAX(feed->spoken_ticks, units[i]->pts_ticks + units[i]->duration_ticks);
	}
	g_mutex_lock(&feed->lock);
	if (feed->arrived.units)
		g_ptr_array_extend_and_steal(feed->arrived.units, more);
	else
		feed->arrived.units = more;
	unlock_and_wake(feed);
}

/* Words come before the units that are reported with them, which wake the owner; those that come
 * later wake it themselves. */
static void on_word(void *arg, const struct dh_stream_word *word)
{
	struct dh_feed *feed = arg;
	struct dh_stream_word *copy = g_new(struct dh_stream_word, 1);

	*copy = *word;
	if (feed->config)
		dh_feed_rest_word(feed, word);
	g_mutex_lock(&feed->lock);
	if (!feed->arrived.words)
		feed->arrived.words = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(feed->arrived.words, copy);
	if (feed->made_ticks > 0)
		unlock_and_wake(feed);
	else
		g_mutex_unlock(&feed->lock);
}

static void fail(struct dh_feed *feed, int code, const char *text)
{
	g_mutex_lock(&feed->lock);
	feed->arrived.has_failure = true;
	feed->arrived.code = code;
	g_free(feed->arrived.text);
	feed->arrived.text = g_strdup(text);
	unlock_and_wake(feed);
}

/* Its generator, and not the worker or a limit. */
static bool has_failed(const struct dh_feed *feed)
{
	bool is_silent = feed->outcome.is_failure && feed->outcome.code == DH_PREPARE_SILENT;

	return feed->config && (feed->generator_error || is_silent);
}

/* The output of a failed generator may look complete, or broken as a consequence, so the
 * generator's own error takes precedence. */
static void deliver(struct dh_feed *feed)
{
	dh_io_drop(&feed->patience);
	if (feed->is_delivered)
		return;
	feed->is_delivered = true;
	if (has_failed(feed))
		dh_feed_rest_find(feed);
	else if (feed->has_ended_well)
		dh_feed_rest_none(feed);
	if (feed->generator_error) {
		fail(feed, DH_PREPARE_INPUT, feed->generator_error);
	} else if (feed->outcome.is_failure) {
		fail(feed, feed->outcome.code, feed->outcome.text);
	} else {
		g_mutex_lock(&feed->lock);
		feed->arrived.has_end = true;
		feed->arrived.is_incomplete = feed->outcome.is_incomplete;
		feed->arrived.notes = g_steal_pointer(&feed->outcome.notes);
		unlock_and_wake(feed);
	}
}

static gboolean out_of_patience(gpointer arg)
{
	struct dh_feed *feed = arg;

	if (!feed->generator ||
		!dh_generator_is_starved(feed->generator, feed->patience, &feed->generator_used_us, GENERATOR_WORD_MS))
		deliver(feed);
	return G_SOURCE_CONTINUE;
}

static void keep_if_complete(struct dh_feed *feed)
{
	const struct dh_feed_outcome *outcome = &feed->outcome;

	if (feed->has_ended_well && outcome->is_known && !outcome->is_failure && !outcome->is_incomplete &&
		feed->subscription)
		dh_ingest_keep(feed->subscription);
}

/* The preparation has delivered its last unit, or has failed. */
static void ended(struct dh_feed *feed)
{
	feed->outcome.is_known = true;
	if (feed->config)
		dh_feed_speech_over(feed);
	if (!feed->generator) {
		keep_if_complete(feed);
		deliver(feed);
		return;
	}
	feed->generator_used_us = -1;
	feed->patience = dh_io_timer(feed->context.io, out_of_patience, feed);
	dh_io_timer_set(feed->patience, GENERATOR_WORD_MS);
}

void dh_feed_input_note(struct dh_feed *feed, const char *text)
{
	char code[DH_STREAM_CODE_MAX + 1];
	const char *sentence = dh_stream_note_split(text, code);

	if (!feed->outcome.notes)
		feed->outcome.notes = json_array();
	if (json_array_size(feed->outcome.notes) < NOTES_MAX)
		json_array_append_new(feed->outcome.notes, json_pack("{s:s, s:s}", "code", code, "text", sentence));
}

static void on_note(void *arg, const char *text)
{
	dh_feed_input_note(arg, text);
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_feed *feed = arg;

	feed->outcome.is_incomplete = end->is_incomplete || feed->has_given_way; /* lengths follow from the units */
	ended(feed);
}

static void on_failure(void *arg, int code, const char *text)
{
	struct dh_feed *feed = arg;

	feed->outcome.is_failure = true;
	feed->outcome.code = code;
	feed->outcome.text = g_strdup(text);
	ended(feed);
}

void dh_feed_input_generator_ended(struct dh_feed *feed)
{
	keep_if_complete(feed);
	if (feed->outcome.is_known)
		deliver(feed);
}

/* A worker is ready to read its output. */
static int start_generator(void *arg, int *fd, char **error)
{
	return dh_feed_speech_open(arg, fd, error);
}

/* A generator's time does not run while nobody reads what it makes. */
static void on_held(void *arg, bool is_held)
{
	struct dh_feed *feed = arg;

	atomic_store(&feed->is_held, is_held);
	dh_feed_speech_hold(feed, is_held);
}

static void on_no_place(void *arg, const struct dh_live_wait *wait)
{
	struct dh_feed *feed = arg;

	if (wait->is_for_log && wait->is_share)
		dh_log(DH_LOG_WARNING, "%s is next and waits for a worker: its room has its share (%d) of max_live",
			feed->who, wait->limit);
	else if (wait->is_for_log)
		dh_log(DH_LOG_WARNING,
			"%s is next and waits for a worker: as many as max_live allows (%d) are being encoded",
			feed->who, wait->limit);
	g_mutex_lock(&feed->lock);
	feed->wait = *wait;
	unlock_and_wake(feed);
}

static void on_first_byte(void *arg)
{
	struct dh_feed *feed = arg;

	atomic_store(&feed->first_byte_us, g_get_monotonic_time());
}

static const struct dh_ingest_listener listener = {
	.open = start_generator,
	.no_place = on_no_place,
	.first_byte = on_first_byte,
	.head = on_head,
	.anchor = on_anchor,
	.units = on_units,
	.held = on_held,
	.word = on_word,
	.note = on_note,
	.end = on_end,
	.failure = on_failure,
};

void dh_feed_input_subscribe(struct dh_feed *feed)
{
	struct dh_ingest_source source = feed->source;
	char *made_of = feed->config ? dh_feed_speech_made_of(feed) : NULL;
	int err;

	if (feed->config) {
		source.made_of = made_of;
		source.is_next = source.is_next || feed->place_wait.is_next;
		source.is_opened_late = true;
		source.fds[0] = -1;
		source.count = 1;
		source.names[0] = feed->config->name;
	}
	feed->source.count = 0;
	feed->source.lead_fd = feed->source.tail_fd = -1;
	err = dh_ingest_subscribe(feed->context.ingest, &source, &listener, feed, &feed->subscription);
	g_free(made_of);
	if (err)
		fail(feed, DH_PREPARE_INTERNAL, g_strerror(-err));
}

void dh_feed_input_fail(struct dh_feed *feed, char *error)
{
	g_free(feed->generator_error);
	feed->generator_error = error;
	feed->outcome.is_known = true;
	deliver(feed);
}

/* What the cache may have needs no place for now. */
void dh_feed_input_open(void *arg)
{
	struct dh_feed *feed = arg;
	bool needs_place = feed->config && !feed->config->cache;
	int err = needs_place ? dh_feed_place_take(feed) : 0;

	if (err == 0)
		dh_feed_input_subscribe(feed);
	else if (err != -EINPROGRESS)
		dh_feed_input_fail(feed, dh_feed_place_why_not(feed, err));
}

void dh_feed_input_set_next(void *arg)
{
	struct dh_feed *feed = arg;

	if (feed->config)
		dh_feed_place_set_next(feed);
	if (feed->subscription)
		dh_ingest_set_next(feed->subscription);
	dh_feed_unref(&feed);
}

void dh_feed_input_allow(void *arg)
{
	struct dh_feed *feed = arg;

	if (feed->subscription)
		dh_ingest_allow(feed->subscription, atomic_load(&feed->allowed_ticks));
	dh_feed_unref(&feed);
}

void dh_feed_input_release(void *arg)
{
	struct dh_feed *feed = arg;

	if (feed->subscription)
		dh_ingest_release(feed->subscription, atomic_load(&feed->kept_ticks));
	dh_feed_unref(&feed);
}

void dh_feed_input_close(void *arg)
{
	struct dh_feed *feed = arg;

	dh_ingest_unsubscribe(&feed->subscription);
	dh_feed_speech_close(feed);
	dh_io_drop(&feed->patience);
	dh_feed_unref(&feed);
}
