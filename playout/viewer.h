/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One viewer: its join, anchors, entries and numbering.
 *
 * The rules, as measured in Chromium (docs/overview.md, "Anchored video"):
 * - a newcomer gets the anchor at once, stamped with the moment at which it
 *   leaves, and the running picture from its next entry on;
 * - an entry whose anchor the viewer does not hold is preceded by that anchor;
 * - after a PLI or FIR no picture is sent until the next entry, which the anchor
 *   precedes by 1 ms of RTP time; repeated requests are answered less often, those of a crowd one after another;
 *   to one that relays, pictures go on until then, as others behind it have asked for nothing;
 * - one whose receiver reports say that an entry may be lost gets the next one so that it does without (repair.h);
 * - one that asks for it gets the anchor again before entries, at an interval;
 * - of a picture's qualities it is sent one; another one from an entry on, which needs no anchor for that;
 * - what is repeated (timeline.h) goes to those who need it, and what is shown already to all; to one that relays
 *   also when its anchor is due, though that is a step back for those behind it who need nothing;
 * - a large picture leaves in bursts (outgoing.h); one that has begun is finished
 *   before the next picture, but sound does not wait for it;
 * - sequence numbers and picture IDs are continuous in what this viewer was sent, and, unless an entry may be lost,
 *   TL0PICIDX.
 */
#ifndef DH_VIEWER_H
#define DH_VIEWER_H

#include <stdbool.h>

#include "continuity.h"
#include "outgoing.h"
#include "packets.h"
#include "repair.h"
#include "timeline.h"

struct dh_branch;

/* Where packets go. */
struct dh_viewer_out {
	dh_packet_fn *packet;
	void *arg;
	dh_handed_fn *handed; /* may be NULL */
};

/* Requests for key frames that are answered at one entry: a quarter of the viewers', or DH_ANSWERS_MIN. If all were,
 * after a loss that many have, their anchors would be the next one's cause. */
#define DH_ANSWERS_MIN 16
struct dh_answers {
	int64_t entry_ticks; /* media time of the entry */
	size_t given, most;
};

struct dh_viewer {
	/* owned by the fan-out */
	struct dh_answers *answers; /* of all its viewers */
	struct dh_branch *branch;
	struct dh_viewer *previous, *following; /* in its group */
	int group;
	int sender;  /* see struct dh_viewer_way */
	bool relays; /* likewise */
	/* immutable */
	void *user;
	const struct dh_viewer_out *out;
	bool continues; /* its connection has had media before */
	/* numbering */
	struct dh_continuity continuity;
	bool spoken; /* has been sent speech (marker bit) */
	/* picture */
	struct dh_unit *holds; /* the anchor in its decoder's golden buffer */
	bool joined;           /* has been sent its first anchor */
	bool waiting;          /* for the next entry */
	bool stale;            /* it shows the anchor alone, or what was shown before a pause, or an older entry */
	bool paused;
	bool muted[2];               /* by medium: it does not take it, or does not want it now */
	int64_t from_ticks;          /* nothing of an earlier media time */
	int64_t last_video_ticks;    /* media time of the newest picture begun */
	struct dh_outgoing outgoing; /* pictures not fully sent yet */
	int wanted_quality,
		quality; /* from the next entry on; since the last one. What a picture lacks is the lowest */
	bool thin;       /* without droppable pictures */
	/* answers to PLI */
	bool pli;                  /* one awaits its answer */
	int64_t answer_from_ticks; /* not before this media time */
	int64_t backoff_ticks;
	struct dh_repair repair;
	/* the anchor again */
	int64_t keyframe_ticks;    /* how often, 0: never */
	int64_t last_anchor_ticks; /* media time of the last one */
	struct dh_viewer_stats stats;
	int64_t late_ticks[2]; /* by medium, of what is being handed over, see dh_handed_fn */
};

/* `out` must outlive the viewer. -ENOMEM. */
int dh_viewer_alloc(struct dh_viewer **viewer, const struct dh_continuity_seed *seed, void *user,
	const struct dh_viewer_out *out);
void dh_viewer_free(struct dh_viewer **viewer);

/* Below, `now_ticks` is media time less the viewer's offset: an item is due at its own
 * media time, a picture a little before it (pacer.h). */

/* Sends the first anchor; does nothing while paused. */
void dh_viewer_join(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t now_ticks);

/* Sends an item that is due; drops it if it is more than `late_max_ticks` late. Does
 * nothing while paused. A large picture only begins here. */
void dh_viewer_send(struct dh_viewer *viewer, const struct dh_item *item, int64_t now_ticks, int64_t late_max_ticks);

/* Sends what is due of the pictures that have begun. */
void dh_viewer_continue(struct dh_viewer *viewer, int64_t now_ticks);
/* When to call dh_viewer_continue next; INT64_MAX: no picture is unfinished. */
int64_t dh_viewer_next_ticks(const struct dh_viewer *viewer);

/* Around what is handed over at one time. */
void dh_viewer_begin(struct dh_viewer *viewer);
void dh_viewer_end(struct dh_viewer *viewer);

/* Pictures were lost upstream: the next one must be an entry. */
void dh_viewer_wait(struct dh_viewer *viewer);

/* Once `every_ticks` have passed since the last anchor, the next entry is preceded by it again; 0: it is not. */
void dh_viewer_set_keyframes(struct dh_viewer *viewer, int64_t every_ticks);

/* From the next entry on; 0 to DH_QUALITIES_MAX - 1. `thin`: without droppable pictures, at once. */
void dh_viewer_set_quality(struct dh_viewer *viewer, int quality, bool thin);

void dh_viewer_pli(struct dh_viewer *viewer, int64_t now_ticks);
/* What it was sent has not got there. */
void dh_viewer_lost(struct dh_viewer *viewer, int64_t now_ticks);
/* A receiver report says something else of what its pictures have lost. */
void dh_viewer_hear(struct dh_viewer *viewer, const struct dh_repair_report *report);
/* Finishes a picture that has begun, then sends nothing until it is called with
 * false; afterwards the picture resumes at an entry. */
void dh_viewer_pause(struct dh_viewer *viewer, bool paused);
/* The same for one medium: what is muted is neither sent nor counted. */
void dh_viewer_mute(struct dh_viewer *viewer, enum dh_media media, bool muted);

#endif
