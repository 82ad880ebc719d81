#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <janus/config.h>

#include "host.h"

#ifndef DH_PREPARE_PATH
#define DH_PREPARE_PATH "dh-prepare" /* looked up in PATH */
#endif

enum option_type { OPTION_TEXT, OPTION_LIST, OPTION_NUMBER, OPTION_FLAG };

/* One option: where it goes, what it may be, what it is when it is not given. */
struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	int64_t min, max, number;   /* of numbers and flags */
	const char *text;           /* default of texts */
	gboolean required;
};

#define TEXT(where, field, value)  { #field, OPTION_TEXT, offsetof(where, field), 0, 0, 0, value, FALSE }
#define NEEDED(where, field)       { #field, OPTION_TEXT, offsetof(where, field), 0, 0, 0, NULL, TRUE }
#define LIST(where, field, needed) { #field, OPTION_LIST, offsetof(where, field), 0, 0, 0, NULL, needed }
#define FLAG(where, field, value)  { #field, OPTION_FLAG, offsetof(where, field), 0, 1, value, NULL, FALSE }
#define NUMBER(where, field, min, max, value) \
	{ #field, OPTION_NUMBER, offsetof(where, field), min, max, value, NULL, FALSE }

static const struct option general_options[] = {
	TEXT(struct dh_config, admin_key, NULL),
	{ "segments_folder", OPTION_LIST, offsetof(struct dh_config, segments_folders), 0, 0, 0, NULL, FALSE },
	TEXT(struct dh_config, cache_folder, "/var/cache/janus-digitalhuman"),
	NUMBER(struct dh_config, cache_mb, 0, 1 << 20, 1024),
	TEXT(struct dh_config, worker, DH_PREPARE_PATH),
	TEXT(struct dh_config, worker_user, "nobody"),
	NUMBER(struct dh_config, warm_workers, 0, 16, 2),
	NUMBER(struct dh_config, max_workers, 1, 64, 4),
	NUMBER(struct dh_config, worker_memory_mb, 0, 1 << 20, 1024),
	NUMBER(struct dh_config, worker_cpu_s, 0, 86400, 600),
	NUMBER(struct dh_config, worker_silence_s, 1, 3600, 30),
	NUMBER(struct dh_config, max_rooms, 0, 10000, 100),
	NUMBER(struct dh_config, max_viewers_per_room, 1, 100000, 1000),
	NUMBER(struct dh_config, max_viewers, 1, 100000, 5000),
	NUMBER(struct dh_config, max_queue, 1, 10000, 100),
	NUMBER(struct dh_config, max_queue_ms, 1000, 86400000, 3600000),
	NUMBER(struct dh_config, max_queue_mb, 1, 65536, 512),
	NUMBER(struct dh_config, max_segment_ms, 1000, 86400000, 600000),
	NUMBER(struct dh_config, max_file_mb, 1, 1 << 20, 2048),
	NUMBER(struct dh_config, max_text, 1, 1 << 20, 4000),
	NUMBER(struct dh_config, max_metadata, 2, 65536, 4096),
	NUMBER(struct dh_config, spread_ms, 0, 20, 10),
	FLAG(struct dh_config, events, 1),
	{ NULL, 0, 0, 0, 0, 0, NULL, FALSE },
};

static const struct option avatar_options[] = {
	NUMBER(struct dh_config_avatar, width, 16, 2304, 512),
	NUMBER(struct dh_config_avatar, height, 16, 2304, 512),
	TEXT(struct dh_config_avatar, idle, NULL),
	TEXT(struct dh_config_avatar, portrait, NULL),
	FLAG(struct dh_config_avatar, pingpong, 0),
	NUMBER(struct dh_config_avatar, kbps, 50, 20000, 800),
	NUMBER(struct dh_config_avatar, entry_ms, 40, 10000, 500),
	{ NULL, 0, 0, 0, 0, 0, NULL, FALSE },
};

static const struct option generator_options[] = {
	LIST(struct dh_config_generator, command, TRUE),
	LIST(struct dh_config_generator, voices, FALSE),
	LIST(struct dh_config_generator, environment, FALSE),
	NUMBER(struct dh_config_generator, max_s, 1, 3600, 120),
	NUMBER(struct dh_config_generator, memory_mb, 0, 1 << 20, 0),
	{ NULL, 0, 0, 0, 0, 0, NULL, FALSE },
};

static const struct option room_options[] = {
	NUMBER(struct dh_config_room, id, 1, INT64_C(9007199254740991), 0),
	TEXT(struct dh_config_room, description, NULL),
	NEEDED(struct dh_config_room, avatar),
	TEXT(struct dh_config_room, secret, NULL),
	TEXT(struct dh_config_room, pin, NULL),
	FLAG(struct dh_config_room, is_private, 0),
	TEXT(struct dh_config_room, duration, "speech"),
	TEXT(struct dh_config_room, generator, NULL),
	{ NULL, 0, 0, 0, 0, 0, NULL, FALSE },
};

static int wrong(const char *category, const char *option, const char *expected)
{
	DH_LOG(LOG_ERR, DH_CONFIG_FILE ": %s: %s: %s", category, option, expected);
	return -EINVAL;
}

static int read_number(const char *category, const struct option *option, const char *value, int64_t *number)
{
	char *end = NULL, expected[80];

	errno = 0;
	int64_t n = g_ascii_strtoll(value, &end, 10);
	if (errno || end == value || *end || n < option->min || n > option->max) {
		g_snprintf(expected, sizeof(expected), "an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
			" is expected", option->min, option->max);
		return wrong(category, option->name, expected);
	}
	*number = n;
	return 0;
}

static int read_flag(const char *category, const struct option *option, const char *value, int64_t *number)
{
	if (!g_ascii_strcasecmp(value, "true") || !g_ascii_strcasecmp(value, "yes") || !strcmp(value, "1"))
		*number = 1;
	else if (!g_ascii_strcasecmp(value, "false") || !g_ascii_strcasecmp(value, "no") || !strcmp(value, "0"))
		*number = 0;
	else
		return wrong(category, option->name, "true or false is expected");
	return 0;
}

static int read_list(const char *category, const struct option *option, const janus_config_container *given,
	char ***list)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
	gboolean plain = TRUE;

	if (given->type == janus_config_type_item && given->value)
		g_ptr_array_add(texts, g_strdup(given->value));
	for (GList *l = given->type == janus_config_type_array ? given->list : NULL; l; l = l->next) {
		const janus_config_container *item = l->data;
		plain = plain && item->type == janus_config_type_item && item->value && *item->value;
		g_ptr_array_add(texts, g_strdup(item->value));
	}
	if (!plain || texts->len == 0) {
		g_ptr_array_free(texts, TRUE);
		return wrong(category, option->name, "a text or an array of texts, not empty, is expected");
	}
	g_ptr_array_add(texts, NULL);
	*list = (char **)g_ptr_array_free(texts, FALSE);
	return 0;
}

