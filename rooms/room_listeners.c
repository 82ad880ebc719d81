/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Posts: what members get when it is due for them, like their media. The room keeps a post
 * until all listeners have had it; each is a number further on in the list. */
#include "room_private.h"

#include <stdlib.h>
#include <string.h>

#include "playout/timebase.h"

/* So many posts are sent in one turn; the next turn follows at once, after the media that are due. */
#define SENT_MAX 64

/* `event` NULL: one of the room's events, which goes to data channels only. */
struct dh_post {
	json_t *event;
	char *text; /* of it, for data channels; NULL: nobody has needed it yet */
	int64_t media_ticks;
};

static void post_free(gpointer data)
{
	struct dh_post *post = data;

	json_decref(post->event);
	free(post->text);
	g_free(post);
}

static int64_t media_now(const struct dh_room *room)
{
	return dh_playout_media_ticks(room->playout, dh_now_ticks());
}

static void add(struct dh_room *room, json_t *event, char *text, int64_t media_ticks)
{
	struct dh_post *post = g_new(struct dh_post, 1);

	*post = (struct dh_post){ event, text, media_ticks };
	g_queue_push_tail(&room->posts, post);
	room->listen_ticks = 0;
}

void dh_room_listeners_tell(struct dh_room *room, const json_t *event)
{
	const json_t *media_ms = json_object_get(event, "media_ms");

	if (room->channels)
		add(room, NULL, json_dumps(event, JSON_COMPACT),
			media_ms ? json_integer_value(media_ms) * DH_TICKS_PER_MS : media_now(room));
}

void dh_room_listeners_post(struct dh_room *room, json_t *event, int64_t media_ticks)
{
	if (room->listeners->len)
		add(room, event, NULL, media_ticks);
	else
		json_decref(event);
}

/* --- who listens */

/* From a channel to the handle, or back. */
static void move_route(struct dh_room *room, struct dh_member *member, bool is_on_channel)
{
	struct dh_listening *listening = &member->listening;

	if (listening->is_on_channel == is_on_channel)
		return;
	if (member->attached)
		dh_room_audience_changed(room, member, -1);
	listening->is_on_channel = is_on_channel;
	listening->moved = room->first_post + room->posts.length;
	if (member->attached)
		dh_room_audience_changed(room, member, 1);
	room->channels += is_on_channel ? 1 : -1u;
	listening->needs_state = true;
	room->listen_ticks = 0;
}

/* What is not due yet comes to it, too. */
static void begin(struct dh_room *room, struct dh_member *member)
{
	struct dh_listening *listening = &member->listening;
	int64_t now_ticks = media_now(room);

	listening->is_on = listening->needs_state = true;
	listening->index = room->listeners->len;
	listening->next = room->first_post;
	for (const GList *link = room->posts.head; link; link = link->next)
		listening->next += ((const struct dh_post *)link->data)->media_ticks <= now_ticks;
	g_ptr_array_add(room->listeners, member);
}

static void stop(struct dh_room *room, struct dh_member *member)
{
	struct dh_member *last = room->listeners->pdata[room->listeners->len - 1];

	move_route(room, member, false);
	last->listening.index = member->listening.index;
	g_ptr_array_remove_index_fast(room->listeners, member->listening.index);
	member->listening.is_on = false;
}

void dh_room_listeners_update(struct dh_room *room, struct dh_member *member)
{
	struct dh_listening *listening = &member->listening;
	struct dh_channel *channel = &listening->channel;
	bool is_there = member->observes ? member->attached : member->viewer != NULL;
	bool is_sent = !atomic_load(&member->paused) && atomic_load(&room->enabled);
	bool is_wanted = atomic_load(&listening->wants);

	if (member->left || !is_there)
		return;
	channel->is_open = channel->is_open || atomic_load(&channel->is_ready);
	bool listens = channel->is_open || is_wanted;
	if (listens && !listening->is_on)
		begin(room, member);
	if (listens)
		move_route(room, member, channel->is_open);
	else if (listening->is_on)
		stop(room, member);
	listening->needs_state |= is_sent && (!listening->is_sent || (is_wanted && !listening->is_wanted));
	listening->needs_state |= dh_channel_is_behind(channel);
	listening->is_sent = is_sent;
	listening->is_wanted = is_wanted;
	room->listen_ticks = 0;
}

