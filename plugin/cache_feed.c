#include "cache_feed.h"

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

struct dh_cache_feed {
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

static void feed_free(struct dh_cache_feed *feed)
{
	pthread_mutex_destroy(&feed->lock);
	g_free(feed->key);
	free(feed);
}

/* The task is over for now, or for good: then the feed is gone. */
static struct chunk *take(struct dh_cache_feed *feed, int *is_ended)
{
	struct chunk *chunks;

	pthread_mutex_lock(&feed->lock);
	chunks = feed->first;
	feed->first = NULL;
	feed->last = &feed->first;
	feed->pending = 0;
	*is_ended = feed->is_ended;
	if (!chunks)
		feed->is_running = 0;
	pthread_mutex_unlock(&feed->lock);
	return chunks;
}

static void give_up(struct dh_cache_feed *feed)
{
	dh_cache_abandon(&feed->entry);
	pthread_mutex_lock(&feed->lock);
	feed->is_given_up = 1;
	pthread_mutex_unlock(&feed->lock);
}

static void write_chunks(struct dh_cache_feed *feed, struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;
		if (!feed->is_begun) {
			feed->is_begun = 1;
			if (dh_cache_begin(feed->cache, feed->key, &feed->entry) < 0)
				give_up(feed);
		}
		if (feed->entry && dh_cache_write(feed->entry, chunk->bytes, chunk->size) < 0)
			give_up(feed);
		g_free(chunk);
		chunk = next;
	}
}

static void work(void *arg)
{
	struct dh_cache_feed *feed = arg;
	struct chunk *chunks;
	int is_ended;

	while ((chunks = take(feed, &is_ended)))
		write_chunks(feed, chunks);
	if (!is_ended)
		return; /* feed is no longer this task's */
	if (feed->commit && !feed->is_given_up && feed->entry)
		dh_cache_commit(&feed->entry);
	else
		dh_cache_abandon(&feed->entry);
	feed_free(feed);
}

int dh_cache_feed_alloc(struct dh_cache_feed **feed, struct dh_cache *cache, struct dh_loader *loader,
	const char *key)
{
	struct dh_cache_feed *new = calloc(1, sizeof *new);

	if (!new)
		return -ENOMEM;
	new->cache = cache;
	new->loader = loader;
	new->key = g_strdup(key);
	new->last = &new->first;
	pthread_mutex_init(&new->lock, NULL);
	*feed = new;
	return 0;
}

/* With the lock held. */
static void run_task(struct dh_cache_feed *feed)
{
	if (!feed->is_running) {
		feed->is_running = 1;
		dh_loader_post(feed->loader, work, feed);
	}
}

void dh_cache_feed_push(struct dh_cache_feed *feed, const void *bytes, size_t size)
{
	struct chunk *chunk;

	pthread_mutex_lock(&feed->lock);
	if (feed->pending + size > PENDING_MAX)
		feed->is_given_up = 1;
	if (!feed->is_given_up) {
		chunk = g_malloc(sizeof *chunk + size);
		chunk->next = NULL;
		chunk->size = size;
		memcpy(chunk->bytes, bytes, size);
		*feed->last = chunk;
		feed->last = &chunk->next;
		feed->pending += size;
		run_task(feed);
	}
	pthread_mutex_unlock(&feed->lock);
}

void dh_cache_feed_end(struct dh_cache_feed **feed, int commit)
{
	struct dh_cache_feed *old = *feed;

	*feed = NULL;
	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->commit = commit;
	old->is_ended = 1;
	run_task(old);
	pthread_mutex_unlock(&old->lock);
}
