/* A room: an avatar that idles, a queue of segments, one clock, and viewers.
 *
 * Pure: it never reads a clock, sleeps, locks or calls the system. Its owner (one
 * thread) passes `now_ticks` (CLOCK_MONOTONIC in ticks, timebase.h), calls
 * `dh_playout_poll` no later than `dh_playout_deadline_ticks` says, and gets packets
 * and events through the sink, from within the calls that cause them. Before a
 * call that changes the room it calls dh_playout_poll too, so that what it changes
 * takes effect now and not at the moment of the last poll.
 *
 * Time. Media time is `now - origin`, slope 1, for ever. It is cut into slots of
 * 20 ms. When media time reaches a slot, the room decides as a whole what the
 * slot shows: the playing segment, the idle clip, or (a live segment whose next
 * 20 ms are not there) the held picture in silence. So segments begin, end and
 * are cut on the audio grid, picture and sound together, and every command
 * takes effect at the next slot for all viewers at once. Within its slot a unit
 * is due at its own media time, plus its viewer's constant offset.
 *
 * Anchors. A viewer's decoder holds one anchor (key frame) in VP8's golden
 * buffer. A picture marked DH_UNIT_ENTRY needs that anchor and nothing else, so
 * a viewer is put on a stream by its anchor and the next entry.
 */
#ifndef DH_PLAYOUT_H
#define DH_PLAYOUT_H

#include "continuity.h"
#include "segment.h"

struct dh_playout;
struct dh_viewer;

enum dh_event_type {
	/* of a segment; the five after STARTED are ends, each segment has exactly one */
	DH_EVENT_QUEUED, DH_EVENT_READY, DH_EVENT_STARTED,
	DH_EVENT_FINISHED, DH_EVENT_INTERRUPTED, DH_EVENT_SKIPPED, DH_EVENT_REMOVED, DH_EVENT_FAILED,
	/* of the playing segment: it waits for its next units, it goes on */
	DH_EVENT_HELD, DH_EVENT_RESUMED,
	/* of the room */
	DH_EVENT_SPEAKING, DH_EVENT_IDLE,
	DH_EVENT_COUNT,
};

struct dh_playout_event {
	enum dh_event_type type;
	struct dh_segment *segment;  /* NULL for the room's own; freed by the room after an end */
	int64_t media_ticks;         /* when it takes effect */
	int64_t played_ticks;        /* how much of the segment was played by then */
};

/* What the owner does with packets and events. Neither function may call back
 * into the room, nor free its viewers. */
struct dh_playout_sink {
	/* One complete RTP packet (RFC 3550) for one viewer, valid during the call. */
	void (*packet)(void *arg, void *viewer_user, enum dh_media media, const uint8_t *rtp, size_t size);
	void (*event)(void *arg, const struct dh_playout_event *event);
};

struct dh_playout_config {
	enum dh_duration duration;
	int64_t preroll_ticks;  /* known before an incomplete segment starts or resumes; default 200 ms */
	int64_t late_ticks;     /* what is later is not sent; default 150 ms */
	int64_t spread_ticks;   /* offsets of viewer groups spread over this much, 0 to 20 ms; default 10 ms */
	int spread_from;        /* viewers beyond this number get an offset; default 20 */
	int max_queue;          /* waiting segments; default 100 */
	int64_t max_queue_ticks;/* known media that waits; default 1 h */
	size_t max_queue_bytes; /* that wait; default 512 MiB */
};

/* The defaults named above. */
void dh_playout_config_init(struct dh_playout_config *config);

/* `sink` is copied. Media time 0 is `now_ticks`. -EINVAL, -ENOMEM. */
int dh_playout_alloc(struct dh_playout **room, const struct dh_playout_config *config,
	const struct dh_playout_sink *sink, void *arg, int64_t now_ticks);

/* Frees viewers, segments and idle clip without any event. */
void dh_playout_free(struct dh_playout **room);