void dh_room_listeners_leave(struct dh_room *room, struct dh_member *member)
{
	if (member->listening.is_on)
		stop(room, member);
}

/* --- sending */

static void send_piece(void *arg, const char *text, size_t size)
{
	const struct dh_member *member = arg;

	member->host->data(member->handle, text, size);
}

/* False: it was dropped. The channel may be closed now. */
static bool send_text(struct dh_room *room, struct dh_member *member, const char *text)
{
	struct dh_channel *channel = &member->listening.channel;
	size_t size = strlen(text);
	bool is_taken = dh_channel_take(channel, size, g_get_monotonic_time());

	if (is_taken)
		dh_channel_split(text, size, size > DH_CHANNEL_MESSAGE_MAX ? ++channel->splits : 0, send_piece, member);
	else if (!channel->is_open)
		move_route(room, member, false);
	return is_taken;
}

/* One of the room's events came to its handle at once, or comes now, as it went to handles or to the channel then. */
static bool is_wanted(const struct dh_member *member, const struct dh_post *post)
{
	const struct dh_listening *listening = &member->listening;

	if (post->event)
		return listening->is_sent && listening->is_wanted;
	return (listening->next >= listening->moved) == listening->is_on_channel &&
		(listening->is_on_channel || !member->is_deaf);
}

static void push_post(struct dh_room *room, const struct dh_member *member, const struct dh_post *post)
{
	json_t *event = post->event ? json_copy(post->event) : json_loads(post->text ? post->text : "", 0, NULL);

	if (event)
		member->host->push(room->context.host->arg, member->handle, event);
}

static void send_post(struct dh_room *room, struct dh_member *member, struct dh_post *post)
{
	const struct dh_listening *listening = &member->listening;

	if (!is_wanted(member, post) || atomic_load(&member->cut))
		return;
	if (!listening->is_on_channel) {
		push_post(room, member, post);
		return;
	}
	if (!post->text)
		post->text = json_dumps(post->event, JSON_COMPACT);
	if (post->text)
		send_text(room, member, post->text);
}

static json_t *describe_playing(const struct dh_room *room)
{
	int64_t played_ticks = 0;
	struct dh_segment *playing = dh_playout_playing(room->playout, &played_ticks);

	if (!playing)
		return json_null();
	struct dh_feed *feed = dh_segment_user(playing);
	json_t *metadata = dh_feed_metadata(feed);
	json_t *json = json_pack("{s:s, s:s, s:o}", "segment", dh_segment_id(playing), "name", dh_feed_short_name(feed),
		"metadata", metadata ? json_incref(metadata) : json_object());
	dh_room_set_ms(json, "played_ms", played_ticks);
	dh_room_set_duration(json, dh_segment_own_ticks(playing, room->facts.duration),
		dh_segment_stated_ticks(playing));
	return json;
}

static json_t *state_of(struct dh_room *room, const struct dh_member *member)
{
	json_t *state = dh_room_report_viewer(room, "state", member);
	uint32_t rtp_start[2];

	dh_room_set_ms(state, "media_ms", media_now(room));
	json_object_set_new(state, "state", json_string(dh_room_state_name(dh_room_stance_state(room))));
	if (dh_playout_is_on_hold(room->playout))
		json_object_set_new(state, "on_hold", json_true());
	json_object_set_new(state, "enabled", json_boolean(atomic_load(&room->enabled)));
	json_object_set_new(state, "waiting", json_integer((json_int_t)dh_playout_waiting_count(room->playout)));
	json_object_set_new(state, "playing", describe_playing(room));
	if (!member->observes) {
		dh_member_get_rtp_start(member, rtp_start);
		json_object_set_new(state, "rtp_start", dh_rtp_start_json(rtp_start));
	}
	if (member->listening.is_wanted && member->listening.is_sent)
		dh_room_screen_describe(room, state);
	if (member->listening.channel.missed)
		json_object_set_new(state, "lost", json_integer(member->listening.channel.missed));
	return state;
}

