/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The playout of one room: an avatar that idles, a queue of segments, one clock,
 * and viewers.
 *
 * Pure: it never reads a clock, sleeps, locks or calls the system. It belongs to
 * one thread, its owner, which passes `now_ticks` (CLOCK_MONOTONIC in ticks,
 * timebase.h) and calls `dh_playout_poll` no later than `dh_playout_deadline_ticks`
 * says. Packets and events come through the sink, from within the calls that cause
 * them. Call dh_playout_poll before any call that changes the playout, too: the
 * change then takes effect now, and not at the time of the last poll.
 *
 * Time. Media time is `now - origin`, slope 1, for ever. It is cut into slots of
 * 20 ms. When media time reaches a slot, the playout decides as a whole what the
 * slot shows: the playing segment, the idle clip, or (where the segment's next
 * 20 ms are still being prepared) the held picture in silence. So segments begin,
 * end and are cut on the audio grid, picture and sound together, and every command
 * takes effect at the next slot for all viewers at once. Within its slot a unit
 * is due at its own media time, plus its viewer's constant offset.
 *
 * Order. The queue plays by priority, then in order of arrival; pieces of an utterance play
 * by their index. While an utterance has its turn everything else waits, except what has a
 * higher priority: as soon as that is ready it interrupts what plays, and the rest of its
 * utterance. A missing piece is waited for, then left out. The room goes on speaking until
 * the utterance is over: its last piece has been played, or the next has not come in time.
 *
 * Hold. The playing segment can be put on hold, which has nothing to do with an underrun: it falls
 * silent and the avatar idles, and nothing of the same or a lower priority starts, until it goes on
 * (where it stopped, or at an entry before that) or is ended. What is heard twice counts once.
 *
 * Played. A slot of a segment counts as played if it was decided in time to send its
 * sound: no later than `late_ticks` plus the largest offset in use after it began.
 * Slots that passed without a poll do not count, nor do holds. Without viewers nothing
 * is sent; a slot then counts if the poll met its deadline.
 *
 * Anchors. A viewer's decoder holds one anchor (key frame) in VP8's golden
 * buffer. A picture marked DH_UNIT_ENTRY needs that anchor and nothing else, so
 * a viewer is put on a stream by its anchor and the next entry.
 */
#ifndef DH_PLAYOUT_H
#define DH_PLAYOUT_H

#include <stdbool.h>

#include "bridge.h"
#include "continuity.h"
#include "cut.h"
#include "packets.h"
#include "repair.h"
#include "segment.h"
#include "stance.h"

struct dh_playout;
struct dh_viewer;

enum dh_event_type {
	/* of a segment; the five after STARTED are ends, and each segment has exactly one */
	DH_EVENT_QUEUED,
	DH_EVENT_READY,
	DH_EVENT_STARTED,
	DH_EVENT_FINISHED,
	DH_EVENT_INTERRUPTED,
	DH_EVENT_SKIPPED,
	DH_EVENT_REMOVED,
	DH_EVENT_FAILED,
	/* of the playing segment: it waits for its next units, it goes on */
	DH_EVENT_HELD,
	DH_EVENT_RESUMED,
	/* of the playing segment (NULL: between two pieces of an utterance): it was put on hold by
	 * dh_playout_hold, it goes on */
	DH_EVENT_HOLDING,
	DH_EVENT_RESUMING,
	/* of the room */
	DH_EVENT_SPEAKING,
	DH_EVENT_IDLE,
	/* pieces of an utterance did not come in time and are left out */
	DH_EVENT_MISSING,
	/* the queued media have fallen to the low mark, or reached the high mark (water.h) */
	DH_EVENT_LOW_WATER,
	DH_EVENT_HIGH_WATER,
	DH_EVENT_COUNT,
};

/* Why a segment ended that nobody named in a command. */
enum dh_reason {
	DH_REASON_NONE,
	DH_REASON_LATE,     /* REMOVED: a piece that came after its place had been passed */
	DH_REASON_CUT,      /* REMOVED: a piece of an utterance that had been cut before it came */
	DH_REASON_EXPIRED,  /* REMOVED: it had not started in time (ttl_ticks) */
	DH_REASON_PRIORITY, /* INTERRUPTED: a higher priority came */
};

