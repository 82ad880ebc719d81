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

#include "avatar_config.h"
#include "capture_time.h"
#include "host.h"
#include "listening.h"
#include "outlet.h"
#include "playout/continuity.h"
#include "punctuality.h"
#include "receiver.h"
#include "viewer_delay.h"
#include "viewer_quality.h"

struct dh_microphone;
struct dh_room;
struct dh_viewer;

/* Called when the last reference is dropped, in that thread, before the member is
 * freed. */
typedef void dh_member_gone_fn(struct dh_member *member);

/* How a medium goes to a viewer: what its offer and answer have agreed on. */
struct dh_line {
	bool is_taken; /* false: it is not sent */
	int mindex;    /* its m-line, 0 to 254 */
	int payload_type;
	int maxptime;   /* ms of sound that a packet may hold, at most 255; 0: any */
	bool has_delay; /* its packets may say a playout delay */
};

/* What a viewer's offers say about its microphone: it sends its sound on the m-line of ours, or, where it wants no
 * sound, on one behind all others, which stays once it has been offered. */
enum dh_microphone_offer { DH_MICROPHONE_NEVER, DH_MICROPHONE_OFF, DH_MICROPHONE_ON };

struct dh_member {
	struct dh_outlet outlet; /* must be first */
	/* immutable; references are held */
	const struct dh_host *host;
	void *handle;
	struct dh_room *room;
	struct dh_member_counts *counts;       /* see room.h */
	const struct dh_avatar_config *avatar; /* the room's; the configuration's */
	guint id;                              /* its number in requests and events, never reused */
	bool observes;                         /* events only */
	int ptime;                             /* see dh_is_ptime; 0: the room's; set before it is attached */
	bool has_started;                      /* its connection, in another room; set before it is attached */
	bool is_deaf;                          /* gets no events of the room; set before it is attached */
	bool is_trusted;                       /* knows the room's secret: gets events about other viewers, too */
	uint64_t sdp_session;                  /* the o= line's, in all its offers */
	/* owner: the handle's asynchronous requests, which run one at a time */
	int sdp_version; /* of the latest offer */
	bool is_offerer; /* its peer made the offer */
	bool wants[2];   /* what is offered, by medium */
	/* any thread, atomically */
	atomic_int answered; /* the JSEP answer came */
	atomic_int up;       /* the PeerConnection is up */
	atomic_int sender;   /* the thread that sends to it, by its id; 0: its own */
	atomic_int media;    /* both: media flow */
	atomic_int paused;
	atomic_uint lines[2];                       /* by medium, see dh_member_line */
	_Atomic uint32_t rtp_start[2];              /* by medium: its RTP timestamps at the room's media time 0 */
	atomic_int muted[2];                        /* by medium: the viewer does not want it now */
	atomic_int microphone_offer;                /* enum dh_microphone_offer, of the latest offer */
	atomic_uint microphone_line;                /* see dh_member_microphone_line */
	atomic_int listened_to;                     /* its sound is wanted, and it has agreed to send it */
	_Atomic(struct dh_microphone *) microphone; /* owned; NULL: it has never sent sound */
	atomic_int cut;                             /* nothing is relayed any more */
	atomic_int relaying;                        /* a packet is on its way to the gateway */
	atomic_int pli_posted;                      /* a PLI is on its way to the room's thread */
	atomic_int report_posted;                   /* the same of a receiver report */
	atomic_int counted;                         /* occupies a place, see dh_room_member_new */
	struct dh_listening listening;              /* see there */
	struct dh_receiver receiver;                /* see there */
	struct dh_viewer_quality quality;           /* see there */
	struct dh_viewer_delay delay;               /* see there */
	/* owner: the room's thread */
	struct dh_viewer *viewer; /* NULL: gets no media */
	bool attached;            /* gets events */
	bool left;
	guint index;           /* among the room's members, while attached and not left */
	GList connecting;      /* its link in the room's list of those without media; data NULL: not in it */
	int64_t timeout_ticks; /* the deadline for its media */
	int64_t media_ticks;   /* when its media began, in media time */
	bool is_without[2];    /* by medium: counted as not being sent it */
	GArray *gates;         /* when it was sent sound, see spans.h; NULL: never */
	bool is_speaking;      /* as was last reported */
	/* of its voice, until it is silent */
	bool voice_lasts;     /* for as long as barge_in says */
	bool voice_overruled; /* the avatar does not listen to it */
	bool voice_had_floor; /* and does not get it again */
	unsigned slow_links;  /* how often Janus reported a slow link */
	struct dh_viewer_times times;
	struct dh_capture_time capture; /* see there; nothing is said where the gateway cannot */
	/* where its numbering begins, if it comes from another room, and later where it ended */
	struct dh_continuity_seed handover;
	bool is_handed_over;
	/* protected by the room's lock */
	struct dh_member *successor; /* a reference: in the room that it goes to; NULL: none */
	bool has_left;
	bool is_awaited; /* it comes from a room in which the last packet has not left yet */
	/* private */
	atomic_int refs;
	dh_member_gone_fn *gone;
};

