/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subscribing and unsubscribing. */
#include <errno.h>

#include "ingest.h"
#include "ingest_state.h"
#include "inputs.h"
#include "preparation.h"
#include "subscription.h"

static void attach(void *arg)
{
	struct dh_subscription *s = arg;
	struct dh_ingest *ingest = s->ingest;

	s->preparation = dh_preparation_new(ingest, g_steal_pointer(&s->inputs));
	g_ptr_array_add(s->preparation->subscriptions, s);
	ingest->subscriptions++;
	bool is_kept = s->preparation->inputs->source.made_of != NULL;
	if ((s->preparation->inputs->is_live && !is_kept) || !dh_ingest_asks_version(ingest))
		dh_preparation_begin(s->preparation);
}

static void detach(void *arg)
{
	struct dh_subscription *s = arg;

	g_ptr_array_remove(s->preparation->subscriptions, s);
	s->ingest->subscriptions--;
	if (s->preparation->subscriptions->len == 0)
		dh_preparation_unwanted(s->preparation);
	dh_subscription_free(&s);
}

int dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription)
{
	struct dh_subscription *new;
	struct dh_inputs *inputs;
	int err = dh_inputs_alloc(&inputs, source);

	if (err == 0 && source->is_opened_late && !listener->open) {
		dh_inputs_unref(&inputs);
		err = -EINVAL;
	}
	if (err < 0)
		return err;
	new = dh_subscription_new(listener, arg);
	new->ingest = ingest;
	new->inputs = inputs;
	new->is_next = source->is_next;
	for (int i = 0; i < source->count; i++)
		new->names[i] = g_strdup(source->names[i]);
	/* A listener may use it as early as its first call. */
	*subscription = new;
	dh_io_post(ingest->io, attach, new);
	return 0;
}

static void set_next(void *arg)
{
	struct dh_subscription *s = arg;

	s->is_next = true;
	dh_preparation_set_next(s->preparation);
}

void dh_ingest_set_next(struct dh_subscription *subscription)
{
	dh_io_post(subscription->ingest->io, set_next, subscription);
}

void dh_ingest_allow(struct dh_subscription *subscription, int64_t ticks)
{
	if (subscription->preparation)
		dh_preparation_allow(subscription->preparation, ticks);
}

void dh_ingest_release(struct dh_subscription *subscription, int64_t before_ticks)
{
	if (subscription->preparation)
		dh_preparation_release(subscription->preparation, before_ticks);
}

void dh_ingest_ready(struct dh_subscription *subscription)
{
	if (subscription->preparation && subscription->preparation->job)
		dh_job_ready(subscription->preparation->job);
}

void dh_ingest_keep(struct dh_subscription *subscription)
{
	if (!subscription->preparation)
		return;
	subscription->preparation->is_kept = true;
	if (subscription->preparation->state == DH_PREPARATION_OVER)
		dh_cache_writer_end(&subscription->preparation->writer, true);
}

void dh_ingest_unsubscribe(struct dh_subscription **subscription)
{
	struct dh_subscription *old = *subscription;

	*subscription = NULL;
	if (!old)
		return;
	dh_subscription_silence(old);
	dh_io_post(old->ingest->io, detach, old);
}
