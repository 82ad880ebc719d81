/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include <glib.h>
#include <string.h>

#define ELLIPSIS    "…"
#define REPLACEMENT 0xfffd

static bool is_control(gunichar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static gunichar clean(gunichar c)
{
	if (c == '\n' || c == '\r' || c == '\t' || c == 0x2028 || c == 0x2029)
		return ' ';
	return is_control(c) ? REPLACEMENT : c;
}

bool dh_text_has_controls(const char *text)
{
	for (; *text; text = g_utf8_next_char(text))
		if (is_control(g_utf8_get_char(text)))
			return true;
	return false;
}

/* Truncates to at most `max` bytes, between characters. */
static void cut(GString *line, size_t max)
{
	const char *end = line->str + max - strlen(ELLIPSIS) + 1;

	end = g_utf8_find_prev_char(line->str, end);
	g_string_truncate(line, (gsize)(end - line->str));
	g_string_append(line, ELLIPSIS);
}

char *dh_text_line(const char *text, size_t max_bytes)
{
	/* Replacement triples a byte at most. Ignores what would be cut off anyway. */
	char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, max_bytes + 4));
	GString *line = g_string_sized_new(strlen(valid));

	for (const char *p = valid; *p && line->len <= max_bytes; p = g_utf8_next_char(p))
		g_string_append_unichar(line, clean(g_utf8_get_char(p)));
	g_free(valid);
	if (line->len > max_bytes)
		cut(line, max_bytes);
	return g_string_free(line, FALSE);
}
