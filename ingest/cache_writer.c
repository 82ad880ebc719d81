/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache_writer.h"

#include <glib.h>
#include <stdatomic.h>
#include <string.h>

/* Most bytes that may wait for the disk. */
#define PENDING_MAX (64u * 1024 * 1024)
/* Time limit for writing one entry. */
#define WRITE_MS 60000

struct chunk {
	struct chunk *next;
	size_t size;
	char bytes[];
};

struct dh_cache_writer {
	atomic_int refs; /* the user's, and the task's (at most one task at a time) */
	/* immutable */
	struct dh_cache *cache;
	struct dh_loader *loader;
	struct dh_limits *limits;
	/* owned by the task */
	struct dh_cache_entry *entry;
	bool is_begun;
	bool is_closed; /* the entry is committed or abandoned */
	/* protected by lock */
	GMutex lock;
	char *key; /* NULL: not known yet */
	struct chunk *first, **last;
	size_t pending;
	bool is_running; /* a task is queued or running, until its release */
	bool is_late;    /* that task */
	bool is_given_up;
	bool is_ended, commits;
};

/* With the lock held, or by the last owner. */
static void drop_chunks(struct dh_cache_writer *writer)
{
	struct chunk *next;

	for (struct chunk *chunk = writer->first; chunk; chunk = next) {
		next = chunk->next;
		g_free(chunk);
	}
	dh_limits_add(writer->limits, DH_LIMIT_MEMORY, -(int64_t)writer->pending);
	writer->first = NULL;
	writer->last = &writer->first;
	writer->pending = 0;
}

static void unref(struct dh_cache_writer *writer)
{
	if (atomic_fetch_sub(&writer->refs, 1) != 1)
		return;
	drop_chunks(writer);
	/* This thread may not be allowed to wait for the disk. */
	dh_cache_leave(&writer->entry);
	dh_cache_unref(&writer->cache);
	dh_limits_unref(&writer->limits);
	g_mutex_clear(&writer->lock);
	g_free(writer->key);
	g_free(writer);
}

/* Lane threads only: they alone run steps, and may wait for the disk. */
static _Thread_local bool may_wait;

static void give_up(struct dh_cache_writer *writer)
{
	g_mutex_lock(&writer->lock);
	writer->is_given_up = true;
	drop_chunks(writer);
	g_mutex_unlock(&writer->lock);
}

/* --- the task */

/* The oldest chunk, or NULL. *is_over: there will be no more. */
static struct chunk *take(struct dh_cache_writer *writer, bool *is_over)
{
	struct chunk *chunk;

	g_mutex_lock(&writer->lock);
	chunk = writer->first;
	if (chunk) {
		writer->first = chunk->next;
		if (!writer->first)
			writer->last = &writer->first;
		writer->pending -= chunk->size;
		dh_limits_add(writer->limits, DH_LIMIT_MEMORY, -(int64_t)chunk->size);
	}
	*is_over = !chunk && writer->is_ended;
	g_mutex_unlock(&writer->lock);
	return chunk;
}

static void write_chunk(struct dh_cache_writer *writer, const struct chunk *chunk)
{
	if (!writer->is_begun) {
		writer->is_begun = true;
		if (dh_cache_begin(writer->cache, "", &writer->entry) < 0)
			give_up(writer);
	}
	if (writer->entry && dh_cache_write(writer->entry, chunk->bytes, chunk->size) < 0) {
		dh_cache_abandon(&writer->entry);
		give_up(writer);
	}
}

static void end_entry(struct dh_cache_writer *writer)
{
	bool commits;

	g_mutex_lock(&writer->lock);
	commits = writer->commits && !writer->is_given_up && writer->entry && writer->key;
	if (commits)
		dh_cache_entry_set_key(writer->entry, writer->key);
	g_mutex_unlock(&writer->lock);
	if (commits)
		dh_cache_commit(&writer->entry);
	else
		dh_cache_abandon(&writer->entry);
	writer->is_closed = true;
}

