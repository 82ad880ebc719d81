/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock. Its viewers' "decoder" is a model: a picture is a few
 * bytes that say what it is and what it needs, so every packet that leaves can be judged. */
#ifndef RIG_H
#define RIG_H

#include "playout/playout.h"
#include "playout/timebase.h"

#define MS              DH_TICKS_PER_MS
#define RIG_VIEWERS_MAX 112
#define RIG_LOG_MAX     4096

/* What a viewer saw, in order. */
struct rig_picture {
	char kind;          /* 'K' anchor, 'E' entry, 'T' droppable, 'D' other */
	char tag;           /* of the segment */
	int index;          /* of the picture in its segment */
	int quality;        /* 0 the best */
	int64_t sent_ticks; /* fake time when its first packet left */
	int64_t done_ticks; /* and its last; 0: not yet */
	size_t bytes;       /* sent so far */
	uint32_t timestamp; /* RTP, less the viewer's first_timestamp */
	/* as in the VP8 descriptor; `layer` is its last byte: TID, Y */
	uint16_t id;
	uint8_t tl0picidx, layer;
	uint16_t first, last; /* sequence numbers */
};

struct rig_viewer {
	struct dh_viewer *viewer;
	struct dh_continuity_seed seed;
	int sound_slots;      /* that its packets may last */
	int last_slots;       /* that the last one lasted */
	int64_t offset_ticks; /* its deadline minus media time, from its first packets */
	uint64_t last_packet; /* its number among all viewers' */
	bool reports_losses;  /* set by the test: TL0PICIDX may go back */
	/* numbering */
	int begun[2];
	uint16_t sequence[2];
	uint32_t timestamp[2];
	uint16_t picture_id;
	uint8_t tl0picidx;
	bool is_behind_base;
	int unfinished; /* the newest picture's last packet has not left */
	/* most picture packets that left at one time */
	int64_t burst_at_ticks;
	int burst, burst_max;
	/* the model decoder */
	char golden; /* tag of the anchor it holds; 0: none */
	char last_tag;
	int last_index, last_quality;
	int broken; /* pictures that it could not have decoded */
	/* what it received; of a packet that lasts longer, each 20 ms */
	struct rig_picture pictures[RIG_LOG_MAX];
	int picture_count;
	int sound_packets;
	char sound[RIG_LOG_MAX];      /* one character for 20 ms: tag of speech, '~' a fade, '.' silence, ',' DTX */
	int sound_index[RIG_LOG_MAX]; /* of speech, in its segment */
	int64_t sound_ticks[RIG_LOG_MAX];
	uint32_t sound_timestamp[RIG_LOG_MAX]; /* as a picture's */
	int sound_count;
	/* how often something was handed over, and how late the last of it was, by medium */
	int handed;
	int64_t late_ticks[2];
	int wrong;     /* broken rules of numbering and time */
	char why[200]; /* the first one */
};

struct rig_event {
	enum dh_event_type type;
	char id[DH_SEGMENT_ID_MAX + 1];
	int64_t media_ticks, played_ticks, position_ticks;
	enum dh_reason reason;
	int64_t index, count; /* MISSING; `id` is the utterance */
};

struct rig {
	struct dh_playout *playout;
	int64_t now, origin;
	struct rig_viewer *viewers[RIG_VIEWERS_MAX];
	int viewer_count;
	struct rig_event events[RIG_LOG_MAX];
	int event_count;
	uint64_t packets;
	/* Called with every event, if set; the log above is short. */
	void (*on_event)(void *arg, const struct dh_playout_event *event);
	/* likewise */
	void (*on_sound)(void *arg, unsigned loudness, int64_t media_ticks, const uint8_t *payload, size_t size);
	void (*on_slot)(void *arg, bool in_time);
	void *arg;
};

/* An empty playout at fake time `now`; `config` may be NULL for the defaults. */
void rig_open(struct rig *rig, const struct dh_playout_config *config, int64_t now);
/* With an idle clip: tag 'i', 25 pictures a second, 2 s, an entry every 10. */
void rig_open_idle(struct rig *rig, const struct dh_playout_config *config, int64_t now);
void rig_close(struct rig *rig);

/* Adds a viewer. Numbering starts at `seed`, or (NULL) shortly before it wraps. */
struct rig_viewer *rig_join(struct rig *rig, const struct dh_continuity_seed *seed);
struct rig_viewer *rig_join_way(struct rig *rig, const struct dh_continuity_seed *seed,
	const struct dh_viewer_way *way);
void rig_leave(struct rig *rig, struct rig_viewer *viewer);

/* Polls exactly at each deadline until `until`, in fake time. */
void rig_run(struct rig *rig, int64_t until);
/* Lets time pass without a poll, then polls once: a late wake-up. */
void rig_stall(struct rig *rig, int64_t ticks);

/* A segment of `video_ms` at `num`/`den` fps, an entry every `every` pictures,
 * and `audio_ms`; 0 for none. `tag` is a letter that marks it; pictures need
 * the anchor `anchor`. Filled, not completed, up to `known_ms` (-1: whole and
 * complete). */
struct rig_segment {
	const char *id;
	char tag, anchor;
	int video_ms, num, den, every, audio_ms, known_ms;
};
/* Sets the size of each picture and anchor made from now on; 0: a few bytes. */
void rig_sizes(size_t picture, size_t anchor);
/* Whether every second picture behind an entry is droppable, in segments that are made from now on. */
void rig_temporal(bool is_temporal);
/* How many qualities segments that are made from now on have; at first 1. */
void rig_qualities(int count);
/* Sound that is made from now on has fades (dh_unit_fade), or not. */
void rig_fades(bool has_fades);
struct dh_segment *rig_segment(const struct rig_segment *spec);
/* Appends up to `known_ms` more of the same `spec`; -1: the rest, and completes it. */
void rig_fill(struct dh_segment *segment, const struct rig_segment *spec, int known_ms);
/* Polls, then enqueues. Ends the program if that is refused. */
void rig_enqueue(struct rig *rig, const struct rig_segment *spec);

/* The same with an order, at `place` (NULL: anywhere). Returns what the playout does; a
 * refused segment is freed. */
int rig_order(struct rig *rig, const struct rig_segment *spec, const struct dh_order *order,
	const struct dh_place *place);
/* Polls, then appends to the segment of `spec` as rig_fill and tells the playout. */
void rig_arrive(struct rig *rig, const struct rig_segment *spec, int known_ms);

/* The number of events of that type (and id, unless NULL); the last such event. */
int rig_count(const struct rig *rig, enum dh_event_type type, const char *id);
const struct rig_event *rig_event(const struct rig *rig, enum dh_event_type type, const char *id);
/* How many ends (finished … failed) the segment `id` has had. */
int rig_ends(const struct rig *rig, const char *id);
/* The first picture of `tag` (of any kind but 'K') from position `from` of the log on;
 * -1: none. */
int rig_first(const struct rig_viewer *viewer, char tag, int from);

#endif
