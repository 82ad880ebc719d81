/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of a room; for room*.c only. */
#ifndef DH_ROOM_PRIVATE_H
#define DH_ROOM_PRIVATE_H

#include <stdatomic.h>

#include "cut_times.h"
#include "first_frames.h"
#include "floor.h"
#include "forwards.h"
#include "interruption.h"
#include "ledger.h"
#include "playout/echo.h"
#include "playout/playout.h"
#include "punctuality.h"
#include "receiver.h"
#include "room.h"
#include "room_thread.h"
#include "rtp_counts.h"
#include "screen.h"
#include "pipes.h"
#include "spans.h"

/* Live sources, whose prerolls are learnt separately (playout/order.h). */
enum dh_room_source { DH_SOURCE_GENERATOR = 1, DH_SOURCE_PUSHES };

/* Recipients of events. */
enum dh_room_handles { DH_HANDLES_ALL, DH_HANDLES_TRUSTED, DH_HANDLES_OTHERS, DH_HANDLES_COUNT };

struct dh_room_recording;

struct dh_room {
	atomic_int refs;
	/* immutable */
	struct dh_room_context context;
	struct dh_room_facts facts;
	char *id;
	struct dh_room_thread *thread;
	struct dh_forwards *forwards;
	/* protected by lock */
	GMutex lock;
	struct dh_settings *settings;
	/* atomic: readable without waiting for the room's thread */
	struct dh_member_counts counts; /* `ever` is unused */
	atomic_int state;               /* enum dh_room_state */
	atomic_int viewers, waiting, enabled;
	_Atomic int64_t waiting_ms, waiting_bytes; /* see struct dh_room_waiting */
	atomic_int without[2];                     /* by medium: connected viewers that are not sent it */
	atomic_int microphones;                    /* viewers that are listened to */
	atomic_int barge_in_ms;                    /* 0: never */
	atomic_int rtp_forward_count;
	struct dh_sent sent; /* how loud it was, while there are microphones */
	/* owner: the room's thread */
	struct dh_floor floor;
	GPtrArray *talkers; /* struct dh_member, not left: viewers that speak */
	bool barge_in_holds;
	uint64_t barge_ins;                   /* how often somebody has interrupted */
	struct dh_playout *playout;           /* its segments hold references to their feeds (struct dh_feed) */
	GPtrArray *members;                   /* struct dh_member, references: who gets events */
	guint attached[DH_HANDLES_COUNT];     /* how many */
	GPtrArray *handles[DH_HANDLES_COUNT]; /* shared by events in flight, so never changed; NULL: to be rebuilt */
	GPtrArray *rtp_forwards;              /* struct dh_rtp_forward, owned */
	struct dh_room_recording *recording;  /* NULL: none, nor one that is being completed */
	GQueue connecting;                    /* viewers without media yet, links in struct dh_member, oldest first */
	struct dh_ledger *ledger;
	struct dh_pipes *pipes;
	GPtrArray *listeners;         /* struct dh_member, borrowed: who gets posts */
	guint listener_at;            /* whose turn it is */
	GQueue posts;                 /* struct dh_post, oldest first; see room_listeners.c */
	uint64_t first_post;          /* its number */
	guint channels;               /* listeners with an open data channel */
	int64_t listen_ticks;         /* when the next post is due */
	struct dh_screen screen;      /* of what plays */
	int64_t begun_ticks;          /* media time of its own time 0, when it was last looked at */
	bool underruns;               /* it is held: nothing of it is played, though its time may go on */
	struct dh_account *on_screen; /* a reference: its account; NULL: nothing plays */
	json_t *marker;               /* the event of the last one; NULL: none */
	struct dh_first_frames *first_frames;
	GPtrArray *ended;               /* struct dh_segment, to be freed; see room_ended.c */
	int64_t ended_poll_ticks;       /* when to free more of them */
	int64_t live_poll_ticks;        /* when to look after the live segment that plays */
	struct dh_bridge_maker *bridge; /* at work for the end of what plays, or of a clip; NULL: none is */
	struct dh_unit *bridge_from;    /* a reference: the picture that it leads from; NULL: none yet */
	enum dh_stance bridge_to;       /* and where to, */
	int64_t bridge_leave_ticks;     /* and when */
	uint64_t bridge_number;         /* how many have been asked for */
	bool bridge_misfits;            /* its anchor is not the clip's, so none is made */
	enum dh_stance stance;          /* of the avatar, while nothing plays: as asked for … */
	bool stance_by_itself;          /* (nobody asked for it) */
	enum dh_stance stance_shown;    /* … and as shown … */
	bool hears_voice;               /* … while a viewer speaks to it */
	bool speaking, has_clip, has_failed;
	bool queue_changed;              /* what is to be prepared, or how much waits, may be another */
	GQueue unfinished;               /* ids of segments that ended before their texts did, oldest first */
	uint64_t queue_changes;          /* how often a segment has begun to play, or ended */
	uint64_t next_segment;           /* for ids that the room makes */
	uint64_t events[DH_EVENT_COUNT]; /* how often each occurred */
	uint64_t waits;                  /* segments that were next and found no worker */
	int64_t played_ticks;            /* of all segments that have ended */
	struct dh_cut_times cut_times;
	int64_t cut_over_ticks;                /* when the last packet of what was cut has left */
	int64_t hold_over_ticks;               /* when a hold becomes an interruption */
	const struct dh_segment *word_segment; /* it is cut at the end of a word; only compared. NULL: none is */
	int64_t word_asked_us;
	struct dh_viewer_stats departed; /* what viewers were sent that have left */
	struct dh_receiver_stats departed_receivers;
	struct dh_rtp_stream_counts departed_forwards;
	uint64_t slow_links; /* of all viewers */
	int64_t turn_ticks;  /* when this turn began */
	struct dh_punctuality punctuality;
};

