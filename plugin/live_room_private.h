/* What a live room consists of; for live_*.c only. */
#ifndef DH_LIVE_ROOM_PRIVATE_H
#define DH_LIVE_ROOM_PRIVATE_H

#include "live_room.h"

struct dh_live_room {
	gatomicrefcount refs;
	/* immutable */
	struct dh_live_room_context context;
	struct dh_live_room_facts facts;
	char *id;
	struct dh_room_thread *thread;
	/* protected by lock */
	GMutex lock;
	struct dh_settings *settings;
	/* atomic: for those who only want to look */
	gint watches;
	gint state;               /* enum dh_live_room_state */
	gint viewers, waiting, enabled;
	/* owner: the room's thread */
	struct dh_room *room;
	GPtrArray *members;       /* struct dh_watch, references: who gets events */
	GPtrArray *feeds;         /* struct dh_feed, references: of what plays and waits */
	gboolean speaking, has_clip, has_failed;
	gboolean queue_changed;   /* what is to be prepared next has to be looked at */
	uint64_t next_segment;    /* for ids that nobody gave */
	uint64_t events[DH_EVENT_COUNT]; /* how often each was told */
	int64_t played_ticks;     /* of all segments that have ended */
	struct dh_viewer_stats departed; /* what viewers were sent that have left */
};

/* --- live_call.c: requests that wait for the room's thread */

struct dh_live_call {
	struct dh_command command; /* private */
	/* in: what to run, and what it needs of the others */
	int (*run)(struct dh_live_room *room, struct dh_live_call *call);
	struct dh_feed *feed;
	struct dh_watch *watch;
	const char *segment;
	guint viewer;
	gboolean flag;
	/* out */
	json_t *reply;
	/* private */
	int error;
};

/* Its result, and *reply (where not NULL) the caller's; or -ETIMEDOUT, -ECANCELED. */
int dh_live_call(struct dh_live_room *room, struct dh_live_call *call, json_t **reply);

/* --- live_report.c: JSON; in the room's thread */

/* Who is told, besides Janus' event handlers. */
enum dh_live_audience { DH_TELL_ALL, DH_TELL_TRUSTED, DH_TELL_TRUSTED_AND_SELF };

void dh_live_report_event(struct dh_live_room *room, const struct dh_room_event *event);
/* One that was made by dh_live_report_new; taken over. `about` (NULL: nobody) is
 * whose event it is. */
void dh_live_report_tell(struct dh_live_room *room, json_t *event, enum dh_live_audience audience,
	const struct dh_watch *about);
/* The beginning of every event: whose it is and what. */
json_t *dh_live_report_new(const struct dh_live_room *room, const char *event);
/* {"id":…,"event":…,"viewer":…} of a viewer. */
json_t *dh_live_report_viewer(const struct dh_live_room *room, const char *event, const struct dh_watch *watch);
json_t *dh_live_report_queue(struct dh_live_room *room);
const char *dh_live_report_state(enum dh_live_room_state state);

/* --- live_stats.c */

json_t *dh_live_stats_sent(const struct dh_viewer_stats *stats);
void dh_live_stats_add(struct dh_viewer_stats *sum, const struct dh_viewer_stats *more);

/* --- live_viewers.c */

/* The room ends: members are told and hung up. */
void dh_live_viewers_dismiss(struct dh_live_room *room);

/* --- live_segments.c */

/* The clip is there, or not to be had. */
void dh_live_segments_avatar(struct dh_live_room *room);
/* Begins what is to be prepared next. */
void dh_live_segments_prepare(struct dh_live_room *room);
/* `segment` has ended. */
void dh_live_segments_ended(struct dh_live_room *room, struct dh_segment *segment);

#endif
