#include "feed.h"

#include <string.h>
#include <unistd.h>

#include "generator.h"
#include "live_room.h"
#include "prepare/job.h"
#include "room_thread.h"

/* From the end of a generator's output to its own. */
#define GENERATOR_END_MS 200

/* What came since the room's thread looked last. */
struct batch {
	GPtrArray *units;
	gboolean has_head, has_end, has_failure;
	struct dh_stream_head head;
	struct dh_unit *anchor;
	int code;
	char *text;
};

/* How the preparation ended. */
struct outcome {
	gboolean is_known, is_failure;
	int code;
	char *text;
};

struct dh_feed {
	gatomicrefcount refs;
	/* immutable; references are held */
	struct dh_feed_context context;
	struct dh_live_room *room;
	char *name;
	json_t *metadata;
	/* owner: the room's thread */
	struct dh_segment *segment;
	gboolean started;
	/* the room's thread until started, then the I/O thread */
	struct dh_source source;
	char *names[2];
	struct dh_subscription *subscription;
	/* a generator's; owner: the I/O thread */
	const struct dh_config_generator *config; /* NULL: there is none; immutable */
	char *text, *voice;                       /* immutable */
	struct dh_generator *generator;           /* while it runs */
	char *generator_error;
	struct outcome outcome;
	GSource *patience;
	/* protected by lock */
	GMutex lock;
	struct batch arrived;
	gboolean posted;        /* the room's thread will look */
};

static void unit_free(gpointer data)
{
	struct dh_unit *unit = data;
	dh_unit_unref(&unit);
}

static void batch_clear(struct batch *batch)
{
	if (batch->units)
		g_ptr_array_free(batch->units, TRUE);
	dh_unit_unref(&batch->anchor);
	g_free(batch->text);
	memset(batch, 0, sizeof(*batch));
}

static void close_sources(struct dh_source *source)
{
	for (int i = 0; i < source->count; i++)
		close(source->fds[i]);
	source->count = 0;
}

struct dh_feed *dh_feed_new(const struct dh_feed_context *context, struct dh_live_room *room,
	const char *name, json_t *metadata, const struct dh_source *source, const struct dh_feed_speech *speech)
{
	struct dh_feed *feed = g_new0(struct dh_feed, 1);

	g_atomic_ref_count_init(&feed->refs);
	g_mutex_init(&feed->lock);
	feed->context = *context;
	feed->room = dh_live_room_ref(room);
	feed->name = g_strdup(name);
	feed->metadata = json_incref(metadata);
	feed->source = *source;
	for (int i = 0; i < source->count; i++) {
		feed->names[i] = g_strdup(source->names[i]);
		feed->source.names[i] = feed->names[i];
	}
	if (speech) {
		feed->config = speech->generator;
		feed->text = g_strdup(speech->text);
		feed->voice = g_strdup(speech->voice);
	}
	return feed;
}

struct dh_feed *dh_feed_ref(struct dh_feed *feed)
{
	g_atomic_ref_count_inc(&feed->refs);
	return feed;
}

void dh_feed_unref(struct dh_feed *feed)
{
	if (!feed || !g_atomic_ref_count_dec(&feed->refs))
		return;
	close_sources(&feed->source);
	if (feed->source.anchor)
		g_bytes_unref(feed->source.anchor);
	batch_clear(&feed->arrived);
	dh_live_room_unref(feed->room);
	json_decref(feed->metadata);
	for (int i = 0; i < 2; i++)
		g_free(feed->names[i]);
	g_free(feed->name);
	g_free(feed->text);
	g_free(feed->voice);
	g_free(feed->generator_error);
	g_free(feed->outcome.text);
	g_mutex_clear(&feed->lock);
	g_free(feed);
}

const char *dh_feed_name(const struct dh_feed *feed)
{
	return feed->name;
}

json_t *dh_feed_metadata(const struct dh_feed *feed)
{
	return feed->metadata;
}

/* --------------------------------------------------- in the I/O thread */

struct wake_command {
	struct dh_command command;
	struct dh_feed *feed;
};

static void wake_free(struct dh_command *command)
{
	struct wake_command *wake = (struct wake_command *)command;

	dh_feed_unref(wake->feed);
	g_free(wake);
}

static void wake_run(void *owner, struct dh_command *command)
{
	struct wake_command *wake = (struct wake_command *)command;

	dh_live_room_feed(owner, wake->feed);
	wake_free(command);
}

/* With the lock held: something has arrived. Releases it. */
static void unlock_and_wake(struct dh_feed *feed)
{
	gboolean post = !feed->posted;

	feed->posted = TRUE;
	g_mutex_unlock(&feed->lock);
	if (!post)
		return;
	struct wake_command *wake = g_new0(struct wake_command, 1);
	wake->command.run = wake_run;
	wake->command.discard = wake_free;
	wake->feed = dh_feed_ref(feed);
	dh_live_room_post(feed->room, &wake->command);
}

/* Head and anchor wait for what follows them: there is nothing to play yet. */
static void on_head(void *arg, const struct dh_stream_head *head)
{
	struct dh_feed *feed = arg;

	g_mutex_lock(&feed->lock);
	feed->arrived.has_head = TRUE;
	feed->arrived.head = *head;
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

	g_mutex_lock(&feed->lock);
	if (!feed->arrived.units)
		feed->arrived.units = g_ptr_array_new_with_free_func(unit_free);
	for (size_t i = 0; i < count; i++)
		g_ptr_array_add(feed->arrived.units, dh_unit_ref(units[i]));
	unlock_and_wake(feed);
}

