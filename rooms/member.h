/* One handle watching one room, from `watch` to `stop`, hang-up, a kick or the
 * room's end; or observing it: that gets events and no media. A handle that
 * watches again gets a new one, so whatever is still on its way to the old room
 * finds its own.
 *
 * All functions but dh_member_relay may be called from any thread and never wait.
 */
#ifndef DH_MEMBER_H
#define DH_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "playout/playout.h"
#include "plugin/session.h"

struct dh_room;

struct dh_member {
	/* immutable; references are held */
	struct dh_session *session;
	struct dh_room *room;
	struct dh_member_counts *counts;
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
struct dh_member_counts {
	gint now;            /* watches that there are */
	gint ever;
};

enum dh_member_kind { DH_MEMBER_VIEWER, DH_MEMBER_OBSERVER, DH_MEMBER_TRUSTED_OBSERVER };

/* One reference is the caller's. `counts` (which outlives it) is counted up, and
 * its `now` down again when the last reference goes. */
struct dh_member *dh_member_new(struct dh_session *session, struct dh_room *room,
	enum dh_member_kind kind, struct dh_member_counts *counts);
struct dh_member *dh_member_ref(struct dh_member *member);
void dh_member_unref(struct dh_member *member); /* NULL is fine */

/* The handle gets the room's events from now on. */
void dh_member_attach(struct dh_member *member);
/* The PeerConnection is up: media from now on. */
void dh_member_media(struct dh_member *member);
void dh_member_pause(struct dh_member *member, gboolean paused);
/* The browser asks for a key frame. */
void dh_member_pli(struct dh_member *member);
/* Janus says that its link loses packets. */
void dh_member_slow_link(struct dh_member *member, enum dh_media media);
/* No media and no events any more. Nothing is relayed once it returns, but for
 * a packet in that very moment. */
void dh_member_leave(struct dh_member *member);

/* An event {"digitalhuman":"event","result":{"status":STATUS}}. */
json_t *dh_status_event(const char *status);

/* In the room's thread: hands one RTP packet to Janus. */
void dh_member_relay(struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size);

#endif
