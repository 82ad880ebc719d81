/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generator of a feed. I/O thread. */
#include "feed_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* After this the worker sees the end of what it reads. */
static void close_output(struct dh_feed *feed)
{
	if (feed->output >= 0)
		close(feed->output);
	feed->output = -1;
}

static void generator_ended(void *arg, const char *error, enum dh_generator_output output)
{
	struct dh_feed *feed = arg;

	(void)output;
	feed->generator_error = g_strdup(error);
	dh_generator_free(&feed->generator);
	close_output(feed);
	dh_feed_input_generator_ended(feed);
}

static char *metadata_text(const struct dh_feed *feed)
{
	return feed->metadata ? json_dumps(feed->metadata, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
}

static int start_generator(struct dh_feed *feed)
{
	const struct dh_generator_config *config = feed->config;
	char *metadata = metadata_text(feed);
	const struct dh_generator_spec spec = {
		.config = config,
		.url = config->urls ? config->urls[0] : NULL,
		.scope = feed->context.generator_scope,
		.fetch = feed->context.generator_fetch,
		.user = feed->context.generator_user,
		.who = feed->who,
		.text = feed->text,
		.voice = feed->voice,
		.scene = { .room = feed->owner.name, .segment = feed->segment_id, .metadata = metadata },
		.output = feed->output,
	};
	int err = dh_generator_start(&feed->generator, feed->context.io, &spec, generator_ended, feed);

	free(metadata);
	/* A command's own end of its output is its end. A service's is kept open until it is
	 * known that none is asked again. */
	if (err == 0 && !spec.url)
		close_output(feed);
	return err;
}

int dh_feed_speech_open(struct dh_feed *feed, int *fd, char **error)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	feed->output = ends[1];
	err = start_generator(feed);
	if (err < 0) {
		*error = g_strdup_printf("the generator cannot be started: %s", g_strerror(-err));
		close(ends[0]);
		close_output(feed);
		return err;
	}
	*fd = ends[0];
	return 0;
}

void dh_feed_speech_over(struct dh_feed *feed)
{
	if (feed->generator)
		dh_generator_output_over(feed->generator);
}

/* A generator's time does not run while nobody reads what it makes. */
void dh_feed_speech_hold(struct dh_feed *feed, bool is_held)
{
	if (feed->generator)
		dh_generator_hold(feed->generator, is_held);
}

void dh_feed_speech_close(struct dh_feed *feed)
{
	dh_generator_free(&feed->generator);
	close_output(feed);
}
