/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts that are still being written while they are spoken. */
#include "room_private.h"

#include <errno.h>
#include <string.h>

/* So many ids of segments that ended before their texts did are remembered. */
#define UNFINISHED_MAX 100

/* --- in the room's thread */

static GList *find_unfinished(struct dh_room *room, const char *id)
{
	return g_queue_find_custom(&room->unfinished, id, (GCompareFunc)strcmp);
}

static void forget(struct dh_room *room, GList *link)
{
	g_free(link->data);
	g_queue_delete_link(&room->unfinished, link);
}

void dh_room_text_ended(struct dh_room *room, const struct dh_segment *segment)
{
	if (!dh_feed_is_text_open(dh_segment_user(segment)))
		return;
	g_queue_push_tail(&room->unfinished, g_strdup(dh_segment_id(segment)));
	if (room->unfinished.length > UNFINISHED_MAX)
		forget(room, room->unfinished.head);
}

void dh_room_text_clear(struct dh_room *room)
{
	while (room->unfinished.head)
		forget(room, room->unfinished.head);
}

struct piece {
	const char *id, *text;
	bool is_last;
};

static int add_text(struct dh_room *room, const struct dh_segment *segment, const struct piece *piece)
{
	struct dh_feed *feed = dh_segment_user(segment);

	if (!dh_feed_is_text_open(feed))
		return -EEXIST;
	int err = dh_feed_add_text(feed, piece->text, piece->is_last);
	struct dh_account *account = err ? NULL : dh_room_account(room, segment);
	if (account)
		dh_script_add_text(&account->script, piece->text);
	return err;
}

static int run_add_text(struct dh_room *room, void *arg)
{
	const struct piece *piece = arg;
	const struct dh_segment *segment = dh_playout_find(room->playout, piece->id);
	GList *unfinished = find_unfinished(room, piece->id);

	if (segment)
		return add_text(room, segment, piece);
	if (!unfinished)
		return -ENOENT;
	if (piece->is_last)
		forget(room, unfinished);
	return -EPIPE;
}

/* --- any other thread */

int dh_room_add_text(struct dh_room *room, const char *id, const char *text, bool is_last, json_t **reply)
{
	struct piece piece = { id, text, is_last };
	int err = dh_room_call(room, run_add_text, &piece);

	if (!err)
		*reply = json_pack("{s:s, s:b}", "segment", id, "more", !is_last);
	return err;
}
