/* SPDX-License-Identifier: GPL-3.0-or-later */
/* .jcfg files as plugins use them, as libconfig reads and writes them. */
#include "tests/support/gateway_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *text, *at;
	janus_config *config;
};

/* --- reading */

static int skip_comment(struct reader *r)
{
	const char *end = NULL;

	if (*r->at == '#' || strncmp(r->at, "//", 2) == 0)
		end = r->at + strcspn(r->at, "\n");
	else if (strncmp(r->at, "/*", 2) == 0)
		end = strstr(r->at + 2, "*/") ? strstr(r->at + 2, "*/") + 2 : r->at + strlen(r->at);
	if (!end)
		return 0;
	r->at = end;
	return 1;
}

static char next(struct reader *r)
{
	do
		r->at += strspn(r->at, " \t\r\n\f");
	while (skip_comment(r));
	return *r->at;
}

static int take(struct reader *r, const char *any_of)
{
	if (!next(r) || !strchr(any_of, *r->at))
		return 0;
	r->at++;
	return 1;
}

static size_t name_length(const char *text)
{
	if (!g_ascii_isalpha(*text) && *text != '*')
		return 0;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*");
}

static int take_escape(struct reader *r, GString *value)
{
	static const char letters[] = "nrtfabv\\\"", meant[] = "\n\r\t\f\a\b\v\\\"";
	const char *letter = *r->at ? strchr(letters, *r->at) : NULL;

	if (letter) {
		g_string_append_c(value, meant[letter - letters]);
		r->at++;
		return 0;
	}
	if (*r->at != 'x' || !g_ascii_isxdigit(r->at[1]) || !g_ascii_isxdigit(r->at[2]))
		return -EINVAL;
	g_string_append_c(value, (char)(g_ascii_xdigit_value(r->at[1]) * 16 + g_ascii_xdigit_value(r->at[2])));
	r->at += 3;
	return 0;
}

/* Adjacent strings are one. */
static int take_text(struct reader *r, GString *value)
{
	while (take(r, "\"")) {
		while (*r->at && *r->at != '"') {
			if (*r->at != '\\')
				g_string_append_c(value, *r->at++);
			else if (r->at++, take_escape(r, value) < 0)
				return -EINVAL;
		}
		if (*r->at++ != '"')
			return -EINVAL;
	}
	return 0;
}

static int take_number(struct reader *r, GString *value)
{
	char *end = NULL;
	long long n = strtoll(r->at, &end, 0);

	if (end == r->at)
		return -EINVAL;
	if (*end == '.' || *end == 'e' || *end == 'E')
		g_string_append_printf(value, "%f", g_ascii_strtod(r->at, &end));
	else
		g_string_append_printf(value, "%lld", n);
	r->at = end + strspn(end, "L");
	return 0;
}

static int take_scalar(struct reader *r, GString *value)
{
	if (*r->at == '"')
		return take_text(r, value);
	if (g_ascii_strncasecmp(r->at, "true", 4) == 0) {
		g_string_append(value, "true");
		r->at += 4;
	} else if (g_ascii_strncasecmp(r->at, "false", 5) == 0) {
		g_string_append(value, "false");
		r->at += 5;
	} else {
		return take_number(r, value);
	}
	return 0;
}

static int take_settings(struct reader *r, janus_config_container *parent, char end);
static int take_elements(struct reader *r, janus_config_container *parent, char end);

static int take_value(struct reader *r, janus_config_container *parent, const char *name)
{
	janus_config_container *c;
	GString *value;
	int error;

	next(r);
	if (take(r, "{")) {
		c = janus_config_category_create(name);
		janus_config_add(r->config, parent, c);
		return take_settings(r, c, '}');
	}
	if (take(r, "[(")) {
		c = janus_config_array_create(name);
		janus_config_add(r->config, parent, c);
		return take_elements(r, c, r->at[-1] == '[' ? ']' : ')');
	}
	value = g_string_new(NULL);
	error = take_scalar(r, value);
	if (!error)
		janus_config_add(r->config, parent, janus_config_item_create(name, value->str));
	g_string_free(value, TRUE);
	return error;
}

static int take_elements(struct reader *r, janus_config_container *parent, char end)
{
	const char ends[2] = { end, '\0' };

	while (!take(r, ends)) {
		if (take_value(r, parent, NULL) < 0 || (!take(r, ",") && next(r) != end))
			return -EINVAL;
	}
	return 0;
}

static int take_settings(struct reader *r, janus_config_container *parent, char end)
{
	while (next(r) != end) {
		size_t length = name_length(r->at);
		char *name = g_strndup(r->at, length);
		int error = -EINVAL;
		r->at += length;
		if (length > 0 && take(r, ":="))
			error = take_value(r, parent, name);
		g_free(name);
		if (error)
			return error;
		take(r, ";,");
	}
	r->at += end != '\0';
	return 0;
}

int gateway_jcfg_read(const char *text, janus_config *config)
{
	struct reader reader = { text, text, config };
	int line = 1;

	if (take_settings(&reader, NULL, '\0') == 0)
		return 0;
	for (const char *at = text; at < reader.at; at++)
		line += *at == '\n';
	return line;
}

/* --- writing */

static void write_text(GString *out, const char *value)
{
	g_string_append_c(out, '"');
	for (const char *at = value ? value : ""; *at; at++) {
		if (strchr("\"\\", *at))
			g_string_append_printf(out, "\\%c", *at);
		else if ((unsigned char)*at < ' ')
			g_string_append_printf(out, "\\x%02X", (unsigned)*at);
		else
			g_string_append_c(out, *at);
	}
	g_string_append_c(out, '"');
}

static void write_list(GString *out, const GList *list, int depth, int has_names)
{
	for (; list; list = list->next) {
		const janus_config_container *c = list->data;
		int is_item = c->type == janus_config_type_item, is_array = c->type == janus_config_type_array;
		if (has_names && (!c->name || name_length(c->name) != strlen(c->name) || !*c->name))
			continue;
		g_string_append_printf(out, "%*s", 2 * depth, "");
		if (has_names)
			g_string_append_printf(out, "%s = ", c->name);
		if (is_item) {
			write_text(out, c->value);
		} else {
			g_string_append(out, is_array ? "(\n" : "{\n");
			write_list(out, c->list, depth + 1, !is_array);
			g_string_append_printf(out, "%*s%c", 2 * depth, "", is_array ? ')' : '}');
		}
		g_string_append(out, has_names ? ";\n" : list->next ? ",\n" : "\n");
	}
}

char *gateway_jcfg_write(const janus_config *config)
{
	GString *out = g_string_new(NULL);

	write_list(out, config->list, 0, 1);
	return g_string_free(out, FALSE);
}
