/* What a room shows in each 20 ms slot of its media time: the playing segment,
 * the idle clip, or a held picture. Slots are asked for in order, each once.
 */
#ifndef DH_TIMELINE_H
#define DH_TIMELINE_H

#include <stdbool.h>

#include "opus_silence.h"
#include "segment.h"

/* One access unit placed on the room's media time. Lent during the call. */
struct dh_item {
	enum dh_media media;
	int64_t media_ticks;
	struct dh_unit *unit;   /* NULL for silence */
	struct dh_unit *anchor; /* that the picture builds on; video only. The same anchor is the same pointer */
	const uint8_t *silence; /* payload where unit is NULL; static */
	size_t silence_size;
	bool talkspurt;         /* first sound after a slot without any: marker bit (RFC 3551, 4.1) */
};

typedef void dh_item_fn(void *arg, const struct dh_item *item);

/* Zeroed, and then given an idle clip, it is ready. */
struct dh_timeline {
	/* set by the owner */
	enum dh_duration rule;
	int64_t preroll_ticks;
	/* owned */
	struct dh_segment *idle, *playing;
	/* the idle clip's time 0 (of its present round), its next picture */
	int64_t idle_epoch_ticks;
	size_t idle_next;
	bool idle_runs;
	/* the playing segment's time 0, its next units */
	int64_t start_ticks;
	size_t next[2];
	int64_t played_ticks;        /* of its slots that were filled in time */
	bool held;
	/* the picture that viewers have now; the anchor of the newest segment with video */
	struct dh_unit *shown, *anchor;
	/* sound between speech */
	struct dh_silence silence;
	bool silent, unsent;         /* the last slot had no speech; had no sound at all */
};

enum dh_slot_state {
	DH_SLOT_IDLE,   /* nothing plays */
	DH_SLOT_PLAY,
	DH_SLOT_HOLD,   /* the segment's next 20 ms are not there yet */
	DH_SLOT_END,    /* the playing segment has ended: take it, ask again */
};

/* -EINVAL: not complete, without video, or shorter than a slot. Takes it on success. */
int dh_timeline_set_idle(struct dh_timeline *timeline, struct dh_segment *idle);

/* Whether `segment` has enough to start: complete, or a preroll of it is known. */
bool dh_timeline_is_ready(const struct dh_timeline *timeline, const struct dh_segment *segment);

/* `segment` plays from slot `slot_ticks` on; nothing plays before the call. */
void dh_timeline_start(struct dh_timeline *timeline, struct dh_segment *segment, int64_t slot_ticks);

/* Takes the playing segment off; the caller owns it. Sets *played_ticks to how
 * much of it was played. */
struct dh_segment *dh_timeline_stop(struct dh_timeline *timeline, int64_t *played_ticks);

/* What slot `slot_ticks` is. Changes nothing. */
enum dh_slot_state dh_timeline_state(const struct dh_timeline *timeline, int64_t slot_ticks);

/* Emits what slot `slot_ticks` holds (not in state END), in the order of media
 * time, sound first; `emit` may be NULL. A slot of the playing segment counts as
 * played if this was `in_time`. */
void dh_timeline_fill(struct dh_timeline *timeline, int64_t slot_ticks, bool in_time, dh_item_fn *emit, void *arg);

/* Nobody looks, and until `slot_ticks` no slot was asked for: what idled goes
 * on idling, what was held is still held. */
void dh_timeline_jump(struct dh_timeline *timeline, int64_t from_ticks, int64_t slot_ticks);

/* The next slot at which something changes by itself: the end of the playing
 * segment, or of what is known of it; INT64_MAX when nothing does. */
int64_t dh_timeline_edge_ticks(const struct dh_timeline *timeline, int64_t slot_ticks);

/* The anchor of what is shown now; NULL without an idle clip. */
struct dh_unit *dh_timeline_anchor(const struct dh_timeline *timeline);

void dh_timeline_clear(struct dh_timeline *timeline);

#endif
