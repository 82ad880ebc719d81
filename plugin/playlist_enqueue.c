/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist_enqueue.h"

#include <errno.h>

#include "enqueue.h"

/* By an error of dh_ingest_find. Of those that are not listed it is not known whether they last. */
static enum dh_player_refusal refusal_of_file(int err)
{
	switch (-err) {
	case EMFILE:
		return DH_PLAYER_NOT_NOW;
	case ENOENT:
		return DH_PLAYER_MISSING;
	case EACCES:
	case EFBIG:
	case EINVAL:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case ENOSYS:
	case ENXIO:
	case EOVERFLOW:
	case EPERM:
	case EXDEV:
		return DH_PLAYER_BAD;
	default:
		return DH_PLAYER_NO_DISK;
	}
}

static enum dh_player_refusal refusal_of(const struct dh_request *request)
{
	if (request->file_err)
		return refusal_of_file(request->file_err);
	return request->error_code == DH_ERROR_FILE || request->error_code == DH_ERROR_VALUE ? DH_PLAYER_BAD :
											       DH_PLAYER_NOT_NOW;
}

static char *enqueue(void *arg, struct dh_room *room, json_t *body, const struct dh_feed_audience *audience,
	char **error, enum dh_player_refusal *refusal)
{
	struct dh_request *request = dh_request_new(arg, NULL, NULL, body, NULL);

	request->room = dh_room_ref(room);
	request->is_trusted = true;
	dh_enqueue_file(request, audience);
	char *segment = g_strdup(json_string_value(json_object_get(request->reply, "segment")));
	*error = g_strdup(request->error);
	*refusal = refusal_of(request);
	dh_request_free(&request);
	return segment;
}

struct dh_player_host dh_playlist_host(struct dh_instance *instance)
{
	return (struct dh_player_host){
		.arg = instance,
		.ingest = instance->ingest,
		.folders = instance->config->segments_folders,
		.enqueue = enqueue,
	};
}
