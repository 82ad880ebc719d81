/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room as Janus sees it: a dh_playout with its thread, its avatar, its members
 * and the feeds of its segments.
 *
 * Any thread may call these functions, but those that wait for the room's thread must
 * not be called from it. The room's thread only copies data; JSON is built in the
 * caller's.
 */
#ifndef DH_ROOM_H
#define DH_ROOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "avatar.h"
#include "host.h"
#include "ingest/feed.h"
#include "ingest/generator.h"
#include "member.h"
#include "segment_request.h"
#include "settings.h"

struct dh_first_frames;
struct dh_forwards;
struct dh_io;
struct dh_room;
struct dh_rtp_forward;

/* What never changes about a room; copied. */
struct dh_room_facts {
	const char *id; /* see room_id.h */
	enum dh_duration duration;
	struct dh_avatar *avatar;
	const struct dh_generator_config *generator; /* NULL: none */
	enum dh_underrun underrun;                   /* of segments that say nothing else */
	int64_t preroll_ms;                          /* the same; 0: as long as their source needs */
	int64_t seam_wait_ms;                        /* how long they wait for an idle picture like their first */
	int64_t ptime;                               /* of its viewers, see dh_is_ptime; 0: 20 */
	struct dh_delay delay;                       /* of viewers that ask for nothing else */
	int64_t low_water_ms, high_water_ms;         /* of queued media, for events; 0: none */
};

/* What all rooms have in common. `host` must outlive them. */
struct dh_room_context {
	const struct dh_host *host;
	struct dh_ingest *ingest;             /* frees what an ended room leaves; outlives dh_room_close */
	struct dh_first_frames *first_frames; /* of all rooms; may be NULL */
	bool string_ids;                      /* room ids are strings, not integers */
	bool events;                          /* the gateway's event handlers get the room's events */
	bool realtime;                        /* its thread may be a real-time one, see realtime.h */
	int64_t spread_ms;                    /* viewers are served in groups spread over this time, 0 to 20 */
	int64_t watch_timeout_ms;             /* from `watch` until media must be up */
	int64_t max_queue;                    /* waiting segments */
	int64_t max_queue_ms;                 /* of known media waiting */
	int64_t max_queue_mb;                 /* of media waiting */
	int64_t index_timeout_ms;             /* how long an utterance waits for its next piece */
	int64_t hold_s;                       /* a hold that lasts longer becomes an interruption */
};

/* Starts its thread; takes a reference to `settings`. One reference is the caller's,
 * who must call dh_room_close before dropping it. -ENOMEM, or the error of starting the
 * thread. */
int dh_room_alloc(struct dh_room **room, const struct dh_room_context *context, const struct dh_room_facts *facts,
	struct dh_settings *settings);
struct dh_room *dh_room_ref(struct dh_room *room);
void dh_room_unref(struct dh_room **room);

/* Ends it: interrupts its segments, dismisses its members (event `destroyed`),
 * joins its thread. The caller holds a reference. */
void dh_room_close(struct dh_room *room);

const struct dh_room_facts *dh_room_facts(const struct dh_room *room);
/* The id as in requests and events. A new reference. */
json_t *dh_room_id_json(const struct dh_room *room);

/* Where its viewers' sound goes. As long as the room. */
struct dh_forwards *dh_room_forwards(const struct dh_room *room);

/* A reference to the current settings. */
struct dh_settings *dh_room_settings(struct dh_room *room);
/* Takes ownership of the reference. */
void dh_room_set_settings(struct dh_room *room, struct dh_settings *settings);

/* As in `list`; with `all` also what needs the room's secret. A new reference. */
json_t *dh_room_info(struct dh_room *room, bool all);

/* What waits in its queue. */
struct dh_room_waiting {
	int segments;
	int64_t ms;    /* of known media, with repetitions */
	int64_t bytes; /* of units */
};
void dh_room_get_waiting(const struct dh_room *room, struct dh_room_waiting *waiting);

enum dh_room_state {
	DH_ROOM_PREPARING,
	DH_ROOM_IDLE,
	DH_ROOM_SPEAKING,
	DH_ROOM_FAILED,
	DH_ROOM_LISTENING,
	DH_ROOM_THINKING,
};
enum dh_room_state dh_room_state(const struct dh_room *room);

/* --- members; none of these waits */

/* Members of the whole gateway; atomic. Viewers and observers are counted separately,
 * because each kind has its own limit. */
struct dh_member_counts {
	atomic_int viewers, observers; /* from `watch` or `observe` until they have left */
	atomic_int ever;
};

/* One reference is the caller's; the member holds references to `handle` and `room`. It
 * occupies a place in the room and in `counts`, which must outlive it, until it leaves,
 * is dismissed, or its last reference is dropped. */
struct dh_member *dh_room_member_new(struct dh_room *room, void *handle, enum dh_member_kind kind,
	struct dh_member_counts *counts);
