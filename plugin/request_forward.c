/* SPDX-License-Identifier: GPL-3.0-or-later */
/* forward_microphones: where the sound of viewers goes. And for all forwards, stop_rtp_forward and listforwarders. */
#include "request_forward.h"

#include <errno.h>

#include "forwarding.h"
#include "request_errors.h"
#include "request_table.h"
#include "rooms/forwards.h"

static int64_t number_of(const struct dh_request *request, const char *field)
{
	return json_integer_value(json_object_get(request->body, field));
}

void dh_request_check_forward(struct dh_request *request)
{
	if (!dh_forwarding_is_allowed(request->instance->config, dh_request_text(request, "host")))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host\": one of \"forward_hosts\" is expected");
}

static void handle_forward(struct dh_request *request)
{
	const char *host = dh_request_text(request, "host");
	int port = (int)number_of(request, "port"), reference = (int)number_of(request, "reference_port");
	guint id = 0;

	dh_request_check_forward(request);
	if (!port)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"port\": an integer from 1 to 65535 is expected");
	if (request->error_code)
		return;
	int err = dh_forwards_add(dh_room_forwards(request->room), host, port, reference,
		(guint)number_of(request, "viewer"), &id);
	if (err == -ENOBUFS)
		dh_request_fail(request, DH_ERROR_LIMIT, "The room has %d forwards already", DH_FORWARDS_MAX);
	else if (err == -EINVAL)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host\": a numeric address is expected");
	else
		dh_request_finish(request, err, "forward_microphones",
			json_pack("{s:I, s:s, s:i}", "stream_id", (json_int_t)id, "host", host, "port", port));
}

static void handle_stop(struct dh_request *request)
{
	guint id = (guint)number_of(request, "stream_id");

	int err = dh_forwards_remove(dh_room_forwards(request->room), id);

	if (err && dh_request_flag(request, "permanent"))
		err = dh_forwarding_stop_for_good(request->instance, request->room, id);
	else if (err)
		err = dh_room_stop_rtp_forward(request->room, id, NULL);
	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"stream_id\": no such forward (%u)", id);
	else
		dh_request_finish(request, err, "stop_rtp_forward", json_pack("{s:I}", "stream_id", (json_int_t)id));
}

static void handle_list(struct dh_request *request)
{
	json_t *list = dh_forwards_json(dh_room_forwards(request->room));
	int err = dh_room_rtp_forwards(request->room, list);

	dh_request_finish(request, err, "forwarders", json_pack("{s:o}", "rtp_forwarders", list));
}

static const struct dh_field forward_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "host", DH_FIELD_TEXT, true, 64 },
	{ "port", DH_FIELD_NUMBER, true, 65535 },
	{ "reference_port", DH_FIELD_NUMBER, false, 65535 },
	{ "viewer", DH_FIELD_VIEWER, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field stop_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "stream_id", DH_FIELD_NUMBER, true, INT32_MAX },
	{ "permanent", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field list_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_forward_requests[] = {
	{ "forward_microphones", false, DH_AUTHORITY_SECRET, forward_fields, handle_forward },
	{ "stop_rtp_forward", false, DH_AUTHORITY_SECRET, stop_fields, handle_stop },
	{ "listforwarders", false, DH_AUTHORITY_SECRET, list_fields, handle_list },
	DH_REQUEST_END,
};