static bool step(void *arg)
{
	struct dh_cache_writer *writer = arg;
	struct chunk *chunk;
	bool is_over;

	may_wait = true;
	chunk = take(writer, &is_over);
	if (chunk)
		write_chunk(writer, chunk);
	else if (is_over)
		end_entry(writer);
	g_free(chunk);
	return chunk != NULL;
}

static void late(void *arg)
{
	struct dh_cache_writer *writer = arg;

	g_mutex_lock(&writer->lock);
	writer->is_late = true;
	g_mutex_unlock(&writer->lock);
	give_up(writer);
}

static void run_task(struct dh_cache_writer *writer);

static void release(void *arg)
{
	struct dh_cache_writer *writer = arg;
	bool is_late;

	g_mutex_lock(&writer->lock);
	is_late = writer->is_late;
	writer->is_late = false;
	g_mutex_unlock(&writer->lock);
	if (is_late && may_wait)
		dh_cache_abandon(&writer->entry);
	g_mutex_lock(&writer->lock);
	writer->is_running = false;
	/* Something came after the last step had looked. */
	if (!is_late && (writer->first || (writer->is_ended && !writer->is_closed)))
		run_task(writer);
	g_mutex_unlock(&writer->lock);
	unref(writer);
}

/* With the lock held. */
static void run_task(struct dh_cache_writer *writer)
{
	static const struct dh_loader_task task = { .step = step, .late = late, .release = release };

	if (writer->is_running)
		return;
	atomic_fetch_add(&writer->refs, 1);
	writer->is_running = true;
	if (dh_loader_post(writer->loader, DH_LANE_CACHE_WRITE, 0, WRITE_MS, &task, writer) == 0)
		return;
	writer->is_running = false;
	writer->is_given_up = true;
	drop_chunks(writer);
	atomic_fetch_sub(&writer->refs, 1); /* not the last one */
}

/* --- the user's side */

struct dh_cache_writer *dh_cache_writer_new(struct dh_cache *cache, struct dh_loader *loader, struct dh_limits *limits,
	const char *key)
{
	struct dh_cache_writer *new = g_new0(struct dh_cache_writer, 1);

	atomic_init(&new->refs, 1);
	new->cache = dh_cache_ref(cache);
	new->loader = loader;
	new->limits = dh_limits_ref(limits);
	new->key = g_strdup(key);
	new->last = &new->first;
	g_mutex_init(&new->lock);
	return new;
}

void dh_cache_writer_set_key(struct dh_cache_writer *writer, const char *key)
{
	g_mutex_lock(&writer->lock);
	g_free(writer->key);
	writer->key = g_strdup(key);
	g_mutex_unlock(&writer->lock);
}

void dh_cache_writer_push(struct dh_cache_writer *writer, const void *bytes, size_t size)
{
	struct chunk *chunk;

	g_mutex_lock(&writer->lock);
	if (writer->pending + size > PENDING_MAX) {
		writer->is_given_up = true;
		drop_chunks(writer);
	}
	if (!writer->is_given_up) {
		chunk = g_malloc(sizeof *chunk + size);
		chunk->next = NULL;
		chunk->size = size;
		memcpy(chunk->bytes, bytes, size);
		*writer->last = chunk;
		writer->last = &chunk->next;
		writer->pending += size;
		dh_limits_add(writer->limits, DH_LIMIT_MEMORY, (int64_t)size);
		run_task(writer);
	}
	g_mutex_unlock(&writer->lock);
}

void dh_cache_writer_end(struct dh_cache_writer **writer, bool commits)
{
	struct dh_cache_writer *old = *writer;

	*writer = NULL;
	if (!old)
		return;
	g_mutex_lock(&old->lock);
	old->commits = commits;
	old->is_ended = true;
	run_task(old);
	g_mutex_unlock(&old->lock);
	unref(old);
}