struct dh_playout_event {
	enum dh_event_type type;
	struct dh_segment *segment; /* NULL for the room's own */
	int64_t media_ticks;        /* when it takes effect */
	int64_t played_ticks;       /* how much of the segment was played by then, see above */
	enum dh_reason reason;      /* of ends */
	/* MISSING: which pieces; the name is borrowed for the duration of the call */
	const char *utterance;
	int64_t index, count;
	int64_t queued_ticks; /* LOW_WATER, HIGH_WATER */
	/* STARTED, HOLDING, RESUMING, the end of what plays: where the segment stands, in its own time */
	int64_t position_ticks;
	bool is_undone; /* RESUMING: it goes on as if nothing had happened */
};

/* None of these functions may call back into the playout, nor free its viewers. */
struct dh_playout_sink {
	dh_packet_fn *packet;
	void (*event)(void *arg, const struct dh_playout_event *event);
	/* Called after the event that ends `segment`; takes ownership. NULL: the
	 * playout frees it at once, which takes a while if it is long (see
	 * dh_segment_drop). */
	void (*ended)(void *arg, struct dh_segment *segment);
	/* Once for every packet of sound that viewers are sent from now on, in the order of their time:
	 * `loudness` as in unit.h, of silence where nothing is said; a fade has its unit's, which is about 2 dB more
	 * than its own. The payload is borrowed. May be NULL. */
	void (*sound)(void *arg, unsigned loudness, int64_t media_ticks, const uint8_t *payload, size_t size);
	dh_handed_fn *handed; /* may be NULL */
	/* After each slot that is decided, which those skipped while nobody watches are not. The playout, which it may
	 * look at, stands at the slot's end. `in_time` false: its sound was too late for everybody. May be NULL. */
	void (*slot)(void *arg, bool in_time);
};

struct dh_playout_config {
	enum dh_duration duration;
	/* known before an incomplete segment starts or resumes that says nothing else (order.h),
	 * also while nothing is known of its source yet; default 200 ms */
	int64_t preroll_ticks;
	int64_t late_ticks;      /* anything later is not sent; default 150 ms */
	int64_t spread_ticks;    /* offsets of viewer groups spread over this much, 0 to 20 ms; default 10 ms */
	int spread_from;         /* viewers with senders of their own get an offset beyond this number; default 20 */
	int max_queue;           /* waiting segments; default 100 */
	int64_t max_queue_ticks; /* known media waiting; default 1 h */
	size_t max_queue_bytes;  /* of units waiting; default 512 MiB */
	/* how long an utterance waits for its next piece; default 3 s */
	int64_t index_timeout_ticks;
	/* so long a segment waits, while the avatar idles, for a picture that resembles its first; default 0 */
	int64_t seam_wait_ticks;
	/* so long the avatar's clip fades into that first picture, where it may wait for long enough; default 0 */
	int64_t seam_fade_ticks;
	int64_t low_water_ticks, high_water_ticks; /* see water.h; default 0: none */
};

/* Sets the defaults named above. */
void dh_playout_config_init(struct dh_playout_config *config);

/* Copies `sink`; `arg` is passed to its functions. Media time 0 is `now_ticks`.
 * -EINVAL, -ENOMEM. */
int dh_playout_alloc(struct dh_playout **playout, const struct dh_playout_config *config,
	const struct dh_playout_sink *sink, void *arg, int64_t now_ticks);

/* Frees viewers, segments and idle clip without any event. */
void dh_playout_free(struct dh_playout **playout);

/* The avatar's idle clip: complete, with video. Takes ownership on success. No
 * segment starts until there is an idle clip. -EINVAL, -EALREADY. */
int dh_playout_set_idle(struct dh_playout *playout, struct dh_segment *idle);
/* A clip for another stance, under the same anchor; likewise. Without one the idle clip is shown. */
int dh_playout_set_clip(struct dh_playout *playout, enum dh_stance stance, struct dh_segment *clip);
/* What the avatar does from the next slot on, or from when its clip is left, while nothing plays: IDLE (at first),
 * LISTENING or THINKING. */
void dh_playout_set_stance(struct dh_playout *playout, enum dh_stance stance);

/* --- segments */

/* Beside which waiting segment another is put: `before` or `after`, the other is NULL. A
 * segment that is placed takes that one's priority. Pieces of an utterance stay together:
 * beside one of them means beside all of them. */
struct dh_place {
	const char *before, *after; /* ids */
};

