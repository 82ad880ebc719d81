/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rtp_forward, as in VideoRoom: the room itself, to other servers and programs. */
#include "request_table.h"

#include <errno.h>

#include "config.h"
#include "forward_record.h"
#include "forwarding.h"
#include "request_errors.h"
#include "request_forward.h"

static void finish(struct dh_request *request, int err, json_t *reply)
{
	const struct dh_config *config = request->instance->config;

	switch (-err) {
	case EDQUOT:
		dh_request_fail(request, DH_ERROR_LIMIT, "max_forwards is reached (%lld)",
			(long long)config->max_forwards);
		break;
	case ENOBUFS:
		dh_request_fail(request, DH_ERROR_LIMIT, "max_forwards_per_room is reached (%lld)",
			(long long)config->max_forwards_per_room);
		break;
	case EINVAL:
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host\": a numeric address is expected");
		break;
	case EKEYREJECTED:
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"srtp_crypto\": 30 bytes in base64 are expected, as in SDES");
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EACCES:
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host\": nothing can be sent there (%s)",
			g_strerror(-err));
		break;
	case EMFILE:
	case ENFILE:
		dh_request_fail(request, DH_ERROR_LIMIT, "There are no file descriptors left for its sockets");
		break;
	default:
		dh_request_finish(request, err, "rtp_forward", reply);
	}
}

static void keep(struct dh_request *request, json_t *record)
{
	const struct dh_config *config = request->instance->config;
	int err = dh_forwarding_keep(request->instance, request->room, record);

	if (err == -EDQUOT)
		dh_request_fail(request, DH_ERROR_LIMIT, "The room keeps max_forwards_per_room already (%lld)",
			(long long)config->max_forwards_per_room);
	else if (err)
		dh_request_fail_room(request, err);
}

static void begin(struct dh_request *request, json_t *record)
{
	json_t *reply = NULL;
	int err = dh_forwarding_begin(request->instance, request->room, request->body, record, &reply);

	finish(request, err, reply);
	if (err && record)
		dh_forwarding_drop(request->instance, request->room, record);
}

static void handle_rtp_forward(struct dh_request *request)
{
	bool is_permanent = dh_request_flag(request, "permanent"), is_missing;
	json_t *record = NULL;

	dh_request_check_forward(request);
	const char *wrong = dh_forward_record_check(request->body, is_permanent, &is_missing);
	if (wrong)
		dh_request_fail(request, is_missing ? DH_ERROR_MISSING : DH_ERROR_VALUE, "%s", wrong);
	if (request->error_code)
		return;
	if (is_permanent) {
		record = dh_forward_record_new(request->body);
		keep(request, record);
	}
	if (!request->error_code)
		begin(request, record);
	json_decref(record);
}

static const struct dh_field rtp_forward_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FORWARD_FIELDS,
	{ "permanent", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_rtp_forward_requests[] = {
	{ "rtp_forward", false, DH_AUTHORITY_SECRET, rtp_forward_fields, handle_rtp_forward },
	DH_REQUEST_END,
};
