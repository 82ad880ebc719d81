#include "cache_writer.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that may wait for the disk. */
#define PENDING_MAX (64u * 1024 * 1024)

struct chunk {
	struct chunk *next;
	size_t size;
	char bytes[];
};

struct dh_cache_writer {
	/* immutable */
	struct dh_cache *cache;
	struct dh_loader *loader;
	char *key;
	/* the task's, of which there is one at a time */
	struct dh_cache_entry *entry;
	int is_begun;
	/* protected by lock */
	pthread_mutex_t lock;
	struct chunk *first, **last;
	size_t pending;
	int is_running;   /* a task is posted or runs */
	int is_given_up;
	int is_ended, commit;
};

static void writer_free(struct dh_cache_writer *writer)
{
	pthread_mutex_destroy(&writer->lock);
	g_free(writer->key);
	free(writer);
}

/* The task is over for now, or for good: then the writer is gone. */
static struct chunk *take(struct dh_cache_writer *writer, int *is_ended)
{
	struct chunk *chunks;

	pthread_mutex_lock(&writer->lock);
	chunks = writer->first;
	writer->first = NULL;
	writer->last = &writer->first;
	writer->pending = 0;
	*is_ended = writer->is_ended;
	if (!chunks)
		writer->is_running = 0;
	pthread_mutex_unlock(&writer->lock);
	return chunks;
}

static void give_up(struct dh_cache_writer *writer)
{
	dh_cache_abandon(&writer->entry);
	pthread_mutex_lock(&writer->lock);
	writer->is_given_up = 1;
	pthread_mutex_unlock(&writer->lock);
}

static void write_chunks(struct dh_cache_writer *writer, struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;
		if (!writer->is_begun) {
			writer->is_begun = 1;
			if (dh_cache_begin(writer->cache, writer->key, &writer->entry) < 0)
				give_up(writer);
		}
		if (writer->entry && dh_cache_write(writer->entry, chunk->bytes, chunk->size) < 0)
			give_up(writer);
		g_free(chunk);
		chunk = next;
	}
}

static void work(void *arg)
{
	struct dh_cache_writer *writer = arg;
	struct chunk *chunks;
	int is_ended;

	while ((chunks = take(writer, &is_ended)))
		write_chunks(writer, chunks);
	if (!is_ended)
		return; /* writer is no longer this task's */
	if (writer->commit && !writer->is_given_up && writer->entry)
		dh_cache_commit(&writer->entry);
	else
		dh_cache_abandon(&writer->entry);
	writer_free(writer);
}

int dh_cache_writer_alloc(struct dh_cache_writer **writer, struct dh_cache *cache, struct dh_loader *loader,
	const char *key)
{
	struct dh_cache_writer *new = calloc(1, sizeof *new);

	if (!new)
		return -ENOMEM;
	new->cache = cache;
	new->loader = loader;
	new->key = g_strdup(key);
	new->last = &new->first;
	pthread_mutex_init(&new->lock, NULL);
	*writer = new;
	return 0;
}

/* With the lock held. */
static void run_task(struct dh_cache_writer *writer)
{
	if (!writer->is_running) {
		writer->is_running = 1;
		dh_loader_post(writer->loader, work, writer);
	}
}

void dh_cache_writer_push(struct dh_cache_writer *writer, const void *bytes, size_t size)
{
	struct chunk *chunk;

	pthread_mutex_lock(&writer->lock);
	if (writer->pending + size > PENDING_MAX)
		writer->is_given_up = 1;
	if (!writer->is_given_up) {
		chunk = g_malloc(sizeof *chunk + size);
		chunk->next = NULL;
		chunk->size = size;
		memcpy(chunk->bytes, bytes, size);
		*writer->last = chunk;
		writer->last = &chunk->next;
		writer->pending += size;
		run_task(writer);
	}
	pthread_mutex_unlock(&writer->lock);
}

void dh_cache_writer_end(struct dh_cache_writer **writer, int commit)
{
	struct dh_cache_writer *old = *writer;

	*writer = NULL;
	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->commit = commit;
	old->is_ended = 1;
	run_task(old);
	pthread_mutex_unlock(&old->lock);
}
