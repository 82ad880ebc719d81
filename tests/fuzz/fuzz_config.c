/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any configuration. An input is text, a line for each thing that a
 * file may have:
 *
 *     init            the plugin is started with it, too; only in the first line
 *     [NAME           a category begins
 *     NAME=VALUE      an item
 *     NAME:           an array begins,
 *     -VALUE          and this is an element of it; before any array, of the category
 *     (               a group begins as an element of the array, whose items follow;
 *     )               its end
 *     {NAME           a category inside of the category
 *     }               its end
 *
 * What is loaded is verified against config.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "playout/mark.h"
#include "plugin/config.h"
#include "plugin/forward_record.h"
#include "rooms/room_id.h"
#include "tests/support/gateway.h"
#include "tests/support/gateway_config.h"
#include "tests/support/plugin_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(condition) \
	do { \
		if (!(condition)) \
			gateway_fault("broken promise, line %d: %s", __LINE__, #condition); \
	} while (0)

static struct plugin_files files;

/* --- the file */

struct builder {
	janus_config *config;
	janus_config_container *category, *outer, *array, *group;
};

static void add_item(struct builder *b, janus_config_container *parent, char *name, char *value)
{
	/* libconfig allows no value outside a setting. */
	if (parent)
		janus_config_add(b->config, parent, janus_config_item_create(name, value));
}

static janus_config_container *add(struct builder *b, janus_config_container *parent, janus_config_container *container)
{
	janus_config_add(b->config, parent, container);
	b->array = b->group = NULL;
	return container;
}

static void build_line(struct builder *b, char *line)
{
	char *equals = strchr(line, '=');
	size_t length = strlen(line);

	if (*line == '[') {
		b->category = add(b, NULL, janus_config_category_create(line + 1));
		b->outer = NULL;
	} else if (*line == '-') {
		add_item(b, b->array ? b->array : b->category, NULL, line + 1);
	} else if (*line == '(' && b->array) {
		b->group = janus_config_category_create(NULL);
		janus_config_add(b->config, b->array, b->group);
	} else if (*line == ')') {
		b->group = NULL;
	} else if (*line == '{' && b->category && !b->outer) {
		b->outer = b->category;
		b->category = add(b, b->outer, janus_config_category_create(line + 1));
	} else if (*line == '}' && b->outer) {
		b->category = b->outer;
		b->outer = b->array = b->group = NULL;
	} else if (equals) {
		*equals = '\0';
		add_item(b, b->group ? b->group : b->category, line, equals + 1);
		if (!b->group)
			b->array = NULL; /* another item of the same name replaces it */
	} else if (length > 0 && line[length - 1] == ':') {
		line[length - 1] = '\0';
		b->array = add(b, b->category, janus_config_array_create(line));
		b->group = NULL;
	}
}

static janus_config *build(const char *text)
{
	struct builder builder = { .config = janus_config_create(DH_CONFIG_FILE) };
	char **lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++)
		build_line(&builder, *line);
	g_strfreev(lines);
	return builder.config;
}

/* --- promises */

static int is_between(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

static int is_list(char **list)
{
	return !list || (*list && **list);
}

static int is_key(const char *key)
{
	return !key || (*key && strlen(key) <= 256 && g_utf8_validate(key, -1, NULL));
}

static void check_general(const struct dh_config *c)
{
	PROMISE(is_key(c->admin_key) && is_list(c->segments_folders));
	PROMISE(*c->cache_folder == '\0' || *c->cache_folder == '/');
	PROMISE(*c->worker && c->worker_user);
	PROMISE(is_between(c->warm_workers, 0, 16) && is_between(c->max_workers, 1, 64));
	PROMISE(is_between(c->max_live, 1, 1000) && is_between(c->worker_wait_s, 0, 86400) && *c->scope);
	PROMISE(is_between(c->worker_silence_s, 1, 3600) && is_between(c->max_rooms, 0, 10000));
	PROMISE(is_between(c->offer_threads, 1, 256) && c->max_per_session >= 1 && c->max_handles_per_session >= 1);
	PROMISE(c->max_handle_requests >= 1 && c->max_handle_events >= 16 && c->max_events >= 1000);
	PROMISE(c->max_viewers >= 1 && c->max_viewers_per_room >= 1 && c->max_queue >= 1);
	PROMISE(is_between(c->spread_ms, 0, 20) && is_between(c->events, 0, 1));
}

static void check_avatar(const struct dh_config *c, const struct dh_avatar_config *avatar)
{
	PROMISE(*avatar->name && dh_config_find_avatar(c, avatar->name));
	PROMISE(is_between(avatar->width, 16, 2304) && avatar->width % 2 == 0);
	PROMISE(is_between(avatar->height, 16, 2304) && avatar->height % 2 == 0);
	PROMISE(avatar->idle || avatar->portrait);
	enum dh_mark_at at;
	PROMISE(!avatar->disclosure_mark || *avatar->disclosure_mark == '/');
	PROMISE(dh_mark_at_parse(&at, avatar->disclosure_mark_at));
	PROMISE(!avatar->background || *avatar->background == '/' || dh_ingest_is_background(avatar->background));
}

static void check_room(const struct dh_config *c, guint index)
{
	const struct dh_config_room *room = c->rooms->pdata[index];
	char *id = dh_room_id_parse(room->id, (gboolean)c->string_ids);

	PROMISE(id && strcmp(id, room->id) == 0);
	g_free(id);
	PROMISE(dh_config_find_avatar(c, room->avatar));
	PROMISE(!room->generator || dh_config_find_generator(c, room->generator));
	PROMISE(is_key(room->secret) && is_key(room->pin) && is_key(room->description));
	PROMISE(!room->forwards || json_is_array(room->forwards));
	for (size_t i = 0; i < json_array_size(room->forwards); i++) {
		const json_t *forward = json_array_get(room->forwards, i);
		bool is_missing;
		PROMISE(json_is_string(json_object_get(forward, "host")));
		PROMISE(!dh_forward_record_check(forward, &is_missing));
	}
	for (guint i = 0; i < index; i++)
		PROMISE(strcmp(((const struct dh_config_room *)c->rooms->pdata[i])->id, room->id) != 0);
}

static void check(const struct dh_config *c)
{
	check_general(c);
	for (guint i = 0; i < c->avatars->len; i++)
		check_avatar(c, c->avatars->pdata[i]);
	for (guint i = 0; i < c->generators->len; i++) {
		const struct dh_generator_config *generator = c->generators->pdata[i];
		PROMISE(dh_config_find_generator(c, generator->name));
		PROMISE(*generator->command[0] == '/' && is_list(generator->voices));
	}
	for (guint i = 0; i < c->rooms->len; i++)
		check_room(c, i);
}

/* --- uses */

static void load(const char *text)
{
	struct dh_config *config = NULL;
	int error;

	gateway_config_preset(build(text));
	error = dh_config_load(&config, files.folder);
	PROMISE(error ? error == -EINVAL && !config : config != NULL);
	if (config)
		check(config);
	dh_config_free(&config);
	PROMISE(!config);
	gateway_config_preset(NULL);
}

/* Writes nothing outside its folder, runs nothing, and sends nothing. */
static void confine(janus_config *config)
{
	static const struct {
		const char *name;
		const char *value;
	} fixed[] = {
		{ "cache_folder", "" },
		{ "worker", "/nonexistent/dh-prepare" },
		{ "warm_workers", "0" },
		{ "max_forwards", "0" },
	};
	janus_config_container *general = janus_config_get(config, NULL, janus_config_type_category, "general");

	if (!general) {
		general = janus_config_category_create("general");
		janus_config_add(config, NULL, general);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++) {
		janus_config_container *item = janus_config_item_create(fixed[i].name, fixed[i].value);
		if (janus_config_add(config, general, item) < 0)
			janus_config_container_destroy(item);
	}
}

static void start(const char *text)
{
	janus_config *config = build(text);

	confine(config);
	gateway_config_preset(config);
	if (gateway_start(files.folder, NULL) == 0)
		json_decref(gateway_ask_admin(json_pack("{s:s}", "request", "list")));
	gateway_stop();
}

static void end_all(void)
{
	plugin_files_clear(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!*files.folder) {
		PROMISE(plugin_files_make(&files, NULL, NULL) == 0);
		atexit(end_all);
	}
	/* A copy of exactly its size, so that sanitizers see reads beyond the end. */
	memcpy(text, data, size);
	text[size] = '\0';
	load(text);
	if (g_str_has_prefix(text, "init\n"))
		start(text);
	free(text);
	return 0;
}
