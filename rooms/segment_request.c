/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "segment_request.h"

#include <string.h>

#include <glib.h>

#include "heard.h"
#include "ingest/text.h"
#include "playout/segment.h"
#include "playout/timebase.h"
#include "timed_text.h"

static const char *const underruns[] = { "hold", "idle", "skip" };
static const char *const priorities[] = { "background", "normal", "urgent" };

bool dh_underrun_parse(const char *name, enum dh_underrun *underrun)
{
	for (int i = 0; i < (int)G_N_ELEMENTS(underruns); i++) {
		if (strcmp(name, underruns[i]))
			continue;
		*underrun = (enum dh_underrun)i;
		return true;
	}
	return false;
}

const char *dh_underrun_name(enum dh_underrun underrun)
{
	return underruns[underrun];
}

const char *dh_priority_name(enum dh_priority priority)
{
	return priorities[priority + 1];
}

bool dh_priority_parse(const char *name, enum dh_priority *priority)
{
	for (int i = 0; i < (int)G_N_ELEMENTS(priorities); i++) {
		if (g_strcmp0(name, priorities[i]))
			continue;
		*priority = (enum dh_priority)(i - 1);
		return true;
	}
	return false;
}

void dh_segment_request_init(struct dh_segment_request *request)
{
	*request = (struct dh_segment_request){ .order.index = -1, .preroll_ms = -1 };
}

/* --- fields; each sets *error if it is wrong and nothing was before */

static void wrong(char **error, const char *field, const char *expected)
{
	if (!*error)
		*error = g_strdup_printf("Invalid \"%s\": %s", field, expected);
}

static const char *read_text(const json_t *body, const char *field, size_t most, char **error)
{
	const json_t *value = json_object_get(body, field);
	const char *text = json_string_value(value);
	char expected[80];

	if (!value)
		return NULL;
	g_snprintf(expected, sizeof(expected), "1 to %zu bytes without control characters are expected", most);
	if (!text || !*text || strlen(text) != json_string_length(value) || strlen(text) > most ||
		dh_text_has_controls(text)) {
		wrong(error, field, expected);
		return NULL;
	}
	return text;
}

static int64_t read_number(const json_t *body, const char *field, int64_t least, int64_t most, int64_t otherwise,
	char **error)
{
	const json_t *value = json_object_get(body, field);
	char expected[80];

	if (!value)
		return otherwise;
	if (json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= most)
		return json_integer_value(value);
	g_snprintf(expected, sizeof(expected),
		"an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " is expected", least, most);
	wrong(error, field, expected);
	return otherwise;
}

static bool read_flag(const json_t *body, const char *field, char **error)
{
	const json_t *value = json_object_get(body, field);

	if (value && !json_is_boolean(value))
		wrong(error, field, "true or false is expected");
	return json_is_true(value);
}

static void read_utterance(struct dh_order *order, const json_t *body, char **error)
{
	const char *utterance = read_text(body, "utterance", DH_UTTERANCE_MAX, error);

	order->index = read_number(body, "index", 0, DH_INDEX_MAX, -1, error);
	order->is_last = read_flag(body, "last", error);
	if (utterance)
		g_strlcpy(order->utterance, utterance, sizeof(order->utterance));
	else if (json_object_get(body, "index"))
		wrong(error, "index", "an \"utterance\" is expected with it");
	else if (json_object_get(body, "last"))
		wrong(error, "last", "an \"utterance\" is expected with it");
}

static void read_priority(struct dh_order *order, const json_t *body, char **error)
{
	const json_t *value = json_object_get(body, "priority");

	if (value && !dh_priority_parse(json_string_value(value), &order->priority))
		wrong(error, "priority", "\"background\", \"normal\" or \"urgent\" is expected");
}

static void read_underrun(struct dh_segment_request *request, const json_t *body, char **error)
{
	const json_t *value = json_object_get(body, "underrun");
	const char *name = json_string_value(value);

	request->has_underrun = name && dh_underrun_parse(name, &request->order.underrun);
	if (value && !request->has_underrun)
		wrong(error, "underrun", "\"hold\", \"idle\" or \"skip\" is expected");
}

static void read_place(struct dh_segment_request *request, const json_t *body, char **error)
{
	request->before = read_text(body, "before", DH_SEGMENT_ID_MAX, error);
	request->after = read_text(body, "after", DH_SEGMENT_ID_MAX, error);
	if (request->before && request->after)
		wrong(error, "after", "only one of \"before\" and \"after\" is expected");
	else if ((request->before || request->after) && json_object_get(body, "priority"))
		wrong(error, "priority", "a segment has the priority of the one beside which it is put");
}

static void read_timed_text(struct dh_segment_request *request, const json_t *body, char **error)
{
	request->captions = json_object_get(body, "captions");
	request->markers = json_object_get(body, "markers");
	const char *expected = request->captions ? dh_captions_check(request->captions) : NULL;

	if (expected)
		wrong(error, "captions", expected);
	expected = request->markers ? dh_markers_check(request->markers) : NULL;
	if (expected)
		wrong(error, "markers", expected);
}

char *dh_segment_request_read(struct dh_segment_request *request, const json_t *body)
{
	char *error = NULL;

	dh_segment_request_init(request);
	request->id = read_text(body, "segment", DH_SEGMENT_ID_MAX, &error);
	read_utterance(&request->order, body, &error);
	read_priority(&request->order, body, &error);
	request->order.ttl_ticks = read_number(body, "ttl_ms", 1, DH_TTL_MS_MAX, 0, &error) * DH_TICKS_PER_MS;
	request->order.repeat = (int)read_number(body, "repeat", 1, DH_REPEAT_MAX, 1, &error);
	request->order.from_ticks = read_number(body, "from_ms", 0, DH_FROM_MS_MAX, 0, &error) * DH_TICKS_PER_MS;
	request->order.is_patient = read_flag(body, "patient", &error);
	read_underrun(request, body, &error);
	request->preroll_ms = read_number(body, "preroll_ms", 0, DH_PREROLL_MS_MAX, -1, &error);
	read_place(request, body, &error);
	request->text = json_string_value(json_object_get(body, "text"));
	request->words = json_object_get(body, "words");
	const char *expected = request->words ? dh_script_check(request->words) : NULL;
	if (expected)
		wrong(&error, "words", expected);
	read_timed_text(request, body, &error);
	return error;
}

char *dh_segment_request_content(const json_t *body)
{
	static const char *const others[] = { "id", "room", "secret", "token", "pin", "admin_key" };
	json_t *content = json_copy((json_t *)body);

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		json_object_del(content, others[i]);
	char *text = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(content);
	return text;
}
