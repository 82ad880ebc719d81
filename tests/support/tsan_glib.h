/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GLib is not instrumented: this tells ThreadSanitizer what its locks, queues, arrays and
 * pools of threads synchronise. configure includes it before everything else in a build with
 * -fsanitize=thread.
 */
#ifndef DH_TSAN_GLIB_H
#define DH_TSAN_GLIB_H

#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static inline void dh_tsan_mutex_lock(GMutex *mutex)
{
	g_mutex_lock(mutex);
	__tsan_acquire(mutex);
}

static inline void dh_tsan_mutex_unlock(GMutex *mutex)
{
	__tsan_release(mutex);
	g_mutex_unlock(mutex);
}

static inline void dh_tsan_cond_wait(GCond *cond, GMutex *mutex)
{
	__tsan_release(mutex);
	g_cond_wait(cond, mutex);
	__tsan_acquire(mutex);
}

static inline gboolean dh_tsan_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_us)
{
	__tsan_release(mutex);
	gboolean in_time = g_cond_wait_until(cond, mutex, end_us);
	__tsan_acquire(mutex);
	return in_time;
}

static inline void dh_tsan_queue_push(GAsyncQueue *queue, gpointer data)
{
	__tsan_release(queue);
	g_async_queue_push(queue, data);
}

static inline gpointer dh_tsan_queue_pop(GAsyncQueue *queue)
{
	gpointer data = g_async_queue_pop(queue);
	__tsan_acquire(queue);
	return data;
}

static inline gpointer dh_tsan_queue_try_pop(GAsyncQueue *queue)
{
	gpointer data = g_async_queue_try_pop(queue);
	if (data)
		__tsan_acquire(queue);
	return data;
}

static inline gpointer dh_tsan_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout_us)
{
	gpointer data = g_async_queue_timeout_pop(queue, timeout_us);
	if (data)
		__tsan_acquire(queue);
	return data;
}

/* Whoever drops the last reference frees the elements. */
static inline void dh_tsan_ptr_array_unref(GPtrArray *array)
{
	__tsan_release(array);
	__tsan_acquire(array);
	g_ptr_array_unref(array);
}

struct dh_tsan_pool {
	GFunc run;
	gpointer arg;
};

static inline void dh_tsan_pool_run(gpointer task, gpointer arg)
{
	struct dh_tsan_pool *wrapped = arg;

	__tsan_acquire(wrapped);
	wrapped->run(task, wrapped->arg);
	__tsan_release(wrapped);
}

static inline GThreadPool *dh_tsan_pool_new(GFunc run, gpointer arg, gint threads, gboolean exclusive, GError **error)
{
	struct dh_tsan_pool *wrapped = g_new(struct dh_tsan_pool, 1);

	*wrapped = (struct dh_tsan_pool){ run, arg };
	return g_thread_pool_new(dh_tsan_pool_run, wrapped, threads, exclusive, error);
}

static inline gboolean dh_tsan_pool_push(GThreadPool *pool, gpointer task, GError **error)
{
	__tsan_release(pool->user_data);
	return g_thread_pool_push(pool, task, error);
}

static inline void dh_tsan_pool_free(GThreadPool *pool, gboolean immediate, gboolean wait)
{
	struct dh_tsan_pool *wrapped = pool->user_data;

	g_thread_pool_free(pool, immediate, wait);
	__tsan_acquire(wrapped);
	if (wait)
		g_free(wrapped);
}

#define g_mutex_lock              dh_tsan_mutex_lock
#define g_mutex_unlock            dh_tsan_mutex_unlock
#define g_cond_wait               dh_tsan_cond_wait
#define g_cond_wait_until         dh_tsan_cond_wait_until
#define g_async_queue_push        dh_tsan_queue_push
#define g_async_queue_pop         dh_tsan_queue_pop
#define g_async_queue_try_pop     dh_tsan_queue_try_pop
#define g_async_queue_timeout_pop dh_tsan_queue_timeout_pop
#define g_ptr_array_unref         dh_tsan_ptr_array_unref
#define g_thread_pool_new         dh_tsan_pool_new
#define g_thread_pool_push        dh_tsan_pool_push
#define g_thread_pool_free        dh_tsan_pool_free

#endif