static void send_state(struct dh_room *room, struct dh_member *member)
{
	struct dh_listening *listening = &member->listening;
	json_t *state = state_of(room, member);

	listening->needs_state = false;
	if (atomic_load(&member->cut)) {
		json_decref(state);
		return;
	}
	if (!listening->is_on_channel) {
		listening->channel.missed = 0;
		member->host->push(room->context.host->arg, member->handle, state);
		return;
	}
	unsigned missed = listening->channel.missed;
	char *text = json_dumps(state, JSON_COMPACT);
	if (text && send_text(room, member, text))
		listening->channel.missed -= missed;
	free(text);
	json_decref(state);
}

/* --- in time */

/* What is due of it at media time `media_ticks`, at most `most` posts. Returns how many, and lowers
 * *next_ticks to when the next one is due. */
static int send_due(struct dh_room *room, struct dh_member *member, int64_t media_ticks, int most, int64_t *next_ticks)
{
	struct dh_listening *listening = &member->listening;
	int64_t offset_ticks = member->viewer ? dh_playout_viewer_offset_ticks(member->viewer) : 0;
	int sent = 0;

	if (listening->needs_state) {
		send_state(room, member);
		sent++;
	}
	GList *link = g_queue_peek_nth_link(&room->posts, (guint)(listening->next - room->first_post));
	for (; link && sent < most; link = link->next, listening->next++, sent++) {
		struct dh_post *post = link->data;
		if (post->media_ticks > media_ticks - offset_ticks)
			break;
		send_post(room, member, post);
	}
	if (link)
		*next_ticks = MIN(*next_ticks, ((const struct dh_post *)link->data)->media_ticks + offset_ticks);
	return sent;
}

static void forget_sent(struct dh_room *room)
{
	uint64_t least = room->first_post + room->posts.length;

	for (guint i = 0; i < room->listeners->len; i++) {
		const struct dh_member *member = room->listeners->pdata[i];
		least = MIN(least, member->listening.next);
	}
	for (; room->first_post < least; room->first_post++)
		post_free(g_queue_pop_head(&room->posts));
}

void dh_room_listeners_poll(struct dh_room *room, int64_t now_ticks)
{
	int64_t origin_ticks = now_ticks - dh_playout_media_ticks(room->playout, now_ticks);
	int64_t next_ticks = INT64_MAX;
	int sent = 0;

	if (room->listen_ticks > now_ticks)
		return;
	room->listen_ticks = INT64_MAX; /* a channel that closes sets it */
	for (guint i = 0; i < room->listeners->len; i++) {
		room->listener_at = (room->listener_at + 1) % room->listeners->len;
		sent += send_due(room, room->listeners->pdata[room->listener_at], now_ticks - origin_ticks,
			SENT_MAX - sent, &next_ticks);
		if (sent >= SENT_MAX)
			break;
	}
	forget_sent(room);
	if (sent >= SENT_MAX)
		room->listen_ticks = now_ticks;
	else if (next_ticks != INT64_MAX)
		room->listen_ticks = MIN(room->listen_ticks, next_ticks + origin_ticks);
}

void dh_room_listeners_flush(struct dh_room *room)
{
	int64_t next_ticks = INT64_MAX;

	for (guint i = 0; i < room->listeners->len; i++)
		send_due(room, room->listeners->pdata[i], INT64_MAX - DH_TICKS_PER_SECOND, INT_MAX, &next_ticks);
	forget_sent(room);
}

void dh_room_listeners_end(struct dh_room *room)
{
	dh_room_listeners_flush(room);
	for (guint i = 0; i < room->listeners->len; i++) {
		struct dh_member *member = room->listeners->pdata[i];
		if (member->is_deaf)
			continue;
		move_route(room, member, false);
		member->listening.needs_state = false;
	}
}

int64_t dh_room_listeners_deadline_ticks(const struct dh_room *room)
{
	return room->listen_ticks;
}
