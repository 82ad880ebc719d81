/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playlist_player.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "ingest/log.h"
#include "playlist_folder.h"
#include "playlist_messages.h"
#include "rooms/playlist.h"

#define AHEAD          2 /* segments in the queue, with the one that plays; one more at a time of day */
#define PACE_US        (G_USEC_PER_SEC * 3 / 10) /* between two that are queued: files may be very short */
#define QUIET_US       (G_USEC_PER_SEC * 5)      /* after somebody has interrupted it, before it goes on */
#define RETRY_US       (G_USEC_PER_SEC * 5)      /* when nothing can be queued now, or nothing is there */
#define DISK_TRIES     12                    /* while a file's disk fails, before the next one is played: a minute */
#define PLACE_TRIES    60                    /* the same for the file with which it is to go on after a restart */
#define FAILURE_MAX_US (G_USEC_PER_SEC * 60) /* after many failures in a row; the first one costs a second */
#define LOOK_US        G_USEC_PER_SEC        /* how often it is seen where it is */

/* A file in the room's queue, or playing. */
struct sent {
	guint64 number;
	struct dh_playlist_turn turn;
	char *segment;
	bool has_started;
	int64_t from_ms;
};

struct dh_player {
	/* immutable */
	const struct dh_player_host *host;
	struct dh_room *room; /* a reference */
	GThread *thread;
	GAsyncQueue *messages; /* struct dh_player_message */
	dh_player_moved_fn *moved;
	void *arg;
	bool is_patient;
	atomic_int is_over;
	/* owner: its thread */
	struct dh_playlist *playlist;
	struct dh_playlist_folders folders;
	GQueue sent; /* struct sent, oldest first */
	guint64 numbers;
	guint failures;   /* in a row */
	char *last_error; /* as it was logged; NULL: all went well since */
	int64_t rests_until_us;
	bool is_stopped;
};

static void release(struct dh_player *player)
{
	g_async_queue_unref(player->messages);
	dh_playlist_free(&player->playlist);
	dh_playlist_folders_clear(&player->folders);
	g_free(player->last_error);
	dh_room_unref(&player->room);
	g_free(player);
}

/* --- its thread: the queue */

static GPtrArray *list_folder(void *arg, const char *folder)
{
	struct dh_player *player = arg;

	return dh_playlist_folders_list(&player->folders, folder);
}

static struct sent *find(struct dh_player *player, guint64 number)
{
	for (GList *l = player->sent.head; l; l = l->next)
		if (((struct sent *)l->data)->number == number)
			return l->data;
	return NULL;
}

/* The first that waits, before which what was interrupted goes on; NULL: none. */
static const struct sent *first_waiting(const struct dh_player *player)
{
	for (const GList *l = player->sent.head; l; l = l->next)
		if (!((const struct sent *)l->data)->has_started)
			return l->data;
	return NULL;
}

static void forget(struct dh_player *player, struct sent *sent)
{
	g_queue_remove(&player->sent, sent);
	g_free(sent->turn.file);
	g_free(sent->segment);
	g_free(sent);
}

static void rest(struct dh_player *player, int64_t us)
{
	player->rests_until_us = MAX(player->rests_until_us, g_get_monotonic_time() + us);
}

static void note_failure(struct dh_player *player)
{
	player->failures = MIN(player->failures + 1, 10);
	rest(player, MIN(G_USEC_PER_SEC << (player->failures - 1), FAILURE_MAX_US));
}

static json_t *body_of(const struct dh_player *player, const struct dh_playlist_turn *turn)
{
	json_t *body = json_pack("{s:s, s:s, s:{s:b}, s:b}", "request", "enqueue", "file", turn->file, "metadata",
		"playlist", 1, "patient", player->is_patient);
	const struct sent *next = turn->is_again && !turn->is_timed ? first_waiting(player) : NULL;

	if (turn->from_ms > 0)
		json_object_set_new(body, "from_ms", json_integer(turn->from_ms));
	if (next)
		json_object_set_new(body, "before", json_string(next->segment));
	else
		json_object_set_new(body, "priority", json_string(turn->is_timed ? "normal" : "background"));
	return body;
}

/* The segment's id (g_free it), or NULL. */
static char *enqueue(struct dh_player *player, json_t *body, enum dh_player_refusal *refusal)
{
	const struct dh_feed_audience audience = dh_player_message_audience(player->messages, player->numbers);
	char *error = NULL;

	char *segment = player->host->enqueue(player->host->arg, player->room, body, &audience, &error, refusal);
	if (error && g_strcmp0(error, player->last_error))
		dh_log(DH_LOG_WARNING, "room %s: playlist: %s", dh_room_facts(player->room)->id, error);
	g_free(player->last_error);
	player->last_error = error;
	return segment;
}

/* Whether a file that was refused may be had later. */
static bool is_worth_waiting(struct dh_player *player, struct dh_playlist_turn *turn, enum dh_player_refusal refusal)
{
	int most = turn->is_restored ? PLACE_TRIES : DISK_TRIES;

	if (refusal == DH_PLAYER_NOT_NOW)
		return true;
	if (refusal == DH_PLAYER_BAD)
		return false;
	if (refusal == DH_PLAYER_MISSING &&
		!(turn->is_restored && dh_playlist_folders_lack(&player->folders, turn->file)))
		return false;
	return ++turn->tries < most;
}

