/* What a live room consists of; for room_*.c only. */
#ifndef DH_ROOM_PRIVATE_H
#define DH_ROOM_PRIVATE_H

#include "playout/playout.h"
#include "room.h"
#include "room_thread.h"

struct dh_room {
	gatomicrefcount refs;
	/* immutable */
	struct dh_room_context context;
	struct dh_room_facts facts;
	char *id;
	struct dh_room_thread *thread;
	/* protected by lock */
	GMutex lock;
	struct dh_settings *settings;
	/* atomic: for those who only want to look */
	struct dh_member_counts counts; /* `ever` is unused */
	gint state;               /* enum dh_room_state */
	gint viewers, waiting, enabled;
	/* owner: the room's thread */
	struct dh_playout *playout;
	GPtrArray *members;       /* struct dh_member, references: who gets events */
	GPtrArray *feeds;         /* struct dh_feed, references: of what plays and waits */
	gboolean speaking, has_clip, has_failed;
	gboolean queue_changed;   /* what is to be prepared next has to be looked at */
	uint64_t next_segment;    /* for ids that nobody gave */
	uint64_t events[DH_EVENT_COUNT]; /* how often each was told */
	int64_t played_ticks;     /* of all segments that have ended */
	struct dh_viewer_stats departed; /* what viewers were sent that have left */
};

/* --- room_call.c: requests that wait for the room's thread */

struct dh_room_call {
	struct dh_command command; /* private */
	/* in: what to run, and what it needs of the others */
	int (*run)(struct dh_room *room, struct dh_room_call *call);
	struct dh_feed *feed;
	struct dh_member *member;
	const char *segment;
	guint viewer;
	gboolean flag;
	/* out */
	json_t *reply;
	/* private */
	int error;
};

/* Its result, and *reply (where not NULL) the caller's; or -ETIMEDOUT, -ECANCELED. */
int dh_room_call(struct dh_room *room, struct dh_room_call *call, json_t **reply);

/* --- room_report.c: JSON; in the room's thread */

/* Who is told, besides Janus' event handlers. */
enum dh_room_audience { DH_TELL_ALL, DH_TELL_TRUSTED, DH_TELL_TRUSTED_AND_SELF };

void dh_room_report_event(struct dh_room *room, const struct dh_playout_event *event);
/* One that was made by dh_room_report_new; taken over. `about` (NULL: nobody) is
 * whose event it is. */
void dh_room_report_tell(struct dh_room *room, json_t *event, enum dh_room_audience audience,
	const struct dh_member *about);
/* The beginning of every event: whose it is and what. */
json_t *dh_room_report_new(const struct dh_room *room, const char *event);
/* {"id":…,"event":…,"viewer":…} of a viewer. */
json_t *dh_room_report_viewer(const struct dh_room *room, const char *event, const struct dh_member *member);
json_t *dh_room_report_queue(struct dh_room *room);
const char *dh_room_report_state(enum dh_room_state state);

/* --- room_stats.c */

json_t *dh_room_stats_sent(const struct dh_viewer_stats *stats);
void dh_room_stats_add(struct dh_viewer_stats *sum, const struct dh_viewer_stats *more);

/* --- room_members.c */

void dh_room_members_attach(struct dh_room *room, struct dh_member *member);
void dh_room_members_media(struct dh_room *room, struct dh_member *member);
void dh_room_members_pause(struct dh_room *room, struct dh_member *member);
void dh_room_members_pli(struct dh_room *room, struct dh_member *member);
void dh_room_members_slow_link(struct dh_room *room, struct dh_member *member, enum dh_media media);
void dh_room_members_leave(struct dh_room *room, struct dh_member *member);
/* The room ends: members hear of it and are dismissed. */
void dh_room_members_dismiss(struct dh_room *room);
/* Any thread: it came too late, the room has ended. */
void dh_room_members_orphan(struct dh_room *room, struct dh_member *member);

/* --- room_segments.c */

/* The clip is there, or not to be had. */
void dh_room_segments_avatar(struct dh_room *room);
/* Begins what is to be prepared next. */
void dh_room_segments_prepare(struct dh_room *room);
/* `segment` has ended. */
void dh_room_segments_ended(struct dh_room *room, struct dh_segment *segment);

#endif
