/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Has a worker make a bridge (playout/bridge.h): it decodes the end of a segment, or a picture of a clip, and a
 * piece of a clip, blends them, and encodes the result with the avatar's anchor. What leads from
 * a segment that is kept in the cache is kept there, too.
 */
#ifndef DH_BRIDGE_MAKER_H
#define DH_BRIDGE_MAKER_H

#include <glib.h>

#include "ingest.h"
#include "playout/segment.h"

struct dh_bridge_maker;

struct dh_bridge_spec {
	const char *name;  /* of what it leads from, for the log */
	const void *owner; /* as in struct dh_ingest_source */
	int width, height, kbps, kbps_2, kbps_3, entry_ms;
	bool temporal;
	const char *background; /* as in struct dh_ingest_source; not copied: the configuration's */
	GBytes *picture;        /* of the avatar's anchor */
	GBytes *frame;          /* that picture, coded, or NULL; see source.h */
	/* units of both, each from an entry on, and their anchors: references, which the maker takes */
	GPtrArray *tail, *lead;
	struct dh_unit *tail_anchor, *lead_anchor;
	int skip;     /* of the lead's pictures, those that are only decoded */
	bool leaves;  /* the lead's pictures fade into the tail's last, not that one into them */
	bool is_kept; /* in the cache */
};

/* Called in the I/O thread. */
struct dh_bridge_listener {
	/* The bridge, which the callee owns. Not called if there will be none; the log says why. */
	void (*made)(void *arg, struct dh_segment *bridge);
	/* `arg` is not needed any more. */
	void (*gone)(void *arg);
};

/* The arrays hold one reference to each unit, and free it (dh_bridge_units_new). Any thread; does
 * not wait. */
struct dh_bridge_maker *dh_bridge_maker_new(struct dh_ingest *ingest, const struct dh_bridge_spec *spec,
	const struct dh_bridge_listener *listener, void *arg);
/* Call it even after it has made the bridge. If it is still at work it stops: `made` may still be
 * called, until `gone`. Any thread; does not wait. *maker may be NULL. */
void dh_bridge_maker_free(struct dh_bridge_maker **maker);

/* An array for `tail` and `lead`. */
GPtrArray *dh_bridge_units_new(void);

#endif
