/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pusher.h"

#include <errno.h>
#include <string.h>

#include "enqueue.h"
#include "playout/timebase.h"
#include "request_cut.h"
#include "request_errors.h"
#include "request_fields.h"
#include "request_mark.h"
#include "rooms/avatar_export.h"
#include "rooms/room_id.h"

#define PROGRESS_MS     200 /* unless the line says otherwise */
#define PROGRESS_MS_MIN 20
#define PROGRESS_MS_MAX 10000
#define WANT_MS         200 /* of what plays, between two `want` */

struct dh_pusher *dh_pusher_new(struct dh_instance *instance, struct dh_push_tokens *tokens,
	struct dh_push_places *segments, struct dh_push_places *askers, struct dh_push *push)
{
	struct dh_pusher *pusher = g_new0(struct dh_pusher, 1);

	atomic_init(&pusher->refs, 1);
	pusher->instance = instance;
	pusher->tokens = tokens;
	dh_pusher_places_init(&pusher->places, segments, askers);
	pusher->push = dh_push_ref(push);
	return pusher;
}

struct dh_pusher *dh_pusher_ref(struct dh_pusher *pusher)
{
	atomic_fetch_add(&pusher->refs, 1);
	return pusher;
}

void dh_pusher_unref(struct dh_pusher **pusher)
{
	struct dh_pusher *old = *pusher;

	*pusher = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	dh_push_unref(&old->push);
	dh_pusher_places_clear(&old->places);
	g_free(old->authorized);
	g_free(old);
}

json_t *dh_pusher_refusal(const char *limit)
{
	char *text = g_strdup_printf("A limit is reached: %s", limit);
	json_t *line = json_pack("{s:s, s:i, s:s}", "digitalhuman", "event", "error_code", DH_ERROR_LIMIT, "error",
		text);

	g_free(text);
	return line;
}

/* --- what becomes of its segment; the room's thread */

static void on_event(void *arg, json_t *event, bool is_last)
{
	struct dh_pusher *pusher = arg;

	atomic_store(&pusher->is_queued, true);
	if (is_last)
		dh_pusher_places_ended(&pusher->places);
	if (is_last)
		dh_push_end(pusher->push, event);
	else
		dh_push_say(pusher->push, event);
}

static void say_want(struct dh_pusher *pusher, int64_t ticks)
{
	dh_push_say(pusher->push, json_pack("{s:s, s:I}", "event", "want", "ms", (json_int_t)dh_ms_from_ticks(ticks)));
}

static void on_progress(void *arg, const char *segment, int64_t played_ticks, int64_t wanted_ticks)
{
	struct dh_pusher *pusher = arg;

	if (pusher->progress_ticks > 0 && played_ticks >= pusher->told_ticks + pusher->progress_ticks) {
		pusher->told_ticks = played_ticks;
		dh_push_say(pusher->push,
			json_pack("{s:s, s:s, s:I}", "event", "progress", "segment", segment, "played_ms",
				(json_int_t)dh_ms_from_ticks(played_ticks)));
	}
	/* Also the same number again: the generator has counted down from the last one. */
	if (wanted_ticks >= 0 && played_ticks >= pusher->want_told_ticks + WANT_MS * DH_TICKS_PER_MS) {
		pusher->want_told_ticks = played_ticks;
		say_want(pusher, wanted_ticks);
	}
}

/* If the segment's end has been reported, nothing happens. */
static void on_gone(void *arg)
{
	struct dh_pusher *pusher = arg;

	if (atomic_load(&pusher->is_queued))
		dh_push_end(pusher->push, NULL);
	dh_pusher_places_ended(&pusher->places);
	dh_pusher_unref(&pusher);
}

/* --- authority */

static void check_token(struct dh_pusher *pusher, struct dh_request *request, const char *secret)
{
	const char *token = dh_request_text(request, "token"), *room = dh_room_facts(request->room)->id;

	if (!token) {
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (missing \"token\")");
		return;
	}
	switch (dh_push_token_use(pusher->tokens, token, secret, room, g_get_real_time() / G_USEC_PER_SEC)) {
	case 0:
		break;
	case -ETIME:
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED,
			"Unauthorized (\"token\" has expired, or expires more than %d s from now)",
			DH_PUSH_TOKEN_MAX_S);
		break;
	case -EALREADY:
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (\"token\" was used before)");
		break;
	case -ENOBUFS:
		dh_request_fail(request, DH_ERROR_LIMIT,
			"Too many tokens of this room have been used that have not expired");
		break;
	default:
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (wrong \"token\")");
	}
}