/* --- room_call.c */

/* Runs run(room, arg) in the room's thread and waits for it. Returns its result,
 * or -ETIMEDOUT or -ECANCELED, and then it has not run and will not. */
typedef int dh_room_call_fn(struct dh_room *room, void *arg);
int dh_room_call(struct dh_room *room, dh_room_call_fn *run, void *arg);

/* --- room_audience.c: who gets an event; in the room's thread. The gateway's
 * event handlers get them all. */

/* To every member; trusted ones and event handlers get `detailed` instead, unless it is
 * NULL. Takes ownership of both. */
void dh_room_tell_all(struct dh_room *room, json_t *event, json_t *detailed);
/* To data channels and the recording, and `detailed` to event handlers, but to no handle. Both are borrowed. */
void dh_room_tell_beside(struct dh_room *room, json_t *event, json_t *detailed);
/* To trusted members, and to `self` (may be NULL). `about`: the member that it is
 * about, for event handlers, or NULL. Takes ownership of `event`. */
void dh_room_tell_trusted(struct dh_room *room, json_t *event, const struct dh_member *about,
	const struct dh_member *self);
/* Whether anybody gets the events meant for trusted members and event handlers. */
bool dh_room_has_trusted_audience(const struct dh_room *room);
/* `member` was attached (`change` 1), or leaves (-1). */
void dh_room_audience_changed(struct dh_room *room, const struct dh_member *member, int change);

/* --- room_report.c: the JSON of events; in the room's thread */

void dh_room_report_event(struct dh_room *room, const struct dh_playout_event *event);
/* All of a segment has been prepared. */
void dh_room_report_prepared(struct dh_room *room, const struct dh_segment *segment);
/* If the feed has found no place among the live ones that are encoded. It has a segment. */
void dh_room_report_waiting(struct dh_room *room, struct dh_feed *feed);
/* The beginning of every event: {"digitalhuman":"event","id":…,"event":…}. */
json_t *dh_room_report_new(const struct dh_room *room, const char *event);
/* {…,"viewer":…} of a member. */
json_t *dh_room_report_viewer(const struct dh_room *room, const char *event, const struct dh_member *member);