/* Takes ownership of the turn's file. */
static void play(struct dh_player *player, struct dh_playlist_turn *turn)
{
	enum dh_player_refusal refusal;

	player->numbers++;
	char *segment = enqueue(player, body_of(player, turn), &refusal);
	rest(player, PACE_US);
	if (segment) {
		struct sent *sent = g_new0(struct sent, 1);
		turn->tries = 0;
		*sent = (struct sent){ .number = player->numbers, .turn = *turn, .segment = segment };
		g_queue_push_tail(&player->sent, sent);
		return;
	}
	if (is_worth_waiting(player, turn, refusal)) {
		dh_playlist_return(player->playlist, turn, turn->from_ms);
		rest(player, RETRY_US);
	} else {
		note_failure(player);
	}
	g_free(turn->file);
}

static bool may_send(const struct dh_player *player)
{
	guint most = AHEAD + (dh_playlist_is_due(player->playlist) ? 1 : 0);

	return player->sent.length < most && g_get_monotonic_time() >= player->rests_until_us;
}

static void fill(struct dh_player *player)
{
	struct dh_playlist_turn turn;

	while (may_send(player)) {
		if (dh_playlist_next(player->playlist, list_folder, player, &turn))
			play(player, &turn);
		else
			rest(player, RETRY_US);
	}
}

/* --- its thread: messages */

static void note_position(struct dh_player *player, const struct sent *sent, int64_t played_ms)
{
	if (!sent->turn.is_timed)
		player->moved(player->arg, player,
			dh_playlist_position(player->playlist, &sent->turn, sent->from_ms + played_ms));
}

static void end(struct dh_player *player, struct sent *sent, const struct dh_player_message *message)
{
	int64_t at_ms = sent->has_started ? sent->from_ms + message->ms : sent->turn.from_ms;

	if (message->ending == DH_PLAYER_FAILED)
		note_failure(player);
	if (message->ending == DH_PLAYER_OUTRANKED || message->ending == DH_PLAYER_CUT)
		dh_playlist_return(player->playlist, &sent->turn, at_ms);
	if (message->ending == DH_PLAYER_CUT)
		rest(player, QUIET_US);
	if (sent->has_started)
		note_position(player, sent, message->ms);
	forget(player, sent);
}

static void handle(struct dh_player *player, const struct dh_player_message *message)
{
	struct sent *sent = find(player, message->number);

	if (message->kind == DH_PLAYER_STOP)
		player->is_stopped = true;
	if (!sent)
		return;
	if (message->kind == DH_PLAYER_STARTED) {
		sent->has_started = true;
		sent->from_ms = message->ms;
		player->failures = 0;
		note_position(player, sent, 0);
	} else if (message->kind == DH_PLAYER_ENDED) {
		end(player, sent, message);
	}
}

/* How much of what plays has been played. */
static void look(struct dh_player *player)
{
	struct sent *first = g_queue_peek_head(&player->sent);
	json_t *reply = NULL;

	for (GList *l = player->sent.head; l && !first->has_started; l = l->next)
		first = l->data;
	if (first && first->has_started && dh_room_progress(player->room, first->segment, &reply) == 0)
		note_position(player, first, json_integer_value(json_object_get(reply, "played_ms")));
	json_decref(reply);
}

static int minute_of_day(void)
{
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	return local.tm_hour * 60 + local.tm_min;
}

/* Until there may be something to do without a message. */
static guint64 patience_us(const struct dh_player *player)
{
	int64_t rest_us = player->rests_until_us - g_get_monotonic_time();
	bool may_send = player->sent.length < AHEAD || dh_playlist_is_due(player->playlist);

	return (guint64)(may_send ? CLAMP(rest_us, 1000, LOOK_US) : LOOK_US);
}

static void withdraw(struct dh_player *player)
{
	struct sent *sent;
	json_t *reply;

	while ((sent = g_queue_peek_head(&player->sent))) {
		reply = NULL;
		if (!sent->has_started)
			dh_room_remove(player->room, sent->segment, &reply);
		json_decref(reply);
		forget(player, sent);
	}
}

static gpointer run(gpointer data)
{
	struct dh_player *player = data;

	pthread_setname_np(pthread_self(), "dh playlist");
	while (!player->is_stopped) {
		if (dh_playlist_has_times(player->playlist))
			dh_playlist_tick(player->playlist, minute_of_day());
		fill(player);
		struct dh_player_message *message = g_async_queue_timeout_pop(player->messages, patience_us(player));
		if (!message)
			look(player);
		else
			handle(player, message);
		g_free(message);
	}
	withdraw(player);
	atomic_store(&player->is_over, 1);
	return NULL;
}

/* --- any thread */

struct dh_player *dh_player_new(const struct dh_player_host *host, struct dh_room *room, const json_t *position,
	dh_player_moved_fn *moved, void *arg)
{
	struct dh_player *player = g_new0(struct dh_player, 1);
	struct dh_settings *settings = dh_room_settings(room);

	player->host = host;
	player->room = dh_room_ref(room);
	player->messages = g_async_queue_new_full(g_free);
	player->moved = moved;
	player->arg = arg;
	player->is_patient = json_is_true(json_object_get(settings->playlist, "patient"));
	player->playlist = dh_playlist_new(settings->playlist, g_random_int());
	if (position)
		dh_playlist_restore(player->playlist, position);
	dh_playlist_folders_init(&player->folders, host->ingest, host->folders, dh_room_facts(room)->id);
	dh_settings_unref(&settings);
	player->thread = g_thread_try_new("dh playlist", run, player, NULL);
	if (!player->thread) {
		release(player);
		return NULL;
	}
	return player;
}

void dh_player_stop(struct dh_player *player)
{
	dh_player_message_stop(player->messages);
}

bool dh_player_is_over(const struct dh_player *player)
{
	return atomic_load(&player->is_over);
}

void dh_player_free(struct dh_player **out)
{
	struct dh_player *player = *out;

	*out = NULL;
	if (!player)
		return;
	dh_player_stop(player);
	g_thread_join(player->thread);
	release(player);
}
