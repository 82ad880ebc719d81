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

#include "continuity.h"
#include "packets.h"
#include "segment.h"

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
	/* of the room */
	DH_EVENT_SPEAKING,
	DH_EVENT_IDLE,
	DH_EVENT_COUNT,
};

struct dh_playout_event {
	enum dh_event_type type;
	struct dh_segment *segment; /* NULL for the room's own */
	int64_t media_ticks;        /* when it takes effect */
	int64_t played_ticks;       /* how much of the segment was played by then, see above */
};

/* None of these functions may call back into the playout, nor free its viewers. */
struct dh_playout_sink {
	dh_packet_fn *packet;
	void (*event)(void *arg, const struct dh_playout_event *event);
	/* Called after the event that ends `segment`; takes ownership. NULL: the
	 * playout frees it at once, which takes a while if it is long (see
	 * dh_segment_drop). */
	void (*ended)(void *arg, struct dh_segment *segment);
};

struct dh_playout_config {
	enum dh_duration duration;
	int64_t preroll_ticks;   /* known before an incomplete segment starts or resumes; default 200 ms */
	int64_t late_ticks;      /* anything later is not sent; default 150 ms */
	int64_t spread_ticks;    /* offsets of viewer groups spread over this much, 0 to 20 ms; default 10 ms */
	int spread_from;         /* viewers beyond this number get an offset; default 20 */
	int max_queue;           /* waiting segments; default 100 */
	int64_t max_queue_ticks; /* known media waiting; default 1 h */
	size_t max_queue_bytes;  /* of units waiting; default 512 MiB */
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

/* --- segments */

/* Takes ownership on success, until the segment's end. Event QUEUED. -ENOBUFS: a queue
 * limit is reached; -EEXIST: a segment with that id plays or waits; -ENOMEM. */
int dh_playout_enqueue(struct dh_playout *playout, struct dh_segment *segment);

/* The same, but directly after the playing or waiting segment `id`; if there is none, next. */
int dh_playout_enqueue_after(struct dh_playout *playout, struct dh_segment *segment, const char *id);

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
/* Ends the playing segment and all waiting ones at the next slot. Returns how many. */
int dh_playout_interrupt(struct dh_playout *playout);
/* The same in steps, because a queue may be long: the first ends the playing segment and
 * takes the waiting ones out of the queue; each call of the second ends one of those, at the
 * same media time, until it returns false. Other calls may come in between. */
int dh_playout_begin_interrupt(struct dh_playout *playout);
bool dh_playout_continue_interrupt(struct dh_playout *playout);

/* The playing segment, NULL when idle. Sets *played_ticks (unless NULL) to how
 * much of it was played, see above. */
struct dh_segment *dh_playout_playing(const struct dh_playout *playout, int64_t *played_ticks);
/* The waiting segment at `index` (0: next), NULL beyond the last. */
struct dh_segment *dh_playout_waiting(const struct dh_playout *playout, size_t index);
size_t dh_playout_waiting_count(const struct dh_playout *playout);
/* Whether enough of `segment` is known for it to start. */
bool dh_playout_is_ready(const struct dh_playout *playout, const struct dh_segment *segment);
int64_t dh_playout_media_ticks(const struct dh_playout *playout, int64_t now_ticks);

/* Where the idle clip is, in *length_ticks, while nothing plays; -1: something does, or nobody
 * watches. */
int64_t dh_playout_idle_at(const struct dh_playout *playout, int64_t now_ticks, int64_t *length_ticks);

/* --- viewers */

/* Call it when the viewer's media is ready: the next poll sends the anchor; sound
 * follows, and pictures from the next entry on. `seed` holds the random starts of its
 * numbering and its payload types (continuity.h); `user` is passed with its packets.
 * *viewer belongs to the playout and is valid until removed. -ENOMEM. */
int dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed, void *user,
	struct dh_viewer **viewer);
/* Frees *viewer and sets it to NULL. */
void dh_playout_remove_viewer(struct dh_playout *playout, struct dh_viewer **viewer);
/* The decoder asks for a key frame (PLI or FIR). Repeated requests are
 * answered after 1, 2, then every 4 s. */
void dh_playout_viewer_pli(struct dh_playout *playout, struct dh_viewer *viewer, int64_t now_ticks);
/* Nothing is sent while paused; afterwards the picture resumes at an entry. */
void dh_playout_viewer_pause(struct dh_playout *playout, struct dh_viewer *viewer, bool paused);
void dh_playout_viewer_stats(const struct dh_viewer *viewer, struct dh_viewer_stats *stats);
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
