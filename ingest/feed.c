/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "playout/timebase.h"

static void close_sources(struct dh_ingest_source *source)
{
	for (int i = 0; i < source->count; i++)
		if (source->fds[i] >= 0)
			close(source->fds[i]);
	if (source->lead_fd >= 0)
		close(source->lead_fd);
	if (source->tail_fd >= 0)
		close(source->tail_fd);
	source->lead_fd = source->tail_fd = -1;
	source->count = 0;
}

struct dh_feed *dh_feed_new(const struct dh_feed_context *context, const struct dh_feed_owner *owner, const char *name,
	json_t *metadata, const struct dh_ingest_source *source, const struct dh_feed_speech *speech,
	const struct dh_feed_audience *audience)
{
	struct dh_feed *feed = g_new0(struct dh_feed, 1);

	atomic_init(&feed->refs, 1);
	g_mutex_init(&feed->lock);
	feed->context = *context;
	feed->owner = *owner;
	feed->output = feed->place = feed->audio = -1;
	feed->scene.position_ticks = -1;
	feed->name = g_strdup(name);
	feed->metadata = json_incref(metadata);
	feed->source = *source;
	for (int i = 0; i < source->count; i++) {
		feed->names[i] = g_strdup(source->names[i]);
		feed->source.names[i] = feed->names[i];
	}
	if (speech) {
		feed->config = speech->generator;
		feed->text = g_string_new(speech->text);
		feed->is_text_open = feed->is_text_owed = speech->is_text_open;
		feed->voice = g_strdup(speech->voice);
		feed->audio = speech->audio;
	}
	if (audience)
		feed->audience = *audience;
	feed->is_live = speech || (source->count > 0 && source->fds[0] >= 0);
	if (feed->is_live)
		feed->source.ahead_ticks = context->ahead_ticks;
	return feed;
}

struct dh_feed *dh_feed_ref(struct dh_feed *feed)
{
	atomic_fetch_add(&feed->refs, 1);
	return feed;
}

void dh_feed_unref(struct dh_feed **feed)
{
	struct dh_feed *old = *feed;

	*feed = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	close_sources(&old->source);
	dh_ingest_close(old->context.ingest, old->audio);
	if (old->source.anchor)
		g_bytes_unref(old->source.anchor);
	if (old->source.anchor_frame)
		g_bytes_unref(old->source.anchor_frame);
	if (old->source.background_picture)
		g_bytes_unref(old->source.background_picture);
	if (old->source.mark_picture)
		g_bytes_unref(old->source.mark_picture);
	dh_feed_batch_clear(old->context.ingest, &old->arrived);
	dh_feed_batch_clear(old->context.ingest, &old->filling);
	json_decref(old->metadata);
	json_decref(old->notes);
	g_clear_pointer(&old->words, g_ptr_array_unref);
	json_decref(old->outcome.notes);
	for (int i = 0; i < 2; i++)
		g_free(old->names[i]);
	g_free(old->name);
	g_free(old->who);
	if (old->text)
		g_string_free(old->text, TRUE);
	g_free(old->voice);
	g_free(old->segment_id);
	if (old->words_made)
		g_array_unref(old->words_made);
	g_free(old->rest.text);
	g_free(old->generator_error);
	g_free(old->outcome.text);
	g_mutex_clear(&old->lock);
	if (old->audience.gone)
		old->audience.gone(old->audience.arg);
	old->owner.gone(old->owner.arg);
	g_free(old);
}

const char *dh_feed_name(const struct dh_feed *feed)
{
	return feed->name;
}

const char *dh_feed_short_name(const struct dh_feed *feed)
{
	const char *slash = feed->config ? NULL : strrchr(feed->name, '/');

	return slash ? slash + 1 : feed->name;
}

json_t *dh_feed_metadata(const struct dh_feed *feed)
{
	return feed->metadata;
}

bool dh_feed_may_begin_ahead(const struct dh_feed *feed)
{
	return dh_ingest_has_memory(feed->context.ingest);
}

/* --- the owner's thread */

bool dh_feed_is_complete(const struct dh_feed *feed)
{
	return feed->is_complete;
}

bool dh_feed_is_incomplete(const struct dh_feed *feed)
{
	return feed->is_incomplete;
}

json_t *dh_feed_notes(const struct dh_feed *feed)
{
	return feed->notes;
}

void dh_feed_set_segment(struct dh_feed *feed, struct dh_segment *segment)
{
	feed->segment = segment;
}

struct dh_segment *dh_feed_segment(const struct dh_feed *feed)
{
	return feed->segment;
}

void dh_feed_set_pipes(struct dh_feed *feed, int lead, int tail)
{
	feed->source.lead_fd = lead;
	feed->source.tail_fd = tail;
}

void dh_feed_set_scene(struct dh_feed *feed, const struct dh_feed_scene *scene)
{
	feed->scene = *scene;
}

static GBytes *ref_or_null(GBytes *bytes)
{
	return bytes ? g_bytes_ref(bytes) : NULL;
}

void dh_feed_start(struct dh_feed *feed, const struct dh_feed_look *look)
{
	feed->is_started = true;
	feed->source.anchor = ref_or_null(look->anchor);
	feed->source.anchor_frame = ref_or_null(look->frame);
	feed->source.background_picture = ref_or_null(look->background);
	feed->source.mark_picture = ref_or_null(look->mark);
	feed->source.owner = feed->owner.arg;
	feed->source.is_next = feed->is_next;
	feed->segment_id = g_strdup(dh_segment_id(feed->segment));
	feed->who = g_strdup_printf("room %s: segment %s", feed->owner.name, dh_segment_id(feed->segment));
	dh_io_post(feed->context.io, dh_feed_input_open, dh_feed_ref(feed));
}

