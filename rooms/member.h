/* One handle in one room, from `watch` to `stop`, hang-up, a kick or the room's
 * end: a viewer, or an observer, which gets events and no media. A handle that
 * watches again becomes a new member, so whatever is still on its way to the old
 * room finds its own.
 *
 * What happens to it is said to its room: see dh_room_member_new in room.h.
 */
#ifndef DH_MEMBER_H
#define DH_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "host.h"

struct dh_room;
struct dh_viewer;

/* The last reference to it has gone. */
typedef void dh_member_gone_fn(struct dh_member *member);

struct dh_member {
	/* immutable; references are held */
	const struct dh_host *host;
	void *handle;
	struct dh_room *room;
	struct dh_member_counts *counts; /* see room.h */
	guint id;            /* what requests and events call it: no other one ever has it */
	gboolean observes;   /* events only */
	gboolean is_trusted; /* the room's secret was known: events about other viewers, too */
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
	dh_member_gone_fn *gone;
};

enum dh_member_kind { DH_MEMBER_VIEWER, DH_MEMBER_OBSERVER, DH_MEMBER_TRUSTED_OBSERVER };

/* For rooms only: the caller fills in `id` and `counts`. `gone` lets go of `room`. */
struct dh_member *dh_member_new(const struct dh_host *host, void *handle, enum dh_member_kind kind,
	struct dh_room *room, dh_member_gone_fn *gone);
struct dh_member *dh_member_ref(struct dh_member *member);
void dh_member_unref(struct dh_member *member); /* NULL is fine */

/* An event for its handle: {"digitalhuman":"event","result":{"status":STATUS}}. */
json_t *dh_member_status(const char *status);

/* In the room's thread: hands one RTP packet to the gateway. */
void dh_member_relay(const struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size);

#endif
