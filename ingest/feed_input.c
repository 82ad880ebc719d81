/* Where a feed's units come from: a preparation, and the generator before it.
 * Everything here runs in the I/O thread.
 */
#include "feed_private.h"

#include "prepare/job.h"

/* From the end of a generator's output to its own. */
#define GENERATOR_END_MS 200
/* Every viewer gets them. */
#define NOTES_MAX 10

static void unit_free(gpointer data)
{
	struct dh_unit *unit = data;
	dh_unit_unref(&unit);
}

/* With the lock held: something has arrived. Releases it. */
static void unlock_and_wake(struct dh_feed *feed)
{
	gboolean post = !feed->posted;

	feed->posted = TRUE;
	g_mutex_unlock(&feed->lock);
	if (post)
		feed->owner.arrived(feed->owner.arg, feed);
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
		feed->arrived.is_incomplete = feed->outcome.is_incomplete;
		feed->arrived.notes = g_steal_pointer(&feed->outcome.notes);
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

static void on_note(void *arg, const char *text)
{
	struct dh_feed *feed = arg;

	if (!feed->outcome.notes)
		feed->outcome.notes = json_array();
	if (json_array_size(feed->outcome.notes) < NOTES_MAX)
		json_array_append_new(feed->outcome.notes, json_string(text));
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_feed *feed = arg;

	feed->outcome.is_incomplete = end->is_incomplete; /* its lengths follow from the units */
	ended(feed);
}

static void on_failure(void *arg, int code, const char *text)
{
	struct dh_feed *feed = arg;

	feed->outcome.is_failure = TRUE;
	feed->outcome.code = code;
	feed->outcome.text = g_strdup(text);
	ended(feed);
}

static const struct dh_ingest_listener listener = {
	.head = on_head,
	.anchor = on_anchor,
	.units = on_units,
	.note = on_note,
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

static int start_generator(struct dh_feed *feed, struct dh_ingest_source *source)
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

void dh_feed_input_open(void *arg)
{
	struct dh_feed *feed = arg;
	struct dh_ingest_source source = feed->source;
	int error = feed->config ? start_generator(feed, &source) : 0;

	feed->source.count = 0;
	if (error) {
		char *text = g_strdup_printf("the generator cannot be started: %s", g_strerror(-error));
		fail(feed, DH_PREPARE_INPUT, text);
		g_free(text);
		return;
	}
	error = dh_ingest_subscribe(feed->context.ingest, &source, &listener, feed, &feed->subscription);
	if (error)
		fail(feed, DH_PREPARE_INTERNAL, g_strerror(-error));
}

void dh_feed_input_close(void *arg)
{
	struct dh_feed *feed = arg;

	dh_ingest_unsubscribe(&feed->subscription);
	dh_generator_free(&feed->generator);
	dh_io_drop(&feed->patience);
	dh_feed_unref(feed);
}