/* From `watch` or `observe` until they have left, connected or not. */
int dh_room_viewer_count(const struct dh_room *room);
int dh_room_observer_count(const struct dh_room *room);

/* The handle gets the room's events from now on, and a viewer's time to connect
 * begins: without media after `watch_timeout_ms` it gets the status `timeout` and
 * is dismissed. If the room has ended the handle gets the event `destroyed` and is
 * dismissed. */
void dh_room_member_attach(struct dh_member *member);
/* The PeerConnection is up, and the answer has come, whose lines have been set (in either order, each as often as it
 * happens): media from then on, and the status `started`, once. `sender` is the id of the thread that sends to it if it
 * may send to others, too; else 0. */
void dh_room_member_up(struct dh_member *member, int sender);
void dh_room_member_answered(struct dh_member *member);
void dh_room_member_pause(struct dh_member *member, bool paused);
/* As a pause of one medium. */
void dh_room_member_mute(struct dh_member *member, enum dh_media media, bool muted);
/* The browser asks for a key frame. */
void dh_room_member_pli(struct dh_member *member);
/* RTCP that it sends for the m-line of `media`; one thread at a time. Never waits. */
void dh_room_member_rtcp(struct dh_member *member, enum dh_media media, const uint8_t *rtcp, size_t size);
/* `to`, a member of another room that has not been attached yet, gets the quality that `from` gets. */
void dh_room_member_continue_quality(struct dh_member *to, struct dh_member *from);
/* It wants this quality. */
void dh_room_member_ask_quality(struct dh_member *member, const struct dh_quality_asked *asked);
/* It agrees to send its sound, and that is wanted; or not any more. */
void dh_room_member_hear(struct dh_member *member, bool is_on);
/* An RTP packet that it sends on m-line `mindex`; `level` as in dh_heard_packet. */
void dh_room_member_sound(struct dh_member *member, int mindex, const uint8_t *rtp, size_t size, int level);
/* How many are listened to. */
int dh_room_microphones(const struct dh_room *room);
/* Janus reports that its link loses packets. */
void dh_room_member_slow_link(struct dh_member *member, enum dh_media media);
/* Whether captions and markers are sent to it from now on (docs/api.md). */
void dh_room_member_listen(struct dh_member *member, bool wants);
/* Its data channel has taken all that it was given, so it can take more. */
void dh_room_member_data_ready(struct dh_member *member);
/* No more media, and no more events once the room's thread knows. It waits for a packet that is
 * being relayed at that moment; after this returns nothing is. */
void dh_room_member_leave(struct dh_member *member);

/* Leaves, and `to`, a member of another room that has been attached there, goes on with the same
 * connection. `is_up`: it is up; then `to` hears of it when the last packet has left here. */
void dh_room_member_move(struct dh_member *member, struct dh_member *to, bool is_up);

/* --- requests; they wait for the room's thread. All may return -ETIMEDOUT (it
 * did not answer, nothing has changed) and -ECANCELED (the room has ended). On
 * success `*reply` is a new reference to the answer's fields. */

/* The room as the owner of a new feed, to be passed to dh_feed_new. Holds a
 * reference to the room. Does not wait. */
struct dh_feed_owner dh_room_feed_owner(struct dh_room *room);

/* The same request (its id and `content`) again while the segment waits or plays is answered
 * as the first one was, and `feed` is not used. -EHOSTDOWN: the avatar has failed; others as
 * dh_playout_enqueue_at: -EEXIST also if that segment's request was another one. */
int dh_room_enqueue(struct dh_room *room, struct dh_feed *feed, const struct dh_segment_request *request,
	json_t **reply);
/* More of the text of the segment with that id, see dh_feed_add_text, whose errors it
 * returns. -ENOENT: there is none; -EEXIST: its text is not, or no longer, being written;
 * -EPIPE: it has ended before its text did. */
int dh_room_add_text(struct dh_room *room, const char *id, const char *text, bool is_last, json_t **reply);
/* `is_trusted`: the caller knows the secret; names are full paths. */
int dh_room_queue(struct dh_room *room, bool is_trusted, json_t **reply);
/* -ENOENT: none plays. */
int dh_room_skip(struct dh_room *room, json_t **reply);
/* -ENOENT: none with that id; -EBUSY: it plays. */
int dh_room_remove(struct dh_room *room, const char *id, json_t **reply);
/* All that wait of an utterance. -ENOENT: none of that name, or it is over. */
int dh_room_remove_utterance(struct dh_room *room, const char *utterance, json_t **reply);
/* As dh_playout_move; one of `before` and `after` is NULL. */
int dh_room_move(struct dh_room *room, const char *id, const char *before, const char *after, json_t **reply);
/* The last segments that have ended, oldest first; names are full paths. `id`: those of that id; NULL: all. */
int dh_room_history(struct dh_room *room, const char *id, json_t **reply);
/* The life of a segment that waits, plays, or is in the history. -ENOENT. */
int dh_room_progress(struct dh_room *room, const char *id, json_t **reply);
/* What a viewer has heard: `member`, or (NULL) the one with that number. -ENOENT. */
int dh_room_heard(struct dh_room *room, struct dh_member *member, guint viewer, json_t **reply);
/* A marker, as dh_marker_check accepts it, takes a reference: now, or at `at_ms` of that segment's own time
 * (`segment` NULL: none). -ENOENT: it neither plays nor waits; -ENOBUFS: it has too many. */
