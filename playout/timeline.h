/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room shows in each 20 ms slot of its media time: the playing segment,
 * the idle clip, or a held picture. Slots are filled in order, each once. Belongs
 * to its playout's thread.
 */
#ifndef DH_TIMELINE_H
#define DH_TIMELINE_H

#include <stdbool.h>

#include "idle_clip.h"
#include "opus_silence.h"
#include "segment.h"

/* A picture that stands is repeated about once a second, for viewers that have not seen it. Only an
 * entry can be decoded again, and only where it is what is shown, without changing what the next
 * picture refers to. */
enum dh_repeat {
	DH_REPEAT_NONE,  /* it is new */
	DH_REPEAT_SHOWN, /* it is what is shown: anybody may decode it again */
	/* The last entry before what is shown: for those who have nothing as new. They need another
	 * entry before they can go on. */
	DH_REPEAT_OLDER,
};

/* One access unit at its place in the room's media time. Units and silence are
 * borrowed for the duration of the call. */
struct dh_item {
	enum dh_media media;
	int64_t media_ticks;
	struct dh_unit *unit;   /* NULL for silence */
	struct dh_unit *anchor; /* that the picture refers to; video only. Equal anchors are equal pointers */
	const uint8_t *silence; /* the payload if unit is NULL; static */
	size_t silence_size;
	bool is_fade;   /* not the unit's packet, but the one that ends the sound there (dh_unit_fade) */
	bool talkspurt; /* first sound after a slot without any: marker bit (RFC 3551, 4.1) */
	enum dh_repeat repeats;
};

/* The payload of an item of sound, which lives as long as the item does. Sets *size. */
static inline const uint8_t *dh_item_sound(const struct dh_item *item, size_t *size)
{
	*size = item->unit ? item->unit->size : item->silence_size;
	if (item->is_fade)
		return dh_unit_fade(item->unit, size);
	return item->unit ? item->unit->data : item->silence;
}

typedef void dh_item_fn(void *arg, const struct dh_item *item);

/* Pictures within the end of a segment that the one behind it has, too: 40 ms. */
#define DH_TIMELINE_REST 40

/* What a live segment keeps of what it has played, to go on from after a hold. */
#define DH_TIMELINE_KEPT_TICKS (60 * DH_TICKS_PER_SECOND)

/* Zero it, then set its rule. Nothing is shown without an idle clip. */
struct dh_timeline {
	/* set by the owner */
	enum dh_duration rule;
	enum dh_stance stance; /* while nothing plays */
	bool stands;           /* while nothing plays: the last picture stands, and the avatar does not idle */
	/* owned */
	struct dh_idle_clip idle;
	struct dh_segment *playing;
	/* the playing segment: media time of its time 0, its next units */
	int64_t start_ticks;
	size_t next[2];
	int64_t played_ticks;  /* of its slots that were decided in time; see dh_timeline_played_ticks */
	int64_t preroll_ticks; /* known before it goes on after an underrun */
	int rounds;            /* how often it has begun again */
	bool held;
	bool hands_over;                       /* what has just ended goes on in what starts now */
	bool is_joined;                        /* the playing segment goes on from the one before it, … */
	struct dh_item rest[DH_TIMELINE_REST]; /* … of which these pictures are still to be shown */
	int rest_count;
	bool away;            /* its pictures stopped at an underrun or a hold, and go on at an entry … */
	int64_t return_ticks; /* … no later than this, in its own time; -1: not known yet */
	bool idles;           /* until then the avatar idles, whatever its policy for underruns */
	/* a hold that was asked for */
	bool frozen;
	int64_t heard_until_ticks; /* up to here it has been heard before, */
	int64_t mute_until_ticks;  /* and is not heard again up to here */
	/* the picture that viewers have now; the anchor of the newest segment with video */
	struct dh_unit *shown, *anchor;
	/* the last entry shown, with its anchor; when a picture was last sent */
	struct dh_unit *entry, *entry_anchor;
	int64_t sent_ticks;
	/* sound between speech */
	struct dh_silence silence;
	bool silent, unsent; /* the last slot had no speech; had no sound at all */
	bool speaks;         /* the last slot had a packet of the playing segment */
	/* the packet that was to come next when speech was cut: its fade fills the next slot; NULL: none */
	struct dh_unit *fade;
};

enum dh_slot_state {
	DH_SLOT_IDLE, /* nothing plays */
	DH_SLOT_PLAY,
	DH_SLOT_HOLD,   /* the segment's next 20 ms are not there: see enum dh_underrun */
	DH_SLOT_FROZEN, /* it is on hold */
	DH_SLOT_END,    /* the playing segment has ended: stop it, then ask again */
};

