/* One handle watching one room, from `watch` to `stop`, hang-up or the room's
 * end. A handle that watches again gets a new one, so whatever is still on its
 * way to the old room finds its own.
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
	gint *viewers;       /* counts all watches of the plugin */
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
	/* private */
	gatomicrefcount refs;
};

/* One reference is the caller's. `viewers` is counted up, and down again when
 * the last reference goes. */
struct dh_watch *dh_watch_new(struct dh_session *session, struct dh_live_room *room, gint *viewers);
struct dh_watch *dh_watch_ref(struct dh_watch *watch);
void dh_watch_unref(struct dh_watch *watch); /* NULL is fine */

/* The handle gets the room's events from now on. */
void dh_watch_attach(struct dh_watch *watch);
/* The PeerConnection is up: media from now on. */
void dh_watch_media(struct dh_watch *watch);
void dh_watch_pause(struct dh_watch *watch, gboolean paused);
/* The browser asks for a key frame. */
void dh_watch_pli(struct dh_watch *watch);
/* No media and no events any more. Nothing is relayed once it returns, but for
 * a packet in that very moment. */
void dh_watch_leave(struct dh_watch *watch);

/* An event {"digitalhuman":"event","result":{"status":STATUS}}. */
json_t *dh_watch_status(const char *status);

/* In the room's thread: hands one RTP packet to Janus. */
void dh_watch_relay(struct dh_watch *watch, enum dh_media media, const uint8_t *rtp, size_t size);

#endif
