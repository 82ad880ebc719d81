/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io.h"

#include <errno.h>
#include <pthread.h>

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
	bool is_stopped;
	struct dh_io_left *left;
	int64_t turn_us; /* when the current turn began; 0: never */
	/* protected by lock */
	pthread_mutex_t lock;
	struct post *first, **last;
	int64_t window;               /* that turns are counted in */
	int64_t longest_us, whole_us; /* the longest turn of that window, and of the one before */
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

static bool run_posts(struct dh_io *io)
{
	struct post *post = take_posts(io);
	bool any = post != NULL;

	while (post) {
		struct post *next = post->next;
		post->fn(post->arg);
		g_free(post);
		post = next;
	}
	return any;
}

/* --- turns */

/* GLib's poll function has no argument. */
static _Thread_local struct dh_io *current;

/* Returns the longest turn of late. */
static int64_t note_turn(struct dh_io *io, int64_t now_us, int64_t turn_us)
{
	int64_t window = now_us / (DH_IO_WINDOW_S * G_USEC_PER_SEC), longest_us;

	pthread_mutex_lock(&io->lock);
	if (window > io->window) { /* whoever was held up since it looked at the clock comes too late for that */
		io->whole_us = window == io->window + 1 ? io->longest_us : 0;
		io->longest_us = 0;
		io->window = window;
	}
	io->longest_us = MAX(io->longest_us, turn_us);
	longest_us = MAX(io->longest_us, io->whole_us);
	pthread_mutex_unlock(&io->lock);
	return longest_us;
}

/* A turn lasts from the end of one wait to the start of the next. */
static gint poll_between_turns(GPollFD *fds, guint count, gint timeout_ms)
{
	struct dh_io *io = current;
	int64_t now_us = g_get_monotonic_time();
	gint n;

	if (io->turn_us)
		note_turn(io, now_us, now_us - io->turn_us);
	n = g_poll(fds, count, timeout_ms);
	io->turn_us = g_get_monotonic_time();
	return n;
}

int64_t dh_io_longest_turn_us(struct dh_io *io)
{
	return note_turn(io, g_get_monotonic_time(), 0);
}

/* --- the thread */

static void take_turn(struct dh_io *io)
{
	/* Posts that arrive before the wake-up is re-armed run right here. */
	g_main_context_iteration(io->context, TRUE);
	run_posts(io);
}

static gboolean nothing(gpointer arg)
{
	(void)arg;
	return G_SOURCE_CONTINUE;
}

static void wait_for_left(struct dh_io *io)
{
	int64_t until_us = g_get_monotonic_time() + DH_IO_LEFT_MS * 1000;
	GSource *timer = dh_io_timer(io, nothing, NULL);

	for (struct dh_io_left *left = io->left, *next; left; left = next) {
		next = left->next;
		left->hurry(left);
	}
	dh_io_timer_set(timer, DH_IO_LEFT_MS);
	while (io->left && g_get_monotonic_time() < until_us)
		take_turn(io);
	dh_io_drop(&timer);
	while (io->left) {
		struct dh_io_left *left = io->left;
		dh_io_forget(left);
		left->abandon(left);
	}
}

static void *run(void *arg)
{
	struct dh_io *io = arg;

	current = io;
	while (!io->is_stopped)
		take_turn(io);
	while (run_posts(io))
		;
	wait_for_left(io);
	return NULL;
}

int dh_io_alloc(struct dh_io **io)
{
	struct dh_io *new = g_new0(struct dh_io, 1);
	int err;

	new->last = &new->first;
	pthread_mutex_init(&new->lock, NULL);
	new->context = g_main_context_new();
	g_main_context_set_poll_func(new->context, poll_between_turns);
	new->wake = g_source_new(&wake_functions, sizeof(GSource));
	g_source_attach(new->wake, new->context);
	err = -pthread_create(&new->thread, NULL, run, new);
	if (err < 0) {
		g_source_destroy(new->wake);
		g_source_unref(new->wake);
		g_main_context_unref(new->context);
		pthread_mutex_destroy(&new->lock);
		g_free(new);
		return err;
	}
	*io = new;
	return 0;
}

static void stop(void *arg)
{
	((struct dh_io *)arg)->is_stopped = true;
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
	g_free(old);
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
	bool is_done; /* protected by lock */
};

static void run_call(void *arg)
{
	struct call *call = arg;

	call->fn(call->arg);
	pthread_mutex_lock(&call->lock);
	call->is_done = true;
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

bool dh_io_is_current(const struct dh_io *io)
{
	return pthread_equal(io->thread, pthread_self());
}

/* --- sources */

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

/* --- objects left to end by themselves */

void dh_io_leave(struct dh_io *io, struct dh_io_left *left)
{
	left->next = io->left;
	left->link = &io->left;
	if (left->next)
		left->next->link = &left->next;
	io->left = left;
}

void dh_io_forget(struct dh_io_left *left)
{
	*left->link = left->next;
	if (left->next)
		left->next->link = left->link;
}
