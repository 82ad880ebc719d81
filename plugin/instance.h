/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One loaded plugin: its configuration, threads, avatars and rooms. Created by init,
 * torn down by destroy.
 */
#ifndef DH_INSTANCE_H
#define DH_INSTANCE_H

#include <stdint.h>

#include <glib.h>

#include "client.h"
#include "rooms/room.h"
#include "outbox.h"
#include "room_file.h"
#include "senders.h"
#include "session.h"

struct dh_beginning;
struct dh_playlists;
struct dh_push_service;
struct dh_reporter;

struct dh_instance {
	/* immutable */
	struct dh_config *config;
	struct dh_io *io;
	struct dh_ingest *ingest;
	struct dh_generators *generators;
	struct dh_outbox *outbox;
	struct dh_host host; /* of every room */
	struct dh_clients *clients;
	struct dh_senders *senders;
	struct dh_first_frames *first_frames; /* of all rooms */
	struct dh_push_service *pushes;       /* set by plugin.c; NULL: nobody can push */
	struct dh_playlists *playlists;       /* likewise, once there are rooms; NULL: there are no playlists */
	struct dh_reporter *reporter;         /* by plugin.c, too; NULL: nobody wants reports */
	GHashTable *avatars;                  /* by name (its config's), struct dh_avatar */
	struct dh_member_counts members;      /* atomic */
	atomic_int forwards;                  /* of all rooms, see rooms/rtp_forward.h */
	atomic_int recordings;                /* the same; processes, see ingest/recorder.h */
	GMutex admission_lock;                /* held from looking for a place to taking it */
	/* serialises creating, editing and destroying rooms; taken before `lock`. Held while the
	 * room file is written, so nobody who only looks may take it. */
	GMutex rooms_lock;
	struct dh_room_file *room_file; /* changed with rooms_lock held */
	struct dh_beginning *beginning; /* immutable; NULL until its first rooms are there */
	GMutex forwards_lock;           /* from finding a permanent forward to ending it; taken before rooms_lock */
	/* protected by lock */
	GMutex lock;
	GHashTable *rooms;    /* by id, references to struct dh_room */
	GHashTable *sessions; /* references to struct dh_session */
	bool closed;
};

/* Reads the configuration in `folder`, starts the threads, creates the configured
 * rooms. Negative errno on failure; the log says why. */
int dh_instance_alloc(struct dh_instance **instance, const char *folder);

/* Step one: mutes the outbox, then ends every room. Threads that wait for a room get
 * its answer or an error. */
void dh_instance_close(struct dh_instance *instance);

/* Step two, once no other thread is inside. */
void dh_instance_free(struct dh_instance **instance);

/* --- any thread */

/* A handle's session is found by its plugin_handle, which is read and written
 * here only. -EDQUOT: the client, or all clients together, have too many. */
int dh_instance_add_session(struct dh_instance *instance, struct janus_plugin_session *handle);
/* A reference, NULL if the handle has no session, or no longer. */
struct dh_session *dh_instance_session(struct dh_instance *instance, struct janus_plugin_session *handle);
/* Removes the session and returns the instance's reference to it; NULL if it has none. */
struct dh_session *dh_instance_take_session(struct dh_instance *instance, struct janus_plugin_session *handle);

/* Takes one of `most` places, however many ask at a time; *count says how many are taken. False: there is none. Who
 * has it lowers *count. */
bool dh_instance_take_place(atomic_int *count, int64_t most);

/* For dh_feed_new. */
struct dh_feed_context dh_instance_feed_context(const struct dh_instance *instance);

/* --- rooms: instance_rooms.c; any thread. Permanent changes are written to the room
 * file first: if that fails (errors of room_file.h) nothing changes. */

/* A reference, NULL if there is none with that id. */
struct dh_room *dh_instance_room(struct dh_instance *instance, const char *id);
/* References to all rooms, in ascending order of id. */
GPtrArray *dh_instance_rooms(struct dh_instance *instance);
bool dh_instance_is_permanent(struct dh_instance *instance, const struct dh_room *room);

/* `facts->id` NULL: makes a free one; `given->description` NULL: makes one from the id.
 * *room: a reference. -EEXIST: the id is taken; -EBUSY: by a room that waits (below); -ENOBUFS: max_rooms;
 * -ECANCELED: the plugin is going down; others as dh_room_alloc. */
int dh_instance_create_room(struct dh_instance *instance, const struct dh_room_facts *facts,
	const struct dh_settings *given, bool permanent, struct dh_room **room);
/* The same, with rooms_lock held; of a room that waits, too. */
int dh_instance_add_room(struct dh_instance *instance, const struct dh_room_facts *facts,
	const struct dh_settings *given, bool permanent, struct dh_room **room);
/* *visible: whether the description, metadata or disclosure have changed. -ENOENT: the room is
 * gone; -EDQUOT: it has max_forwards_per_room permanent forwards already. */
int dh_instance_edit_room(struct dh_instance *instance, struct dh_room *room, const struct dh_settings_change *change,
	bool permanent, bool *visible);
/* As a permanent edit, which comes true together with something else about the room, or not at all: once the file is
 * written, `with` does that, or fails with an error of its own. rooms_lock is held: it may wait for the room's thread,
 * and for nobody else. */
typedef int dh_instance_with_fn(struct dh_room *room, void *arg);
int dh_instance_edit_room_with(struct dh_instance *instance, struct dh_room *room,
	const struct dh_settings_change *change, dh_instance_with_fn *with, void *arg);
/* Removes the room, closes it and waits for its thread; -ENOENT: it was removed before. */
int dh_instance_destroy_room(struct dh_instance *instance, struct dh_room *room, bool permanent);

/* --- the rooms that it begins with: instance_begin.c. Those of the configuration and of the room file. Where that file
 * is damaged, rooms of which it may say otherwise than the configuration wait until it is repaired or removed: it may
 * have given them a secret, or say that they were destroyed. */

/* Creates all rooms that need not wait. Logs failures, and who waits. */
struct dh_beginning *dh_beginning_new(struct dh_instance *instance);
/* Creates the others when they may, in a thread of its own. Call once, when instance->playlists is set. */
void dh_beginning_watch(struct dh_beginning *beginning);
/* None is created any more. */
void dh_beginning_stop(struct dh_beginning *beginning);
void dh_beginning_free(struct dh_beginning **beginning);

/* With rooms_lock held: whether the configuration or the room file has a room with this id, and it waits. */
bool dh_beginning_waits(const struct dh_beginning *beginning, const char *id);
/* With rooms_lock held: it is in the room file since now, and is not to be created again if it is destroyed. */
void dh_beginning_note(struct dh_beginning *beginning, const char *id);

#endif
