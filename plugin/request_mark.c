/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mark */
#include "request_mark.h"

#include <errno.h>

#include "request_errors.h"
#include "request_table.h"
#include "rooms/timed_text.h"

/* A day of milliseconds: longer than any segment. */
#define AT_MS_MAX 86400000

static void check(struct dh_request *request)
{
	const json_t *data = json_object_get(request->body, "data"), *at = json_object_get(request->body, "at_ms");
	const char *segment = dh_request_text(request, "segment"), *expected = data ? dh_marker_check(data) : NULL;

	if (!data)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"data\"");
	else if (expected)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"data\": %s", expected);
	else if (at && !segment)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"at_ms\": a \"segment\" is expected with it");
	else if (segment && !at)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"at_ms\": where in the segment");
	else if (at && (!json_is_integer(at) || json_integer_value(at) < 0 || json_integer_value(at) > AT_MS_MAX))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"at_ms\": an integer from 0 to %d is expected",
			AT_MS_MAX);
}

void dh_request_mark(struct dh_request *request, json_t **reply)
{
	const char *segment = dh_request_text(request, "segment");

	check(request);
	if (request->error_code)
		return;
	int err = dh_room_add_marker(request->room, json_object_get(request->body, "data"), segment,
		json_integer_value(json_object_get(request->body, "at_ms")), reply);
	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such segment (%s)", segment);
	else if (err == -ENOBUFS)
		dh_request_fail(request, DH_ERROR_LIMIT, "A segment has at most %d markers", DH_MARKERS_MAX);
	else if (err)
		dh_request_fail_room(request, err);
}

static void handle_mark(struct dh_request *request)
{
	json_t *reply = NULL;

	dh_request_mark(request, &reply);
	if (!request->error_code)
		dh_request_answer(request, "marked", reply);
}

static const struct dh_field fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "segment", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX },
	{ "at_ms", DH_FIELD_NUMBER, false, AT_MS_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_mark_requests[] = {
	{ "mark", false, DH_AUTHORITY_SECRET, fields, handle_mark },
	DH_REQUEST_END,
};