/* Takes ownership on success, until the segment's end. Event QUEUED. A piece whose place in
 * its utterance has been passed, or whose utterance is over, then ends as REMOVED before the
 * function returns. `place` NULL: at the end of its priority, or among the pieces of its
 * utterance. A name of an utterance is known for a while after it is over, so use a new one
 * each time.
 * -EEXIST: a segment with that id plays or waits; -EALREADY: its index waits already;
 * -ERANGE: its index is beyond the utterance's last, or it is the last and is not the highest;
 * -ENXIO: no such segment to be placed beside; -EBUSY: that one plays, or its utterance does;
 * -EINVAL: both `before` and `after`, or a piece of an utterance that has its place already;
 * -ENOBUFS: a queue limit is reached; -ENOMEM. */
int dh_playout_enqueue_at(struct dh_playout *playout, struct dh_segment *segment, const struct dh_place *place);
/* The same without a place. */
int dh_playout_enqueue(struct dh_playout *playout, struct dh_segment *segment);

/* The same for the rest of what `failed` has not said, a segment of the playout: it comes
 * directly behind that one, with its priority, underrun and preroll, and has the same place in its
 * utterance. If that one has not begun, it also expires and is repeated like that one. There is
 * always a place for one. -ECANCELED: the utterance is over, or `failed` is to be cut at the end of a word. */
int dh_playout_enqueue_rest(struct dh_playout *playout, struct dh_segment *segment, const struct dh_segment *failed);

/* The playing or waiting segment with that id, NULL if there is none. Fill it with
 * dh_segment_open/append/complete/fail, then call dh_playout_filled. */
struct dh_segment *dh_playout_find(struct dh_playout *playout, const char *id);

/* Call it after appending units to `segment`, or after completing or failing it: emits
 * READY, or FAILED if it has not started. May free the segment. */
void dh_playout_filled(struct dh_playout *playout, struct dh_segment *segment);

/* The playing segment ends at the next slot; -ENOENT when none plays. */
int dh_playout_skip(struct dh_playout *playout);
/* Removes a waiting segment; -ENOENT: none with that id, -EBUSY: it plays. */
int dh_playout_remove(struct dh_playout *playout, const char *id);
/* Removes the waiting pieces of an utterance, which then is over; the one that plays is
 * played to its end. Returns how many. -ENOENT: none of that name, or it is over. */
int dh_playout_remove_utterance(struct dh_playout *playout, const char *utterance);
/* Puts a waiting segment, with all of its utterance, elsewhere. -ENOENT: no such segment;
 * -EBUSY: it, or what it is to come before, plays, or an utterance does to which it belongs;
 * -ENXIO, -EINVAL: as above. */
int dh_playout_move(struct dh_playout *playout, const char *id, const struct dh_place *place);
/* Ends the playing segment and all waiting ones at the next slot, and all utterances: their
 * pieces that come later end as REMOVED. Returns how many. */
int dh_playout_interrupt(struct dh_playout *playout);
/* The same for what `cut` matches, in steps, because a queue may be long: the first ends the playing
 * segment, or remembers where, and takes the waiting ones out of the queue; each call of the second
 * ends one of those, at the same media time, until it returns false. Other calls may come in between.
 * An utterance is over that is named, or has the priority that is named, or if neither is and no
 * segment is. -ENOENT: there is no such segment, or no such utterance, or it is over. */
int dh_playout_begin_cut(struct dh_playout *playout, const struct dh_cut *cut, struct dh_cut_result *result);
bool dh_playout_continue_cut(struct dh_playout *playout);

/* Whether a word of what plays is to be its last. */
bool dh_playout_is_cut_ahead(const struct dh_playout *playout);
/* From now on, only speech up to the media time `until_ticks` counts for the time that the second one returns,
 * which ends that: when a packet of speech was last sent to somebody, as `now_ticks`; -1: never. */
void dh_playout_watch_speech(struct dh_playout *playout, int64_t until_ticks);
int64_t dh_playout_end_watch(struct dh_playout *playout);

/* --- hold */

/* What plays falls silent at the next slot, and the avatar idles; or the next piece of an utterance
 * does not start. Event HOLDING. Within `regret_ticks` it may go on as if nothing had happened.
 * -ENOENT: nothing plays; -EALREADY: it is on hold. */
int dh_playout_hold(struct dh_playout *playout, int64_t regret_ticks);
/* It goes on. Event RESUMING. Within `regret_ticks`: where it stopped, its pictures from an entry on as
 * after an underrun. Otherwise at its last entry before that, sound with it; or (`at_ticks` 0 or more, not
 * behind where it stopped) at the last entry before `at_ticks`, in its own time, in silence until then.
 * -ENOENT: nothing is on hold. */