/* The avatar's idle clip: complete, with video that begins with an entry. The
 * room owns it from success on; until there is one, no segment starts.
 * -EINVAL, -EALREADY. */
int dh_playout_set_idle(struct dh_playout *room, struct dh_segment *idle);

/* --- segments; the room owns them from a successful enqueue until their end */

/* -ENOBUFS: a queue limit is reached; -EEXIST: a segment of that id plays or waits. Event QUEUED. */
int dh_playout_enqueue(struct dh_playout *room, struct dh_segment *segment);

/* The playing or waiting segment of that id, NULL when there is none. Fill it
 * with dh_segment_open/append/complete/fail, then call dh_playout_filled. */
struct dh_segment *dh_playout_find(struct dh_playout *room, const char *id);

/* Units of `segment` came, or its end: READY and FAILED events follow from here. */
void dh_playout_filled(struct dh_playout *room, struct dh_segment *segment);

/* The playing segment ends at the next slot; -ENOENT when none plays. */
int dh_playout_skip(struct dh_playout *room);
/* A waiting segment leaves; -ENOENT none of that id, -EBUSY it plays. */
int dh_playout_remove(struct dh_playout *room, const char *id);
/* What plays and what waits ends at the next slot; returns how many. */
int dh_playout_interrupt(struct dh_playout *room);

/* The playing segment, NULL when idle; and how far it is. */
struct dh_segment *dh_playout_playing(const struct dh_playout *room, int64_t *played_ticks);
/* The waiting segment at `index` (0: next), NULL beyond the last. */
struct dh_segment *dh_playout_waiting(const struct dh_playout *room, size_t index);
/* Whether enough of `segment` is known for it to be played. */
int dh_playout_is_ready(const struct dh_playout *room, const struct dh_segment *segment);
int64_t dh_playout_media_ticks(const struct dh_playout *room, int64_t now_ticks);

/* --- viewers */

/* What one viewer was sent; see dh_playout_viewer_stats. */
struct dh_viewer_stats {
	uint64_t packets[2], bytes[2]; /* RTP packets and their bytes, by enum dh_media */
	uint64_t pictures, anchors;    /* pictures sent, of which anchors (key frames) */
	uint64_t late_dropped;         /* units not sent because they were too late */
	uint64_t plis;                 /* PLI and FIR received */
	int64_t lateness_max_ticks;    /* largest distance of sending from the viewer's deadline */
};

/* The viewer's media is ready: sends the anchor at the next poll, the running
 * picture from its next entry on, and sound. `seed` holds the random starts of
 * its numbering and its payload types (continuity.h). *viewer is lent until
 * removed. -ENOMEM. */
int dh_playout_add_viewer(struct dh_playout *room, const struct dh_continuity_seed *seed, void *user,
	struct dh_viewer **viewer);
void dh_playout_remove_viewer(struct dh_playout *room, struct dh_viewer **viewer);
/* The decoder asks for a key frame (PLI or FIR). Repeated requests are
 * answered after 1, 2, then every 4 s. */
void dh_playout_viewer_pli(struct dh_playout *room, struct dh_viewer *viewer, int64_t now_ticks);
/* Nothing is sent while paused; afterwards the picture resumes at an entry. */
void dh_playout_viewer_pause(struct dh_playout *room, struct dh_viewer *viewer, int paused);
void dh_playout_viewer_stats(const struct dh_viewer *viewer, struct dh_viewer_stats *stats);
size_t dh_playout_viewers(const struct dh_playout *room);

/* --- time */

/* When dh_playout_poll is wanted next, as `now_ticks`; INT64_MAX: when something
 * changes. Asked again after every call that changes the room. Without viewers
 * these are only the edges of segments. */
int64_t dh_playout_deadline_ticks(const struct dh_playout *room);

/* Does everything that is due. Called late it sends what is at most
 * `late_ticks` late, in order, and skips the rest, video to its next entry. */
void dh_playout_poll(struct dh_playout *room, int64_t now_ticks);

#endif
