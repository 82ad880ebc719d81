/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preparations whose source is being made while it is read: what generators push, and how
 * far ahead of their playing they are read.
 */
#include "preparation_private.h"

#include <errno.h>

#include "ingest_state.h"
#include "playout/timebase.h"
#include "prepare/job.h"

/* --- a prepared stream */

static bool has_units(const struct dh_preparation *preparation)
{
	return preparation->recording.units->len > 0;
}

/* What has come plays. */
static void end_incomplete(struct dh_preparation *preparation, const char *text)
{
	dh_recording_end_incomplete(&preparation->recording, text);
	dh_preparation_finish(preparation);
}

static int live_data(void *arg, const void *bytes, size_t size)
{
	struct dh_preparation *preparation = arg;
	int err;

	dh_inputs_close_seams(preparation->inputs); /* it is encoded already */
	dh_preparation_first_byte(preparation);
	err = dh_stream_reader_push(preparation->reader, bytes, size);
	if (err < 0) {
		char *text = g_strdup_printf("the pushed stream is damaged: %s",
			dh_stream_reader_error(preparation->reader));
		dh_preparation_fail(preparation, dh_preparation_code_of(err), text);
		g_free(text);
		return err;
	}
	if (preparation->recording.state != DH_RECORDING_OPEN) {
		dh_preparation_finish(preparation);
		return -ENODATA;
	}
	dh_preparation_pump(preparation);
	return dh_preparation_keeps_too_much(preparation) ? -EFBIG : 0;
}

static void live_ended(void *arg, int err)
{
	struct dh_preparation *preparation = arg;

	if (err == -ETIMEDOUT)
		dh_preparation_fail(preparation, DH_PREPARE_SILENT, "the generator has sent nothing for too long");
	else if (has_units(preparation))
		end_incomplete(preparation,
			err < 0 ? "[cut_short] the connection broke off" :
				  "[cut_short] the connection ended before the stream");
	else
		dh_preparation_fail(preparation, DH_PREPARE_EMPTY, "the connection ended without media");
}

static void live_foreign(void *arg)
{
	struct dh_preparation *preparation = arg;

	dh_live_input_free(&preparation->live);
	dh_preparation_encode(preparation);
}

void dh_preparation_read_live(struct dh_preparation *preparation)
{
	static const struct dh_live_input_listener listener = { .foreign = live_foreign,
		.data = live_data,
		.ended = live_ended };
	const struct dh_ingest *ingest = preparation->ingest;
	struct dh_stream_limits limits;
	int err;

	preparation->may_end = true;
	dh_preparation_limits(preparation, &limits);
	err = dh_stream_reader_alloc(&preparation->reader, &limits, &dh_recording_sink, &preparation->recording);
	if (err < 0) {
		dh_preparation_fail(preparation, dh_preparation_code_of(err), g_strerror(-err));
		return;
	}
	preparation->state = DH_PREPARATION_LIVE;
	dh_live_input_alloc(&preparation->live, ingest->io, preparation->inputs->source.fds[0],
		ingest->config.live_silence_ms, &listener, preparation);
}

/* --- how far ahead */

static int64_t newest_ticks(const struct dh_preparation *preparation)
{
	const GPtrArray *units = preparation->recording.units;
	const struct dh_unit *last = units->len ? units->pdata[units->len - 1] : NULL;

	return last ? last->pts_ticks : 0;
}

void dh_preparation_check_hold(struct dh_preparation *preparation)
{
	bool is_held = preparation->allowed_ticks > 0 && preparation->recording.state == DH_RECORDING_OPEN &&
		newest_ticks(preparation) >= preparation->allowed_ticks;

	if (is_held == preparation->is_held)
		return;
	preparation->is_held = is_held;
	if (preparation->live)
		dh_live_input_hold(preparation->live, is_held);
	if (preparation->job)
		dh_job_hold(preparation->job, is_held);
	if (preparation->subscriptions->len > 0)
		dh_subscription_held(preparation->subscriptions->pdata[0], is_held);
}

void dh_preparation_allow(struct dh_preparation *preparation, int64_t ticks)
{
	preparation->allowed_ticks = ticks;
	dh_preparation_check_hold(preparation);
}

/* --- what is kept */

void dh_preparation_release(struct dh_preparation *preparation, int64_t before_ticks)
{
	if (preparation->subscriptions->len > 0)
		dh_subscription_release(preparation->subscriptions->pdata[0], &preparation->recording, before_ticks);
}

bool dh_preparation_keeps_too_much(struct dh_preparation *preparation)
{
	const struct dh_ingest_config *config = &preparation->ingest->config;
	char *text;

	/* A cache entry that is longer or larger than a file may be could not be loaded. */
	if (preparation->writer &&
		(newest_ticks(preparation) + DH_TICKS_PER_SECOND > config->max_ms * DH_TICKS_PER_MS ||
			preparation->encoded_bytes > config->max_segment_bytes))
		dh_cache_writer_end(&preparation->writer, false);
	if (preparation->recording.bytes <= config->max_segment_bytes)
		return false;
	text = g_strdup_printf("more than %" G_GINT64_FORMAT " MB of it are kept", config->max_segment_bytes >> 20);
	preparation->job = NULL;
	dh_preparation_fail(preparation, DH_PREPARE_LIMIT, text);
	g_free(text);
	return true;
}
