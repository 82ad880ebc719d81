/* One handle watching one room, from `watch` to `stop`, hang-up, a kick or the
 * room's end; or observing it: that gets events and no media. A handle that
 * watches again gets a new one, so whatever is still on its way to the old room
 * finds its own.
 *
 * All functions but dh_watch_relay may be called from any thread and never wait.
 */
#ifndef DH_WATCH_H
#define DH_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "playout/room.h"
#include "session.h"

struct dh_live_room;

struct dh_watch {
	/* immutable; references are held */
	struct dh_session *session;
	struct dh_live_room *room;
	struct dh_watch_counts *counts;
	guint id;            /* what requests and events call it: no other one ever has it */
	gboolean observes;   /* events only */
	gboolean is_trusted; /* the room's secret was known, so it is told of other viewers */
	uint64_t sdp_session;/* of all its offers */
	/* owner: the thread of asynchronous requests */
	int sdp_version;     /* of the latest offer */
	/* set and read by any thread, atomically */
	gint answered;       /* the JSEP answer came */
	gint media;          /* the PeerConnection is up */
	gint paused;
	gint cut;            /* nothing is relayed any more */
	gint pli_posted;     /* a PLI is on its way to the room's thread */
	/* owner: the room's thread */
	struct dh_viewer *viewer; /* NULL: gets no media */
	gboolean attached;        /* gets events */
	gboolean left;
	int64_t media_ticks;      /* when its media began, in media time */
	unsigned slow_links;      /* what Janus has said of its link */
	/* private */
	gatomicrefcount refs;
};

/* Of the whole plugin; atomic. */
struct dh_watch_counts {
	gint now;            /* watches that there are */
	gint ever;
};

enum dh_watch_kind { DH_WATCH_VIEWER, DH_WATCH_OBSERVER, DH_WATCH_TRUSTED_OBSERVER };

/* One reference is the caller's. `counts` (which outlives it) is counted up, and
 * its `now` down again when the last reference goes. */
struct dh_watch *dh_watch_new(struct dh_session *session, struct dh_live_room *room,
	enum dh_watch_kind kind, struct dh_watch_counts *counts);
struct dh_watch *dh_watch_ref(struct dh_watch *watch);
void dh_watch_unref(struct dh_watch *watch); /* NULL is fine */

/* The handle gets the room's events from now on. */
void dh_watch_attach(struct dh_watch *watch);
/* The PeerConnection is up: media from now on. */
void dh_watch_media(struct dh_watch *watch);
void dh_watch_pause(struct dh_watch *watch, gboolean paused);
/* The browser asks for a key frame. */
void dh_watch_pli(struct dh_watch *watch);
/* Janus says that its link loses packets. */
void dh_watch_slow_link(struct dh_watch *watch, enum dh_media media);
/* No media and no events any more. Nothing is relayed once it returns, but for
 * a packet in that very moment. */
void dh_watch_leave(struct dh_watch *watch);

/* An event {"digitalhuman":"event","result":{"status":STATUS}}. */
json_t *dh_watch_status(const char *status);

/* In the room's thread: hands one RTP packet to Janus. */
void dh_watch_relay(struct dh_watch *watch, enum dh_media media, const uint8_t *rtp, size_t size);

#endif