static void authorize(struct dh_pusher *pusher, struct dh_request *request)
{
	bool string_ids = pusher->instance->config->string_ids != 0;
	char *id = dh_room_id_from_json(json_object_get(request->body, "room"), string_ids);

	request->room = dh_instance_room(pusher->instance, id);
	if (!request->room)
		dh_request_fail_no_room(request, id);
	else if (g_strcmp0(pusher->authorized, id) != 0) {
		struct dh_settings *settings = dh_room_settings(request->room);
		if (settings->secret)
			check_token(pusher, request, settings->secret);
		dh_settings_unref(&settings);
	}
	if (!request->error_code) {
		g_free(pusher->authorized);
		pusher->authorized = g_strdup(id);
		request->is_trusted = true;
	}
	g_free(id);
}

void dh_pusher_closed(struct dh_pusher *pusher)
{
	dh_pusher_places_close(&pusher->places);
}

/* --- places */

static void check_place(struct dh_request *request, int err, const char *kind)
{
	if (err == -ENOTCONN)
		dh_request_fail(request, DH_ERROR_STATE, "The connection has ended");
	else if (err)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_pushes_per_room is reached (%lld): %s",
			(long long)request->instance->config->max_pushes_per_room, kind);
}

static void take_asking_place(struct dh_pusher *pusher, struct dh_request *request)
{
	const char *room = dh_room_facts(request->room)->id;

	check_place(request, dh_pusher_places_ask(&pusher->places, room), "too many connections ask");
}

static void take_segment_place(struct dh_pusher *pusher, struct dh_request *request)
{
	const char *room = dh_room_facts(request->room)->id;

	check_place(request, dh_pusher_places_push(&pusher->places, room), "too many pushed segments have not ended");
}

/* --- questions */

static void answer_info(struct dh_pusher *pusher, struct dh_request *request)
{
	const struct dh_avatar_config *avatar = dh_avatar_get_config(dh_room_facts(request->room)->avatar);
	struct dh_ingest_source defaults;
	json_t *scene = NULL;

	dh_ingest_source_init(&defaults);
	if (dh_room_scene(request->room, &scene)) /* it does not answer, or has ended */
		scene = json_object();
	json_t *room = dh_room_info(request->room, false);
	json_t *info = json_pack("{s:o, s:I, s:i, s:I, s:i, s:s, s:I, s:O, s:o}", "room",
		dh_room_id_json(request->room), "kbps", (json_int_t)avatar->kbps, "audio_kbps", defaults.audio_kbps,
		"entry_ms", (json_int_t)avatar->entry_ms, "fps_max", defaults.fps_max, "background",
		dh_avatar_background_name(avatar), "ahead_ms", (json_int_t)pusher->instance->config->ahead_ms, "state",
		json_object_get(room, "state"), "scene", scene);
	if (avatar->kbps_2)
		json_object_set_new(info, "kbps_2", json_integer(avatar->kbps_2));
	if (avatar->kbps_3)
		json_object_set_new(info, "kbps_3", json_integer(avatar->kbps_3));
	if (avatar->temporal)
		json_object_set_new(info, "temporal", json_true());
	dh_avatar_describe(avatar, info);
	dh_push_say(pusher->push, json_pack("{s:o}", "info", info));
	json_decref(room);
}

static void answer_anchor(struct dh_pusher *pusher, struct dh_request *request)
{
	GBytes *bytes = dh_avatar_export(dh_room_facts(request->room)->avatar);

	if (!bytes) {
		dh_request_fail(request, DH_ERROR_STATE, "The avatar is not ready");
		return;
	}
	dh_push_say(pusher->push, json_pack("{s:{s:I}}", "anchor", "bytes", (json_int_t)g_bytes_get_size(bytes)));
	dh_push_send(pusher->push, bytes);
	g_bytes_unref(bytes);
}

static void answer_interrupt(struct dh_pusher *pusher, struct dh_request *request)
{
	json_t *reply = NULL;

	dh_request_cut(request, &reply);
	if (!request->error_code)
		dh_push_say(pusher->push, json_pack("{s:o}", "interrupt", reply));
}

static void answer_mark(struct dh_pusher *pusher, struct dh_request *request)
{
	json_t *reply = NULL;

	dh_request_mark(request, &reply);
	if (!request->error_code)
		dh_push_say(pusher->push, json_pack("{s:o}", "mark", reply));
}

