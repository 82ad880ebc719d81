/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/room_rig.h"

struct room_rig rig;

/* --- a gateway */

static void *handle_ref(void *arg)
{
	atomic_fetch_add(&rig.refs_taken, 1);
	atomic_fetch_add(&((struct room_rig_handle *)arg)->refs, 1);
	return arg;
}

static void handle_unref(void *arg)
{
	atomic_fetch_sub(&((struct room_rig_handle *)arg)->refs, 1);
}

static void relay(void *handle, enum dh_media media, int mindex, const uint8_t *rtp, size_t size,
	const struct dh_extensions *extensions)
{
	(void)handle;
	(void)media;
	(void)mindex;
	(void)rtp;
	(void)size;
	(void)extensions;
}

/* Takes ownership. */
static void note_text(const struct room_rig_handle *to, bool is_data, char *text)
{
	const struct room_rig_text sent = { (int)(to - rig.handles), is_data, text };

	pthread_mutex_lock(&rig.lock);
	g_array_append_val(rig.texts, sent);
	pthread_mutex_unlock(&rig.lock);
}

static void data(void *handle, const char *text, size_t size)
{
	note_text(handle, true, g_strndup(text, size));
}

static void note(GArray *list, GPtrArray *handles, json_t *event)
{
	const struct room_rig_event sent = { handles, event };

	pthread_mutex_lock(&rig.lock);
	g_array_append_val(list, sent);
	pthread_mutex_unlock(&rig.lock);
}

static void push(void *arg, void *to, json_t *event)
{
	const char *status = json_string_value(json_object_get(json_object_get(event, "result"), "status"));
	struct room_rig_handle *handle = to;

	(void)arg;
	pthread_mutex_lock(&rig.lock);
	if (status)
		g_strlcpy(handle->status, status, sizeof handle->status);
	handle->sent_before = rig.sent->len;
	pthread_mutex_unlock(&rig.lock);
	if (!status)
		note_text(handle, false, json_dumps(event, JSON_COMPACT));
	json_decref(event);
}

static void broadcast(void *arg, GPtrArray *handles, json_t *event)
{
	(void)arg;
	usleep((useconds_t)atomic_load(&rig.pause_us));
	note(rig.sent, handles, event);
}

static bool has_event_handlers(void *arg)
{
	(void)arg;
	return atomic_load(&rig.has_event_handlers);
}

static void notify(void *arg, void *handle, json_t *event)
{
	(void)arg;
	(void)handle;
	note(rig.notified, NULL, event);
}

/* As a session does, it drops the reference with which it held its member. */
static void dismiss(void *arg, void *handle, struct dh_member *member, json_t *event)
{
	if (!atomic_compare_exchange_strong(&((struct room_rig_handle *)handle)->holds, &(int){ 1 }, 0)) {
		json_decref(event);
		return;
	}
	if (event)
		push(arg, handle, event);
	dh_member_unref(&member);
}

static const struct dh_host host = {
	.handle_ref = handle_ref,
	.handle_unref = handle_unref,
	.relay = relay,
	.data = data,
	.push = push,
	.broadcast = broadcast,
	.has_event_handlers = has_event_handlers,
	.notify = notify,
	.dismiss = dismiss,
};

static void sent_clear(gpointer data)
{
	struct room_rig_event *sent = data;

	if (sent->handles)
		g_ptr_array_unref(sent->handles);
	json_decref(sent->event);
}

static void text_clear(gpointer data)
{
	free(((struct room_rig_text *)data)->text);
}

static void open_gateway(void)
{
	rig.texts = g_array_new(FALSE, FALSE, sizeof(struct room_rig_text));
	g_array_set_clear_func(rig.texts, text_clear);
	rig.sent = g_array_new(FALSE, FALSE, sizeof(struct room_rig_event));
	rig.notified = g_array_new(FALSE, FALSE, sizeof(struct room_rig_event));
	g_array_set_clear_func(rig.sent, sent_clear);
	g_array_set_clear_func(rig.notified, sent_clear);
	atomic_store(&rig.has_event_handlers, 0);
}

void room_rig_forget(void)
{
	pthread_mutex_lock(&rig.lock);
	g_array_set_size(rig.sent, 0);
	g_array_set_size(rig.texts, 0);
	g_array_set_size(rig.notified, 0);
	pthread_mutex_unlock(&rig.lock);
	atomic_store(&rig.refs_taken, 0);
	atomic_store(&rig.room_allocations, 0);
	atomic_store(&rig.freed, 0);
}

