/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include <stdarg.h>

#include "ingest/text.h"
#include "playout/packets.h"

#define ERROR_MAX 512 /* bytes of an error's text */

struct dh_request *dh_request_new(struct dh_instance *instance, struct dh_session *session, char *transaction,
	json_t *message, json_t *jsep)
{
	struct dh_request *request = g_new0(struct dh_request, 1);

	request->instance = instance;
	request->session = session ? dh_session_ref(session) : NULL;
	request->transaction = transaction;
	request->body = message;
	request->jsep = jsep;
	return request;
}

void dh_request_free(struct dh_request **out)
{
	struct dh_request *request = *out;

	if (!request)
		return;
	dh_room_unref(&request->room);
	dh_session_unref(&request->session);
	g_free(request->transaction);
	g_free(request->raw_sdp);
	json_decref(request->body);
	json_decref(request->jsep);
	json_decref(request->reply);
	g_free(request->error);
	g_free(request);
	*out = NULL;
}

void dh_request_fail(struct dh_request *request, enum dh_error code, const char *format, ...)
{
	va_list args;

	if (request->error_code)
		return;
	request->error_code = code;
	va_start(args, format);
	char *text = g_strdup_vprintf(format, args);
	va_end(args);
	request->error = dh_text_line(text, ERROR_MAX);
	g_free(text);
}

const char *dh_request_text(const struct dh_request *request, const char *field)
{
	return json_string_value(json_object_get(request->body, field));
}

bool dh_request_flag(const struct dh_request *request, const char *field)
{
	return json_is_true(json_object_get(request->body, field));
}

int64_t dh_request_ptime(struct dh_request *request, int64_t otherwise)
{
	const json_t *ptime = json_object_get(request->body, "ptime");

	if (ptime && !dh_is_ptime(json_integer_value(ptime)))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"ptime\": 20, 40 or 60 is expected");
	return ptime ? json_integer_value(ptime) : otherwise;
}

static int64_t delay_of(struct dh_request *request, const json_t *from, const char *field)
{
	const json_t *value = json_object_get(from, field);
	json_int_t steps = json_integer_value(value);

	if (!value)
		return DH_DELAY_KEEP;
	if (!json_is_null(value) && (!json_is_integer(value) || steps > DH_DELAY_MAX))
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"%s\": an integer from 0 to %d (of 10 ms each), or null, is expected", field,
			DH_DELAY_MAX);
	return json_is_null(value) || steps < 0 ? DH_DELAY_END : steps;
}

bool dh_request_delay(struct dh_request *request, const json_t *from, struct dh_delay *delay)
{
	int64_t min = delay_of(request, from, "min_delay"), max = delay_of(request, from, "max_delay");

	if (!request->error_code && !dh_delay_change(delay, min, max))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"max_delay\": at least \"min_delay\" is expected");
	return min != DH_DELAY_KEEP || max != DH_DELAY_KEEP;
}

void dh_request_answer(struct dh_request *request, const char *name, json_t *more)
{
	request->reply = json_pack("{s:s, s:o}", "digitalhuman", name, "id", dh_room_id_json(request->room));
	if (more)
		json_object_update(request->reply, more);
	json_decref(more);
}

json_t *dh_request_error(const struct dh_request *request)
{
	return json_pack("{s:s, s:i, s:s}", "digitalhuman", "event", "error_code", request->error_code, "error",
		request->error);
}