static int read_option(const char *category, const struct option *option, const janus_config_container *given,
	void *base)
{
	void *field = (char *)base + option->offset;

	if (option->type == OPTION_LIST)
		return read_list(category, option, given, field);
	if (given->type != janus_config_type_item || !given->value)
		return wrong(category, option->name, "a single value is expected");
	if (option->type == OPTION_NUMBER)
		return read_number(category, option, given->value, field);
	if (option->type == OPTION_FLAG)
		return read_flag(category, option, given->value, field);
	if (!g_utf8_validate(given->value, -1, NULL))
		return wrong(category, option->name, "UTF-8 is expected");
	char **text = field;
	g_free(*text);
	*text = g_strdup(given->value);
	return 0;
}

static void set_defaults(const struct option *options, void *base)
{
	for (const struct option *o = options; o->name; o++) {
		void *field = (char *)base + o->offset;
		if (o->type == OPTION_TEXT)
			*(char **)field = g_strdup(o->text);
		else if (o->type == OPTION_LIST)
			*(char ***)field = NULL;
		else
			*(int64_t *)field = o->number;
	}
}

static void free_options(const struct option *options, void *base)
{
	for (const struct option *o = options; o->name; o++) {
		void *field = (char *)base + o->offset;
		if (o->type == OPTION_TEXT)
			g_free(*(char **)field);
		else if (o->type == OPTION_LIST)
			g_strfreev(*(char ***)field);
	}
}

/* Everything that is given, and nothing that is not an option. */
static int read_category(const janus_config_container *category, const struct option *options, void *base)
{
	int error = 0;

	for (GList *l = category->list; l; l = l->next) {
		const janus_config_container *given = l->data;
		const struct option *o = options;
		while (o->name && g_strcmp0(o->name, given->name))
			o++;
		int e = o->name ? read_option(category->name, o, given, base) :
			wrong(category->name, given->name ? given->name : "?", "there is no such option");
		error = error ? error : e;
	}
	for (const struct option *o = options; o->name && !error; o++) {
		if (o->required && !*(void **)((char *)base + o->offset))
			error = wrong(category->name, o->name, "is missing");
	}
	return error;
}

static void avatar_free(gpointer data)
{
	struct dh_config_avatar *avatar = data;
	free_options(avatar_options, avatar);
	g_free(avatar->name);
	g_free(avatar);
}

static void generator_free(gpointer data)
{
	struct dh_config_generator *generator = data;
	free_options(generator_options, generator);
	g_free(generator->name);
	g_free(generator);
}

static void room_free(gpointer data)
{
	struct dh_config_room *room = data;
	free_options(room_options, room);
	g_free(room->name);
	g_free(room);
}

static void read_avatar(struct dh_config *config, const janus_config_container *category, const char *name)
{
	struct dh_config_avatar *avatar = g_new0(struct dh_config_avatar, 1);
	int error;

	avatar->name = g_strdup(name);
	set_defaults(avatar_options, avatar);
	error = read_category(category, avatar_options, avatar);
	if (!error && (avatar->width % 2 || avatar->height % 2))
		error = wrong(category->name, "width, height", "even numbers are expected");
	if (!error && !avatar->idle && !avatar->portrait)
		error = wrong(category->name, "idle", "an idle clip or a portrait is needed");
	if (error)
		avatar_free(avatar);
	else
		g_ptr_array_add(config->avatars, avatar);
}