/* Whether `segment` can start: it is complete, or `preroll_ticks` of it have arrived. */
bool dh_timeline_is_ready(const struct dh_segment *segment, int64_t preroll_ticks);

/* `segment` plays from slot `slot_ticks` on; takes ownership. Only while nothing plays.
 * `preroll_ticks`: what it wants before it goes on after an underrun. */
void dh_timeline_start(struct dh_timeline *timeline, struct dh_segment *segment, int64_t slot_ticks,
	int64_t preroll_ticks);

/* Whether the playing segment may end at slot `slot_ticks` because `next` has the rest of its sound
 * (DH_UNIT_LEAD). */
bool dh_timeline_may_hand_over(const struct dh_timeline *timeline, const struct dh_segment *next, int64_t slot_ticks);
/* Then: it counts as played to its end. Stop it, and start `next` at that slot. */
void dh_timeline_hand_over(struct dh_timeline *timeline, const struct dh_segment *next);

/* How much of the playing segment has been played. */
int64_t dh_timeline_played_ticks(const struct dh_timeline *timeline);

/* In state END: the segment begins again if it is to be repeated. False: it is not. */
bool dh_timeline_repeat(struct dh_timeline *timeline, int64_t slot_ticks);

/* Stops the playing segment and returns it; the caller owns it. Sets *played_ticks to
 * how much of it was played. */
struct dh_segment *dh_timeline_stop(struct dh_timeline *timeline, int64_t *played_ticks);

/* Whether stopping or freezing what plays takes a slot in which its sound fades. */
bool dh_timeline_would_fade(const struct dh_timeline *timeline);

/* --- timeline_hold.c: the playing segment is put on hold, and goes on */

void dh_timeline_freeze(struct dh_timeline *timeline);
/* It goes on in slot `slot_ticks`, exactly where it stopped. */
void dh_timeline_thaw(struct dh_timeline *timeline);
/* The same at its last entry before where it stopped, or before `at_ticks` (in its own time, -1: not
 * given), in silence until then. */
void dh_timeline_thaw_at(struct dh_timeline *timeline, int64_t slot_ticks, int64_t at_ticks);
/* Forgets what a live segment has played until slot `slot_ticks`, but for DH_TIMELINE_KEPT_TICKS: it may last for
 * hours. One that is to be repeated keeps all of it. */
void dh_timeline_release(struct dh_timeline *timeline, int64_t slot_ticks);
/* Where the playing segment is in slot `slot_ticks`, without what it has of the one before it. */
int64_t dh_timeline_position_ticks(const struct dh_timeline *timeline, int64_t slot_ticks);

/* Up to there, likewise, it goes on in silence; 0 or less: it does not. */
int64_t dh_timeline_muted_ticks(const struct dh_timeline *timeline);

/* What slot `slot_ticks` will show. Changes nothing. */
enum dh_slot_state dh_timeline_state(const struct dh_timeline *timeline, int64_t slot_ticks);

/* Emits what slot `slot_ticks` holds (not in state END), in the order of media
 * time, sound first; `emit` may be NULL. A slot of the playing segment counts as
 * played if this was `in_time`. */
void dh_timeline_fill(struct dh_timeline *timeline, int64_t slot_ticks, bool in_time, dh_item_fn *emit, void *arg);

/* Media of the playing segment known beyond slot `slot_ticks`; 0 while nothing plays. */
int64_t dh_timeline_rest_ticks(const struct dh_timeline *timeline, int64_t slot_ticks);

/* Skips the slots from `from_ticks` to `slot_ticks`, while nobody watches: the room
 * still idles, and a held segment stays held. */
void dh_timeline_jump(struct dh_timeline *timeline, int64_t from_ticks, int64_t slot_ticks);

/* The next slot at which something changes by itself: the end of the playing segment,
 * or of what is known of it; INT64_MAX: none. */
int64_t dh_timeline_edge_ticks(const struct dh_timeline *timeline, int64_t slot_ticks);

/* Where the idle clip will be at `media_ticks` if it goes on until then, in *length_ticks; -1 if
 * it does not run. */
int64_t dh_timeline_idle_at(const struct dh_timeline *timeline, int64_t media_ticks, int64_t *length_ticks);

/* The anchor of what is shown now; NULL without an idle clip. Borrowed. */
struct dh_unit *dh_timeline_anchor(const struct dh_timeline *timeline);

/* Frees what it owns. */
void dh_timeline_clear(struct dh_timeline *timeline);

#endif
