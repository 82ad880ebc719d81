/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of a playlist's segments, told to the thread that plays it. */
#ifndef DH_PLAYLIST_MESSAGES_H
#define DH_PLAYLIST_MESSAGES_H

#include <stdint.h>

#include <glib.h>

#include "ingest/feed.h"

enum dh_player_message_kind { DH_PLAYER_STOP, DH_PLAYER_STARTED, DH_PLAYER_ENDED };
/* CUT: somebody has interrupted it. */
enum dh_player_ending { DH_PLAYER_OVER, DH_PLAYER_FAILED, DH_PLAYER_OUTRANKED, DH_PLAYER_CUT };

struct dh_player_message {
	enum dh_player_message_kind kind;
	guint64 number; /* of the segment */
	int64_t ms;     /* STARTED: where it began; ENDED: how much of it was played */
	enum dh_player_ending ending;
};

/* Any thread. What the receiver of `messages` takes out it frees with g_free. */
void dh_player_message_stop(GAsyncQueue *messages);

/* Tells `messages`, of which it takes a reference, what becomes of the segment `number`. */
struct dh_feed_audience dh_player_message_audience(GAsyncQueue *messages, guint64 number);

#endif