int dh_playout_resume(struct dh_playout *playout, int64_t at_ticks);
bool dh_playout_is_on_hold(const struct dh_playout *playout);
/* Whether it may still go on as if nothing had happened. */
bool dh_playout_may_regret(const struct dh_playout *playout);
/* Where the playing segment stands, in its own time: without what it has of the piece before it. */
int64_t dh_playout_position_ticks(const struct dh_playout *playout);

/* The playing segment, NULL when idle. Sets *played_ticks (unless NULL) to how
 * much of it was played, see above. */
struct dh_segment *dh_playout_playing(const struct dh_playout *playout, int64_t *played_ticks);
/* How far the playing segment has come, played or not; 0: none plays. */
int64_t dh_playout_reached_ticks(const struct dh_playout *playout);
/* The media time of the playing segment's own time 0, see dh_playout_position_ticks; it changes while the segment
 * waits or is on hold. 0: none plays. */
int64_t dh_playout_begun_ticks(const struct dh_playout *playout);
/* Up to there, in its own time, the playing segment goes on in silence after a hold. */
int64_t dh_playout_muted_ticks(const struct dh_playout *playout);
/* Whether the piece `index` of an utterance may still come: its place has not been passed, and nobody
 * has said that it will not. */
bool dh_playout_is_expected(const struct dh_playout *playout, const char *utterance, int64_t index);
/* The waiting segment at `index` (0: next), NULL beyond the last. */
struct dh_segment *dh_playout_waiting(const struct dh_playout *playout, size_t index);
size_t dh_playout_waiting_count(const struct dh_playout *playout);
/* Known media that wait, with repetitions, and bytes of units: what the configuration limits. */
int64_t dh_playout_waiting_ticks(const struct dh_playout *playout);
size_t dh_playout_waiting_bytes(const struct dh_playout *playout);
/* Whether enough of `segment` is known for it to start. */
bool dh_playout_is_ready(const struct dh_playout *playout, const struct dh_segment *segment);
/* The waiting segment that interrupts the playing one as soon as it is ready; NULL: none does. */
struct dh_segment *dh_playout_interrupting(const struct dh_playout *playout);
/* Known media that wait or are still to be played. */
int64_t dh_playout_queued_ticks(const struct dh_playout *playout);
/* What a segment of that source (order.h) wants before it starts. */
int64_t dh_playout_preroll_ticks(const struct dh_playout *playout, int source);

struct dh_playout_counts {
	int64_t held_ticks;    /* underruns that held or idled */
	int64_t dropped_ticks; /* underruns that let time go on */
	int64_t between_ticks; /* between two pieces of an utterance */
};
void dh_playout_get_counts(const struct dh_playout *playout, struct dh_playout_counts *counts);

int64_t dh_playout_media_ticks(const struct dh_playout *playout, int64_t now_ticks);

/* Where the idle clip is, in *length_ticks, while nothing plays; -1: something does, or nobody
 * watches. */
int64_t dh_playout_idle_at(const struct dh_playout *playout, int64_t now_ticks, int64_t *length_ticks);

/* --- bridges (bridge.h) */

/* Plans the bridge from the end of the playing segment to the clip for what the avatar does then, if that end is
 * known. -EAGAIN: nothing plays, it has no pictures, or its end is not known; else as
 * dh_bridge_plan. */
int dh_playout_plan_bridge(const struct dh_playout *playout, int64_t fade_ticks, struct dh_bridge_plan *plan);
/* Plans the bridge from the clip that is shown to the one for what the avatar does now, from an entry at least
 * `make_ticks` ahead. -EAGAIN: something plays, no clip is shown, or it is the same; else as dh_bridge_plan. */
int dh_playout_plan_turn(const struct dh_playout *playout, int64_t make_ticks, int64_t fade_ticks,
	struct dh_bridge_plan *plan);
/* The clip that is shown goes on until that media time, unless something else is done by then. */
void dh_playout_leave_clip_at(struct dh_playout *playout, int64_t leave_ticks);
/* Plans the bridge out of the clip that is shown, to the first picture of the segment that waits for its moment. Its
 * pictures take the place of the clip's from `leave_ticks` on. -EAGAIN: none waits, or not for long enough; else as
 * dh_bridge_plan. */