int dh_room_add_marker(struct dh_room *room, json_t *data, const char *segment, int64_t at_ms, json_t **reply);
/* What the avatar does while it does not speak: DH_STANCE_IDLE, LISTENING or THINKING, until something is said.
 * The second one is posted: any thread, it never waits. */
int dh_room_state_set(struct dh_room *room, enum dh_stance stance, json_t **reply);
void dh_room_post_state(struct dh_room *room, enum dh_stance stance);
/* "idle", "listening", "thinking"; false: none of them. */
bool dh_stance_parse(const char *name, enum dh_stance *stance);
/* What it will show when the next segment begins that is enqueued: {"clip":…}, and
 * "position_ms", "length_ms", "thumbnail" as far as they are known. */
int dh_room_scene(struct dh_room *room, json_t **reply);
/* A disabled room relays nothing; its clock and queue keep running. */
int dh_room_enable(struct dh_room *room, bool enabled);
/* Announces new settings (event `edited`): to all members if `viewers`, else only to
 * trusted ones. */
int dh_room_edited(struct dh_room *room, bool viewers);
/* Begins to send the room itself to an RTP target, see rtp_forward.h; takes ownership, also on failure. *reply has the
 * `forwarders`, one for each medium. -ENOBUFS: the room has `max` already; -ENOMEM. */
int dh_room_rtp_forward(struct dh_room *room, struct dh_rtp_forward **forward, int max, json_t **reply);
/* The record of the forward that a medium is one of, a new reference; NULL: it is not permanent. -ENOENT: there is
 * none of that number. */
int dh_room_rtp_forward_record(struct dh_room *room, guint id, enum dh_media *media, json_t **record);
/* Ends a medium of it. `record`, if not NULL, is what is kept of the other one, takes a reference. -ENOENT: there is
 * none of that number. */
int dh_room_stop_rtp_forward(struct dh_room *room, guint id, json_t *record);
/* Appends them to an array, with their counters. */
int dh_room_rtp_forwards(struct dh_room *room, json_t *into);
/* How many there are, each of one or two media; does not wait. */
int dh_room_rtp_forward_count(const struct dh_room *room);
/* What is recorded, and where; strings are copied. */
struct dh_room_recording_config {
	struct dh_io *io;
	const char *program; /* dh-record */
	const char *folder, *name;
	bool webm, mjr;
	atomic_int *count; /* as in dh_recorder_alloc */
};
/* Begins: *reply has the `recording`. -EALREADY: there is one already, or it is being completed; the errors of
 * dh_recorder_alloc; -EAGAIN: its process does not take what the recording begins with. */
int dh_room_start_recording(struct dh_room *room, const struct dh_room_recording_config *config, json_t **reply);
/* Ends it; its files are complete once the event `recorded` comes. -ENOENT: there is none. */
int dh_room_stop_recording(struct dh_room *room, json_t **reply);
/* {"name":…,"duration_ms":…,…}, or null. A new reference. */
int dh_room_recording_json(struct dh_room *room, json_t **reply);
/* What a viewer was sent; an empty object while it has no connection. */
int dh_room_viewer(struct dh_room *room, struct dh_member *member, json_t **reply);
/* The room's counters, and its members': all, or the one with that id. -ENOENT. */
int dh_room_stats(struct dh_room *room, guint viewer, json_t **reply);
/* The same without the members. */
int dh_room_totals(struct dh_room *room, json_t **reply);
/* The floor, see floor.h, whose errors they return. -ENOENT: no such viewer. */
int dh_room_floor_ask(struct dh_room *room, guint viewer, json_t **reply);
int dh_room_floor_leave(struct dh_room *room, guint viewer, json_t **reply);
int dh_room_floor_give(struct dh_room *room, guint viewer, json_t **reply);
/* From that viewer, or (0) from whoever has it. */
int dh_room_floor_take(struct dh_room *room, guint viewer, json_t **reply);
/* Who has it, who waits, and how the room is set. */
int dh_room_floor(struct dh_room *room, json_t **reply);
/* Dismisses all viewers, or (`viewer` not 0) the one viewer or observer with that
 * id. -ENOENT. */
int dh_room_kick(struct dh_room *room, guint viewer, json_t **reply);

#endif