static void read_generator(struct dh_config *config, const janus_config_container *category, const char *name)
{
	struct dh_config_generator *generator = g_new0(struct dh_config_generator, 1);
	int error;

	generator->name = g_strdup(name);
	set_defaults(generator_options, generator);
	error = read_category(category, generator_options, generator);
	if (!error && !g_path_is_absolute(generator->command[0]))
		error = wrong(category->name, "command", "an absolute path of a program is expected first");
	for (char **entry = generator->environment; !error && entry && *entry; entry++) {
		if (!strchr(*entry, '=') || **entry == '=')
			error = wrong(category->name, "environment", "texts \"NAME=value\" are expected");
	}
	if (error)
		generator_free(generator);
	else
		g_ptr_array_add(config->generators, generator);
}

static int check_room(const struct dh_config *config, const janus_config_container *category,
	const struct dh_config_room *room)
{
	if (room->id == 0)
		return wrong(category->name, "id", "is missing");
	for (guint i = 0; i < config->rooms->len; i++) {
		const struct dh_config_room *other = config->rooms->pdata[i];
		if (other->id == room->id)
			return wrong(category->name, "id", "another room has it");
	}
	if (!dh_config_avatar(config, room->avatar))
		return wrong(category->name, "avatar", "there is no (correct) avatar of that name");
	if (room->generator && !dh_config_generator(config, room->generator))
		return wrong(category->name, "generator", "there is no (correct) generator of that name");
	if (strcmp(room->duration, "speech") && strcmp(room->duration, "longest"))
		return wrong(category->name, "duration", "\"speech\" or \"longest\" is expected");
	return 0;
}

static void read_room(struct dh_config *config, const janus_config_container *category, const char *name)
{
	struct dh_config_room *room = g_new0(struct dh_config_room, 1);
	int error;

	room->name = g_strdup(name);
	set_defaults(room_options, room);
	error = read_category(category, room_options, room);
	if (!error)
		error = check_room(config, category, room);
	if (error)
		room_free(room);
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
			wrong(name, "category", "there is no such category");
	}
}

static int check_general(const struct dh_config *config)
{
	for (char **f = config->segments_folders; f && *f; f++) {
		if (!g_path_is_absolute(*f))
			return wrong("general", "segments_folder", "absolute paths are expected");
	}
	if (*config->cache_folder && !g_path_is_absolute(config->cache_folder))
		return wrong("general", "cache_folder", "an absolute path is expected");
	if (!g_path_is_absolute(config->worker) && (!*config->worker || strchr(config->worker, '/')))
		return wrong("general", "worker", "an absolute path, or a name that is looked up in PATH, is expected");
	return 0;
}

int dh_config_load(struct dh_config **out, const char *folder)
{
	struct dh_config *config = g_new0(struct dh_config, 1);
	char *path = g_build_filename(folder, DH_CONFIG_FILE, NULL);
	janus_config *file = NULL;
	int error = 0;

	config->avatars = g_ptr_array_new_with_free_func(avatar_free);
	config->generators = g_ptr_array_new_with_free_func(generator_free);
	config->rooms = g_ptr_array_new_with_free_func(room_free);
	set_defaults(general_options, config);
	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		DH_LOG(LOG_WARN, "%s does not exist: there are no rooms and no avatars", path);
		goto out;
	}
	file = janus_config_parse(path);
	if (!file) {
		DH_LOG(LOG_ERR, "%s cannot be read", path);
		error = -EINVAL;
		goto out;
	}
	report_strangers(file);
	janus_config_container *general = janus_config_get(file, NULL, janus_config_type_category, "general");
	if (general)
		error = read_category(general, general_options, config);
	if (!error)
		error = check_general(config);
	if (error)
		goto out;
	read_each(config, file, "avatar-", read_avatar);
	read_each(config, file, "generator-", read_generator);
	read_each(config, file, "room-", read_room);
out:
	if (file)
		janus_config_destroy(file);
	g_free(path);
	if (error)
		dh_config_free(&config);
	*out = config;
	return error;
}

void dh_config_free(struct dh_config **config)
{
	if (!*config)
		return;
	g_ptr_array_free((*config)->avatars, TRUE);
	g_ptr_array_free((*config)->generators, TRUE);
	g_ptr_array_free((*config)->rooms, TRUE);
	free_options(general_options, *config);
	g_free(*config);
	*config = NULL;
}

const struct dh_config_avatar *dh_config_avatar(const struct dh_config *config, const char *name)
{
	for (guint i = 0; i < config->avatars->len; i++) {
		const struct dh_config_avatar *avatar = config->avatars->pdata[i];
		if (!strcmp(avatar->name, name))
			return avatar;
	}
	return NULL;
}

const struct dh_config_generator *dh_config_generator(const struct dh_config *config, const char *name)
{
	for (guint i = 0; i < config->generators->len; i++) {
		const struct dh_config_generator *generator = config->generators->pdata[i];
		if (!strcmp(generator->name, name))
			return generator;
	}
	return NULL;
}
