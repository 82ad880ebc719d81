/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments that say what a generator that failed has left unsaid. In the room's thread. */
#include "room_private.h"

#include <errno.h>

#include "ingest/log.h"

static void tell(struct dh_room *room, const struct dh_segment *failed, const struct dh_segment *rest)
{
	const struct dh_feed *feed = dh_segment_user(rest);
	json_t *event = dh_room_report_new(room, "continued");

	json_object_set_new(event, "segment", json_string(dh_segment_id(failed)));
	json_object_set_new(event, "by", json_string(dh_segment_id(rest)));
	json_object_set_new(event, "generator", json_string(dh_feed_generator(feed)));
	dh_room_tell_all(room, event, NULL);
}

static void open_record(struct dh_room *room, const struct dh_segment *failed, const struct dh_feed *feed,
	const char *id)
{
	struct dh_segment_request request;
	char *text = dh_feed_copy_text(feed);
	struct dh_script *script = dh_script_new(text, NULL);

	dh_segment_request_init(&request);
	request.order = *dh_segment_order(failed);
	dh_room_note_moment(room, dh_ledger_open(room->ledger, feed, id, &request, script), DH_MOMENT_ASKED,
		g_get_monotonic_time());
	dh_script_unref(&script);
	g_free(text);
}

/* Both know what is theirs. */
static void divide_text(struct dh_room *room, const struct dh_segment *failed, const struct dh_feed *rest)
{
	char *text = dh_feed_copy_text(rest);

	dh_script_cut(&dh_room_account(room, failed)->script, text);
	g_free(text);
}

static int enqueue(struct dh_room *room, const struct dh_segment *failed, struct dh_feed *feed)
{
	struct dh_segment *segment = NULL;
	char id[DH_ROOM_MADE_ID_SIZE];

	dh_room_segments_make_id(room, id);
	int err = dh_segment_alloc(&segment, id, feed);
	if (err)
		return err;
	dh_feed_set_segment(dh_feed_ref(feed), segment);
	open_record(room, failed, feed, id);
	err = dh_playout_enqueue_rest(room->playout, segment, failed);
	if (!err) {
		divide_text(room, failed, feed);
		tell(room, failed, segment);
		return 0;
	}
	dh_ledger_cancel(room->ledger, feed);
	dh_feed_set_segment(feed, NULL);
	dh_feed_unref(&feed);
	dh_segment_free(&segment);
	return err;
}

void dh_room_rest_continue(struct dh_room *room, struct dh_feed *failed)
{
	const struct dh_segment *segment = dh_feed_segment(failed);
	const struct dh_feed_owner owner = dh_room_feed_owner(room);
	/* One that has not begun never will. */
	bool is_whole = segment != dh_playout_playing(room->playout, NULL);
	struct dh_feed *rest = segment ? dh_feed_take_rest(failed, &owner, is_whole) : NULL;

	if (!rest) {
		struct dh_room *unused = owner.arg;
		dh_room_unref(&unused);
		return;
	}
	int err = enqueue(room, segment, rest);
	if (err && err != -ECANCELED)
		dh_log(DH_LOG_WARNING, "room %s: segment %s: the rest cannot be queued: %s", room->id,
			dh_segment_id(segment), g_strerror(-err));
	dh_feed_unref(&rest);
}
