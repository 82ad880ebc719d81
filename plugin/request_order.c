/* SPDX-License-Identifier: GPL-3.0-or-later */
/* move, history, progress */
#include "request_table.h"

#include <errno.h>

#include "request_errors.h"

static void handle_move(struct dh_request *request)
{
	const char *id = dh_request_text(request, "segment"), *before = dh_request_text(request, "before");
	const char *after = dh_request_text(request, "after"), *other = before ? before : after;
	json_t *reply = NULL;

	if (!before == !after) {
		dh_request_fail(request, before ? DH_ERROR_VALUE : DH_ERROR_MISSING,
			before ? "Invalid \"after\": only one of \"before\" and \"after\" is expected" :
				 "Missing \"before\" or \"after\"");
		return;
	}
	int err = dh_room_move(request->room, id, before, after, &reply);
	if (err == -ENOENT || err == -ENXIO)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such segment waits (%s)",
			err == -ENOENT ? id : other);
	else if (err == -EBUSY)
		dh_request_fail(request, DH_ERROR_STATE,
			"The segment or the one beside it, or its utterance, plays already");
	else
		dh_request_finish(request, err, "moved", reply);
}

static void handle_history(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_history(request->room, dh_request_text(request, "segment"), &reply);

	dh_request_finish(request, err, "history", reply);
}

static void handle_progress(struct dh_request *request)
{
	const char *id = dh_request_text(request, "segment");
	json_t *reply = NULL;
	int err = dh_room_progress(request->room, id, &reply);

	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such segment (%s)", id);
	else
		dh_request_finish(request, err, "progress", reply);
}

static const struct dh_field move_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "segment", DH_FIELD_TEXT, true, DH_SEGMENT_ID_MAX },
	{ "before", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX },
	{ "after", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX },
	DH_FIELD_END,
};

static const struct dh_field history_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "segment", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX },
	DH_FIELD_END,
};

static const struct dh_field progress_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "segment", DH_FIELD_TEXT, true, DH_SEGMENT_ID_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_order_requests[] = {
	{ "move", false, DH_AUTHORITY_SECRET, move_fields, handle_move },
	{ "history", false, DH_AUTHORITY_SECRET, history_fields, handle_history },
	{ "progress", false, DH_AUTHORITY_SECRET, progress_fields, handle_progress },
	DH_REQUEST_END,
};
