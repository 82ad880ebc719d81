/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_file.h"
#include "config_options.h"
#include "ingest/log.h"
#include "ingest/push_listen.h"
#include "prepare/job.h"
#include "rooms/segment_request.h"

#ifndef DH_PREPARE_PATH
#define DH_PREPARE_PATH "dh-prepare" /* looked up in PATH */
#endif
#ifndef DH_OPEN_PATH
#define DH_OPEN_PATH "dh-open"
#endif
#ifndef DH_RECORD_PATH
#define DH_RECORD_PATH "dh-record"
#endif

static const struct dh_option general_options[] = {
	DH_KEY(struct dh_config, admin_key, DH_CONFIG_KEY_MAX),
	DH_FLAG(struct dh_config, string_ids, 0),
	DH_KEY(struct dh_config, also_answer_as, 64),
	DH_LIST(struct dh_config, forward_hosts, false),
	{ "segments_folder", DH_OPTION_LIST, offsetof(struct dh_config, segments_folders), 0, 0, 0, NULL, false },
	DH_TEXT(struct dh_config, cache_folder, "/var/cache/janus-digitalhuman"),
	DH_NUMBER(struct dh_config, cache_mb, 0, 1 << 20, 1024),
	DH_TEXT(struct dh_config, worker, DH_PREPARE_PATH),
	DH_TEXT(struct dh_config, scope, ""),
	DH_TEXT(struct dh_config, opener, ""),
	DH_TEXT(struct dh_config, recordings_folder, ""),
	DH_TEXT(struct dh_config, recorder, ""),
	DH_NUMBER(struct dh_config, max_recordings, 0, 1000, 10),
	DH_TEXT(struct dh_config, worker_user, "nobody"),
	DH_NUMBER(struct dh_config, warm_workers, 0, 16, 2),
	DH_NUMBER(struct dh_config, max_workers, 1, 64, 4),
	DH_NUMBER(struct dh_config, max_live, 1, 1000, 100),
	DH_NUMBER(struct dh_config, worker_memory_mb, 0, 1 << 20, 1024),
	DH_NUMBER(struct dh_config, worker_cpu_s, 0, 86400, 600),
	DH_NUMBER(struct dh_config, worker_silence_s, 1, 3600, 30),
	DH_NUMBER(struct dh_config, worker_wait_s, 0, 86400, 30),
	DH_NUMBER(struct dh_config, max_rooms, 0, 10000, 100),
	DH_NUMBER(struct dh_config, max_viewers_per_room, 1, 100000, 1000),
	DH_NUMBER(struct dh_config, max_viewers, 1, 100000, 5000),
	DH_NUMBER(struct dh_config, watch_timeout_s, 1, 3600, 30),
	DH_NUMBER(struct dh_config, max_microphones_per_room, 0, 5000, 100),
	DH_NUMBER(struct dh_config, max_forwards_per_room, 0, 1000, 10),
	DH_NUMBER(struct dh_config, max_forwards, 0, 10000, 100),
	DH_NUMBER(struct dh_config, max_observers_per_room, 0, 100000, 100),
	DH_NUMBER(struct dh_config, max_observers, 0, 100000, 1000),
	DH_NUMBER(struct dh_config, max_per_session, 1, 100000, 20),
	DH_NUMBER(struct dh_config, max_handles_per_session, 1, 100000, 100),
	DH_NUMBER(struct dh_config, max_handles, 1, 1000000, 20000),
	DH_NUMBER(struct dh_config, max_queue, 1, 10000, 100),
	DH_NUMBER(struct dh_config, max_queue_ms, 1000, 86400000, 3600000),
	DH_NUMBER(struct dh_config, max_queue_mb, 1, 65536, 512),
	DH_NUMBER(struct dh_config, index_timeout_ms, 0, 600000, 3000),
	DH_NUMBER(struct dh_config, hold_s, 1, 86400, 60),
	DH_NUMBER(struct dh_config, max_segment_ms, 1000, DH_SEGMENT_MS_MAX, 600000),
	DH_NUMBER(struct dh_config, max_live_ms, 1000, DH_SEGMENT_MS_MAX, 86400000),
	DH_NUMBER(struct dh_config, max_file_mb, 1, 1 << 20, 2048),
	DH_NUMBER(struct dh_config, file_open_s, 1, 100, 3),
	DH_NUMBER(struct dh_config, file_read_s, 1, 3600, 60),
	DH_NUMBER(struct dh_config, max_media_mb, 1, 1 << 20, 2048),
	DH_NUMBER(struct dh_config, max_side, 16, 16384, 4096),
	DH_NUMBER(struct dh_config, max_request, 1024, 1 << 24, 65536),
	DH_NUMBER(struct dh_config, max_depth, 4, 1000, 16),
	DH_NUMBER(struct dh_config, max_text, 1, 1 << 20, 4000),
	DH_NUMBER(struct dh_config, more_s, 1, 600, 10),
	DH_NUMBER(struct dh_config, more_rate, 1, 10000, 100),
	DH_NUMBER(struct dh_config, max_metadata, 2, 65536, 4096),
	DH_NUMBER(struct dh_config, max_handle_requests, 1, 10000, 100),
	DH_NUMBER(struct dh_config, max_handle_events, 16, 100000, 1000),
	DH_NUMBER(struct dh_config, max_events, 1000, 100000000, 1000000),
	DH_NUMBER(struct dh_config, offer_threads, 1, 256, 16),
	DH_TEXT(struct dh_config, push_listen, NULL),
	DH_FLAG(struct dh_config, push_plain, 0),
	DH_TEXT(struct dh_config, push_socket, NULL),
	DH_TEXT(struct dh_config, push_socket_mode, "0660"),
	DH_TEXT(struct dh_config, push_socket_group, NULL),
	DH_NUMBER(struct dh_config, max_pushes, 1, 10000, 256),
	DH_NUMBER(struct dh_config, max_pushes_per_room, 1, 1000, 16),
	DH_NUMBER(struct dh_config, push_line_s, 1, 60, 5),
	DH_NUMBER(struct dh_config, ahead_ms, 1000, 60000, 2000),
	DH_NUMBER(struct dh_config, spread_ms, 0, 20, 10),
	DH_FLAG(struct dh_config, realtime, 1),
	DH_FLAG(struct dh_config, events, 1),
	DH_NUMBER(struct dh_config, stats_events_s, 0, 86400, 0),
	DH_OPTIONS_END,
};

