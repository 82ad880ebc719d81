/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/event_checker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

struct entry {
	int is_waiting, is_ready, is_prepared, is_started, is_held, is_ended;
};

struct event_checker {
	pthread_mutex_t lock;
	/* protected by lock */
	GHashTable *entries; /* keyed by the room's id and the segment's, struct entry */
	int count, open;
	char *error;
};

struct event_checker *event_checker_new(void)
{
	struct event_checker *checker = g_new0(struct event_checker, 1);

	pthread_mutex_init(&checker->lock, NULL);
	checker->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return checker;
}

void event_checker_free(struct event_checker **checker)
{
	g_hash_table_destroy((*checker)->entries);
	pthread_mutex_destroy(&(*checker)->lock);
	g_free((*checker)->error);
	g_free(*checker);
	*checker = NULL;
}

/* --- promises */

static const char *end_segment(struct entry *entry, const char *name, const json_t *event)
{
	json_int_t played_ms = json_integer_value(json_object_get(event, "played_ms"));

	entry->is_ended = 1;
	if (!json_object_get(event, "played_ms") || played_ms < 0)
		return "it does not say how much was played";
	if (!entry->is_started && played_ms > 0)
		return "it was played, and had not started";
	if (strcmp(name, "finished") == 0 && !entry->is_started)
		return "it is finished, and had not started";
	if (strcmp(name, "removed") == 0 && entry->is_started)
		return "it is removed, and had started";
	if (strcmp(name, "failed") == 0 && json_integer_value(json_object_get(event, "error_code")) != 465)
		return "it does not say why it failed";
	return NULL;
}

/* What is wrong with `event`; NULL if nothing is. */
static const char *see(struct entry *entry, const char *name, const json_t *event)
{
	if (entry->is_ended)
		return "it has ended";
	if (strcmp(name, "queued") == 0)
		return "it is queued already";
	if (strcmp(name, "waiting") == 0)
		return entry->is_waiting++ || entry->is_ready || entry->is_started ? "it cannot wait for a worker" :
										     NULL;
	if (strcmp(name, "ready") == 0)
		return entry->is_ready++ || entry->is_started ? "it was ready" : NULL;
	if (strcmp(name, "segment_prepared") == 0)
		return entry->is_prepared++ ? "it was prepared" : NULL;
	if (strcmp(name, "started") == 0)
		return entry->is_started++ ? "it has started" : NULL;
	if (strcmp(name, "held") == 0)
		return !entry->is_started || entry->is_held++ ? "it cannot be held" : NULL;
	if (strcmp(name, "resumed") == 0)
		return entry->is_held-- != 1 ? "it was not held" : NULL;
	return end_segment(entry, name, event);
}

static void see_segment(struct event_checker *checker, const char *id, const char *name, const json_t *event)
{
	struct entry *entry = g_hash_table_lookup(checker->entries, id);
	int is_open = entry && !entry->is_ended;
	const char *wrong = NULL;

	if (strcmp(name, "queued") == 0 && !is_open) {
		entry = g_new0(struct entry, 1);
		g_hash_table_insert(checker->entries, g_strdup(id), entry);
		checker->count++;
		checker->open++;
	} else if (!entry) {
		wrong = "it was not queued";
	} else {
		wrong = see(entry, name, event);
		checker->open -= is_open && entry->is_ended;
	}
	if (wrong && !checker->error)
		checker->error = g_strdup_printf("segment %s, event %s: %s", id, name, wrong);
}

void event_checker_see(void *arg, const json_t *event)
{
	struct event_checker *checker = arg;
	const char *id = json_string_value(json_object_get(event, "segment"));
	const char *name = json_string_value(json_object_get(event, "event"));
	char *room = json_dumps(json_object_get(event, "id"), JSON_ENCODE_ANY);
	char *key = g_strdup_printf("%s in room %s", id, room);

	pthread_mutex_lock(&checker->lock);
	if (id && name)
		see_segment(checker, key, name, event);
	pthread_mutex_unlock(&checker->lock);
	g_free(key);
	free(room);
}

/* --- looking */

int event_checker_count(struct event_checker *checker)
{
	int count;

	pthread_mutex_lock(&checker->lock);
	count = checker->count;
	pthread_mutex_unlock(&checker->lock);
	return count;
}

int event_checker_open(struct event_checker *checker)
{
	int open;

	pthread_mutex_lock(&checker->lock);
	open = checker->open;
	pthread_mutex_unlock(&checker->lock);
	return open;
}

const char *event_checker_error(struct event_checker *checker)
{
	const char *error;

	pthread_mutex_lock(&checker->lock);
	error = checker->error;
	pthread_mutex_unlock(&checker->lock);
	return error;
}
