/* The configuration file janus.plugin.digitalhuman.jcfg, read once.
 *
 * Categories: general, avatar-NAME, generator-NAME, room-NAME. Everything is
 * checked while it is read: a mistake in `general` refuses the whole file, one
 * elsewhere refuses its category; each is logged with category and option. An
 * option that does not exist is a mistake.
 *
 * Immutable after loading, so any thread may read it.
 */
#ifndef DH_CONFIG_H
#define DH_CONFIG_H

#include <stdint.h>

#include <glib.h>

#define DH_CONFIG_FILE "janus.plugin.digitalhuman.jcfg"

struct dh_config_avatar {
	char *name;
	int64_t width, height;
	char *idle, *portrait;   /* paths; at least one of them */
	int64_t pingpong;
	int64_t kbps, entry_ms;
};

struct dh_config_generator {
	char *name;
	char **command;          /* argv, NULL-terminated; "{voice}" is replaced */
	char **voices;           /* NULL: none; the first is the default */
	char **environment;      /* "NAME=value", added to a minimal one; NULL: none */
	int64_t max_s;           /* what a sentence may take to be made */
	int64_t memory_mb;       /* of data; 0: no limit */
};

struct dh_config_room {
	char *name;
	int64_t id;
	char *description, *avatar;
	char *secret, *pin;      /* NULL: none */
	int64_t is_private;
	char *duration;          /* "speech" or "longest" */
	char *generator;         /* NULL: none */
};

struct dh_config {
	char *admin_key;         /* NULL: anybody may create rooms */
	char **segments_folders; /* NULL: nothing can be enqueued */
	char *cache_folder;      /* "": no cache */
	int64_t cache_mb;
	char *worker, *worker_user;
	int64_t warm_workers, max_workers;
	int64_t worker_memory_mb, worker_cpu_s, worker_silence_s;
	int64_t max_rooms, max_viewers_per_room, max_viewers;
	int64_t max_queue, max_queue_ms, max_queue_mb;
	int64_t max_segment_ms, max_file_mb;
	int64_t max_text, max_metadata;  /* bytes */
	int64_t spread_ms;
	int64_t events;
	GPtrArray *avatars, *generators, *rooms; /* of the structs above */
};

/* Reads FOLDER/DH_CONFIG_FILE; without such a file everything has its default
 * and there are no rooms. -EINVAL: a mistake, which was logged. */
int dh_config_load(struct dh_config **config, const char *folder);
void dh_config_free(struct dh_config **config);

/* By name, NULL when there is none. */
const struct dh_config_avatar *dh_config_avatar(const struct dh_config *config, const char *name);
const struct dh_config_generator *dh_config_generator(const struct dh_config *config, const char *name);

#endif