static void answer(struct dh_pusher *pusher, struct dh_request *request, const char *name)
{
	if (!strcmp(name, "info"))
		answer_info(pusher, request);
	else if (!strcmp(name, "anchor"))
		answer_anchor(pusher, request);
	else if (!strcmp(name, "interrupt"))
		answer_interrupt(pusher, request);
	else if (!strcmp(name, "mark"))
		answer_mark(pusher, request);
	else
		dh_request_fail(request, DH_ERROR_REQUEST,
			"Unknown request: \"info\", \"anchor\", \"interrupt\" or \"mark\" is expected");
	if (!request->error_code)
		dh_push_next(pusher->push);
}

/* --- the segment */

static int64_t progress_ms(struct dh_request *request)
{
	const json_t *value = json_object_get(request->body, "progress_ms");
	json_int_t ms = value ? json_integer_value(value) : PROGRESS_MS;

	if (value && (!json_is_integer(value) || (ms != 0 && (ms < PROGRESS_MS_MIN || ms > PROGRESS_MS_MAX))))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"progress_ms\": 0, or %d to %d is expected",
			PROGRESS_MS_MIN, PROGRESS_MS_MAX);
	return request->error_code ? 0 : ms;
}

/* How often on_progress is called: twice for each `want`, so that it adds little to the distance asked for. */
static int64_t look_ticks(int64_t progress_ticks)
{
	int64_t most_ticks = WANT_MS / 2 * DH_TICKS_PER_MS;

	return progress_ticks > 0 ? MIN(progress_ticks, most_ticks) : most_ticks;
}

/* The descriptor that they come from. */
static int take_media(struct dh_pusher *pusher, struct dh_request *request)
{
	int fd = dh_push_take(pusher->push);

	if (fd == -ENOTCONN)
		dh_request_fail(request, DH_ERROR_STATE, "The connection has ended");
	else if (fd < 0)
		dh_request_fail(request, DH_ERROR_LIMIT, "The gateway cannot read the connection: %s", g_strerror(-fd));
	if (fd < 0)
		dh_pusher_places_ended(&pusher->places);
	return fd;
}

static void begin_segment(struct dh_pusher *pusher, struct dh_request *request)
{
	const char *text = dh_request_text(request, "text");
	char *name = text ? dh_enqueue_name(text) : g_strdup_printf("from %s", dh_push_peer(pusher->push));
	int64_t progress_ticks = progress_ms(request) * DH_TICKS_PER_MS;
	const struct dh_feed_audience audience = {
		.arg = pusher,
		.progress_ticks = look_ticks(progress_ticks),
		.event = on_event,
		.progress = on_progress,
		.gone = on_gone,
	};
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	source.names[0] = name;
	source.count = 1;
	if (!request->error_code && dh_enqueue_is_admitted(request))
		take_segment_place(pusher, request);
	if (!request->error_code)
		source.fds[0] = take_media(pusher, request);
	if (!request->error_code) {
		dh_pusher_ref(pusher);
		pusher->progress_ticks = progress_ticks;
		dh_enqueue(request, name, &source, NULL, &audience);
		if (!request->error_code)
			say_want(pusher, pusher->instance->config->ahead_ms * DH_TICKS_PER_MS);
	}
	g_free(name);
}

/* --- lines */

static const struct dh_field fields[] = {
	{ "room", DH_FIELD_ROOM, true, 0 },
	{ "token", DH_FIELD_TEXT, false, DH_PUSH_TOKEN_MAX },
	{ "request", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "text", DH_FIELD_PROSE, false, 0 },
	DH_CUT_FIELDS,
	DH_ENQUEUE_FIELDS,
	DH_FIELD_END,
};

static void handle(struct dh_pusher *pusher, struct dh_request *request)
{
	if (!json_is_object(request->body)) {
		dh_request_fail(request, DH_ERROR_JSON, "Not a JSON object");
		return;
	}
	dh_request_check_size(request);
	dh_request_check_fields(request, fields);
	if (!request->error_code)
		authorize(pusher, request);
	if (request->error_code)
		return;
	const char *name = dh_request_text(request, "request");
	if (name)
		take_asking_place(pusher, request);
	if (name && !request->error_code)
		answer(pusher, request, name);
	else if (!name)
		begin_segment(pusher, request);
}

void dh_pusher_line(struct dh_pusher *pusher, const char *line, size_t size)
{
	struct dh_request *request = dh_request_new(pusher->instance, NULL, NULL, json_loadb(line, size, 0, NULL),
		NULL);

	handle(pusher, request);
	if (request->error_code)
		dh_push_end(pusher->push, dh_request_error(request));
	dh_request_free(&request);
}