static void fail(struct dh_feed *feed, int code, const char *text)
{
	g_mutex_lock(&feed->lock);
	feed->arrived.has_failure = TRUE;
	feed->arrived.code = code;
	g_free(feed->arrived.text);
	feed->arrived.text = g_strdup(text);
	unlock_and_wake(feed);
}

/* What a generator that failed has written may look complete, or broken
 * because it failed: its own word goes first. */
static void deliver(struct dh_feed *feed)
{
	dh_io_drop(&feed->patience);
	if (feed->generator_error) {
		fail(feed, DH_PREPARE_INPUT, feed->generator_error);
	} else if (feed->outcome.is_failure) {
		fail(feed, feed->outcome.code, feed->outcome.text);
	} else {
		g_mutex_lock(&feed->lock);
		feed->arrived.has_end = TRUE;
		unlock_and_wake(feed);
	}
}

static gboolean out_of_patience(gpointer arg)
{
	deliver(arg);
	return G_SOURCE_REMOVE;
}

/* A generator has closed its output: it is about to end too, and to say how. */
static void ended(struct dh_feed *feed)
{
	feed->outcome.is_known = TRUE;
	if (!feed->generator) {
		deliver(feed);
		return;
	}
	feed->patience = dh_io_timer(feed->context.io, out_of_patience, feed);
	dh_io_timer_set(feed->patience, GENERATOR_END_MS);
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	(void)end; /* the units say it */
	ended(arg);
}

static void on_failure(void *arg, int code, const char *text)
{
	struct dh_feed *feed = arg;

	feed->outcome.is_failure = TRUE;
	feed->outcome.code = code;
	feed->outcome.text = g_strdup(text);
	ended(feed);
}

static const struct dh_prepare_listener listener = {
	.head = on_head,
	.anchor = on_anchor,
	.units = on_units,
	.end = on_end,
	.failure = on_failure,
};

static void generator_ended(void *arg, const char *error)
{
	struct dh_feed *feed = arg;

	feed->generator_error = g_strdup(error);
	dh_generator_free(&feed->generator);
	if (feed->outcome.is_known)
		deliver(feed);
}

static int start_generator(struct dh_feed *feed, struct dh_source *source)
{
	const struct dh_generator_spec spec = {
		.config = feed->config, .user = feed->context.generator_user,
		.text = feed->text, .voice = feed->voice,
	};
	int error = dh_generator_start(&feed->generator, feed->context.io, &spec, generator_ended, feed,
		&source->fds[0]);

	if (!error) {
		source->count = 1;
		source->names[0] = feed->config->name;
	}
	return error;
}

/* Subscription and generator hold a reference, which `unsubscribe` drops. */
static void subscribe(void *arg)
{
	struct dh_feed *feed = arg;
	struct dh_source source = feed->source;
	int error = feed->config ? start_generator(feed, &source) : 0;

	feed->source.count = 0;
	if (error) {
		char *text = g_strdup_printf("the generator cannot be started: %s", g_strerror(-error));
		fail(feed, DH_PREPARE_INPUT, text);
		g_free(text);
		return;
	}
	error = dh_prepare_subscribe(feed->context.preparer, &source, &listener, feed, &feed->subscription);
	if (error)
		fail(feed, DH_PREPARE_INTERNAL, g_strerror(-error));
}

static void unsubscribe(void *arg)
{
	struct dh_feed *feed = arg;

	dh_prepare_unsubscribe(&feed->subscription);
	dh_generator_free(&feed->generator);
	dh_io_drop(&feed->patience);
	dh_feed_unref(feed);
}

/* ---------------------------------------------- in the room's thread */

void dh_feed_set_segment(struct dh_feed *feed, struct dh_segment *segment)
{
	feed->segment = segment;
}

struct dh_segment *dh_feed_segment(const struct dh_feed *feed)
{
	return feed->segment;
}

void dh_feed_start(struct dh_feed *feed, GBytes *anchor)
{
	feed->started = TRUE;
	feed->source.anchor = anchor ? g_bytes_ref(anchor) : NULL;
	dh_io_post(feed->context.io, subscribe, dh_feed_ref(feed));
}

gboolean dh_feed_is_started(const struct dh_feed *feed)
{
	return feed->started;
}

void dh_feed_stop(struct dh_feed *feed)
{
	feed->segment = NULL;
	if (feed->started)
		dh_io_post(feed->context.io, unsubscribe, feed);
	feed->started = FALSE;
}

static int open_segment(struct dh_feed *feed, struct batch *batch)
{
	if (!batch->has_head || dh_segment_is_open(feed->segment))
		return 0;
	return dh_segment_open(feed->segment, &batch->head, batch->anchor);
}

static int append_all(struct dh_feed *feed, const GPtrArray *units)
{
	int error = 0;

	for (guint i = 0; !error && units && i < units->len; i++)
		error = dh_segment_append(feed->segment, units->pdata[i]);
	return error;
}

gboolean dh_feed_fill(struct dh_feed *feed)
{
	struct batch batch;

	g_mutex_lock(&feed->lock);
	batch = feed->arrived;
	memset(&feed->arrived, 0, sizeof(feed->arrived));
	feed->posted = FALSE;
	g_mutex_unlock(&feed->lock);
	if (feed->segment) {
		int error = open_segment(feed, &batch);
		if (!error)
			error = append_all(feed, batch.units);
		if (error)
			dh_segment_fail(feed->segment, DH_PREPARE_INTERNAL, g_strerror(-error));
		else if (batch.has_failure)
			dh_segment_fail(feed->segment, batch.code, batch.text);
		else if (batch.has_end)
			dh_segment_complete(feed->segment);
	}
	batch_clear(&batch);
	return feed->segment != NULL;
}