static void avatar_free(gpointer data)
{
	struct dh_avatar_config *avatar = data;
	dh_config_avatar_free(&avatar);
}

static void generator_free(gpointer data)
{
	struct dh_generator_config *generator = data;
	dh_config_generator_free(&generator);
}

static void room_free(gpointer data)
{
	struct dh_config_room *room = data;
	dh_config_room_free(&room);
}

static void read_avatar(struct dh_config *config, const janus_config_container *category, const char *name)
{
	struct dh_avatar_config *avatar = dh_config_avatar_read(category, name);

	if (avatar)
		g_ptr_array_add(config->avatars, avatar);
}

static void read_generator(struct dh_config *config, const janus_config_container *category, const char *name)
{
	struct dh_generator_config *generator = dh_config_generator_read(category, name);

	if (generator)
		g_ptr_array_add(config->generators, generator);
}

static void read_room(struct dh_config *config, const janus_config_container *category, const char *name)
{
	struct dh_config_room *room = dh_config_room_new(name);
	int err = dh_config_room_read(config, DH_CONFIG_FILE, category, room);

	if (!err && !room->avatar)
		err = dh_option_wrong(DH_CONFIG_FILE, category->name, "avatar", "is missing");
	if (!err && dh_config_room_find(config->rooms, room->id))
		err = dh_option_wrong(DH_CONFIG_FILE, category->name, "id", "another room has it");
	if (!err)
		err = dh_config_room_check(config, DH_CONFIG_FILE, category->name, room);
	if (err)
		dh_config_room_free(&room);
	else
		g_ptr_array_add(config->rooms, room);
}

