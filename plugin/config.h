/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file janus.plugin.digitalhuman.jcfg, read once.
 *
 * Categories: general, avatar-NAME, generator-NAME, room-NAME. Everything is checked
 * while it is read: a mistake in `general` rejects the whole file, one elsewhere
 * rejects its category; each is logged with category and option. An unknown option is a
 * mistake.
 *
 * Immutable after loading, so any thread may read it.
 */
#ifndef DH_CONFIG_H
#define DH_CONFIG_H

#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include <janus/config.h>

#include "ingest/generator_config.h"
#include "rooms/avatar.h"

#define DH_CONFIG_FILE    "janus.plugin.digitalhuman.jcfg"
#define DH_CONFIG_KEY_MAX 256 /* bytes of a secret, PIN or description, as in requests */

struct dh_config_room {
	char *name;
	char *id;           /* see room_id.h */
	char *description;  /* NULL: derived from the id */
	char *metadata;     /* a JSON object as text; NULL: none */
	char *avatar;       /* NULL (in the room file only): the room does not exist */
	char *secret, *pin; /* NULL: none */
	char *disclosure;   /* NULL: none */
	int64_t is_private, signed_tokens;
	char *duration;     /* "speech" or "longest" */
	char *underrun;     /* "hold", "idle" or "skip" */
	int64_t preroll_ms; /* 0: as long as the source needs */
	int64_t seam_wait_ms;
	int64_t ptime;
	int64_t min_delay, max_delay;        /* of dh_delay_change */
	int64_t low_water_ms, high_water_ms; /* 0: none */
	/* see rooms/barge_in.h */
	int64_t barge_in, floor_ms, floor_silence_ms;
	char *barge_in_mode, *barge_in_by;
	/* see rooms/playlist.h */
	char **playlist; /* NULL: none */
	int64_t playlist_shuffle, playlist_repeat, playlist_patient;
	json_t *forwards; /* an array of records, see forward_record.h; NULL: none */
	char *generator;  /* NULL: none */
};

struct dh_config {
	char *admin_key;         /* NULL: anybody may create rooms */
	int64_t string_ids;      /* room ids are strings, not integers */
	char *also_answer_as;    /* answers have this key beside "digitalhuman"; NULL: no other */
	char **forward_hosts;    /* numeric addresses that rooms and sound may be forwarded to; NULL: this machine */
	char **segments_folders; /* NULL: nothing can be enqueued */
	char *cache_folder;      /* "": no cache */
	int64_t cache_mb;
	char *worker, *scope, *opener, *worker_user;
	char *recordings_folder; /* "": nothing can be recorded */
	char *recorder;
	int64_t max_recordings;
	char *fetch; /* no option: it is beside `scope` */
	int64_t warm_workers, max_workers, max_live;
	int64_t worker_memory_mb, worker_cpu_s, worker_silence_s, worker_wait_s;
	int64_t max_rooms, max_viewers_per_room, max_viewers;
	int64_t watch_timeout_s; /* from `watch` until media must be up */
	int64_t max_microphones_per_room;
	int64_t max_forwards_per_room, max_forwards; /* of rooms, not of microphones */
	int64_t max_observers_per_room, max_observers;
	int64_t max_per_session; /* rooms that the handles of one client watch or observe */
	int64_t max_handles_per_session, max_handles;
	int64_t max_handle_requests, max_handle_events, max_events; /* that wait, see outbox.h */
	int64_t offer_threads;
	int64_t max_queue, max_queue_ms, max_queue_mb;
	int64_t index_timeout_ms; /* how long an utterance waits for its next piece */
	int64_t hold_s;           /* a hold that lasts longer becomes an interruption */
	int64_t max_segment_ms, max_live_ms, max_file_mb;
	int64_t file_open_s;                         /* opening a segment's file may take this long */
	int64_t file_read_s;                         /* reading it */
	int64_t max_media_mb;                        /* of prepared media, all rooms together */
	int64_t max_side;                            /* largest width or height of an input picture */
	int64_t max_request, max_text, max_metadata; /* bytes */
	int64_t more_s, more_rate;                   /* of a text that is still being written, see feed.h */
	int64_t max_depth;                           /* of a request's JSON */
	char *push_listen, *push_socket;             /* where generators push; NULL: nowhere */
	char *push_socket_mode, *push_socket_group;  /* octal digits; NULL: Janus's group */
	int64_t push_plain;                          /* other machines may push without encryption */
	int64_t max_pushes, max_pushes_per_room, push_line_s;
	int64_t ahead_ms; /* how far live segments are read ahead of what has been played */
	int64_t spread_ms;
	int64_t realtime; /* see realtime.h */
	int64_t events;
	int64_t stats_events_s;                  /* 0: never */
	GPtrArray *avatars, *generators, *rooms; /* struct dh_avatar_config, dh_generator_config, dh_config_room */
};

/* Reads FOLDER/DH_CONFIG_FILE; without such a file every option has its default and
 * there are no rooms. -EINVAL: a mistake, which was logged. */
int dh_config_load(struct dh_config **config, const char *folder);
void dh_config_free(struct dh_config **config);

/* By name, NULL when there is none. */
const struct dh_avatar_config *dh_config_find_avatar(const struct dh_config *config, const char *name);
const struct dh_generator_config *dh_config_find_generator(const struct dh_config *config, const char *name);

/* --- avatars: config_avatars.c */

/* NULL: a mistake, which was logged. */
struct dh_avatar_config *dh_config_avatar_read(const janus_config_container *category, const char *name);
void dh_config_avatar_free(struct dh_avatar_config **avatar);

/* --- generators: config_generators.c */

/* NULL: a mistake, which was logged. */
struct dh_generator_config *dh_config_generator_read(const janus_config_container *category, const char *name);
void dh_config_generator_free(struct dh_generator_config **generator);
/* Once all are read: finds those named as fallbacks, or logs that there are none. */
void dh_config_find_fallbacks(struct dh_config *config);
/* Sets `scope`, where it is not set, and `fetch`. */
void dh_config_find_scope(struct dh_config *config);
/* Logs if there are generators and nothing to run them in. */
void dh_config_warn_of_scope(const struct dh_config *config);

/* --- rooms: config_rooms.c */

/* With defaults, and without an id. */
struct dh_config_room *dh_config_room_new(const char *name);
void dh_config_room_free(struct dh_config_room **room);

/* Fills `room` from a category of `file`. -EINVAL: a mistake, which was logged. */
int dh_config_room_read(const struct dh_config *config, const char *file, const janus_config_container *category,
	struct dh_config_room *room);

/* Checks that the avatar and generator named by `room` exist; `file` and `category` are
 * for the log. -EINVAL. */
int dh_config_room_check(const struct dh_config *config, const char *file, const char *category,
	const struct dh_config_room *room);

/* The room with that id in an array of them, borrowed; NULL if there is none. */
struct dh_config_room *dh_config_room_find(const GPtrArray *rooms, const char *id);

/* Its playlist as in rooms/playlist.h, a new reference; NULL: it has none. And the other way round. */
json_t *dh_config_room_playlist(const struct dh_config_room *room);
void dh_config_room_set_playlist(struct dh_config_room *room, const json_t *playlist);

/* Appends it as a category "room-NAME". */
void dh_config_room_write(const struct dh_config_room *room, GString *out);

#endif
