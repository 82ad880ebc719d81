/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rtp_forward, as in VideoRoom: the room itself, to other servers and programs. */
#include "request_table.h"

#include <errno.h>

#include "config.h"
#include "forward_record.h"
#include "forwarding.h"
#include "request_errors.h"
#include "request_forward.h"

static void fail_limit(struct dh_request *request)
{
	dh_request_fail_limit(request, "max_forwards_per_room", request->instance->config->max_forwards_per_room);
}

/* It could not be made. */
static void fail(struct dh_request *request, int err)
{
	switch (-err) {
	case EDQUOT:
		dh_request_fail_limit(request, "max_forwards", request->instance->config->max_forwards);
		break;
	case EUSERS:
		fail_limit(request);
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
		dh_request_fail_room(request, err);
	}
}

static void begin(struct dh_request *request, json_t *record, struct dh_rtp_forward **forward)
{
	json_t *reply = NULL;
	int err = dh_forwarding_begin(request->instance, request->room, record, forward, &reply);

	if (err == -EUSERS)
		fail_limit(request);
	else if (err == -EDQUOT)
		dh_request_fail(request, DH_ERROR_LIMIT, "The room keeps max_forwards_per_room already (%lld)",
			(long long)request->instance->config->max_forwards_per_room);
	else
		dh_request_finish(request, err, "rtp_forward", reply);
}

static void handle_rtp_forward(struct dh_request *request)
{
	bool is_permanent = dh_request_flag(request, "permanent"), is_missing;
	struct dh_rtp_forward *forward;

	dh_request_check_forward(request);
	const char *wrong = dh_forward_record_check(request->body, &is_missing);
	if (wrong)
		dh_request_fail(request, is_missing ? DH_ERROR_MISSING : DH_ERROR_VALUE, "%s", wrong);
	if (request->error_code)
		return;
	json_t *record = is_permanent ? dh_forward_record_new(request->body) : NULL;
	int err = dh_forwarding_make(request->instance, request->room, request->body, record, &forward);
	if (err)
		fail(request, err);
	else
		begin(request, record, &forward);
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