/* --- room_moments.c: when what happened; in the room's thread */

/* A moment of a segment, now or a while ago. */
void dh_room_note_moment(struct dh_room *room, struct dh_account *account, enum dh_moment_kind kind,
	int64_t monotonic_us);
/* If it has come. */
void dh_room_note_first_byte(struct dh_room *room, struct dh_account *account, const struct dh_feed *feed);
/* Words have come, and perhaps its first units. */
void dh_room_note_arrivals(struct dh_room *room, struct dh_feed *feed);
/* It has started. */
void dh_room_note_start(struct dh_room *room, const struct dh_account *account, const struct dh_feed *feed);
/* The histograms of a new room. */
struct dh_first_frames *dh_room_first_frames_new(const struct dh_room_facts *facts);

/* --- room_listeners.c: what is sent at its media time, on data channels, or to the handles of those
 * who want captions; in the room's thread */

/* Everybody gets an event of the room. Borrowed. */
void dh_room_listeners_tell(struct dh_room *room, const json_t *event);
/* A caption or a marker. Takes ownership. */
void dh_room_listeners_post(struct dh_room *room, json_t *event, int64_t media_ticks);
/* Whether a member listens, where its messages go, or what it is sent may have changed. */
void dh_room_listeners_update(struct dh_room *room, struct dh_member *member);
void dh_room_listeners_leave(struct dh_room *room, struct dh_member *member);
void dh_room_listeners_poll(struct dh_room *room, int64_t now_ticks);
/* All that is left is sent, due or not. */
void dh_room_listeners_flush(struct dh_room *room);
/* The same; the room is ending. What comes then goes to handles, since what is on its way on a data channel when its
 * connection closes may be lost; but not of those that want no events there. */
void dh_room_listeners_end(struct dh_room *room);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_room_listeners_deadline_ticks(const struct dh_room *room);

/* --- room_heard.c; in the room's thread */

/* Whether `member`, a viewer, is sent sound may have changed. */
void dh_room_heard_update(struct dh_room *room, struct dh_member *member);

/* --- room_screen.c: captions and markers; in the room's thread */

/* Before the event is reported. */
void dh_room_screen_event(struct dh_room *room, const struct dh_playout_event *event);
void dh_room_screen_poll(struct dh_room *room);
int64_t dh_room_screen_deadline_ticks(const struct dh_room *room, int64_t now_ticks);
/* Adds "captions", what is shown, and "marker", the last one or null, to a state. */
void dh_room_screen_describe(const struct dh_room *room, json_t *state);
void dh_room_screen_clear(struct dh_room *room);

/* --- any thread */

const char *dh_room_state_name(enum dh_room_state state);
/* The name of an event in requests and events. */
const char *dh_room_event_name(enum dh_event_type type);
/* Why a segment ended; NULL: for no reason of its own. */
const char *dh_room_reason_name(enum dh_reason reason);
/* Sets `key` to milliseconds, or null for a negative time. */
void dh_room_set_ms(json_t *object, const char *key, int64_t ticks);
/* `duration_ms`; while it is not known (-1), what its source states, which is then said. */
void dh_room_set_duration(json_t *object, int64_t ticks, int64_t stated_ticks);

/* --- room_stats.c */

json_t *dh_room_stats_sent(const struct dh_viewer_stats *stats);
/* What the event `left` says of a viewer that has media. In the room's thread. */
json_t *dh_room_stats_of_viewer(const struct dh_room *room, const struct dh_member *member);
void dh_room_stats_add(struct dh_viewer_stats *sum, const struct dh_viewer_stats *more);

/* --- room_posts.c; any thread */

/* Frees its place. Does nothing the second time. */
void dh_room_member_uncount(struct dh_member *member);
/* In the room's thread: nothing is sent any more. If it has moved to another room, it goes on there. */
void dh_room_member_left(struct dh_member *member);

/* --- room_members.c; in the room's thread */

