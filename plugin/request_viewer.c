/* stats, kick, kick_all: a room's viewers, for who has its secret */
#include "request.h"

#include <errno.h>

typedef int room_fn(struct dh_room *room, guint viewer, json_t **reply);

static guint viewer_of(const struct dh_request *request)
{
	return (guint)json_integer_value(json_object_get(request->body, "viewer"));
}

/* Asks the room about one viewer, or all (0), and answers `name`. */
static void ask_room(struct dh_request *request, room_fn *ask, guint viewer, const char *name)
{
	struct dh_room *room = dh_request_own_room(request);
	json_t *reply = NULL;

	if (!room)
		return;
	int error = ask(room, viewer, &reply);
	if (error == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_VIEWER, "No such viewer (%u)", viewer);
	else if (error)
		dh_request_fail_room(request, error);
	else
		request->reply = dh_request_answer(name, room, reply);
	dh_room_unref(room);
}

static void handle_stats(struct dh_request *request)
{
	ask_room(request, dh_room_stats, viewer_of(request), "stats");
}

static void handle_kick(struct dh_request *request)
{
	ask_room(request, dh_room_kick, viewer_of(request), "kicked");
}

static void handle_kick_all(struct dh_request *request)
{
	ask_room(request, dh_room_kick, 0, "kicked_all");
}

static const struct dh_field stats_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "viewer", DH_FIELD_VIEWER, FALSE, 0 },
	DH_FIELD_END,
};

static const struct dh_field kick_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "viewer", DH_FIELD_VIEWER, TRUE, 0 },
	DH_FIELD_END,
};

static const struct dh_field kick_all_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_viewer_requests[] = {
	{ "stats", FALSE, stats_fields, handle_stats },
	{ "kick", FALSE, kick_fields, handle_kick },
	{ "kick_all", FALSE, kick_all_fields, handle_kick_all },
	{ NULL, FALSE, NULL, NULL },
};