int dh_playout_plan_approach(const struct dh_playout *playout, struct dh_bridge_plan *plan);
/* It is used for that. Takes ownership on success. -EINVAL: the bridge does not fit the clip; -EBUSY: another one is
 * shown. */
int dh_playout_set_approach(struct dh_playout *playout, struct dh_segment *bridge, int64_t leave_ticks);
/* Where the clip for `to` begins after the picture `from`, it does so with `bridge`, which
 * leads to that clip's picture `back`. Replaces the one before; takes ownership on success.
 * -EINVAL: there is no clip, or the bridge does not fit it. */
int dh_playout_set_bridge(struct dh_playout *playout, struct dh_segment *bridge, struct dh_unit *from,
	enum dh_stance to, size_t back);

/* --- viewers */

/* Call it when the viewer's media is ready: the next poll sends the anchor; sound
 * follows, and pictures from the next entry on. `seed` holds the random starts of its
 * numbering and its payload types (continuity.h); `user` is passed with its packets.
 * *viewer belongs to the playout and is valid until removed. -ENOMEM. */
int dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed,
	const struct dh_viewer_way *way, void *user, struct dh_viewer **viewer);
/* Frees *viewer and sets it to NULL. */
void dh_playout_remove_viewer(struct dh_playout *playout, struct dh_viewer **viewer);
/* The decoder asks for a key frame (PLI or FIR); of one that relays, a decoder behind it, while others may be well.
 * Repeated requests are answered after 1, 2, then every 4 s. */
void dh_playout_viewer_pli(struct dh_playout *playout, struct dh_viewer *viewer, int64_t now_ticks);
/* Packets of pictures have not got there: it needs a key frame, and can do nothing with pictures before that. */
void dh_playout_viewer_lost(struct dh_playout *playout, struct dh_viewer *viewer, int64_t now_ticks);
/* A receiver report says something else of what its pictures have lost (repair.h). */
void dh_playout_viewer_hear(struct dh_viewer *viewer, const struct dh_repair_report *report);
/* Nothing is sent while paused; afterwards the picture resumes at an entry. */
void dh_playout_viewer_pause(struct dh_playout *playout, struct dh_viewer *viewer, bool paused);
/* The same for one medium, which the viewer does not take, or does not want now: what is muted is not counted
 * either. */
void dh_playout_viewer_mute(struct dh_playout *playout, struct dh_viewer *viewer, enum dh_media media, bool muted);
/* The anchor is sent again before the first entry that is so much later than the last anchor; 0, as at first: only
 * where it is needed, or asked for. */
void dh_playout_viewer_keyframes(struct dh_viewer *viewer, int64_t every_ticks);
/* The quality of its pictures from the next entry on (qualities.h), or the lowest that they have; at first 0. `thin`:
 * it does without droppable ones; at first it does not. */
void dh_playout_viewer_quality(struct dh_viewer *viewer, int quality, bool thin);
/* From its next packet on. */
void dh_playout_viewer_payload_type(struct dh_viewer *viewer, enum dh_media media, uint8_t payload_type);
/* For a viewer that goes over to another playout at once: what continues its numbering there, without a gap in
 * sequence numbers, and with timestamps that go on with the clock. Its times are absolute until
 * dh_playout_seed_here has been called for the other playout. */
void dh_playout_viewer_seed(const struct dh_playout *playout, const struct dh_viewer *viewer, int64_t now_ticks,
	struct dh_continuity_seed *seed);
void dh_playout_seed_here(const struct dh_playout *playout, struct dh_continuity_seed *seed);
void dh_playout_viewer_stats(const struct dh_viewer *viewer, struct dh_viewer_stats *stats);
/* How long after its media time everything is sent to this viewer; constant. */
int64_t dh_playout_viewer_offset_ticks(const struct dh_viewer *viewer);
size_t dh_playout_viewers(const struct dh_playout *playout);

/* --- time */

/* When to call dh_playout_poll next, as `now_ticks`; INT64_MAX: not before a call that
 * changes something. Ask again after every such call. Without viewers only the edges of
 * segments are deadlines. */
int64_t dh_playout_deadline_ticks(const struct dh_playout *playout);

/* Does everything that is due. Called late, it sends what is at most
 * `late_ticks` late, in order, and skips the rest, video to its next entry. */
void dh_playout_poll(struct dh_playout *playout, int64_t now_ticks);

#endif