enum dh_member_kind { DH_MEMBER_VIEWER, DH_MEMBER_OBSERVER, DH_MEMBER_TRUSTED_OBSERVER };

/* For dh_room_member_new only, which fills in `id`, `counts` and `avatar`. One reference is the
 * caller's. The member takes a reference to `handle`, and ownership of one to `room`,
 * which `gone` drops. */
struct dh_member *dh_member_new(const struct dh_host *host, void *handle, enum dh_member_kind kind,
	struct dh_room *room, dh_member_gone_fn *gone);
struct dh_member *dh_member_ref(struct dh_member *member);
void dh_member_unref(struct dh_member **member);

/* An event for its handle: {"digitalhuman":"event","result":{"status":STATUS,"viewer":…}};
 * `starting` and `started` also say what a viewer is sent, `audio` and `video`, and how; they and
 * `preparing`, how pictures are coded that come with their mattes. */
json_t *dh_member_status(const struct dh_member *member, const char *status);
/* The same of a viewer that is gone. */
json_t *dh_viewer_status(guint viewer, const char *status);

/* Any thread. A new member takes sound and picture, on the first two m-lines, with the payload types of our offers. */
struct dh_line dh_member_line(const struct dh_member *member, enum dh_media media);
void dh_member_set_line(struct dh_member *member, enum dh_media media, const struct dh_line *line);
void dh_member_set_lines(struct dh_member *member, const struct dh_line lines[2]);
/* The same of the m-line on which it sends its sound. A new member sends none. */
struct dh_line dh_member_microphone_line(const struct dh_member *member);
void dh_member_set_microphone_line(struct dh_member *member, const struct dh_line *line);
bool dh_member_is_listened_to(const struct dh_member *member);
/* Whether it takes that medium, and wants it now. */
bool dh_member_gets(const struct dh_member *member, enum dh_media media);

/* Sets `min_delay` and `max_delay`, see dh_delay_describe. Any thread. */
void dh_member_describe_delay(const struct dh_member *member, json_t *json);

/* Its `rtp_start`. Any thread; a viewer that has come from another room has its own once
 * its media have begun. */
void dh_member_get_rtp_start(const struct dh_member *member, uint32_t rtp_start[2]);
/* {"audio":…,"video":…}. A new reference. */
json_t *dh_rtp_start_json(const uint32_t rtp_start[2]);

/* Nothing is relayed any more, nor on its way to the gateway: the handle may be offered another connection. Any thread
 * but the room's, where setting `cut` is enough. */
void dh_member_cut(struct dh_member *member);
/* In the room's thread: hands one RTP packet to the gateway, unless the member is cut. */
void dh_member_relay(struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size);

#endif
