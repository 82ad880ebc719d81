/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_service.h"

#include <stdlib.h>

#include "ingest/log.h"
#include "ingest/push_server.h"
#include "pusher.h"

/* Threads in which lines wait for rooms. */
#define THREADS 4
/* As many connections to a room may ask as may push, but at least so many: an interruption comes
 * beside others. */
#define ASKING_LEAST 4

struct dh_push_service {
	struct dh_instance *instance;
	struct dh_push_tokens *tokens;
	struct dh_push_places *segments, *askers;
	struct dh_push_server *server;
	GThreadPool *pool;
};

struct task {
	struct dh_pusher *pusher; /* a reference */
	char *line;
	size_t size;
};

static void run_task(gpointer data, gpointer arg)
{
	struct task *task = data;

	(void)arg;
	dh_pusher_line(task->pusher, task->line, task->size);
	dh_pusher_unref(&task->pusher);
	g_free(task->line);
	g_free(task);
}

static void on_line(void *arg, struct dh_push *push, const char *line, size_t size)
{
	struct dh_push_service *service = arg;
	struct task *task = g_new0(struct task, 1);

	if (!dh_push_user(push))
		dh_push_set_user(push,
			dh_pusher_new(service->instance, service->tokens, service->segments, service->askers, push));
	task->pusher = dh_pusher_ref(dh_push_user(push));
	task->line = g_memdup2(line, size + 1);
	task->size = size;
	g_thread_pool_push(service->pool, task, NULL);
}

static json_t *on_refusal(void *arg, const char *limit)
{
	(void)arg;
	return dh_pusher_refusal(limit);
}

static void on_closed(void *arg, struct dh_push *push)
{
	struct dh_pusher *pusher = dh_push_user(push);

	(void)arg;
	if (!pusher)
		return;
	dh_push_set_user(push, NULL);
	dh_pusher_closed(pusher);
	dh_pusher_unref(&pusher);
}

static int start_server(struct dh_push_service *service)
{
	static const struct dh_push_owner owner = { .line = on_line, .refusal = on_refusal, .closed = on_closed };
	const struct dh_config *c = service->instance->config;
	const struct dh_push_config config = {
		.listen = c->push_listen,
		.socket = c->push_socket,
		.socket_mode = (int)strtol(c->push_socket_mode, NULL, 8),
		.socket_group = c->push_socket_group,
		.max = (int)c->max_pushes,
		.line_ms = (int)c->push_line_s * 1000,
	};
	char *error = NULL;
	int err = dh_push_server_alloc(&service->server, service->instance->io, &config, &owner, service, &error);

	if (err)
		dh_log(DH_LOG_ERROR, "generators cannot push: %s", error);
	else
		dh_log(DH_LOG_INFO, "generators may push to %s%s%s", c->push_listen ? c->push_listen : "",
			c->push_listen && c->push_socket ? " and " : "", c->push_socket ? c->push_socket : "");
	g_free(error);
	return err;
}

int dh_push_service_alloc(struct dh_push_service **out, struct dh_instance *instance)
{
	const struct dh_config *config = instance->config;
	struct dh_push_service *service;
	int err;

	if (!config->push_listen && !config->push_socket)
		return 0;
	service = g_new0(struct dh_push_service, 1);
	service->instance = instance;
	service->tokens = dh_push_tokens_new();
	service->segments = dh_push_places_new((int)config->max_pushes_per_room);
	service->askers = dh_push_places_new(MAX((int)config->max_pushes_per_room, ASKING_LEAST));
	service->pool = g_thread_pool_new(run_task, NULL, THREADS, FALSE, NULL);
	err = start_server(service);
	if (err)
		dh_push_service_free(&service);
	*out = service;
	return err;
}

void dh_push_service_free(struct dh_push_service **service)
{
	struct dh_push_service *old = *service;

	*service = NULL;
	if (!old)
		return;
	dh_push_server_free(&old->server);
	g_thread_pool_free(old->pool, FALSE, TRUE);
	dh_push_places_unref(&old->segments);
	dh_push_places_unref(&old->askers);
	dh_push_tokens_free(&old->tokens);
	g_free(old);
}

int dh_push_service_count(const struct dh_push_service *service)
{
	return service ? dh_push_server_count(service->server) : 0;
}
