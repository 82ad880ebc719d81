/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reporter.h"

#include <errno.h>

#include "config.h"
#include "janus_api.h"
#include "usage.h"

struct dh_reporter {
	/* immutable */
	struct dh_instance *instance;
	GThread *thread;
	/* protected by lock */
	GMutex lock;
	GCond change;
	bool is_stopping;
};

/* The `fields` it takes ownership of may hold "id". */
static void tell(struct dh_reporter *reporter, json_t *fields)
{
	json_object_set_new(fields, "event", json_string("stats"));
	dh_outbox_notify(reporter->instance->outbox, NULL, fields);
}

static void tell_of_room(struct dh_reporter *reporter, struct dh_room *room)
{
	json_t *stats;

	if (dh_room_totals(room, &stats) < 0)
		return; /* it is ending */
	json_object_set_new(stats, "id", dh_room_id_json(room));
	tell(reporter, stats);
}

static bool is_stopping(struct dh_reporter *reporter)
{
	g_mutex_lock(&reporter->lock);
	bool is = reporter->is_stopping;
	g_mutex_unlock(&reporter->lock);
	return is;
}

static void report(struct dh_reporter *reporter)
{
	struct dh_instance *instance = reporter->instance;

	if (!dh_gateway->events_is_enabled())
		return;
	json_t *all = dh_usage_work(instance);
	json_object_set_new(all, "usage", dh_usage(instance, false));
	tell(reporter, all);
	GPtrArray *rooms = dh_instance_rooms(instance);
	for (guint i = 0; i < rooms->len && !is_stopping(reporter); i++)
		tell_of_room(reporter, rooms->pdata[i]);
	g_ptr_array_free(rooms, TRUE);
}

/* True: it is to stop. */
static bool wait_until(struct dh_reporter *reporter, gint64 until_us)
{
	g_mutex_lock(&reporter->lock);
	while (!reporter->is_stopping && g_cond_wait_until(&reporter->change, &reporter->lock, until_us))
		;
	bool is = reporter->is_stopping;
	g_mutex_unlock(&reporter->lock);
	return is;
}

/* The next time follows from the one before, so reports do not drift; those that were missed are left out. */
static gpointer thread_main(gpointer arg)
{
	struct dh_reporter *reporter = arg;
	gint64 every_us = reporter->instance->config->stats_events_s * G_USEC_PER_SEC;
	gint64 next_us = g_get_monotonic_time() + every_us;

	while (!wait_until(reporter, next_us)) {
		report(reporter);
		next_us = MAX(next_us + every_us, g_get_monotonic_time());
	}
	return NULL;
}

int dh_reporter_alloc(struct dh_reporter **reporter, struct dh_instance *instance)
{
	if (!instance->config->events || !instance->config->stats_events_s)
		return 0;
	struct dh_reporter *new = g_new0(struct dh_reporter, 1);
	new->instance = instance;
	g_mutex_init(&new->lock);
	g_cond_init(&new->change);
	new->thread = g_thread_try_new("dh reporter", thread_main, new, NULL);
	if (!new->thread) {
		dh_reporter_free(&new);
		return -EAGAIN;
	}
	*reporter = new;
	return 0;
}

void dh_reporter_free(struct dh_reporter **reporter)
{
	struct dh_reporter *old = *reporter;

	*reporter = NULL;
	if (!old)
		return;
	g_mutex_lock(&old->lock);
	old->is_stopping = true;
	g_cond_signal(&old->change);
	g_mutex_unlock(&old->lock);
	if (old->thread)
		g_thread_join(old->thread);
	g_mutex_clear(&old->lock);
	g_cond_clear(&old->change);
	g_free(old);
}
