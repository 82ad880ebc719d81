/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of a playout; for playout*.c only. */
#ifndef DH_PLAYOUT_PRIVATE_H
#define DH_PLAYOUT_PRIVATE_H

#include "fanout.h"
#include "playout.h"
#include "preroll.h"
#include "queue.h"
#include "timeline.h"
#include "utterances.h"
#include "water.h"

struct dh_playout {
	struct dh_playout_config config;
	struct dh_playout_sink sink;
	void *sink_arg;
	int64_t origin_ticks;
	int64_t slot_ticks; /* the next slot to decide, in media time */
	bool speaking;
	struct dh_queue queue;
	struct dh_queue interrupted; /* waited, and end one by one */
	int64_t interrupted_ticks;   /* when they ended */
	/* what plays is cut there (NULL: it is not): at a place in the segment, but no later than a media time */
	const struct dh_segment *cut;
	int64_t cut_position_ticks, cut_by_ticks;
	/* it waits for an idle picture that resembles its first, until then; NULL: none does */
	const struct dh_segment *seam_for; /* only compared */
	int64_t seam_ticks;
	/* a hold that was asked for: since when, and until when it may be undone, in media time */
	bool on_hold;
	int64_t hold_ticks, regret_ticks;
	struct dh_utterances utterances;
	struct dh_utterance *turn; /* the utterance whose pieces play now; NULL: none */
	bool turn_began;           /* one of its pieces has started */
	int64_t waits_ticks;       /* since when its next piece is waited for; -1: it is not */
	/* an utterance that would interrupt, but its next piece is missing, and since when */
	struct dh_utterance *challenger; /* NULL: none */
	int64_t challenge_ticks;
	int64_t expiry_ticks; /* when the next waiting segment expires; INT64_MAX: none does */
	bool unsettled;       /* the queue has changed since the last slot */
	struct dh_water water;
	struct dh_preroll prerolls[DH_SOURCES_MAX];
	struct dh_playout_counts counts;
	struct dh_timeline timeline;
	struct dh_fanout fanout;
};

/* --- playout_segments.c */

void dh_playout_emit(struct dh_playout *playout, const struct dh_playout_event *event);
/* Every segment ends here. It is neither in the queue nor plays. */
void dh_playout_end(struct dh_playout *playout, enum dh_event_type how, struct dh_segment *segment,
	int64_t played_ticks, enum dh_reason reason);
void dh_playout_end_playing(struct dh_playout *playout, enum dh_event_type how, enum dh_reason reason);
/* The waiting segment at `index` ends: its place in its utterance stays empty. */
void dh_playout_drop(struct dh_playout *playout, size_t index, enum dh_event_type how, enum dh_reason reason);
/* Emits READY the first time that it is. */
void dh_playout_note_ready(struct dh_playout *playout, struct dh_segment *segment);
struct dh_segment *dh_playout_take(struct dh_playout *playout, size_t index);
/* The same, and its place in its utterance stays empty. */
struct dh_segment *dh_playout_take_out(struct dh_playout *playout, size_t index);
/* See dh_segment_set_expiry; of a segment in the queue. */
void dh_playout_set_expiry(struct dh_playout *playout, struct dh_segment *segment, int64_t media_ticks);

/* --- playout_cut.c */

/* An event that says nothing more than when, and what has ended (the segment's part in it). */
void dh_playout_end_at(struct dh_playout *playout, const struct dh_playout_event *event);
/* Whether what plays is to be cut at this slot. */
bool dh_playout_is_cut_here(const struct dh_playout *playout);
/* When that may be next; INT64_MAX: never. */
int64_t dh_playout_cut_deadline_ticks(const struct dh_playout *playout);

/* --- playout_seam.c */

/* So long before it is shown a bridge is asked for. */
#define DH_SEAM_MAKE_TICKS (250 * DH_TICKS_PER_MS)

/* What was cut still fades, and something else starts behind that. */
bool dh_playout_is_followed_at_once(const struct dh_playout *playout);
/* Whether `next`, which may start, is still to wait for an idle picture that resembles its first. */
bool dh_playout_awaits_seam(struct dh_playout *playout, const struct dh_segment *next);

/* --- playout_order.c: which segment plays next */

struct dh_utterance *dh_playout_utterance(const struct dh_playout *playout, const struct dh_segment *segment);
/* No piece of it plays any more; those that wait end. */
void dh_playout_close_utterance(struct dh_playout *playout, struct dh_utterance *utterance, enum dh_event_type how,
	enum dh_reason reason);
/* Ends what has expired, and finds whose turn it is. While nothing plays: gives up pieces
 * that did not come in time. */
void dh_playout_settle(struct dh_playout *playout);
/* The segment that can start at the next slot, if nothing plays, or instead of what plays;
 * NULL: none. */
struct dh_segment *dh_playout_startable(const struct dh_playout *playout);
/* The next piece of the playing segment's utterance, if it has the rest of its sound and can start
 * now; NULL: it goes on by itself. */
struct dh_segment *dh_playout_joining(const struct dh_playout *playout);
/* Whatever else has its turn is cut for `by`. */
void dh_playout_give_way(struct dh_playout *playout, const struct dh_segment *by);
/* The same, and takes it out of the queue. */
void dh_playout_take_turn(struct dh_playout *playout, struct dh_segment *segment);
/* Nothing plays, but the next piece of an utterance is awaited. */
bool dh_playout_is_between_pieces(const struct dh_playout *playout);
/* The media time at which the queue changes by itself; INT64_MAX: it does not. */
int64_t dh_playout_order_deadline_ticks(const struct dh_playout *playout);
void dh_playout_check_water(struct dh_playout *playout);

#endif
