/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dispatch.h"

#include "ingest/text.h"
#include "peer_sdp.h"
#include "request_errors.h"
#include "request_table.h"
#include "request_viewing.h"

/* The type of a valid request; NULL: it has failed. */
static const struct dh_request_type *check(struct dh_request *request)
{
	const json_t *name = json_object_get(request->body, "request");

	if (!request->body)
		dh_request_fail(request, DH_ERROR_NO_MESSAGE, "No message");
	else if (!json_is_object(request->body))
		dh_request_fail(request, DH_ERROR_JSON, "Not a JSON object");
	else
		dh_request_check_size(request);
	if (!request->error_code && !name)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"request\"");
	else if (!request->error_code && !json_is_string(name))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"request\": a string is expected");
	if (request->error_code)
		return NULL;
	const struct dh_request_type *type = dh_request_find(json_string_value(name));
	if (!type || (type->asynchronous && !request->session)) {
		char *shown = dh_text_line(json_string_value(name), 64);
		dh_request_fail(request, DH_ERROR_REQUEST, "Unknown request \"%s\"", shown);
		g_free(shown);
		return NULL;
	}
	if (request->jsep && !type->asynchronous)
		dh_request_fail(request, DH_ERROR_SDP, "\"%s\" takes no JSEP: \"start\" does", type->name);
	dh_request_check_fields(request, type->fields);
	return request->error_code ? NULL : type;
}

static void handle(struct dh_request *request, const struct dh_request_type *type)
{
	dh_request_authorize(request, type->authority);
	if (!request->error_code)
		type->handle(request);
}

/* The answer to a synchronous request. */
static json_t *take_reply(struct dh_request *request)
{
	json_t *reply = request->reply;

	if (!request->error_code && !reply)
		dh_request_fail(request, DH_ERROR_INTERNAL, "Internal error");
	if (request->error_code)
		return dh_request_error(request);
	request->reply = NULL;
	return reply;
}

/* --- asynchronous ones */

struct deferred {
	struct dh_request *request;
	const struct dh_request_type *type;
};

/* A handler that succeeds has pushed its answer. One that waits is called again, with a room that
 * is looked up anew. */
static bool run_deferred(void *arg, bool may_wait)
{
	struct deferred *deferred = arg;
	struct dh_request *request = deferred->request;

	request->may_wait = may_wait;
	request->waits = false;
	handle(request, deferred->type);
	if (request->waits) {
		dh_room_unref(&request->room);
		return false;
	}
	if (request->error_code) {
		dh_outbox_push(request->instance->outbox, request->session, request->transaction,
			dh_request_error(request));
		dh_viewing_close_stray(request);
	}
	dh_request_free(&request);
	g_free(deferred);
	return true;
}

static bool defer(struct dh_request *request, const struct dh_request_type *type)
{
	struct deferred *deferred = g_new(struct deferred, 1);

	deferred->request = request;
	deferred->type = type;
	if (dh_outbox_run(request->instance->outbox, request->session, run_deferred, deferred))
		return true;
	g_free(deferred);
	dh_request_fail_limit(request, "max_handle_requests", request->instance->config->max_handle_requests);
	return false;
}

/* --- from Janus */

struct janus_plugin_result *dh_dispatch(struct dh_instance *instance, struct dh_session *session, char *transaction,
	json_t *message, json_t *jsep)
{
	struct dh_request *request = dh_request_new(instance, session, transaction, message, jsep);
	if (jsep)
		request->raw_sdp = dh_peer_sdp(session->handle);
	const struct dh_request_type *type = check(request);
	if (type && type->asynchronous) {
		if (defer(request, type))
			return janus_plugin_result_new(JANUS_PLUGIN_OK_WAIT, NULL, NULL);
	} else if (type) {
		handle(request, type);
	}
	json_t *reply = take_reply(request);
	if (request->error_code)
		dh_viewing_close_stray(request);
	dh_also_answer(reply, instance->config->also_answer_as);
	dh_request_free(&request);
	return janus_plugin_result_new(JANUS_PLUGIN_OK, NULL, reply);
}

json_t *dh_dispatch_admin(struct dh_instance *instance, json_t *message)
{
	struct dh_request *request = dh_request_new(instance, NULL, NULL, json_copy(message), NULL);
	const struct dh_request_type *type = check(request);

	if (type)
		handle(request, type);
	json_t *reply = take_reply(request);
	dh_also_answer(reply, instance->config->also_answer_as);
	dh_request_free(&request);
	return reply;
}
