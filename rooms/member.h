/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One handle in one room, from `watch` or `observe` to `stop`, hang-up, a kick or the
 * room's end: a viewer, or an observer, which gets events and no media. A handle that
 * watches again becomes a new member, so commands still on their way to the old room
 * find the old one.
 *
 * The functions that tell a room what happens to its members are in room.h.
 */
#ifndef DH_MEMBER_H
#define DH_MEMBER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "host.h"

struct dh_room;
struct dh_viewer;

/* Called when the last reference is dropped, in that thread, before the member is
 * freed. */
typedef void dh_member_gone_fn(struct dh_member *member);

struct dh_member {
	/* immutable; references are held */
	const struct dh_host *host;
	void *handle;
	struct dh_room *room;
	struct dh_member_counts *counts; /* see room.h */
	guint id;                        /* its number in requests and events, never reused */
	bool observes;                   /* events only */
	bool is_trusted;                 /* knows the room's secret: gets events about other viewers, too */
	uint64_t sdp_session;            /* the o= line's, in all its offers */
	/* owner: the handle's asynchronous requests, which run one at a time */
	int sdp_version; /* of the latest offer */
	/* any thread, atomically */
	atomic_int answered; /* the JSEP answer came */
	atomic_int media;    /* the PeerConnection is up */
	atomic_int paused;
	atomic_int cut;        /* nothing is relayed any more */
	atomic_int pli_posted; /* a PLI is on its way to the room's thread */
	atomic_int counted;    /* occupies a place, see dh_room_member_new */
	/* owner: the room's thread */
	struct dh_viewer *viewer; /* NULL: gets no media */
	bool attached;            /* gets events */
	bool left;
	guint index;           /* among the room's members, while attached and not left */
	GList connecting;      /* its link in the room's list of those without media; data NULL: not in it */
	int64_t timeout_ticks; /* the deadline for its media */
	int64_t media_ticks;   /* when its media began, in media time */
	unsigned slow_links;   /* how often Janus reported a slow link */
	/* private */
	atomic_int refs;
	dh_member_gone_fn *gone;
};

enum dh_member_kind { DH_MEMBER_VIEWER, DH_MEMBER_OBSERVER, DH_MEMBER_TRUSTED_OBSERVER };

/* For dh_room_member_new only, which fills in `id` and `counts`. One reference is the
 * caller's. The member takes a reference to `handle`, and ownership of one to `room`,
 * which `gone` drops. */
struct dh_member *dh_member_new(const struct dh_host *host, void *handle, enum dh_member_kind kind,
	struct dh_room *room, dh_member_gone_fn *gone);
struct dh_member *dh_member_ref(struct dh_member *member);
void dh_member_unref(struct dh_member **member);

/* An event for its handle: {"digitalhuman":"event","result":{"status":STATUS}}. */
json_t *dh_member_status(const char *status);

/* In the room's thread: hands one RTP packet to the gateway, unless the member is cut. */
void dh_member_relay(const struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size);

#endif
