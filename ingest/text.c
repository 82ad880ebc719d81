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

/* Whether `c` belongs to the character before it. */
static bool continues(gunichar c)
{
	switch (g_unichar_break_type(c)) {
	case G_UNICODE_BREAK_COMBINING_MARK:
	case G_UNICODE_BREAK_ZERO_WIDTH_JOINER:
	case G_UNICODE_BREAK_EMOJI_MODIFIER:
	case G_UNICODE_BREAK_HANGUL_V_JAMO:
	case G_UNICODE_BREAK_HANGUL_T_JAMO:
		return true;
	default:
		return false;
	}
}

static bool is_half_flag(gunichar c)
{
	return g_unichar_break_type(c) == G_UNICODE_BREAK_REGIONAL_INDICATOR;
}

static bool may_cut(const char *text, const char *at)
{
	int halves = 0;

	if (at == text || !*at)
		return true;
	gunichar before = g_utf8_get_char(g_utf8_prev_char(at)), c = g_utf8_get_char(at);
	if (continues(c) || g_unichar_break_type(before) == G_UNICODE_BREAK_ZERO_WIDTH_JOINER)
		return false;
	if (!is_half_flag(c))
		return true;
	while (at > text && is_half_flag(g_utf8_get_char(at = g_utf8_prev_char(at))))
		halves++;
	return halves % 2 == 0;
}

const char *dh_text_cut(const char *text, const char *at)
{
	const char *place = at;

	while (!may_cut(text, place))
		place = g_utf8_prev_char(place);
	return place > text ? place : at;
}

/* Truncates to at most `max` bytes, between characters. */
static void cut(GString *line, size_t max)
{
	const char *end = line->str + max - strlen(ELLIPSIS) + 1;

	end = dh_text_cut(line->str, g_utf8_find_prev_char(line->str, end));
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
