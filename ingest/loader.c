#include "loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <glib.h>

struct task {
	struct task *next;
	dh_loader_fn *fn;
	void *arg;
};

struct dh_loader {
	pthread_t *threads;
	int count;
	/* protected by lock */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct task *first, **last;
	int stop;
};

static struct task *next_task(struct dh_loader *loader)
{
	struct task *task;

	pthread_mutex_lock(&loader->lock);
	while (!loader->first && !loader->stop)
		pthread_cond_wait(&loader->more, &loader->lock);
	task = loader->first;
	if (task) {
		loader->first = task->next;
		if (!loader->first)
			loader->last = &loader->first;
	}
	pthread_mutex_unlock(&loader->lock);
	return task;
}

static void *run(void *arg)
{
	struct dh_loader *loader = arg;
	struct task *task;

	while ((task = next_task(loader))) {
		task->fn(task->arg);
		g_free(task);
	}
	return NULL;
}

void dh_loader_free(struct dh_loader **loader)
{
	struct dh_loader *old = *loader;

	*loader = NULL;
	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->stop = 1;
	pthread_cond_broadcast(&old->more);
	pthread_mutex_unlock(&old->lock);
	for (int i = 0; i < old->count; i++)
		pthread_join(old->threads[i], NULL);
	pthread_cond_destroy(&old->more);
	pthread_mutex_destroy(&old->lock);
	free(old->threads);
	free(old);
}

int dh_loader_alloc(struct dh_loader **loader, int threads)
{
	struct dh_loader *new = calloc(1, sizeof *new);
	int r = 0;

	if (!new)
		return -ENOMEM;
	new->last = &new->first;
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->more, NULL);
	new->threads = calloc((size_t)threads, sizeof *new->threads);
	if (!new->threads)
		r = -ENOMEM;
	while (r == 0 && new->count < threads) {
		r = -pthread_create(&new->threads[new->count], NULL, run, new);
		if (r == 0)
			new->count++;
	}
	if (r < 0)
		dh_loader_free(&new);
	else
		*loader = new;
	return r;
}

void dh_loader_post(struct dh_loader *loader, dh_loader_fn *fn, void *arg)
{
	struct task *task = g_new(struct task, 1);

	*task = (struct task){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&loader->lock);
	*loader->last = task;
	loader->last = &task->next;
	pthread_cond_signal(&loader->more);
	pthread_mutex_unlock(&loader->lock);
}