static void close_gateway(void)
{
	g_array_free(rig.sent, TRUE);
	g_array_free(rig.texts, TRUE);
	g_array_free(rig.notified, TRUE);
	pthread_mutex_destroy(&rig.lock);
}

/* --- a room */

void room_rig_open(int64_t watch_timeout_ms)
{
	struct dh_room_context context = { .host = &host,
		.events = true,
		.watch_timeout_ms = watch_timeout_ms,
		.max_queue = 10000,
		.max_queue_ms = 3600000,
		.hold_s = 60,
		.max_queue_mb = 100 };
	struct dh_settings *settings = dh_settings_new(&(struct dh_settings){ .description = "a room" });
	static const char script[] = "hang 1";

	memset(&rig, 0, sizeof rig);
	pthread_mutex_init(&rig.lock, NULL);
	open_gateway();
	ingest_fixture_init(&rig.fixture);
	ingest_fixture_open(&rig.fixture);
	ingest_fixture_file(&rig.fixture, "idle", script, strlen(script));
	rig.config = (struct dh_avatar_config){ .name = "a", .width = 16, .height = 16, .kbps = 100, .entry_ms = 500 };
	rig.config.idle = g_build_filename(rig.fixture.folder, "idle", NULL);
	rig.avatar = dh_avatar_new(&rig.config, rig.fixture.io, rig.fixture.ingest);
	const struct dh_room_facts facts = { .id = "1", .avatar = rig.avatar };
	context.ingest = rig.fixture.ingest;
	CHECK_INT(dh_room_alloc(&rig.room, &context, &facts, settings), 0);
	dh_settings_unref(&settings);
}

void room_rig_leave(int i)
{
	struct dh_member *member = rig.members[i];

	rig.members[i] = NULL;
	if (!atomic_compare_exchange_strong(&rig.handles[i].holds, &(int){ 1 }, 0))
		return; /* it was dismissed */
	dh_room_member_leave(member);
	dh_member_unref(&member);
}

void room_rig_close(void)
{
	for (int i = 0; i < ROOM_RIG_MEMBERS; i++)
		room_rig_leave(i);
	dh_room_close(rig.room);
	CHECK_INT(dh_room_viewer_count(rig.room) + dh_room_observer_count(rig.room), 0);
	dh_room_unref(&rig.room);
	close_gateway();
	for (int i = 0; i < ROOM_RIG_MEMBERS; i++)
		CHECK_INT(rig.handles[i].refs, 0);
	CHECK_INT(rig.counts.viewers + rig.counts.observers, 0);
	dh_avatar_free(&rig.avatar);
	ingest_fixture_close(&rig.fixture);
	g_free(rig.config.idle);
}

void room_rig_join(int i, enum dh_member_kind kind)
{
	rig.members[i] = dh_room_member_new(rig.room, &rig.handles[i], kind, &rig.counts);
	atomic_store(&rig.handles[i].holds, 1);
	dh_room_member_attach(rig.members[i]);
}

void room_rig_connect(int i)
{
	dh_room_member_answered(rig.members[i]);
	dh_room_member_up(rig.members[i], 0);
}

void room_rig_join_many(int count)
{
	for (int i = 0; i < count; i++)
		room_rig_join(i, DH_MEMBER_VIEWER);
}

json_t *room_rig_stats(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_stats(rig.room, 0, &reply), 0);
	return reply;
}

void room_rig_flush(void)
{
	json_decref(room_rig_stats());
}

void room_rig_enqueue(const char *name, const struct dh_feed_speech *speech)
{
	const struct dh_feed_context context = { .io = rig.fixture.io, .ingest = rig.fixture.ingest };
	const struct dh_feed_owner owner = dh_room_feed_owner(rig.room);
	struct dh_ingest_source source;
	json_t *reply = NULL;

	dh_ingest_source_init(&source);
	if (!speech) {
		source.count = 1;
		source.names[0] = "segment";
		source.folders[0] = rig.fixture.folder;
		ingest_fixture_file(&rig.fixture, "segment", "good 5", 6);
	}
	struct dh_feed *feed = dh_feed_new(&context, &owner, name, NULL, &source, speech, NULL);
	struct dh_segment_request request;
	dh_segment_request_init(&request);
	CHECK_INT(dh_room_enqueue(rig.room, feed, &request, &reply), 0);
	dh_feed_unref(&feed);
	json_decref(reply);
}
