/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that one loaded plugin consists of: configuration, threads, avatars,
 * rooms. Made by init, taken down by destroy.
 */
#ifndef DH_INSTANCE_H
#define DH_INSTANCE_H

#include <stdint.h>

#include <glib.h>

#include "client.h"
#include "rooms/room.h"
#include "outbox.h"
#include "room_file.h"
#include "session.h"

struct dh_instance {
	/* immutable */
	struct dh_config *config;
	struct dh_io *io;
	struct dh_ingest *ingest;
	struct dh_outbox *outbox;
	struct dh_host host; /* of every room */
	struct dh_clients *clients;
	GHashTable *avatars;             /* by name (its config's), struct dh_avatar */
	struct dh_member_counts members; /* atomic */
	GMutex admission_lock;           /* held while a place is looked for and taken */
	/* held by whoever makes, edits or destroys rooms, from beginning to end;
	 * taken before `lock` */
	GMutex rooms_lock;
	struct dh_room_file *room_file; /* protected by rooms_lock */
	/* protected by lock */
	GMutex lock;
	GHashTable *rooms;    /* by id, references to struct dh_room */
	GHashTable *sessions; /* references to struct dh_session */
	bool closed;
};

/* Reads the configuration in `folder`, starts the threads, creates the
 * configured rooms. Negative errno: it could not, the log says why. */
int dh_instance_alloc(struct dh_instance **instance, const char *folder);

/* Step one: every room ends, nothing is said to Janus any more. Whoever waits
 * for a room's answer gets it or an error. */
void dh_instance_close(struct dh_instance *instance);

/* Step two, when no other thread is inside any more. */
void dh_instance_free(struct dh_instance **instance);

/* --- any thread */

/* A handle's session is found by its plugin_handle, which is read and written
 * here only. -EDQUOT: the client, or all clients together, have too many. */
int dh_instance_add_session(struct dh_instance *instance, struct janus_plugin_session *handle);
/* A reference, NULL when there is none (any more). */
struct dh_session *dh_instance_session(struct dh_instance *instance, struct janus_plugin_session *handle);
/* The reference that the instance held, NULL when it did not. */
struct dh_session *dh_instance_take_session(struct dh_instance *instance, struct janus_plugin_session *handle);

/* What a feed is made with. */
struct dh_feed_context dh_instance_feed_context(const struct dh_instance *instance);

/* --- rooms: instance_rooms.c; any thread. Permanent changes are written to the
 * room file first: where that fails (errors of room_file.h) nothing changes. */

/* A reference, NULL when there is none of that id. */
struct dh_room *dh_instance_room(struct dh_instance *instance, const char *id);
/* References to all rooms, by rising id. */
GPtrArray *dh_instance_rooms(struct dh_instance *instance);
bool dh_instance_is_permanent(struct dh_instance *instance, const struct dh_room *room);

/* `facts->id` NULL: a free one is made; `given->description` NULL: one is made of
 * the id. *room: a reference. -EEXIST: that id is taken; -ENOBUFS: max_rooms;
 * others as dh_room_alloc. */
int dh_instance_create_room(struct dh_instance *instance, const struct dh_room_facts *facts,
	const struct dh_settings *given, bool permanent, struct dh_room **room);
/* *visible: whether what everybody may see of it has changed. -ENOENT: it is
 * gone. */
int dh_instance_edit_room(struct dh_instance *instance, struct dh_room *room, const struct dh_settings_change *change,
	bool permanent, bool *visible);
/* Takes the room out and closes it; -ENOENT: somebody else just did. */
int dh_instance_destroy_room(struct dh_instance *instance, struct dh_room *room, bool permanent);

/* Those of the configuration and of the room file. What is wrong is logged. */
void dh_instance_add_rooms(struct dh_instance *instance);

#endif