/* Calls `read` for every category PREFIX-NAME. */
static void read_each(struct dh_config *config, janus_config *file, const char *prefix,
	void (*read)(struct dh_config *, const janus_config_container *, const char *))
{
	size_t length = strlen(prefix);

	for (GList *l = file->list; l; l = l->next) {
		const janus_config_container *category = l->data;
		if (category->type == janus_config_type_category && category->name &&
			!strncmp(category->name, prefix, length) && category->name[length])
			read(config, category, category->name + length);
	}
}

static void report_strangers(janus_config *file)
{
	for (GList *l = file->list; l; l = l->next) {
		const janus_config_container *c = l->data;
		const char *name = c->name ? c->name : "?";
		if (strcmp(name, "general") && !g_str_has_prefix(name, "avatar-") &&
			!g_str_has_prefix(name, "generator-") && !g_str_has_prefix(name, "room-"))
			dh_option_wrong(DH_CONFIG_FILE, name, "category", "there is no such category");
	}
}

/* Only root can switch to another user. */
static int check_worker_user(const char *user)
{
	char words[300];

	if (geteuid() != 0 || !*user || getpwnam(user))
		return 0;
	g_snprintf(words, sizeof(words), "there is no such user (%s)", user);
	return dh_option_wrong(DH_CONFIG_FILE, "general", "worker_user", words);
}

static int wrong(const char *option, const char *expected)
{
	return dh_option_wrong(DH_CONFIG_FILE, "general", option, expected);
}

static int check_push(const struct dh_config *config)
{
	bool is_public = false;
	const char *mode = config->push_socket_mode;

	if (config->push_listen && !dh_push_address_is_valid(config->push_listen, &is_public))
		return wrong("push_listen", "an address and a port, as in 127.0.0.1:8189 or [::1]:8189, are expected");
	if (is_public && !config->push_plain)
		return wrong("push_listen",
			"other machines reach this address: push_plain must be true, or use push_socket behind TLS");
	if (is_public)
		dh_log(DH_LOG_WARNING,
			"push_plain: generators on other machines push to %s without encryption: anybody on the way "
			"can read and change what they send",
			config->push_listen);
	if (config->push_socket && !g_path_is_absolute(config->push_socket))
		return wrong("push_socket", "an absolute path is expected");
	if (strspn(mode, "01234567") != strlen(mode) || strlen(mode) < 3 || strtol(mode, NULL, 8) > 0777)
		return wrong("push_socket_mode", "three octal digits, as in 0660, are expected");
	return 0;
}

/* What answers and events have already: it would be overwritten, or mistaken for it. */
static int check_also(const struct dh_config *config)
{
	static const char *const taken[] = { "result", "error", "error_code", "event", "id", "list", "info", NULL };

	if (config->also_answer_as && g_strv_contains(taken, config->also_answer_as))
		return wrong("also_answer_as", "a key that answers do not have yet is expected, as in \"streaming\"");
	return 0;
}

static int check_general(const struct dh_config *config)
{
	for (char **f = config->segments_folders; f && *f; f++) {
		if (!g_path_is_absolute(*f))
			return dh_option_wrong(DH_CONFIG_FILE, "general", "segments_folder",
				"absolute paths are expected");
		if (!g_file_test(*f, G_FILE_TEST_IS_DIR))
			dh_log(DH_LOG_WARNING, "the segment folder %s does not exist, or is no folder", *f);
	}
	if (*config->cache_folder && !g_path_is_absolute(config->cache_folder))
		return dh_option_wrong(DH_CONFIG_FILE, "general", "cache_folder", "an absolute path is expected");
	if (!g_path_is_absolute(config->worker) && (!*config->worker || strchr(config->worker, '/')))
		return dh_option_wrong(DH_CONFIG_FILE, "general", "worker",
			"an absolute path, or a name that is looked up in PATH, is expected");
	if (!g_path_is_absolute(config->scope) && strchr(config->scope, '/'))
		return dh_option_wrong(DH_CONFIG_FILE, "general", "scope",
			"an absolute path, or a name that is looked up in PATH, is expected");
	if (!g_path_is_absolute(config->opener) && strchr(config->opener, '/'))
		return dh_option_wrong(DH_CONFIG_FILE, "general", "opener",
			"an absolute path, or a name that is looked up in PATH, is expected");
	if (!g_path_is_absolute(config->recorder) && strchr(config->recorder, '/'))
		return dh_option_wrong(DH_CONFIG_FILE, "general", "recorder",
			"an absolute path, or a name that is looked up in PATH, is expected");
	if (*config->recordings_folder && !g_path_is_absolute(config->recordings_folder))
		return dh_option_wrong(DH_CONFIG_FILE, "general", "recordings_folder", "an absolute path is expected");
	int err = check_push(config);
	err = err ? err : check_also(config);
	return err ? err : check_worker_user(config->worker_user);
}

