/* What a live room consists of; for live_*.c only. */
#ifndef DH_LIVE_ROOM_PRIVATE_H
#define DH_LIVE_ROOM_PRIVATE_H

#include "live_room.h"

struct dh_live_room {
	gatomicrefcount refs;
	/* immutable */
	struct dh_live_room_context context;
	struct dh_live_room_facts facts;
	char *description, *secret, *pin;
	struct dh_room_thread *thread;
	/* atomic: for those who only want to look */
	gint watches;
	gint state;               /* enum dh_live_room_state */
	gint viewers, waiting;
	/* owner: the room's thread */
	struct dh_room *room;
	GPtrArray *members;       /* struct dh_watch, references: who gets events */
	GPtrArray *feeds;         /* struct dh_feed, references: of what plays and waits */
	gboolean speaking, has_clip, has_failed;
	uint64_t next_segment;    /* for ids that nobody gave */
};

/* --- live_report.c: JSON; in the room's thread */

/* Tells members and event handlers. */
void dh_live_report_event(struct dh_live_room *room, const struct dh_room_event *event);
/* The beginning of every event: whose it is and what. */
json_t *dh_live_report_new(const struct dh_live_room *room, const char *event);
/* One of the room itself, without media time. */
void dh_live_report_plain(struct dh_live_room *room, const char *event);
json_t *dh_live_report_queue(struct dh_live_room *room);
const char *dh_live_report_state(enum dh_live_room_state state);

/* --- live_viewers.c */

/* The room ends: members are told and hung up. */
void dh_live_viewers_dismiss(struct dh_live_room *room);

/* --- live_segments.c */

/* The clip is there, or not to be had. */
void dh_live_segments_avatar(struct dh_live_room *room);
/* `segment` has ended. */
void dh_live_segments_ended(struct dh_live_room *room, struct dh_segment *segment);

#endif
