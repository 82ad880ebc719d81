/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load_task.h"

#include <errno.h>
#include <glib.h>

struct result {
	struct dh_load_task *task; /* a reference */
	int err;
	char *text;
};

struct dh_load_task *dh_load_task_ref(struct dh_load_task *task)
{
	atomic_fetch_add(&task->refs, 1);
	return task;
}

void dh_load_task_unref(struct dh_load_task **task)
{
	struct dh_load_task *old = *task;
	struct dh_loader *loader;

	*task = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	loader = old->loader;
	dh_opener_clear(&old->opener);
	old->kind->free(old);
	dh_loader_unref(&loader);
}

static void result_free(struct result *result)
{
	dh_load_task_unref(&result->task);
	g_free(result->text);
	g_free(result);
}

/* I/O thread. The first result counts: a late task may report a second one. */
static void tell(void *arg)
{
	struct result *result = arg;
	struct dh_load_task *task = result->task;

	if (task->arg) {
		task->kind->tell(task, result->err, result->text);
		task->arg = NULL;
		dh_load_task_unref(&task);
	}
	result_free(result);
}

static struct result *result_new(struct dh_load_task *task, int err, const char *text)
{
	struct result *result = g_new0(struct result, 1);

	result->task = dh_load_task_ref(task);
	result->err = err;
	result->text = g_strdup(text);
	return result;
}

bool dh_load_task_end(struct dh_load_task *task, int err, const char *text)
{
	struct result *result = result_new(task, err, text);

	if (!dh_loader_report(task->loader, tell, result))
		result_free(result);
	return false;
}

bool dh_load_task_go(struct dh_load_task *task, enum dh_lane lane, uint64_t device, int limit_ms)
{
	task->goes_on = true;
	task->lane = lane;
	task->device = device;
	task->limit_ms = limit_ms;
	return false;
}

bool dh_load_task_is_cancelled(struct dh_load_task *task)
{
	return atomic_load(&task->is_cancelled);
}

bool dh_load_task_report(struct dh_load_task *task, dh_io_fn *fn, void *report)
{
	return dh_loader_report(task->loader, fn, report);
}

/* --- the loader's view */

static bool step(void *arg)
{
	struct dh_load_task *task = arg;
	bool is_more;

	task->goes_on = false;
	if (dh_load_task_is_cancelled(task))
		return false;
	is_more = task->kind->step(task);
	dh_opener_rest(&task->opener);
	return is_more;
}

static void late(void *arg)
{
	struct dh_load_task *task = arg;
	const char *option = task->option;
	char *text;

	atomic_store(&task->is_cancelled, true);
	if (option)
		text = g_strdup_printf("reading it takes longer than %d s (%s)", task->limit_ms / 1000, option);
	else
		text = g_strdup_printf("its file system does not answer within %d s", task->limit_ms / 1000);
	dh_load_task_end(task, -ETIMEDOUT, text);
	g_free(text);
	dh_opener_stop(&task->opener); /* what it returns now is too late to count */
}

static void post(struct dh_load_task *task);

static void released(void *arg)
{
	struct dh_load_task *task = arg;

	if (task->goes_on && !dh_load_task_is_cancelled(task))
		post(task);
	dh_load_task_unref(&task);
}

static void post(struct dh_load_task *task)
{
	static const struct dh_loader_task as_loader_sees_it = { .step = step, .late = late, .release = released };
	int err = dh_loader_post(task->loader, task->lane, task->device, task->limit_ms, &as_loader_sees_it,
		dh_load_task_ref(task));

	if (err == 0)
		return;
	dh_load_task_end(task, err, err == -EHOSTDOWN ? "its file system does not answer" : NULL);
	dh_load_task_unref(&task);
}

/* --- I/O thread */

void dh_load_task_init(struct dh_load_task *task, const struct dh_load_task_kind *kind, struct dh_loader *loader,
	void *arg)
{
	task->kind = kind;
	task->loader = dh_loader_ref(loader);
	dh_opener_init(&task->opener, dh_loader_openers(loader));
	atomic_init(&task->refs, 1);
	atomic_init(&task->is_cancelled, false);
	task->arg = arg;
}

void dh_load_task_start(struct dh_load_task *task, enum dh_lane lane, uint64_t device, int limit_ms)
{
	dh_load_task_go(task, lane, device, limit_ms);
	post(task);
}

void dh_load_task_cancel(struct dh_load_task **task)
{
	struct dh_load_task *old = *task;

	*task = NULL;
	if (!old || !old->arg)
		return;
	old->arg = NULL;
	atomic_store(&old->is_cancelled, true);
	dh_load_task_unref(&old);
}