/* Unless it is configured. Looks beside dh-prepare: they are built and installed together. */
static void find_beside(const struct dh_config *config, const char *name, const char *otherwise, char **program)
{
	char *folder = g_path_get_dirname(config->worker);
	char *beside = g_build_filename(folder, name, NULL);
	bool is_there = g_path_is_absolute(config->worker) && g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE);

	if (!**program) {
		g_free(*program);
		*program = g_strdup(is_there ? beside : otherwise);
	}
	g_free(beside);
	g_free(folder);
}

/* Only it opens files. */
static void warn_of_opener(const struct dh_config *config)
{
	char *found = g_find_program_in_path(config->opener);

	if (!found)
		dh_log(DH_LOG_WARNING, "%s does not exist, or cannot be executed: no file can be opened (opener)",
			config->opener);
	g_free(found);
}

int dh_config_load(struct dh_config **out, const char *folder)
{
	struct dh_config *config = g_new0(struct dh_config, 1);
	char *path = g_build_filename(folder, DH_CONFIG_FILE, NULL);
	janus_config *file = NULL;

	config->avatars = g_ptr_array_new_with_free_func(avatar_free);
	config->generators = g_ptr_array_new_with_free_func(generator_free);
	config->rooms = g_ptr_array_new_with_free_func(room_free);
	dh_options_default(general_options, config);
	int err = dh_config_file_parse(path, &file);
	if (err == -ENOENT) {
		dh_log(DH_LOG_WARNING, "%s does not exist: there are no rooms and no avatars", path);
		err = 0;
		goto out;
	}
	if (err)
		goto out;
	report_strangers(file);
	janus_config_container *general = janus_config_get(file, NULL, janus_config_type_category, "general");
	if (general)
		err = dh_options_read(DH_CONFIG_FILE, general, general_options, config);
	if (!err)
		err = check_general(config);
	if (err)
		goto out;
	dh_config_find_scope(config);
	find_beside(config, "dh-open", DH_OPEN_PATH, &config->opener);
	find_beside(config, "dh-record", DH_RECORD_PATH, &config->recorder);
	read_each(config, file, "avatar-", read_avatar);
	read_each(config, file, "generator-", read_generator);
	dh_config_find_fallbacks(config);
	read_each(config, file, "room-", read_room);
	dh_config_warn_of_scope(config);
	warn_of_opener(config);
out:
	if (file)
		janus_config_destroy(file);
	g_free(path);
	if (err)
		dh_config_free(&config);
	*out = config;
	return err;
}

void dh_config_free(struct dh_config **config)
{
	if (!*config)
		return;
	g_ptr_array_free((*config)->avatars, TRUE);
	g_ptr_array_free((*config)->generators, TRUE);
	g_ptr_array_free((*config)->rooms, TRUE);
	dh_options_clear(general_options, *config);
	g_free((*config)->fetch);
	g_free(*config);
	*config = NULL;
}

const struct dh_avatar_config *dh_config_find_avatar(const struct dh_config *config, const char *name)
{
	for (guint i = 0; i < config->avatars->len; i++) {
		const struct dh_avatar_config *avatar = config->avatars->pdata[i];
		if (!strcmp(avatar->name, name))
			return avatar;
	}
	return NULL;
}

const struct dh_generator_config *dh_config_find_generator(const struct dh_config *config, const char *name)
{
	for (guint i = 0; i < config->generators->len; i++) {
		const struct dh_generator_config *generator = config->generators->pdata[i];
		if (!strcmp(generator->name, name))
			return generator;
	}
	return NULL;
}