/* Viewers with a connection; forwards are none. */
int dh_room_members_watching(const struct dh_room *room);
void dh_room_members_attach(struct dh_room *room, struct dh_member *member);
void dh_room_members_media(struct dh_room *room, struct dh_member *member);
void dh_room_members_pause(struct dh_room *room, struct dh_member *member);
void dh_room_members_pli(struct dh_room *room, struct dh_member *member);
/* A receiver report says something else of the losses of its picture. */
void dh_room_members_report(struct dh_room *room, struct dh_member *member);
/* It is to be sent another quality. */
void dh_room_members_quality(struct dh_room *room, struct dh_member *member);
void dh_room_members_slow_link(struct dh_room *room, struct dh_member *member, enum dh_media media);
void dh_room_members_leave(struct dh_room *room, struct dh_member *member);
/* Dismisses viewers that did not connect in time. */
void dh_room_members_poll(struct dh_room *room, int64_t now_ticks);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_room_members_deadline_ticks(const struct dh_room *room);
/* The room is ending: dismisses everybody. */
void dh_room_members_dismiss(struct dh_room *room);
/* Any thread: the room ended before `member` was attached. */
void dh_room_members_orphan(struct dh_room *room, struct dh_member *member);

/* --- room_rtp_forwards.c; in the room's thread */

void dh_room_rtp_forwards_poll(struct dh_room *room, int64_t now_ticks);
/* What all have sent since the room began. */
void dh_room_rtp_forwards_sum(const struct dh_room *room, struct dh_rtp_stream_counts *sum);
/* The room was enabled, or disabled. */
void dh_room_rtp_forwards_enable(struct dh_room *room);
/* The room is ending. */
void dh_room_rtp_forwards_close(struct dh_room *room);

/* --- room_recording.c; in the room's thread */

/* A packet of its viewer. */
void dh_room_recording_packet(struct dh_room_recording *recording, enum dh_media media, const uint8_t *rtp,
	size_t size);
/* An event that everybody gets. Borrowed. */
void dh_room_recording_tell(struct dh_room *room, const json_t *event);
void dh_room_recording_poll(struct dh_room *room, int64_t now_ticks);
int64_t dh_room_recording_deadline_ticks(const struct dh_room *room, int64_t now_ticks);
/* The room was enabled, or disabled. */
void dh_room_recording_enable(struct dh_room *room);
/* The room is ending: so is what is recorded. */
void dh_room_recording_close(struct dh_room *room);
/* Whether a viewer of the playout is the recording's. */
bool dh_room_recording_is_viewer(const struct dh_room *room);

/* --- room_voice.c; in the room's thread */

/* A dh_floor_changed_fn; `arg` is the room. */
void dh_room_floor_changed(void *arg, guint viewer, enum dh_floor_end end, bool waited);
/* The room's settings are new. */
void dh_room_voice_configure(struct dh_room *room);
/* 20 ms of sound leave; see dh_playout_sink. */
void dh_room_voice_sent(struct dh_room *room, unsigned loudness);
/* Nobody speaks any more, nor has the floor, as the room ends. */
void dh_room_voice_end(struct dh_room *room);
/* `member` has left, and is still among the members. */
void dh_room_voice_left(struct dh_room *room, struct dh_member *member);
/* The avatar does not listen to the voices that are heard now any more: something else was asked for. */
void dh_room_voice_overrule(struct dh_room *room);
void dh_room_voice_poll(struct dh_room *room, int64_t now_ticks);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_room_voice_deadline_ticks(const struct dh_room *room);

/* --- room_ended.c; in the room's thread */

/* Takes ownership of `segment`. */
void dh_room_ended_add(struct dh_room *room, struct dh_segment *segment);
void dh_room_ended_poll(struct dh_room *room, int64_t now_ticks);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_room_ended_deadline_ticks(const struct dh_room *room);
/* The room is ending: the rest is freed by a thread that nobody waits for. */
void dh_room_ended_close(struct dh_room *room);

/* --- room_pipes.c; in the room's thread */

