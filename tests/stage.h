/* A room under a fake clock, with viewers whose "decoder" is a model: pictures
 * are a few bytes that say what they are and what they need, so that every
 * packet that leaves the room can be judged.
 */
#ifndef STAGE_H
#define STAGE_H

#include "playout/room.h"
#include "playout/timebase.h"

#define MS DH_TICKS_PER_MS
#define STAGE_VIEWERS_MAX 64
#define STAGE_LOG_MAX 4096

/* What a viewer saw, in order. */
struct stage_picture {
	char kind;           /* 'K' anchor, 'E' entry, 'D' other */
	char tag;            /* of the segment */
	int index;           /* of the picture in its segment */
	int64_t sent_ticks;  /* fake time at which it left */
	uint32_t timestamp;  /* RTP, less the viewer's first_timestamp */
};

struct stage_viewer {
	struct dh_viewer *viewer;
	struct dh_continuity_seed seed;
	int64_t offset_ticks;        /* its deadline after media time, found from its first packets */
	/* numbering */
	int begun[2];
	uint16_t sequence[2];
	uint32_t timestamp[2];
	uint16_t picture_id;
	uint8_t tl0picidx;
	/* the model of a decoder */
	char golden;                 /* tag of the anchor that it holds, 0 none */
	char last_tag;
	int last_index;
	int broken;                  /* pictures that it could not have decoded */
	/* what it got */
	struct stage_picture pictures[STAGE_LOG_MAX];
	int picture_count;
	char sound[STAGE_LOG_MAX];   /* one character for a packet: tag of speech, '.' silence, ',' DTX */
	int64_t sound_ticks[STAGE_LOG_MAX];
	int sound_count;
	int wrong;                   /* broken rules of numbering and time */
	char why[200];               /* the first of them */
};

struct stage_event {
	enum dh_event_type type;
	char id[DH_SEGMENT_ID_MAX + 1];
	int64_t media_ticks, played_ticks;
};

struct stage {
	struct dh_room *room;
	int64_t now, origin;
	struct stage_viewer *viewers[STAGE_VIEWERS_MAX];
	int viewer_count;
	struct stage_event events[STAGE_LOG_MAX];
	int event_count;
	uint64_t packets;
};

/* An empty room at fake time `now`; `config` may be NULL for the defaults. */
void stage_open(struct stage *stage, const struct dh_room_config *config, int64_t now);
/* With an idle clip: tag 'i', 25 pictures a second, 2 s, an entry every 10. */
void stage_open_idle(struct stage *stage, const struct dh_room_config *config, int64_t now);
void stage_close(struct stage *stage);

/* Adds a viewer (numbering from `seed`, or near its wraps when NULL). */
struct stage_viewer *stage_join(struct stage *stage, const struct dh_continuity_seed *seed);
void stage_leave(struct stage *stage, struct stage_viewer *viewer);

/* Polls exactly at each deadline until `until` (fake time). */
void stage_run(struct stage *stage, int64_t until);
/* Time passes without a poll, then one poll: a late wake-up. */
void stage_stall(struct stage *stage, int64_t ticks);

/* A segment of `video_ms` at `num`/`den` fps, an entry every `every` pictures,
 * and `audio_ms`; 0 for none. `tag` is a letter that marks it; pictures need
 * the anchor `anchor`. Filled, not completed, up to `known_ms` (-1: whole and
 * complete). */
struct stage_segment {
	const char *id;
	char tag, anchor;
	int video_ms, num, den, every, audio_ms, known_ms;
};
struct dh_segment *stage_segment(const struct stage_segment *spec);
/* Appends up to `known_ms` more of the same `spec`, -1: the rest, and completes. */
void stage_fill(struct dh_segment *segment, const struct stage_segment *spec, int known_ms);
/* Polls, enqueues, and fails the program when it is refused. */
void stage_enqueue(struct stage *stage, const struct stage_segment *spec);

/* Number of events of a type (and id, unless NULL); the last such event. */
int stage_count(const struct stage *stage, enum dh_event_type type, const char *id);
const struct stage_event *stage_event(const struct stage *stage, enum dh_event_type type, const char *id);
/* How many ends (finished … failed) segment `id` has had. */
int stage_ends(const struct stage *stage, const char *id);
/* The first picture of `tag` (any kind but 'K') from log position `from`; -1 none. */
int stage_first(const struct stage_viewer *viewer, char tag, int from);

#endif
