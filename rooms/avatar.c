/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "avatar.h"

#include <errno.h>
#include <stdatomic.h>

#include "avatar_clips.h"
#include "avatar_pictures.h"
#include "ingest/log.h"
#include "prepared_clip.h"

/* The delay before a retry, doubled after each further failure in a row: the file may
 * appear, or the machine recover. */
#define RETRY_MIN_MS 2000
#define RETRY_MAX_MS 60000

/* A room that uses it. */
struct room {
	const struct dh_avatar_listener *listener;
	void *arg; /* a reference */
};

struct dh_avatar {
	/* immutable */
	const struct dh_avatar_config *config;
	struct dh_io *io;
	struct dh_ingest *ingest;
	/* enum dh_avatar_state; read atomically, so that rooms' threads never wait for
	 * the lock; written under the lock */
	atomic_int state;
	/* protected by lock */
	GMutex lock;
	bool is_trying;
	char *error;   /* why the last attempt failed; NULL: it did not */
	GArray *rooms; /* struct room */
	/* owner: the I/O thread while preparing, immutable when ready */
	struct dh_subscription *subscription;
	struct dh_prepared_clip clip;
	struct dh_avatar_clips *clips;
	struct dh_avatar_pictures *pictures;
	/* owner: the I/O thread */
	GSource *retry; /* NULL before the first failure */
	int failures;   /* in a row */
};

static void room_clear(gpointer data)
{
	const struct room *room = data;
	room->listener->unref(room->arg);
}

static GArray *rooms_new(void)
{
	GArray *rooms = g_array_new(FALSE, FALSE, sizeof(struct room));

	g_array_set_clear_func(rooms, room_clear);
	return rooms;
}

static void add_room(GArray *rooms, const struct room *room)
{
	struct room copy = { room->listener, room->listener->ref(room->arg) };

	g_array_append_val(rooms, copy);
}

struct dh_avatar *dh_avatar_new(const struct dh_avatar_config *config, struct dh_io *io, struct dh_ingest *ingest)
{
	struct dh_avatar *avatar = g_new0(struct dh_avatar, 1);

	avatar->config = config;
	avatar->io = io;
	avatar->ingest = ingest;
	g_mutex_init(&avatar->lock);
	avatar->rooms = rooms_new();
	dh_prepared_clip_init(&avatar->clip);
	avatar->pictures = dh_avatar_pictures_new(config, ingest);
	avatar->clips = dh_avatar_clips_new(config, ingest);
	return avatar;
}

/* In the I/O thread: drops what was prepared so far. */
static void drop_media(void *arg)
{
	struct dh_avatar *avatar = arg;

	if (avatar->subscription)
		dh_ingest_unsubscribe(&avatar->subscription);
	dh_avatar_clips_stop(avatar->clips);
	dh_prepared_clip_reset(&avatar->clip);
	dh_avatar_pictures_stop(avatar->pictures);
}

static void stop(void *arg)
{
	struct dh_avatar *avatar = arg;

	dh_io_drop(&avatar->retry);
	drop_media(avatar);
}

void dh_avatar_free(struct dh_avatar **out)
{
	struct dh_avatar *avatar = *out;

	if (!avatar)
		return;
	dh_io_call(avatar->io, stop, avatar);
	dh_prepared_clip_clear(&avatar->clip);
	dh_avatar_clips_free(&avatar->clips);
	dh_avatar_pictures_free(&avatar->pictures);
	g_array_free(avatar->rooms, TRUE);
	g_mutex_clear(&avatar->lock);
	g_free(avatar->error);
	g_free(avatar);
	*out = NULL;
}

/* --- preparing */

static void prepare(void *arg);

/* Call it with the lock held. True if the caller must prepare the avatar: it is not
 * ready, and no attempt is under way. */
static bool begin(struct dh_avatar *avatar)
{
	bool begins = dh_avatar_state(avatar) != DH_AVATAR_READY && !avatar->is_trying;

	avatar->is_trying |= begins;
	return begins;
}