/* `feed`, with a segment, is about to start. */
void dh_room_pipes_start(struct dh_room *room, struct dh_feed *feed);
/* Event MISSING. */
void dh_room_pipes_missing(struct dh_room *room, const struct dh_playout_event *event);
/* `segment` has ended, and neither plays nor waits. */
void dh_room_pipes_ended(struct dh_room *room, const struct dh_segment *segment);

/* --- room_text.c; in the room's thread */

/* `segment` has ended. */
void dh_room_text_ended(struct dh_room *room, const struct dh_segment *segment);
/* After the thread has ended: frees the ids. */
void dh_room_text_clear(struct dh_room *room);

/* --- room_rest.c; in the room's thread */

/* Call after filling the segment of `failed`, and before telling the playout: if its generator
 * has failed, another one may say the rest, in a segment that follows it. */
void dh_room_rest_continue(struct dh_room *room, struct dh_feed *failed);

/* --- room_scene.c; in the room's thread */

/* Before `feed` starts: tells it what will be shown when its segment begins. `before`: the
 * segment that plays before it; NULL: none does. */
void dh_room_scene_set(const struct dh_room *room, struct dh_feed *feed, const struct dh_segment *before);

/* --- room_bridge.c; in the room's thread */

/* Call it when what plays, or the queue, has changed: if the avatar will idle after what
 * plays, has the pictures made that lead there (playout/bridge.h). */
void dh_room_bridge_prepare(struct dh_room *room);
/* Call it when another clip is wanted, and the playout knows: if that is to fade, has the pictures made that lead
 * there, and the clip that is shown goes on until then. */
void dh_room_bridge_turn(struct dh_room *room);
/* Call it when time has passed: if a segment waits for its moment, has the pictures made that lead to it. */
void dh_room_bridge_approach(struct dh_room *room);
/* The room is ending. */
void dh_room_bridge_close(struct dh_room *room);

/* --- room_stance.c; in the room's thread */

/* The avatar's clips are there. */
void dh_room_stance_clips(struct dh_room *room);
/* `feed` was enqueued. */
void dh_room_stance_asked(struct dh_room *room, const struct dh_feed *feed);
void dh_room_stance_event(struct dh_room *room, const struct dh_playout_event *event);
void dh_room_stance_poll(struct dh_room *room);
/* What is seen, of a room that has its clip. */
enum dh_room_state dh_room_stance_state(const struct dh_room *room);
/* Whether a viewer speaks to it: then it listens, if it has a clip for that, whatever was asked for before. */
void dh_room_stance_hears(struct dh_room *room, bool hears_voice);
/* IDLE, LISTENING or THINKING. `by_itself`: nobody asked for it, so it listens on to whoever speaks, and THINKING ends
 * when nothing waits any more; otherwise it is shown at once, whoever speaks. */
void dh_room_set_stance(struct dh_room *room, enum dh_stance stance, bool by_itself);

/* --- room_cut.c; in the room's thread (more in interruption.h) */

void dh_room_cut_event(struct dh_room *room, const struct dh_playout_event *event);
/* Ends a hold that has lasted too long. */
void dh_room_cut_poll(struct dh_room *room, int64_t now_ticks);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_room_cut_deadline_ticks(const struct dh_room *room);

/* --- room_segments.c; in the room's thread */

/* An id that no segment has. */
#define DH_ROOM_MADE_ID_SIZE 32
void dh_room_segments_make_id(struct dh_room *room, char id[DH_ROOM_MADE_ID_SIZE]);

/* The avatar's clip is ready, or could not be prepared. */
void dh_room_segments_avatar(struct dh_room *room);
/* Starts to prepare what is next. */
void dh_room_segments_prepare(struct dh_room *room);
/* Looks after the live segment that plays. */
void dh_room_segments_poll(struct dh_room *room, int64_t now_ticks);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_room_segments_deadline_ticks(const struct dh_room *room);
/* The account of a segment that has not ended. */
struct dh_account *dh_room_account(const struct dh_room *room, const struct dh_segment *segment);
/* `segment` has ended. */
void dh_room_segments_ended(struct dh_room *room, struct dh_segment *segment);

#endif
