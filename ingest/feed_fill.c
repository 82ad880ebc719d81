/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How what has arrived moves into a feed's segment, in steps; the owner's thread. */
#include "feed_private.h"

#include <string.h>

#include "prepare/job.h"

/* At most this many units move in one step, so that the owner's thread keeps time: about
 * 50 us of work. */
#define STEP_UNITS 256

void dh_feed_batch_clear(struct dh_ingest *ingest, struct dh_feed_batch *batch)
{
	if (batch->units) {
		g_ptr_array_remove_range(batch->units, 0, batch->filled);
		dh_ingest_free_units_later(ingest, batch->units);
	}
	dh_unit_unref(&batch->anchor);
	json_decref(batch->notes);
	g_clear_pointer(&batch->words, g_ptr_array_unref);
	g_free(batch->text);
	memset(batch, 0, sizeof(*batch));
}

/* A segment that has not begun gets the whole batch before it is ready: its length may be
 * known then. */
static int open_segment(struct dh_feed *feed, const struct dh_feed_batch *batch)
{
	if (!batch->has_head || dh_segment_is_open(feed->segment))
		return 0;
	dh_segment_set_partial(feed->segment, true);
	return dh_segment_open(feed->segment, &batch->head, batch->anchor);
}

static bool has_more(const struct dh_feed_batch *batch)
{
	return batch->units && batch->filled < batch->units->len;
}

static int move_some(struct dh_feed *feed, struct dh_feed_batch *batch)
{
	int err = 0;

	for (int i = 0; i < STEP_UNITS && !err && has_more(batch); i++) {
		struct dh_unit *unit = batch->units->pdata[batch->filled++];
		err = dh_segment_append(feed->segment, unit);
		dh_unit_unref(&unit);
	}
	return err;
}

/* Its anchor may still be missing. */
static bool begins_empty(const struct dh_feed_batch *batch)
{
	return batch->has_head && !batch->units && !batch->has_end && !batch->has_failure;
}

static void take_arrived(struct dh_feed *feed)
{
	g_mutex_lock(&feed->lock);
	if (!begins_empty(&feed->arrived)) {
		feed->filling = feed->arrived;
		memset(&feed->arrived, 0, sizeof(feed->arrived));
	}
	feed->is_posted = false;
	g_mutex_unlock(&feed->lock);
	if (!feed->words)
		feed->words = g_steal_pointer(&feed->filling.words);
	else if (feed->filling.words)
		g_ptr_array_extend_and_steal(feed->words, g_steal_pointer(&feed->filling.words));
}

bool dh_feed_take_wait(struct dh_feed *feed, struct dh_live_wait *wait)
{
	g_mutex_lock(&feed->lock);
	*wait = feed->wait;
	feed->wait.limit = 0;
	g_mutex_unlock(&feed->lock);
	return wait->limit > 0;
}

GPtrArray *dh_feed_take_words(struct dh_feed *feed)
{
	return g_steal_pointer(&feed->words);
}

/* All of its units are in. */
static void end_batch(struct dh_feed *feed, struct dh_feed_batch *batch)
{
	dh_segment_set_partial(feed->segment, false);
	if (batch->has_failure) {
		dh_segment_fail(feed->segment, batch->code, batch->text);
	} else if (batch->has_end) {
		feed->is_complete = true;
		feed->is_incomplete = batch->is_incomplete;
		feed->notes = g_steal_pointer(&batch->notes);
		dh_segment_complete(feed->segment);
	}
}

/* Returns whether there is more of the batch. */
static bool fill_some(struct dh_feed *feed, struct dh_feed_batch *batch)
{
	int err;

	if (batch->misfit) {
		dh_segment_fail(feed->segment, DH_PREPARE_FORMAT, batch->misfit);
		return false;
	}
	err = open_segment(feed, batch);
	if (!err)
		err = move_some(feed, batch);
	if (err) {
		dh_segment_set_partial(feed->segment, false);
		dh_segment_fail(feed->segment, DH_PREPARE_INTERNAL, g_strerror(-err));
		return false;
	}
	if (has_more(batch))
		return true;
	end_batch(feed, batch);
	return false;
}

bool dh_feed_fill(struct dh_feed *feed)
{
	if (!has_more(&feed->filling))
		take_arrived(feed);
	if (feed->segment && fill_some(feed, &feed->filling))
		return true;
	dh_feed_batch_clear(feed->context.ingest, &feed->filling);
	return false;
}
