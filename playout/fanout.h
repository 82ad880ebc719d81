/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout's viewers, and what is due for each.
 *
 * Viewers are in branches by the length of their packets of sound (branch.h), and there in
 * groups, each with a constant offset (pacer.h). Everything that
 * is due for one viewer is handed over together, before the next viewer's, so
 * that its sending thread wakes once. Viewers that share a sending thread are in one
 * group, one behind the other, so that it goes round once for all of them.
 */
#ifndef DH_FANOUT_H
#define DH_FANOUT_H

#include "branch.h"
#include "opus_join.h"

/* Zero it, then call dh_fanout_init. */
struct dh_fanout {
	/* immutable */
	struct dh_viewer_out out;
	int64_t late_ticks;
	size_t spread_from;
	/* owned */
	struct dh_branch branches[DH_OPUS_JOIN_MAX]; /* by the slots in a packet, less one */
	size_t count;
	struct dh_answers answers;
	/* when a packet of speech was last sent, of those up to `watch_ticks`; -1: never. In media time */
	int64_t spoken_ticks, watch_ticks;
	bool newcomers; /* a viewer may be waiting for its first anchor */
	bool lost;      /* a picture never reached the pacer: all need an entry */
};

/* `late_ticks`, `spread_ticks`, `spread_from`: as in dh_playout_config. */
void dh_fanout_init(struct dh_fanout *fanout, const struct dh_viewer_out *out, int64_t late_ticks, int64_t spread_ticks,
	size_t spread_from);
/* Frees all viewers and items. */
void dh_fanout_clear(struct dh_fanout *fanout);

/* The viewer belongs to the fan-out until it is removed. `way`: as in dh_playout_add_viewer. -ENOMEM. */
int dh_fanout_add(struct dh_fanout *fanout, const struct dh_continuity_seed *seed, const struct dh_viewer_way *way,
	void *user, struct dh_viewer **viewer);
void dh_fanout_remove(struct dh_fanout *fanout, struct dh_viewer **viewer);
void dh_fanout_pause(struct dh_fanout *fanout, struct dh_viewer *viewer, bool paused);
void dh_fanout_mute(struct dh_fanout *fanout, struct dh_viewer *viewer, enum dh_media media, bool muted);

/* Queues `item` for all viewers; takes references. Out of memory, a picture counts as
 * lost. */
void dh_fanout_push(struct dh_fanout *fanout, const struct dh_item *item);
/* All items of the slot have been pushed. */
void dh_fanout_end_slot(struct dh_fanout *fanout, int64_t slot_ticks);
/* Pictures were skipped: every viewer resumes at an entry. */
void dh_fanout_lose(struct dh_fanout *fanout);

/* How long after its media time an item can still be sent to a viewer. */
int64_t dh_fanout_reach_ticks(const struct dh_fanout *fanout);

/* Sends what is due at media time `media_ticks`. `anchor` is for newcomers, NULL
 * while there is none. */
void dh_fanout_deliver(struct dh_fanout *fanout, struct dh_unit *anchor, int64_t media_ticks);

/* The media time at which something is next due for a viewer; INT64_MAX: nothing. */
int64_t dh_fanout_deadline_ticks(const struct dh_fanout *fanout);

#endif
