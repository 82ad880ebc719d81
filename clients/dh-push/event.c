/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	enum dh_send_exit code;
} ends[] = {
	{ "finished", DH_SEND_FINISHED },
	{ "interrupted", DH_SEND_INTERRUPTED },
	{ "skipped", DH_SEND_SKIPPED },
	{ "removed", DH_SEND_REMOVED },
	{ "failed", DH_SEND_FAILED },
};

static void look_for_end(struct dh_send_event *event)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		if (event->name && !strcmp(event->name, ends[i].name)) {
			event->is_last = true;
			event->code = ends[i].code;
		}
	}
	/* `failed` has an error as well, but is an event. */
	if (!event->name && json_object_get(event->line, "error_code")) {
		event->name = "refused";
		event->is_last = true;
		event->code = DH_SEND_REFUSED;
	}
}

int dh_send_event_parse(struct dh_send_event *event, GBytes *line)
{
	gsize size;
	const char *text = g_bytes_get_data(line, &size);

	memset(event, 0, sizeof *event);
	event->line = json_loadb(text ? text : "", size, 0, NULL);
	if (!json_is_object(event->line)) {
		dh_send_event_clear(event);
		return -EBADMSG;
	}
	event->name = json_string_value(json_object_get(event->line, "event"));
	look_for_end(event);
	return 0;
}

void dh_send_event_clear(struct dh_send_event *event)
{
	g_clear_pointer(&event->line, json_decref);
	event->name = NULL;
}

/* --- for people */

char *dh_send_printable(const char *text)
{
	GString *string = g_string_new(NULL);

	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char_validated(at, -1);
		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append(string, "?");
			break;
		}
		if (g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT)
			g_string_append_printf(string, "\\x%02x", c);
		else
			g_string_append_unichar(string, c);
	}
	return g_string_free(string, FALSE);
}

static void add(GString *text, const char *format, const char *value)
{
	char *printable = dh_send_printable(value);

	/* The format is one of this file's. */
	g_string_append(text, text->len && text->str[text->len - 1] == ':' ? " " : ", ");
	g_string_append_printf(text, "%s%s", format, printable);
	g_free(printable);
}

static void add_number(GString *text, const json_t *line, const char *key, const char *before, const char *unit)
{
	const json_t *value = json_object_get(line, key);

	if (!json_is_integer(value))
		return;
	char *number = g_strdup_printf("%" JSON_INTEGER_FORMAT "%s", json_integer_value(value), unit);
	add(text, before, number);
	g_free(number);
}

static void add_notes(GString *text, const json_t *notes)
{
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const char *note = json_string_value(json_object_get(json_array_get(notes, i), "text"));
		if (note)
			add(text, "", note);
	}
}

static void add_wait(GString *text, const struct dh_send_event *event)
{
	const char *reason = json_string_value(json_object_get(event->line, "reason"));

	if (!reason || strcmp(event->name, "waiting") != 0)
		return;
	add(text, "for a worker: ", reason);
	add_number(text, event->line, "limit", "limit ", "");
}

char *dh_send_event_text(const struct dh_send_event *event)
{
	if (!event->name || !strcmp(event->name, "want"))
		return NULL;
	char *name = dh_send_printable(event->name);
	const char *segment = json_string_value(json_object_get(event->line, "segment"));
	char *printable = segment ? dh_send_printable(segment) : NULL;
	GString *text = g_string_new(NULL);
	g_string_printf(text, "%s%s%s:", name, printable ? " " : "", printable ? printable : "");
	gsize head = text->len;
	g_free(printable);
	g_free(name);

	add_number(text, event->line, "position", "position ", "");
	add_wait(text, event);
	add_number(text, event->line, "duration_ms", "duration ", " ms");
	add_number(text, event->line, "played_ms", "played ", " ms");
	if (json_is_true(json_object_get(event->line, "incomplete")))
		add(text, "", "incomplete");
	add_notes(text, json_object_get(event->line, "notes"));
	const char *error = json_string_value(json_object_get(event->line, "error"));
	const char *heard = json_string_value(json_object_get(event->line, "heard_text"));
	if (error)
		add(text, "", error);
	if (heard)
		add(text, "heard: ", heard);
	if (text->len == head)
		g_string_truncate(text, head - 1);
	return g_string_free(text, FALSE);
}
