/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist_enqueue.h"

#include "enqueue.h"

static char *enqueue(void *arg, struct dh_room *room, json_t *body, const struct dh_feed_audience *audience,
	char **error, bool *has_no_file)
{
	struct dh_request *request = dh_request_new(arg, NULL, NULL, body, NULL);

	request->room = dh_room_ref(room);
	request->is_trusted = true;
	dh_enqueue_file(request, audience);
	char *segment = g_strdup(json_string_value(json_object_get(request->reply, "segment")));
	*error = g_strdup(request->error);
	*has_no_file = request->error_code == DH_ERROR_FILE;
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
