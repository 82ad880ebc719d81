#include "io.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct post {
	struct post *next;
	dh_io_fn *fn;
	void *arg;
};

struct dh_io {
	/* immutable */
	GMainContext *context;
	GSource *wake;
	pthread_t thread;
	/* I/O thread */
	int stop;
	/* protected by lock */
	pthread_mutex_t lock;
	struct post *first, **last;
};

static gboolean wake_dispatch(GSource *source, GSourceFunc callback, gpointer arg)
{
	(void)callback;
	(void)arg;
	g_source_set_ready_time(source, -1);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs wake_functions = { .dispatch = wake_dispatch };

static struct post *take_posts(struct dh_io *io)
{
	struct post *first;

	pthread_mutex_lock(&io->lock);
	first = io->first;
	io->first = NULL;
	io->last = &io->first;
	pthread_mutex_unlock(&io->lock);
	return first;
}

static int run_posts(struct dh_io *io)
{
	struct post *post = take_posts(io);
	int any = post != NULL;

	while (post) {
		struct post *next = post->next;
		post->fn(post->arg);
		free(post);
		post = next;
	}
	return any;
}

static void *run(void *arg)
{
	struct dh_io *io = arg;

	/* What is posted before the wake-up is armed again is taken right here. */
	while (!io->stop) {
		g_main_context_iteration(io->context, TRUE);
		run_posts(io);
	}
	while (run_posts(io))
		;
	return NULL;
}

int dh_io_alloc(struct dh_io **io)
{
	struct dh_io *new = calloc(1, sizeof *new);
	int r;

	if (!new)
		return -ENOMEM;
	new->last = &new->first;
	pthread_mutex_init(&new->lock, NULL);
	new->context = g_main_context_new();
	new->wake = g_source_new(&wake_functions, sizeof(GSource));
	g_source_attach(new->wake, new->context);
	r = -pthread_create(&new->thread, NULL, run, new);
	if (r < 0) {
		g_source_destroy(new->wake);
		g_source_unref(new->wake);
		g_main_context_unref(new->context);
		pthread_mutex_destroy(&new->lock);
		free(new);
		return r;
	}
	*io = new;
	return 0;
}

static void stop(void *arg)
{
	((struct dh_io *)arg)->stop = 1;
}

void dh_io_free(struct dh_io **io)
{
	struct dh_io *old = *io;

	*io = NULL;
	if (!old)
		return;
	dh_io_post(old, stop, old);
	pthread_join(old->thread, NULL);
	g_source_destroy(old->wake);
	g_source_unref(old->wake);
	g_main_context_unref(old->context);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

void dh_io_post(struct dh_io *io, dh_io_fn *fn, void *arg)
{
	struct post *post = g_malloc(sizeof *post);

	*post = (struct post){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&io->lock);
	*io->last = post;
	io->last = &post->next;
	pthread_mutex_unlock(&io->lock);
	g_source_set_ready_time(io->wake, 0);
}

struct call {
	dh_io_fn *fn;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t done;
	int is_done; /* protected by lock */
};

static void run_call(void *arg)
{
	struct call *call = arg;

	call->fn(call->arg);
	pthread_mutex_lock(&call->lock);
	call->is_done = 1;
	pthread_cond_signal(&call->done);
	pthread_mutex_unlock(&call->lock);
}

void dh_io_call(struct dh_io *io, dh_io_fn *fn, void *arg)
{
	struct call call = { .fn = fn, .arg = arg };

	if (dh_io_is_current(io)) {
		fn(arg);
		return;
	}
	pthread_mutex_init(&call.lock, NULL);
	pthread_cond_init(&call.done, NULL);
	dh_io_post(io, run_call, &call);
	pthread_mutex_lock(&call.lock);
	while (!call.is_done)
		pthread_cond_wait(&call.done, &call.lock);
	pthread_mutex_unlock(&call.lock);
	pthread_cond_destroy(&call.done);
	pthread_mutex_destroy(&call.lock);
}

int dh_io_is_current(const struct dh_io *io)
{
	return pthread_equal(io->thread, pthread_self());
}

static GSource *attach(struct dh_io *io, GSource *source, GSourceFunc fn, void *arg)
{
	g_source_set_callback(source, fn, arg, NULL);
	g_source_attach(source, io->context);
	return source;
}

GSource *dh_io_watch(struct dh_io *io, int fd, GIOCondition condition, GUnixFDSourceFunc fn, void *arg)
{
	return attach(io, g_unix_fd_source_new(fd, condition), (GSourceFunc)(void (*)(void))fn, arg);
}

static gboolean timer_dispatch(GSource *source, GSourceFunc fn, gpointer arg)
{
	g_source_set_ready_time(source, -1);
	fn(arg);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_functions = { .dispatch = timer_dispatch };

GSource *dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg)
{
	return attach(io, g_source_new(&timer_functions, sizeof(GSource)), fn, arg);
}

void dh_io_timer_set(GSource *timer, int64_t ms)
{
	g_source_set_ready_time(timer, ms < 0 ? -1 : g_get_monotonic_time() + ms * 1000);
}

void dh_io_drop(GSource **source)
{
	if (*source) {
		g_source_destroy(*source);
		g_source_unref(*source);
		*source = NULL;
	}
}
