/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room with the gateway replaced by a table of functions that writes down what it is
 * asked for, and with members. The avatar's clip is never ready, so whatever is enqueued
 * waits. One room at a time; the test's thread, unless noted.
 */
#ifndef DH_ROOM_RIG_H
#define DH_ROOM_RIG_H

#include "tests/support/ingest_fixture.h"

#include <stdatomic.h>

#include "rooms/room_private.h"

#define ROOM_RIG_MEMBERS 1000

/* What the gateway knows of a member. */
struct room_rig_handle {
	atomic_int refs;
	atomic_int holds; /* 1: a reference to its member */
	/* protected by the rig's lock */
	char status[32];   /* the latest one */
	guint sent_before; /* how many events all members had been sent by then */
};

/* An event on its way, or what event handlers got (handles NULL). */
struct room_rig_event {
	GPtrArray *handles;
	json_t *event;
};

/* What one handle got: on its data channel, or as an event that is no status. */
struct room_rig_text {
	int handle;
	bool is_data;
	char *text;
};

struct room_rig {
	struct ingest_fixture fixture;
	struct dh_avatar_config config;
	struct dh_avatar *avatar;
	struct dh_member_counts counts;
	struct dh_room *room;
	struct room_rig_handle handles[ROOM_RIG_MEMBERS];
	struct dh_member *members[ROOM_RIG_MEMBERS]; /* references, as sessions hold them */
	GArray *sent, *notified;                     /* struct room_rig_event; protected by lock */
	GArray *texts;                               /* struct room_rig_text; likewise */
	pthread_mutex_t lock;
	/* any thread, atomically */
	atomic_int refs_taken; /* to handles */
	atomic_int has_event_handlers;
	atomic_int room_allocations; /* of JSON, in a room's thread; for the test to count */
	atomic_int freed;            /* units, by a thread that others wait for; for the test to count */
	atomic_int pause_us;         /* how long each event takes */
};
extern struct room_rig rig;

void room_rig_open(int64_t watch_timeout_ms);
/* All members leave; checks that nothing of theirs is left. */
void room_rig_close(void);

/* Member `i` watches or observes. */
void room_rig_join(int i, enum dh_member_kind kind);
/* Members 0 to count - 1 watch. */
void room_rig_join_many(int count);
/* Its answer comes, and its connection. */
void room_rig_connect(int i);
void room_rig_leave(int i);

/* The room's answer to `stats`, after everything that was posted before. */
json_t *room_rig_stats(void);
/* Returns when the room has seen everything that was posted before. */
void room_rig_flush(void);
/* Forgets events and counts. */
void room_rig_forget(void);

/* A segment of that name: what `speech` says, or (NULL) a file. */
void room_rig_enqueue(const char *name, const struct dh_feed_speech *speech);

#endif
