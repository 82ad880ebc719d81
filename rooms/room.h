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
#include "ingest/feed.h"
#include "room_thread.h"
#include "settings.h"
#include "plugin/outbox.h"
#include "member.h"

struct dh_room;

/* What a room is for good; copied. */
struct dh_room_facts {
	const char *id;          /* see room_id.h */
	enum dh_duration duration;
	struct dh_avatar *avatar;
	const struct dh_generator_config *generator; /* NULL: none */
};

/* What it is made with; outlives it. */
struct dh_room_context {
	const struct dh_config *config;
	struct dh_outbox *outbox;
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

/* Watches of this room, receiving or not. */
int dh_room_member_count(const struct dh_room *room);
void dh_room_count_member(struct dh_room *room, int change);

/* Runs a command in its thread; see room_thread.h. */
void dh_room_post(struct dh_room *room, struct dh_command *command);

/* The avatar's clip is there, or could not be made. */
void dh_room_avatar_changed(struct dh_room *room);

/* --- requests: they wait for the room's thread. All may return -ETIMEDOUT (it
 * did not answer, nothing has changed) and -ECANCELED (the room is gone). */

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

/* `watch` came too late: the room has ended. Its handle is told and hung up. */
void dh_room_orphan(struct dh_room *room, struct dh_member *member);

/* --- in the room's thread */

void dh_room_attach(struct dh_room *room, struct dh_member *member);
void dh_room_media(struct dh_room *room, struct dh_member *member);
void dh_room_pause(struct dh_room *room, struct dh_member *member);
void dh_room_pli(struct dh_room *room, struct dh_member *member);
void dh_room_slow_link(struct dh_room *room, struct dh_member *member, enum dh_media media);
void dh_room_leave(struct dh_room *room, struct dh_member *member);
/* Something has come for a segment. */
void dh_room_feed(struct dh_room *room, struct dh_feed *feed);

#endif
