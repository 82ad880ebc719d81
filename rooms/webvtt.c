/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "webvtt.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "playout/timebase.h"
#include "timed_text.h"

#define HOURS_MAX 9999

struct cue {
	int64_t from_ms, to_ms;
	char *text;
};

/* --- times */

static bool read_number(const char **at, int64_t *number)
{
	const char *from = *at;

	for (*number = 0; g_ascii_isdigit(**at) && *at - from < 9; (*at)++)
		*number = *number * 10 + (**at - '0');
	return *at > from;
}

/* [HOURS:]MM:SS.mmm, or with a comma. */
static bool read_time(const char **at, int64_t *ms)
{
	int64_t parts[3], fraction;
	int count = 0;

	do {
		if (count == 3 || !read_number(at, &parts[count++]))
			return false;
	} while (**at == ':' && (*at)++);
	if (count < 2 || (**at != '.' && **at != ','))
		return false;
	(*at)++;
	const char *begin = *at;
	if (!read_number(at, &fraction) || *at - begin != 3)
		return false;
	int64_t hours = count == 3 ? parts[0] : 0;
	*ms = ((hours * 60 + parts[count - 2]) * 60 + parts[count - 1]) * 1000 + fraction;
	return hours <= HOURS_MAX && parts[count - 2] < 60 && parts[count - 1] < 60;
}

/* FROM --> TO, and settings. */
static bool read_times(const char *line, struct cue *cue)
{
	const char *at = line + strspn(line, " \t");

	if (!read_time(&at, &cue->from_ms))
		return false;
	at += strspn(at, " \t");
	if (strncmp(at, "-->", 3) != 0)
		return false;
	at += 3 + strspn(at + 3, " \t");
	return read_time(&at, &cue->to_ms) && cue->to_ms >= cue->from_ms;
}

/* --- texts */

static const struct {
	const char *name, *text;
} entities[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" }, { "&nbsp;", "\u00a0" },
	{ "&lrm;", "" }, { "&rlm;", "" } };

/* `<b>`, `</font>`, `<v Anna>`, `<00:19.000>`; not "1 < 2". */
static const char *tag_end(const char *at)
{
	if (*at != '<' || !(g_ascii_isalnum(at[1]) || at[1] == '/'))
		return NULL;
	const char *end = strchr(at, '>');
	return end ? end + 1 : NULL;
}

static const char *entity(const char *at, GString *out)
{
	for (size_t i = 0; *at == '&' && i < G_N_ELEMENTS(entities); i++) {
		if (!g_str_has_prefix(at, entities[i].name))
			continue;
		g_string_append(out, entities[i].text);
		return at + strlen(entities[i].name);
	}
	return NULL;
}

/* A character that captions may have; others become spaces. */
static void add_character(GString *out, const char *at)
{
	gunichar code = g_utf8_get_char(at);
	bool is_control = (code < 0x20 && code != '\n') || (code >= 0x7f && code <= 0x9f) || code == 0x2028 ||
		code == 0x2029;

	g_string_append_unichar(out, is_control ? ' ' : code);
}

/* NULL: nothing is left. */
static char *clean(const char *text)
{
	GString *out = g_string_new(NULL);
	const char *next;

	for (const char *at = text; *at && out->len < DH_CAPTION_BYTES_MAX; at = next) {
		next = tag_end(at);
		if (!next)
			next = entity(at, out);
		if (next)
			continue;
		add_character(out, at);
		next = g_utf8_next_char(at);
	}
	while (out->len > DH_CAPTION_BYTES_MAX)
		g_string_truncate(out, (gsize)(g_utf8_find_prev_char(out->str, out->str + out->len) - out->str));
	char *stripped = g_strstrip(g_string_free(out, FALSE));
	if (*stripped)
		return stripped;
	g_free(stripped);
	return NULL;
}

/* --- the file */

static void cue_clear(gpointer data)
{
	g_free(((struct cue *)data)->text);
}

/* Its lines, up to an empty one, or to the next cue of a file that forgot it. Returns where that is. */
static char **read_text(char **lines, struct cue *cue)
{
	GString *text = g_string_new(NULL);

	for (; *lines && **lines && !strstr(*lines, "-->"); lines++)
		g_string_append_printf(text, "%s%s", text->len ? "\n" : "", *lines);
	cue->text = clean(text->str);
	g_string_free(text, TRUE);
	return lines;
}

static void read_cues(char **lines, GArray *cues)
{
	while (*lines && cues->len < DH_CAPTIONS_MAX) {
		struct cue cue = { 0 };
		bool is_cue = read_times(*lines++, &cue);
		if (!is_cue)
			continue;
		lines = read_text(lines, &cue);
		if (cue.text)
			g_array_append_val(cues, cue);
	}
}

static int by_time(gconstpointer a, gconstpointer b)
{
	const struct cue *one = a, *other = b;

	return (one->from_ms > other->from_ms) - (one->from_ms < other->from_ms);
}

json_t *dh_webvtt_captions(const char *text, size_t size)
{
	char *valid = g_utf8_make_valid(text, (gssize)MIN(size, DH_WEBVTT_BYTES_MAX));
	char **lines = g_strsplit(valid, "\n", -1);
	GArray *cues = g_array_new(FALSE, FALSE, sizeof(struct cue));
	json_t *captions = NULL;

	for (char **line = lines; *line; line++)
		g_strchomp(*line);
	g_array_set_clear_func(cues, cue_clear);
	read_cues(lines, cues);
	g_array_sort(cues, by_time);
	if (cues->len)
		captions = json_array();
	for (guint i = 0; i < cues->len; i++) {
		const struct cue *cue = &g_array_index(cues, struct cue, i);
		json_array_append_new(captions,
			json_pack("[s, I, I]", cue->text, (json_int_t)cue->from_ms, (json_int_t)cue->to_ms));
	}
	g_array_free(cues, TRUE);
	g_strfreev(lines);
	g_free(valid);
	return captions;
}
