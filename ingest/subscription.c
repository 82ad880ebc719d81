#include "subscription.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "ingest_private.h"

struct dh_subscription {
	/* immutable */
	struct dh_ingest *ingest;
	struct dh_ingest_listener listener;
	void *arg;
	/* I/O thread */
	struct dh_inputs *inputs;           /* until it is attached */
	struct dh_preparation *preparation; /* from then on */
	/* I/O thread: what it has been told */
	int has_head, has_anchor, has_picture, is_over;
	guint units, notes;
	/* Held while its listener runs; recursive, since a listener may unsubscribe. */
	pthread_mutex_t lock;
	int is_gone; /* protected by lock */
};

/* --- telling */

#define TELL(s, what, ...) \
	do { \
		if (!(s)->is_gone && (s)->listener.what) \
			(s)->listener.what((s)->arg, __VA_ARGS__); \
	} while (0)

static void tell_start(struct dh_subscription *s, const struct dh_recording *recording)
{
	if (!s->has_head && recording->has_head) {
		s->has_head = 1;
		TELL(s, head, &recording->head);
	}
	if (!s->has_anchor && recording->anchor) {
		s->has_anchor = 1;
		TELL(s, anchor, recording->anchor);
	}
	if (!s->has_picture && recording->picture) {
		s->has_picture = 1;
		TELL(s, picture, recording->picture);
	}
}

static void tell_rest(struct dh_subscription *s, const struct dh_recording *recording)
{
	for (; s->notes < recording->notes->len; s->notes++)
		TELL(s, note, recording->notes->pdata[s->notes]);
	if (s->units < recording->units->len) {
		struct dh_unit *const *units = (struct dh_unit *const *)recording->units->pdata + s->units;
		size_t count = recording->units->len - s->units;
		s->units = recording->units->len;
		TELL(s, units, units, count);
	}
	if (recording->state == DH_RECORDING_OPEN || s->is_over)
		return;
	s->is_over = 1;
	if (recording->state == DH_RECORDING_ENDED)
		TELL(s, end, &recording->end);
	else
		TELL(s, failure, recording->code, recording->text);
}

static void pump(struct dh_subscription *s)
{
	pthread_mutex_lock(&s->lock);
	tell_start(s, &s->preparation->recording);
	tell_rest(s, &s->preparation->recording);
	pthread_mutex_unlock(&s->lock);
}

/* Listeners cannot change the list: whoever comes or goes is posted. */
void dh_subscriptions_pump(struct dh_preparation *preparation)
{
	for (guint i = 0; i < preparation->subscriptions->len; i++)
		pump(preparation->subscriptions->pdata[i]);
}

void dh_subscriptions_move(struct dh_preparation *from, struct dh_preparation *to)
{
	for (guint i = 0; i < from->subscriptions->len; i++) {
		struct dh_subscription *s = from->subscriptions->pdata[i];
		s->preparation = to;
		g_ptr_array_add(to->subscriptions, s);
		pump(s);
	}
	g_ptr_array_set_size(from->subscriptions, 0);
}

/* --- coming and going */

static void subscription_free(struct dh_subscription *s)
{
	dh_inputs_unref(&s->inputs);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void attach(void *arg)
{
	struct dh_subscription *s = arg;
	struct dh_ingest *ingest = s->ingest;

	s->preparation = dh_preparation_new(ingest, g_steal_pointer(&s->inputs));
	g_ptr_array_add(s->preparation->subscriptions, s);
	ingest->subscriptions++;
	if (s->preparation->inputs->is_live || !dh_ingest_asks_version(ingest))
		dh_preparation_begin(s->preparation);
}

static void detach(void *arg)
{
	struct dh_subscription *s = arg;

	g_ptr_array_remove(s->preparation->subscriptions, s);
	s->ingest->subscriptions--;
	if (s->preparation->subscriptions->len == 0)
		dh_preparation_unwanted(s->preparation);
	subscription_free(s);
}

int dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription)
{
	struct dh_subscription *new = calloc(1, sizeof *new);
	struct dh_inputs *inputs;
	pthread_mutexattr_t recursive;
	int r = dh_inputs_alloc(&inputs, source);

	if (r < 0 || !new) {
		if (r == 0)
			dh_inputs_unref(&inputs);
		free(new);
		return r < 0 ? r : -ENOMEM;
	}
	new->ingest = ingest;
	new->listener = *listener;
	new->arg = arg;
	new->inputs = inputs;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&new->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	/* A listener may use it from its first call on. */
	*subscription = new;
	dh_io_post(ingest->io, attach, new);
	return 0;
}

void dh_ingest_unsubscribe(struct dh_subscription **subscription)
{
	struct dh_subscription *old = *subscription;
	struct dh_io *io;

	*subscription = NULL;
	if (!old)
		return;
	io = old->ingest->io;
	pthread_mutex_lock(&old->lock);
	old->is_gone = 1;
	pthread_mutex_unlock(&old->lock);
	dh_io_post(io, detach, old);
}