static gboolean try_again(gpointer arg)
{
	struct dh_avatar *avatar = arg;

	g_mutex_lock(&avatar->lock);
	bool begins = avatar->rooms->len > 0 && begin(avatar); /* without rooms, the next one to join starts */
	g_mutex_unlock(&avatar->lock);
	if (begins)
		prepare(avatar);
	return G_SOURCE_CONTINUE;
}

static void retry_later(struct dh_avatar *avatar)
{
	if (!avatar->retry)
		avatar->retry = dh_io_timer(avatar->io, try_again, avatar);
	dh_io_timer_set(avatar->retry, MIN(RETRY_MIN_MS << MIN(avatar->failures, 10), RETRY_MAX_MS));
	avatar->failures++;
}

/* Publishes the result of an attempt and notifies the rooms, without the lock. Does not
 * log the same reason twice. */
static void finish(struct dh_avatar *avatar, const char *error)
{
	GArray *rooms = rooms_new();

	g_mutex_lock(&avatar->lock);
	bool is_new = g_strcmp0(error, avatar->error) != 0;
	atomic_store(&avatar->state, error ? DH_AVATAR_FAILED : DH_AVATAR_READY);
	avatar->is_trying = false;
	g_free(avatar->error);
	avatar->error = g_strdup(error);
	for (guint i = 0; i < avatar->rooms->len; i++)
		add_room(rooms, &g_array_index(avatar->rooms, struct room, i));
	g_mutex_unlock(&avatar->lock);
	if (error && is_new)
		dh_log(DH_LOG_ERROR, "avatar %s cannot be prepared: %s", avatar->config->name, error);
	else if (!error)
		dh_log(DH_LOG_INFO, "avatar %s is ready: %u pictures", avatar->config->name, avatar->clip.units->len);
	if (error)
		retry_later(avatar);
	for (guint i = 0; i < rooms->len; i++) {
		const struct room *room = &g_array_index(rooms, struct room, i);
		room->listener->changed(room->arg);
	}
	g_array_free(rooms, TRUE);
}

static void on_head(void *arg, const struct dh_stream_head *head)
{
	dh_prepared_clip_head(&((struct dh_avatar *)arg)->clip, head);
}

static void on_anchor(void *arg, struct dh_unit *anchor)
{
	dh_prepared_clip_anchor(&((struct dh_avatar *)arg)->clip, anchor);
}

static void on_picture(void *arg, GBytes *i420)
{
	((struct dh_avatar *)arg)->clip.picture = g_bytes_ref(i420);
}

static void on_units(void *arg, struct dh_unit *const *units, size_t count)
{
	dh_prepared_clip_units(&((struct dh_avatar *)arg)->clip, units, count);
}

static void all_ready(void *arg)
{
	finish(arg, NULL);
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_avatar *avatar = arg;
	const char *error = dh_prepared_clip_check(&avatar->clip, avatar->config);
	const struct dh_avatar_look look = { .anchor = avatar->clip.anchor,
		.picture = avatar->clip.picture,
		.frame = avatar->clip.frame,
		.background = dh_avatar_pictures_background(avatar->pictures),
		.mark = dh_avatar_pictures_mark(avatar->pictures) };

	(void)end; /* the units tell its length */
	if (error)
		finish(avatar, error);
	else
		dh_avatar_clips_start(avatar->clips, &look, all_ready, avatar);
}

static void on_failure(void *arg, int code, const char *text)
{
	(void)code;
	finish(arg, text);
}

static const struct dh_ingest_listener ingest_listener = {
	.head = on_head,
	.anchor = on_anchor,
	.picture = on_picture,
	.units = on_units,
	.end = on_end,
	.failure = on_failure,
};

static void prepare_clip(struct dh_avatar *avatar)
{
	const struct dh_avatar_config *config = avatar->config;
	struct dh_ingest_source source;

	dh_avatar_source(config, config->idle ? DH_INGEST_IDLE : DH_INGEST_PORTRAIT, &source);
	source.background_picture = dh_avatar_pictures_background(avatar->pictures);
	source.mark_picture = dh_avatar_pictures_mark(avatar->pictures);
	int err = dh_ingest_subscribe(avatar->ingest, &source, &ingest_listener, avatar, &avatar->subscription);
	if (err)
		finish(avatar, g_strerror(-err));
}

