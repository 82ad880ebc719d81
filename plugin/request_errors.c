/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request_errors.h"

#include <errno.h>

static const char not_permanent[] = "\"permanent\" is not possible: " DH_ROOMS_FILE;

void dh_request_fail_limit(struct dh_request *request, const char *option, int64_t limit)
{
	dh_request_fail(request, DH_ERROR_LIMIT, "%s is reached (%lld)", option, (long long)limit);
}

void dh_request_fail_no_room(struct dh_request *request, const char *id)
{
	if (dh_room_file_hides(request->instance->room_file, id))
		dh_request_fail(request, DH_ERROR_NO_ROOM,
			"No such room (%s), as long as " DH_ROOMS_FILE " cannot be read; the log says why", id);
	else
		dh_request_fail(request, DH_ERROR_NO_ROOM, "No such room (%s)", id);
}

void dh_request_fail_room(struct dh_request *request, int err)
{
	switch (-err) {
	case ECANCELED:
	case ENOENT:
		dh_request_fail(request, DH_ERROR_NO_ROOM, "No such room (it was destroyed meanwhile)");
		break;
	case ETIMEDOUT:
		dh_request_fail(request, DH_ERROR_INTERNAL, "The room does not answer; nothing has changed");
		break;
	case ENOBUFS:
		dh_request_fail(request, DH_ERROR_LIMIT, "max_rooms is reached (%lld), in " DH_ROOMS_FILE,
			(long long)request->instance->config->max_rooms);
		break;
	case EBADMSG:
		dh_request_fail(request, DH_ERROR_PERMANENT, "%s cannot be read, the log says why", not_permanent);
		break;
	case EACCES:
	case EROFS:
	case ENOSPC:
	case EIO:
		dh_request_fail(request, DH_ERROR_PERMANENT, "%s cannot be written (%s)", not_permanent,
			g_strerror(-err));
		break;
	default:
		dh_request_fail(request, DH_ERROR_INTERNAL, "Internal error: %s", g_strerror(-err));
	}
}

void dh_request_finish(struct dh_request *request, int err, const char *name, json_t *more)
{
	if (!err) {
		dh_request_answer(request, name, more);
		return;
	}
	dh_request_fail_room(request, err);
	json_decref(more);
}