bool dh_feed_is_started(const struct dh_feed *feed)
{
	return feed->is_started;
}

void dh_feed_set_next(struct dh_feed *feed)
{
	if (feed->is_next)
		return;
	feed->is_next = true;
	if (feed->is_started)
		dh_io_post(feed->context.io, dh_feed_input_set_next, dh_feed_ref(feed));
}

void dh_feed_make_way(struct dh_feed *feed, struct dh_feed *by)
{
	if (!feed->config || by->config != feed->config || !atomic_load(&by->wants_place) ||
		atomic_exchange(&feed->makes_way, true))
		return;
	dh_feed_place_post_way(feed, by);
}

bool dh_feed_is_live(const struct dh_feed *feed)
{
	return feed->is_live;
}

bool dh_feed_is_generated(const struct dh_feed *feed)
{
	return feed->config != NULL;
}

bool dh_feed_is_kept(const struct dh_feed *feed)
{
	return !feed->is_live || (feed->config && feed->config->cache);
}

/* Counted in whole seconds: a burst at the edge of two does no harm. */
static bool is_too_fast(struct dh_feed *feed)
{
	int64_t now_us = g_get_monotonic_time();

	if (now_us - feed->pieces_us >= G_USEC_PER_SEC) {
		feed->pieces_us = now_us;
		feed->pieces = 0;
	}
	return feed->pieces++ >= feed->context.more_rate;
}

int dh_feed_add_text(struct dh_feed *feed, const char *more, bool is_last)
{
	int err = 0;

	if (!feed->is_text_owed)
		return -ENOTCONN;
	if (is_too_fast(feed))
		return -EAGAIN;
	g_mutex_lock(&feed->lock);
	if (!feed->is_text_open)
		err = -ENOTCONN;
	else if (feed->text->len + strlen(more) > (size_t)feed->context.max_text)
		err = -EFBIG;
	else
		g_string_append(feed->text, more);
	feed->is_text_open = feed->is_text_open && (err || !is_last);
	g_mutex_unlock(&feed->lock);
	if (is_last && err != -EFBIG)
		feed->is_text_owed = false;
	if (!err && feed->is_started)
		dh_io_post(feed->context.io, dh_feed_speech_more, dh_feed_ref(feed));
	return err;
}

bool dh_feed_is_text_open(const struct dh_feed *feed)
{
	return feed->is_text_owed;
}

void dh_feed_tell(struct dh_feed *feed, json_t *event, bool is_last)
{
	if (feed->audience.event)
		feed->audience.event(feed->audience.arg, json_incref(event), is_last);
}

/* How often a live source is looked after, unless its audience wants it more often. */
#define PLAYED_EVERY_TICKS  (100 * DH_TICKS_PER_MS)
#define RELEASE_EVERY_TICKS DH_TICKS_PER_SECOND

int64_t dh_feed_played_every_ticks(const struct dh_feed *feed)
{
	int64_t progress_ticks = feed->audience.progress_ticks;

	if (!feed->is_live)
		return 0;
	return progress_ticks > 0 ? MIN(progress_ticks, PLAYED_EVERY_TICKS) : PLAYED_EVERY_TICKS;
}

int64_t dh_feed_first_byte_us(const struct dh_feed *feed)
{
	return atomic_load(&feed->first_byte_us);
}

int64_t dh_feed_ahead_ticks(const struct dh_feed *feed)
{
	return feed->context.ahead_ticks;
}

static int64_t wanted_ticks(const struct dh_feed *feed, int64_t reached_ticks)
{
	int64_t known_ticks = dh_segment_known_ticks(feed->segment);

	return known_ticks == INT64_MAX ? -1 : MAX(0, reached_ticks + feed->context.ahead_ticks - known_ticks);
}

/* The segment has forgotten what was played long ago. */
static void release(struct dh_feed *feed)
{
	int64_t kept_ticks = dh_segment_kept_ticks(feed->segment);

	if (kept_ticks < atomic_load(&feed->kept_ticks) + RELEASE_EVERY_TICKS)
		return;
	atomic_store(&feed->kept_ticks, kept_ticks);
	dh_io_post(feed->context.io, dh_feed_input_release, dh_feed_ref(feed));
}

void dh_feed_played(struct dh_feed *feed, int64_t played_ticks, int64_t reached_ticks)
{
	const struct dh_feed_audience *audience = &feed->audience;

	if (!feed->is_live || !feed->segment)
		return;
	if (audience->progress_ticks > 0 && played_ticks >= feed->progress_ticks + audience->progress_ticks) {
		feed->progress_ticks = played_ticks;
		audience->progress(audience->arg, dh_segment_id(feed->segment), played_ticks,
			wanted_ticks(feed, reached_ticks));
	}
	if (!feed->is_started)
		return;
	release(feed);
	if (!atomic_load(&feed->is_held))
		return;
	atomic_store(&feed->allowed_ticks, reached_ticks + feed->context.ahead_ticks);
	dh_io_post(feed->context.io, dh_feed_input_allow, dh_feed_ref(feed));
}

void dh_feed_stop(struct dh_feed *feed)
{
	feed->segment = NULL;
	if (feed->is_started)
		dh_io_post(feed->context.io, dh_feed_input_close, feed);
	feed->is_started = false;
}