static void pictures_are_there(void *arg, const char *error)
{
	if (error)
		finish(arg, error);
	else
		prepare_clip(arg);
}

/* In the I/O thread. */
static void prepare(void *arg)
{
	struct dh_avatar *avatar = arg;

	if (avatar->retry)
		dh_io_timer_set(avatar->retry, -1);
	drop_media(avatar);
	dh_avatar_pictures_start(avatar->pictures, pictures_are_there, avatar);
}

/* --- rooms */

const struct dh_avatar_config *dh_avatar_get_config(const struct dh_avatar *avatar)
{
	return avatar->config;
}

void dh_avatar_join(struct dh_avatar *avatar, const struct dh_avatar_listener *listener, void *arg)
{
	g_mutex_lock(&avatar->lock);
	add_room(avatar->rooms, &(struct room){ listener, arg });
	bool ready = dh_avatar_state(avatar) == DH_AVATAR_READY;
	bool begins = begin(avatar);
	g_mutex_unlock(&avatar->lock);
	if (begins)
		dh_io_post(avatar->io, prepare, avatar);
	if (ready)
		listener->changed(arg);
}

void dh_avatar_leave(struct dh_avatar *avatar, void *arg)
{
	struct room left = { NULL, NULL };

	g_mutex_lock(&avatar->lock);
	for (guint i = 0; i < avatar->rooms->len && !left.arg; i++) {
		if (g_array_index(avatar->rooms, struct room, i).arg != arg)
			continue;
		left = g_array_index(avatar->rooms, struct room, i);
		left.listener->ref(arg); /* the last reference must not be dropped with the lock held */
		g_array_remove_index_fast(avatar->rooms, i);
	}
	g_mutex_unlock(&avatar->lock);
	if (left.arg)
		left.listener->unref(arg);
}

enum dh_avatar_state dh_avatar_state(const struct dh_avatar *avatar)
{
	return (enum dh_avatar_state)atomic_load(&avatar->state);
}

char *dh_avatar_error(struct dh_avatar *avatar)
{
	g_mutex_lock(&avatar->lock);
	char *error = g_strdup(avatar->error);
	g_mutex_unlock(&avatar->lock);
	return error;
}

GBytes *dh_avatar_background(const struct dh_avatar *avatar)
{
	return dh_avatar_state(avatar) == DH_AVATAR_READY ? dh_avatar_pictures_background(avatar->pictures) : NULL;
}

GBytes *dh_avatar_mark(const struct dh_avatar *avatar)
{
	return dh_avatar_state(avatar) == DH_AVATAR_READY ? dh_avatar_pictures_mark(avatar->pictures) : NULL;
}

GBytes *dh_avatar_picture(const struct dh_avatar *avatar)
{
	return dh_avatar_state(avatar) == DH_AVATAR_READY ? avatar->clip.picture : NULL;
}

GBytes *dh_avatar_frame(const struct dh_avatar *avatar)
{
	return dh_avatar_state(avatar) == DH_AVATAR_READY ? avatar->clip.frame : NULL;
}

void dh_avatar_look(const void *arg, int64_t position_ticks, uint8_t *luma)
{
	const struct dh_avatar *avatar = arg;

	dh_prepared_clip_look(&avatar->clip, position_ticks, luma);
}

int dh_avatar_clip(const struct dh_avatar *avatar, struct dh_segment **out)
{
	return dh_avatar_state(avatar) == DH_AVATAR_READY ? dh_prepared_clip_segment(&avatar->clip, out) : -EAGAIN;
}

int dh_avatar_stance_clip(const struct dh_avatar *avatar, enum dh_stance stance, struct dh_segment **out)
{
	return dh_avatar_state(avatar) == DH_AVATAR_READY ? dh_avatar_clips_segment(avatar->clips, stance, out) :
							    -EAGAIN;
}
