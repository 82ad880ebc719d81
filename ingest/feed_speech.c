/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generator of a feed. I/O thread. */
#include "feed_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "playout/timebase.h"

/* After this the worker sees the end of what it reads. */
static void close_output(struct dh_feed *feed)
{
	if (feed->output >= 0)
		close(feed->output);
	feed->output = -1;
}

/* The kernel takes no longer variable than 128 KiB, and servers in Python no longer header than 64 KiB. */
#define METADATA_MAX 65000

/* NULL: none, or too much. */
static char *metadata_text(const struct dh_feed *feed)
{
	char *text = feed->metadata ? json_dumps(feed->metadata, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	if (!text || strlen(text) <= METADATA_MAX)
		return text;
	dh_log(DH_LOG_WARNING, "%s: its metadata is not passed on: %zu bytes in ASCII, at most %d are", feed->who,
		strlen(text), METADATA_MAX);
	free(text);
	return NULL;
}

/* Where the idle clip will be when the first media are there; -1: not known. */
static int64_t position_ms(const struct dh_feed *feed)
{
	const struct dh_feed_scene *scene = &feed->scene;
	int64_t expected_ms = dh_generators_expected_ms(feed->context.generators, feed->config, feed->place);
	int64_t since_us = g_get_monotonic_time() - scene->at_us;

	if (scene->position_ticks < 0 || scene->length_ticks <= 0)
		return -1;
	return (scene->position_ticks / DH_TICKS_PER_MS + since_us / 1000 + expected_ms) %
		MAX(1, scene->length_ticks / DH_TICKS_PER_MS);
}

/* What will be shown by then, in `luma`; NULL: not known. */
static const uint8_t *thumbnail(const struct dh_feed *feed, int64_t at_ms, uint8_t luma[DH_LUMA_BYTES])
{
	const struct dh_feed_scene *scene = &feed->scene;

	if (at_ms >= 0 && scene->look) {
		scene->look(scene->clip_arg, at_ms * DH_TICKS_PER_MS, luma);
		return luma;
	}
	return scene->has_luma ? scene->luma : NULL;
}

/* --- its text */

/* What it has not got yet. g_free the result. */
static char *take_text(struct dh_feed *feed, bool *is_open)
{
	g_mutex_lock(&feed->lock);
	char *text = g_strdup(feed->text->str + feed->text_given);
	feed->text_given = feed->text->len;
	*is_open = feed->is_text_open;
	g_mutex_unlock(&feed->lock);
	return text;
}

/* Only while a generator gets it. */
static gboolean no_more_text(gpointer arg)
{
	struct dh_feed *feed = arg;
	char *note, *text;
	bool is_open;

	g_mutex_lock(&feed->lock);
	feed->is_text_open = false;
	g_mutex_unlock(&feed->lock);
	/* Its owner knows that it is spoken. */
	text = take_text(feed, &is_open);
	note = g_strdup_printf("[text_open] the text was not ended within more_s (%" G_GINT64_FORMAT " s)",
		feed->context.more_s);
	dh_feed_input_note(feed, note);
	g_free(note);
	dh_generator_add_text(feed->generator, text, true);
	g_free(text);
	return G_SOURCE_CONTINUE;
}

static void await_text(struct dh_feed *feed, bool is_open)
{
	if (is_open && !feed->text_timer)
		feed->text_timer = dh_io_timer(feed->context.io, no_more_text, feed);
	if (feed->text_timer)
		dh_io_timer_set(feed->text_timer, is_open ? feed->context.more_s * 1000 : -1);
}

static void append_list(GString *to, const char *name, char **list)
{
	g_string_append_printf(to, "%s %u\n", name, list ? g_strv_length(list) : 0);
	for (; list && *list; list++)
		g_string_append_printf(to, "%zu %s\n", strlen(*list), *list);
}

/* A text that is not whole yet is not kept, nor what a file says. */
char *dh_feed_speech_made_of(struct dh_feed *feed)
{
	const struct dh_generator_config *config = feed->config;
	GString *all = g_string_new(config->name);
	bool is_open;

	g_string_append_c(all, '\n');
	append_list(all, "command", config->command);
	append_list(all, "url", config->urls);
	append_list(all, "environment", config->environment);
	g_mutex_lock(&feed->lock);
	g_string_append_printf(all, "voice %s\ntext %s", feed->voice ? feed->voice : "", feed->text->str);
	is_open = feed->is_text_open;
	g_mutex_unlock(&feed->lock);
	return g_string_free(all, !config->cache || is_open || feed->audio >= 0);
}

void dh_feed_speech_more(void *arg)
{
	struct dh_feed *feed = arg;
	bool is_open;

	if (feed->generator) {
		char *text = take_text(feed, &is_open);
		dh_generator_add_text(feed->generator, text, !is_open);
		g_free(text);
		await_text(feed, is_open);
	}
	dh_feed_unref(&feed);
}

/* --- its start and end */

static int start_generator(struct dh_feed *feed);

static void give_up(struct dh_feed *feed, const char *error)
{
	feed->generator_error = g_strdup(error);
	dh_io_drop(&feed->text_timer);
	close_output(feed);
	dh_feed_input_generator_ended(feed);
}

/* It has a place. A process may have ended just now: then another one is asked. What else keeps the gateway from
 * starting it is no fault of the place. -EINPROGRESS: dh_feed_speech_start_again follows. */
static int start_somewhere(struct dh_feed *feed)
{
	int err = start_generator(feed);

	while (err == -ECONNREFUSED) {
		feed->place_wait.tried |= UINT64_C(1) << feed->place;
		dh_feed_place_leave(feed, DH_PLACE_FAILED);
		err = dh_feed_place_take(feed);
		if (err == 0)
			err = start_generator(feed);
	}
	if (err < 0)
		dh_feed_place_leave(feed, DH_PLACE_LEFT);
	return err;
}

void dh_feed_speech_give_up_place(struct dh_feed *feed, int err)
{
	char *error = dh_feed_place_why_not(feed, err);

	give_up(feed, error);
	g_free(error);
}

void dh_feed_speech_start_again(struct dh_feed *feed)
{
	int err = start_somewhere(feed);

	if (err < 0 && err != -EINPROGRESS)
		dh_feed_speech_give_up_place(feed, err);
}

void dh_feed_speech_has_media(struct dh_feed *feed)
{
	if (!feed->has_media && feed->place >= 0)
		dh_generators_first(feed->context.generators, feed->config, feed->place,
			g_get_monotonic_time() - feed->asked_us);
	feed->has_media = true;
}

/* Nothing has come from that service: asks another one, from the beginning. Returns false if
 * there is none. */
static bool ask_another(struct dh_feed *feed, const char *error)
{
	feed->place_wait.tried |= UINT64_C(1) << feed->place;
	dh_feed_place_leave(feed, DH_PLACE_FAILED);
	await_text(feed, false); /* nobody says it meanwhile */
	int err = dh_feed_place_take(feed);
	if (err < 0 && err != -EINPROGRESS)
		return false;
	dh_log(DH_LOG_WARNING, "%s: %s: %s: another one is asked", feed->who, feed->config->name, error);
	feed->text_given = 0;
	if (err == 0)
		dh_feed_speech_start_again(feed);
	return true;
}

static void generator_ended(void *arg, const char *error, enum dh_generator_output output)
{
	struct dh_feed *feed = arg;
	bool has_nothing = output == DH_OUTPUT_NONE || output == DH_OUTPUT_MUTE;

	dh_generator_free(&feed->generator);
	if (feed->place >= 0 && (output == DH_OUTPUT_MUTE || output == DH_OUTPUT_SILENT))
		dh_generators_is_stuck(feed->context.generators, feed->config, feed->place);
	if (error && has_nothing && !feed->outcome.is_known && ask_another(feed, error))
		return;
	if (output == DH_OUTPUT_REFUSED) /* by all of them, then */
		feed->place_wait.tried = UINT64_MAX;
	else if (error && feed->place >= 0)
		feed->place_wait.tried |= UINT64_C(1) << feed->place;
	dh_feed_place_leave(feed, error && output != DH_OUTPUT_REFUSED ? DH_PLACE_FAILED : DH_PLACE_DID);
	feed->has_ended_well = !error;
	give_up(feed, error);
}

/* Where it is asked; NULL: it is a command. */
static const char *url_of(const struct dh_feed *feed)
{
	const struct dh_generator_config *config = feed->config;

	return config->urls ? config->urls[feed->place] : config->processes > 0 ? DH_PROCESS_URL : NULL;
}

/* `process_socket`: of the process that is its place; -1: it is none. */
static int start_at(struct dh_feed *feed, int process_socket)
{
	const struct dh_generator_config *config = feed->config;
	int64_t at_ms = position_ms(feed);
	uint8_t luma[DH_LUMA_BYTES];
	bool is_open;
	char *metadata = metadata_text(feed), *text = take_text(feed, &is_open);

	feed->asked_us = g_get_monotonic_time();
	const struct dh_generator_spec spec = {
		.config = config,
		.url = url_of(feed),
		.socket = process_socket,
		.scope = feed->context.generator_scope,
		.fetch = feed->context.generator_fetch,
		.user = feed->context.generator_user,
		.who = feed->who,
		.text = text,
		.audio = feed->audio,
		.is_text_open = is_open,
		.voice = feed->voice,
		.scene = { .room = feed->owner.name,
			.segment = feed->segment_id,
			.metadata = metadata,
			.clip = feed->scene.clip,
			.position_ms = at_ms,
			.thumbnail = thumbnail(feed, at_ms, luma) },
		.output = feed->output,
	};
	int err = dh_generator_start(&feed->generator, feed->context.io, &spec, generator_ended, feed);

	if (err < 0)
		feed->text_given = 0;
	free(metadata);
	g_free(text);
	await_text(feed, err == 0 && is_open);
	/* A command's own end of its output is its end. A service's is kept open until it is
	 * known that none is asked again. */
	if (err == 0 && !spec.url)
		close_output(feed);
	return err;
}

static int start_generator(struct dh_feed *feed)
{
	int process_socket = dh_generators_socket(feed->context.generators, feed->config, feed->place);

	if (feed->config->processes > 0 && process_socket < 0)
		return -ECONNREFUSED; /* it has just ended */
	return start_at(feed, process_socket);
}

/* Also for what follows a failure of its generator. */
static void set_error(struct dh_feed *feed, int err, char **error)
{
	*error = dh_feed_place_why_not(feed, err);
	feed->generator_error = g_strdup(*error);
}

int dh_feed_speech_open(struct dh_feed *feed, int *fd, char **error)
{
	int ends[2], err = feed->place < 0 ? dh_feed_place_take(feed) : 0;

	if (err < 0 && err != -EINPROGRESS)
		set_error(feed, err, error);
	if (err < 0)
		return err;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	feed->output = ends[1];
	err = start_somewhere(feed);
	if (err < 0 && err != -EINPROGRESS) {
		set_error(feed, err, error);
		close(ends[0]);
		close_output(feed);
		return err;
	}
	*fd = ends[0];
	return 0;
}

void dh_feed_speech_over(struct dh_feed *feed)
{
	if (feed->generator) {
		dh_generator_output_over(feed->generator);
	} else {
		dh_feed_place_stop_waiting(feed);
		close_output(feed);
	}
}

/* A generator's time does not run while nobody reads what it makes. */
void dh_feed_speech_hold(struct dh_feed *feed, bool is_held)
{
	if (feed->generator)
		dh_generator_hold(feed->generator, is_held);
	if (is_held)
		dh_feed_place_held(feed);
}

void dh_feed_speech_cut(struct dh_feed *feed)
{
	dh_generator_free(&feed->generator);
	dh_feed_place_leave(feed, DH_PLACE_LEFT);
	dh_io_drop(&feed->text_timer);
	close_output(feed);
}

void dh_feed_speech_close(struct dh_feed *feed)
{
	if (feed->config)
		dh_feed_place_stop_waiting(feed);
	dh_feed_speech_cut(feed);
}
