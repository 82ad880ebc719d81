/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_options.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "ingest/log.h"

int dh_option_wrong(const char *file, const char *category, const char *option, const char *expected)
{
	dh_log(DH_LOG_ERROR, "%s: %s: %s: %s", file, category, option, expected);
	return -EINVAL;
}

/* Where an option stands, for the log. */
struct place {
	const char *file, *category;
};

static int read_number(const struct place *place, const struct dh_option *option, const char *value, int64_t *number)
{
	char *end = NULL, expected[80];

	errno = 0;
	int64_t n = g_ascii_strtoll(value, &end, 10);
	if (errno || end == value || *end || n < option->min || n > option->max) {
		g_snprintf(expected, sizeof(expected),
			"an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " is expected", option->min,
			option->max);
		return dh_option_wrong(place->file, place->category, option->name, expected);
	}
	*number = n;
	return 0;
}

static int read_flag(const struct place *place, const struct dh_option *option, const char *value, int64_t *number)
{
	if (!g_ascii_strcasecmp(value, "true") || !g_ascii_strcasecmp(value, "yes") || !strcmp(value, "1"))
		*number = 1;
	else if (!g_ascii_strcasecmp(value, "false") || !g_ascii_strcasecmp(value, "no") || !strcmp(value, "0"))
		*number = 0;
	else
		return dh_option_wrong(place->file, place->category, option->name, "true or false is expected");
	return 0;
}

static int read_list(const struct place *place, const struct dh_option *option, const janus_config_container *given,
	char ***list)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
	bool plain = true, valid;

	if (given->type == janus_config_type_item && given->value && *given->value)
		g_ptr_array_add(texts, g_strdup(given->value));
	valid = texts->len == 0 || g_utf8_validate(texts->pdata[0], -1, NULL);
	for (GList *l = given->type == janus_config_type_array ? given->list : NULL; l; l = l->next) {
		const janus_config_container *item = l->data;
		plain = plain && item->type == janus_config_type_item && item->value && *item->value;
		valid = valid && (!item->value || g_utf8_validate(item->value, -1, NULL));
		g_ptr_array_add(texts, g_strdup(item->value));
	}
	if (!plain || !valid || texts->len == 0) {
		g_ptr_array_free(texts, TRUE);
		if (!valid)
			return dh_option_wrong(place->file, place->category, option->name, "UTF-8 is expected");
		return dh_option_wrong(place->file, place->category, option->name,
			"a text or an array of texts, not empty, is expected");
	}
	g_ptr_array_add(texts, NULL);
	g_strfreev(*list);
	*list = (char **)g_ptr_array_free(texts, FALSE);
	return 0;
}

/* NULL: it is none, or a value is no text. */
static json_t *read_group(const janus_config_container *given)
{
	json_t *group = given->type == janus_config_type_category ? json_object() : NULL;

	for (GList *l = group ? given->list : NULL; l; l = l->next) {
		const janus_config_container *item = l->data;
		if (item->type == janus_config_type_item && item->name && item->value &&
			json_object_set_new(group, item->name, json_string(item->value)) == 0)
			continue;
		json_decref(group);
		return NULL;
	}
	return group;
}

static int read_groups(const struct place *place, const struct dh_option *option, const janus_config_container *given,
	json_t **groups)
{
	json_t *all = json_array();

	for (GList *l = given->type == janus_config_type_array ? given->list : NULL; l; l = l->next)
		if (json_array_append_new(all, read_group(l->data)) < 0)
			break;
	if (given->type != janus_config_type_array || json_array_size(all) != g_list_length(given->list)) {
		json_decref(all);
		return dh_option_wrong(place->file, place->category, option->name,
			"a list of groups is expected: ( { name = value … }, … )");
	}
	json_decref(*groups);
	*groups = all;
	return 0;
}

/* An empty text is NULL if the default is. */
static int read_text(const struct place *place, const struct dh_option *option, const char *value, char **text)
{
	char expected[80];

	if (!g_utf8_validate(value, -1, NULL))
		return dh_option_wrong(place->file, place->category, option->name, "UTF-8 is expected");
	if (option->max && strlen(value) > (size_t)option->max) {
		g_snprintf(expected, sizeof(expected), "at most %d bytes are expected", (int)option->max);
		return dh_option_wrong(place->file, place->category, option->name, expected);
	}
	g_free(*text);
	*text = *value || option->text ? g_strdup(value) : NULL;
	return 0;
}

static int read_option(const struct place *place, const struct dh_option *option, const janus_config_container *given,
	void *base)
{
	void *field = (char *)base + option->offset;

	if (option->type == DH_OPTION_LIST)
		return read_list(place, option, given, field);
	if (option->type == DH_OPTION_GROUPS)
		return read_groups(place, option, given, field);
	if (given->type != janus_config_type_item || !given->value)
		return dh_option_wrong(place->file, place->category, option->name, "a single value is expected");
	if (option->type == DH_OPTION_NUMBER)
		return read_number(place, option, given->value, field);
	if (option->type == DH_OPTION_FLAG)
		return read_flag(place, option, given->value, field);
	return read_text(place, option, given->value, field);
}

void dh_options_default(const struct dh_option *options, void *base)
{
	for (const struct dh_option *o = options; o->name; o++) {
		void *field = (char *)base + o->offset;
		if (o->type == DH_OPTION_TEXT)
			*(char **)field = g_strdup(o->text);
		else if (o->type == DH_OPTION_LIST)
			*(char ***)field = NULL;
		else if (o->type == DH_OPTION_GROUPS)
			*(json_t **)field = NULL;
		else
			*(int64_t *)field = o->number;
	}
}

void dh_options_clear(const struct dh_option *options, void *base)
{
	for (const struct dh_option *o = options; o->name; o++) {
		void *field = (char *)base + o->offset;
		if (o->type == DH_OPTION_TEXT)
			g_free(*(char **)field);
		else if (o->type == DH_OPTION_LIST)
			g_strfreev(*(char ***)field);
		else if (o->type == DH_OPTION_GROUPS)
			json_decref(*(json_t **)field);
	}
}

int dh_options_read(const char *file, const janus_config_container *category, const struct dh_option *options,
	void *base)
{
	const struct place place = { file, category->name };
	int err = 0;

	for (GList *l = category->list; l; l = l->next) {
		const janus_config_container *given = l->data;
		const struct dh_option *o = options;
		while (o->name && g_strcmp0(o->name, given->name))
			o++;
		int own_err = o->name ? read_option(&place, o, given, base) :
					dh_option_wrong(file, category->name, given->name ? given->name : "?",
						"there is no such option");
		err = err ? err : own_err;
	}
	for (const struct dh_option *o = options; o->name && !err; o++) {
		if (o->required && !*(void **)((char *)base + o->offset))
			err = dh_option_wrong(file, category->name, o->name, "is missing");
	}
	return err;
}
