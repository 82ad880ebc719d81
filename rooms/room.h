/* A room as Janus sees it: a dh_playout with its thread, its avatar, its viewers
 * and the feeds of its segments.
 *
 * Functions without another word may be called from any thread. Those under "in
 * the room's thread" are what commands run.
 */
#ifndef DH_ROOM_H
#define DH_ROOM_H

#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "avatar.h"
#include "host.h"
#include "ingest/feed.h"
#include "ingest/generator.h"
#include "member.h"
#include "settings.h"

struct dh_room;

/* What a room is for good; copied. */
struct dh_room_facts {
	const char *id;          /* see room_id.h */
	enum dh_duration duration;
	struct dh_avatar *avatar;
	const struct dh_generator_config *generator; /* NULL: none */
};

/* What every room is made with; outlives it. */
struct dh_room_context {
	const struct dh_host *host;
	gboolean string_ids;     /* rooms' ids are texts, not integers */
	gboolean events;         /* the gateway's event handlers hear of it */
	gboolean realtime;       /* see realtime.h */
	int64_t spread_ms;       /* of viewers' sending, 0 to 20 */
	int64_t max_queue;       /* waiting segments */
	int64_t max_queue_ms;    /* of known media that waits */
	int64_t max_queue_mb;    /* of media that waits */
};

/* Starts its thread; takes a reference to `settings`. One reference is the
 * caller's; it has to be closed. -ENOMEM, or why there is no thread. */
int dh_room_alloc(struct dh_room **room, const struct dh_room_context *context,
	const struct dh_room_facts *facts, struct dh_settings *settings);
struct dh_room *dh_room_ref(struct dh_room *room);
void dh_room_unref(struct dh_room *room); /* NULL is fine */

/* Ends it: segments are interrupted, viewers told and hung up, the thread
 * joined. Whoever calls it holds a reference. Not from the room's thread. */
void dh_room_close(struct dh_room *room);

const struct dh_room_facts *dh_room_facts(const struct dh_room *room);
const struct dh_host *dh_room_host(const struct dh_room *room);
/* Its id, as requests and events have it. A new reference. */
json_t *dh_room_id_json(const struct dh_room *room);

/* A reference to what they are now. */
struct dh_settings *dh_room_settings(struct dh_room *room);
/* Takes over the reference. */
void dh_room_set_settings(struct dh_room *room, struct dh_settings *settings);

/* As in `list`; with `all`, what only the secret opens. A new reference. */
json_t *dh_room_info(struct dh_room *room, gboolean all);

enum dh_room_state { DH_ROOM_PREPARING, DH_ROOM_IDLE, DH_ROOM_SPEAKING, DH_ROOM_FAILED };
enum dh_room_state dh_room_state(const struct dh_room *room);

/* --- members; any thread, and never waiting */

/* Members of the whole gateway; atomic. Viewers and observers are counted apart,
 * so that each have a limit of their own. */
struct dh_member_counts {
	gint viewers, observers; /* from `watch` or `observe` until they have left */
	gint ever;
};

/* One reference is the caller's; the member holds references to `handle` and
 * `room`. It counts in the room and in `counts`, which outlives it, until its
 * last reference is dropped. */
struct dh_member *dh_room_member_new(struct dh_room *room, void *handle, enum dh_member_kind kind,
	struct dh_member_counts *counts);
/* From `watch` or `observe` until they have left, connected or not. */
int dh_room_viewer_count(const struct dh_room *room);
int dh_room_observer_count(const struct dh_room *room);

/* The handle gets the room's events from now on. Where the room has ended, it
 * hears that, and is dismissed. */
void dh_room_member_attach(struct dh_member *member);
/* The PeerConnection is up: media from now on. */
void dh_room_member_media(struct dh_member *member);
void dh_room_member_pause(struct dh_member *member, gboolean paused);
/* The browser asks for a key frame. */
void dh_room_member_pli(struct dh_member *member);
/* Janus says that its link loses packets. */
void dh_room_member_slow_link(struct dh_member *member, enum dh_media media);
/* No media and no events any more. Nothing is relayed once it returns, but for
 * a packet in that very moment. */
void dh_room_member_leave(struct dh_member *member);

/* --- requests: they wait for the room's thread. All may return -ETIMEDOUT (it
 * did not answer, nothing has changed) and -ECANCELED (the room is gone). */

/* The room as the owner of a new feed, which is to be given to dh_room_enqueue.
 * Any thread; holds a reference to the room. */
struct dh_feed_owner dh_room_feed_owner(struct dh_room *room);

/* `id` NULL: one is made. *reply: the answer's fields. -EEXIST: that id plays or
 * waits; -ENOBUFS: a queue limit; -EHOSTDOWN: the avatar has failed. */
int dh_room_enqueue(struct dh_room *room, struct dh_feed *feed, const char *id, json_t **reply);
int dh_room_queue(struct dh_room *room, json_t **reply);
/* -ENOENT: none plays. */
int dh_room_skip(struct dh_room *room, json_t **reply);
/* -ENOENT: none of that id; -EBUSY: it plays. */
int dh_room_remove(struct dh_room *room, const char *id, json_t **reply);
int dh_room_interrupt(struct dh_room *room, json_t **reply);
/* A disabled room relays nothing; its clock and its queue go on. */
int dh_room_enable(struct dh_room *room, gboolean enabled);
/* Tells event handlers that the settings are others, and `viewers` too. */
int dh_room_edited(struct dh_room *room, gboolean viewers);
/* What a viewer was sent. */
int dh_room_viewer(struct dh_room *room, struct dh_member *member, json_t **reply);
/* The room's counters, and its viewers: all, or the one of that id. -ENOENT. */
int dh_room_stats(struct dh_room *room, guint viewer, json_t **reply);
/* Viewers are told and hung up: all, or the one (viewer or observer) of that
 * id. -ENOENT. */
int dh_room_kick(struct dh_room *room, guint viewer, json_t **reply);

#endif
