/* What one viewer is sent: its joins, anchors and entries, its numbering.
 *
 * The rules, as measured in Chromium (docs/overview.md, "Anchored video"):
 * - a newcomer gets the anchor at once, stamped with the moment at which it
 *   leaves, and the running picture from its next entry on;
 * - an entry whose anchor the viewer does not hold is preceded by that anchor;
 * - after PLI or FIR no picture is sent until the next entry, and the anchor
 *   1 ms (of RTP time) before that;
 * - sequence numbers, picture IDs and TL0PICIDX are continuous in what this
 *   viewer was sent.
 */
#ifndef DH_VIEWER_H
#define DH_VIEWER_H

#include <stdbool.h>

#include "continuity.h"
#include "packets.h"
#include "timeline.h"

/* Where packets go. */
struct dh_viewer_out {
	dh_packet_fn *packet;
	void *arg;
};

struct dh_viewer {
	/* owned by the fan-out */
	struct dh_viewer *previous, *following; /* in its group */
	int group;
	/* immutable */
	void *user;
	const struct dh_viewer_out *out;
	/* numbering */
	struct dh_continuity continuity;
	bool spoken;                 /* it was sent speech before (marker bit) */
	/* picture */
	struct dh_unit *holds;       /* the anchor in its decoder's golden buffer */
	bool joined;                 /* it was sent a first anchor */
	bool waiting;                /* for the next entry */
	bool paused;
	int64_t last_video_ticks;    /* media time of the newest picture sent */
	/* answers to PLI */
	bool pli;                    /* one is to be answered */
	int64_t answer_from_ticks;   /* not before this media time */
	int64_t backoff_ticks;
	struct dh_viewer_stats stats;
};

/* `out` must outlive the viewer. -ENOMEM. */
int dh_viewer_alloc(struct dh_viewer **viewer, const struct dh_continuity_seed *seed, void *user,
	const struct dh_viewer_out *out);
void dh_viewer_free(struct dh_viewer **viewer);

/* The first anchor, at media time `media_ticks`. */
void dh_viewer_join(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t media_ticks);

/* An item that is due, `late_ticks` after this viewer's deadline; what is later
 * than `late_max_ticks` is dropped. */
void dh_viewer_send(struct dh_viewer *viewer, const struct dh_item *item, int64_t late_ticks,
	int64_t late_max_ticks);

/* Pictures were lost on the way here: the next one must be an entry. */
void dh_viewer_wait(struct dh_viewer *viewer);

void dh_viewer_pli(struct dh_viewer *viewer, int64_t media_ticks);
void dh_viewer_pause(struct dh_viewer *viewer, bool paused);

#endif
