/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/gateway_config.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include <janus/debug.h>

static janus_config *preset;

void gateway_config_preset(janus_config *config)
{
	if (preset)
		janus_config_destroy(preset);
	preset = config;
}

/* --- containers */

static janus_config_container *container_new(janus_config_type type, const char *name, const char *value)
{
	janus_config_container *c = g_new0(janus_config_container, 1);

	c->type = type;
	c->name = g_strdup(name);
	c->value = g_strdup(value);
	return c;
}

janus_config_item *janus_config_item_create(const char *name, const char *value)
{
	return name || value ? container_new(janus_config_type_item, name, value) : NULL;
}

janus_config_category *janus_config_category_create(const char *name)
{
	return container_new(janus_config_type_category, name, NULL);
}

janus_config_array *janus_config_array_create(const char *name)
{
	return container_new(janus_config_type_array, name, NULL);
}

static void destroy_one(gpointer data)
{
	janus_config_container_destroy(data);
}

void janus_config_container_destroy(janus_config_container *c)
{
	if (!c)
		return;
	g_list_free_full(c->list, destroy_one);
	g_free((char *)c->name);
	g_free((char *)c->value);
	g_free(c);
}

static int is_plain(const janus_config_container *parent)
{
	return parent && parent->type != janus_config_type_category && parent->type != janus_config_type_array;
}

static GList **list_of(janus_config *config, janus_config_container *parent)
{
	return parent ? &parent->list : &config->list;
}

/* --- looking */

janus_config_container *janus_config_get(janus_config *config, janus_config_container *parent, janus_config_type type,
	const char *name)
{
	if (!config || !name || is_plain(parent))
		return NULL;
	for (GList *l = *list_of(config, parent); l; l = l->next) {
		janus_config_container *c = l->data;
		if (c->name && !strcasecmp(c->name, name) && (type == janus_config_type_any || type == c->type))
			return c;
	}
	return NULL;
}

janus_config_container *janus_config_get_create(janus_config *config, janus_config_container *parent,
	janus_config_type type, const char *name)
{
	janus_config_container *c = janus_config_get(config, parent, type, name);

	if (c || !config || !name || is_plain(parent))
		return c;
	if (type == janus_config_type_category)
		c = janus_config_category_create(name);
	else if (type == janus_config_type_array)
		c = janus_config_array_create(name);
	if (c)
		janus_config_add(config, parent, c);
	return c;
}

janus_config_container *janus_config_search(janus_config *config, ...)
{
	janus_config_container *c = NULL;
	const char *name;
	va_list args;

	va_start(args, config);
	while ((name = va_arg(args, const char *))) {
		c = janus_config_get(config, c, janus_config_type_any, name);
		if (!c)
			break;
	}
	va_end(args);
	return c;
}

static GList *all_of(janus_config *config, janus_config_container *parent, janus_config_type type)
{
	GList *all = NULL;

	if (!config || is_plain(parent))
		return NULL;
	for (GList *l = *list_of(config, parent); l; l = l->next) {
		if (((janus_config_container *)l->data)->type == type)
			all = g_list_append(all, l->data);
	}
	return all;
}

GList *janus_config_get_items(janus_config *config, janus_config_container *parent)
{
	return all_of(config, parent, janus_config_type_item);
}

GList *janus_config_get_categories(janus_config *config, janus_config_container *parent)
{
	return all_of(config, parent, janus_config_type_category);
}

GList *janus_config_get_arrays(janus_config *config, janus_config_container *parent)
{
	return all_of(config, parent, janus_config_type_array);
}

/* --- changing */

int janus_config_remove(janus_config *config, janus_config_container *parent, const char *name)
{
	if (!config || !name)
		return -1;
	if (is_plain(parent))
		return -2;
	janus_config_container *c = janus_config_get(config, parent, janus_config_type_any, name);
	if (!c)
		return -3;
	*list_of(config, parent) = g_list_remove(*list_of(config, parent), c);
	janus_config_container_destroy(c);
	return 0;
}

int janus_config_add(janus_config *config, janus_config_container *parent, janus_config_container *item)
{
	if (!config || !item)
		return -1;
	if (is_plain(parent))
		return -2;
	if (item->name)
		janus_config_remove(config, parent, item->name);
	*list_of(config, parent) = g_list_append(*list_of(config, parent), item);
	return 0;
}

/* --- files */

janus_config *janus_config_create(const char *name)
{
	janus_config *config;

	if (!name)
		return NULL;
	config = g_new0(janus_config, 1);
	config->name = g_strdup(name);
	config->is_jcfg = strstr(name, ".jcfg") != NULL;
	return config;
}

void janus_config_destroy(janus_config *config)
{
	if (!config)
		return;
	g_list_free_full(config->list, destroy_one);
	g_free((char *)config->name);
	g_free(config);
}

janus_config *janus_config_parse(const char *path)
{
	janus_config *config = preset;
	char *text = NULL, *name;
	int line;

	preset = NULL;
	if (config || !path || !g_file_get_contents(path, &text, NULL, NULL))
		return config;
	name = g_path_get_basename(path);
	config = janus_config_create(name);
	line = gateway_jcfg_read(text, config);
	if (line > 0) {
		JANUS_LOG(LOG_ERR, "%s:%d: this is not understood\n", path, line);
		janus_config_destroy(config);
		config = NULL;
	}
	g_free(name);
	g_free(text);
	return config;
}

int janus_config_save(janus_config *config, const char *folder, const char *filename)
{
	char *name, *path, *text;
	int is_written;

	if (!config)
		return -1;
	if (folder && g_mkdir_with_parents(folder, 0755) < 0)
		return -2;
	name = g_strdup_printf("%s.%s", filename, config->is_jcfg ? "jcfg" : "cfg");
	path = g_build_filename(folder ? folder : ".", name, NULL);
	text = gateway_jcfg_write(config);
	is_written = g_file_set_contents(path, text, -1, NULL);
	g_free(text);
	g_free(path);
	g_free(name);
	return is_written ? 0 : -3;
}

void janus_config_print_as(janus_config *config, int level)
{
	char *text = config ? gateway_jcfg_write(config) : NULL;

	if (text)
		JANUS_LOG(level, "[%s]\n%s", config->name, text);
	g_free(text);
}

void janus_config_print(janus_config *config)
{
	janus_config_print_as(config, LOG_VERB);
}
