/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include <stdlib.h>
#include <string.h>

void dh_send_request_init(struct dh_send_request *request)
{
	memset(request, 0, sizeof *request);
	request->index = -1;
	request->ttl_ms = request->repeat = request->preroll_ms = -1;
	request->at_ms = -1;
	request->progress_ms = -1;
}

bool dh_send_request_is_placed(const struct dh_send_request *request)
{
	return request->before || request->after || request->underrun || request->is_patient || request->ttl_ms >= 0 ||
		request->repeat >= 0 || request->preroll_ms >= 0;
}

void dh_send_request_clear(struct dh_send_request *request)
{
	g_clear_pointer(&request->metadata, json_decref);
	g_clear_pointer(&request->words, json_decref);
	g_clear_pointer(&request->captions, json_decref);
	g_clear_pointer(&request->markers, json_decref);
	g_clear_pointer(&request->mark, json_decref);
}

static void set_text(json_t *line, const char *key, const char *text, struct dh_send_fault *fault)
{
	json_t *value = text ? json_string(text) : NULL;

	if (text && !value)
		dh_send_fail(fault, DH_SEND_USAGE, "--%s is not UTF-8", key);
	if (value)
		json_object_set_new(line, key, value);
}

static void set_room(json_t *line, const struct dh_send_request *request, struct dh_send_fault *fault)
{
	gint64 number;

	if (!request->is_room_text && g_ascii_string_to_signed(request->room, 10, 1, G_MAXINT64, &number, NULL))
		json_object_set_new(line, "room", json_integer(number));
	else
		set_text(line, "room", request->room, fault);
}

static void set_number(json_t *line, const char *key, long number)
{
	if (number >= 0)
		json_object_set_new(line, key, json_integer(number));
}

/* When it plays, and what happens when its media come late. */
static void set_place(json_t *line, const struct dh_send_request *request, struct dh_send_fault *fault)
{
	set_text(line, "priority", request->priority, fault);
	set_text(line, "before", request->before, fault);
	set_text(line, "after", request->after, fault);
	set_text(line, "underrun", request->underrun, fault);
	set_number(line, "ttl_ms", request->ttl_ms);
	set_number(line, "repeat", request->repeat);
	set_number(line, "preroll_ms", request->preroll_ms);
	if (request->is_patient)
		json_object_set_new(line, "patient", json_true());
}

static void set_segment(json_t *line, const struct dh_send_request *request, struct dh_send_fault *fault)
{
	set_text(line, "segment", request->segment, fault);
	set_text(line, "utterance", request->utterance, fault);
	set_text(line, "text", request->text, fault);
	set_number(line, "index", request->index);
	if (request->is_last)
		json_object_set_new(line, "last", json_true());
	if (request->metadata)
		json_object_set(line, "metadata", request->metadata);
	if (request->words)
		json_object_set(line, "words", request->words);
	if (request->captions)
		json_object_set(line, "captions", request->captions);
	if (request->markers)
		json_object_set(line, "markers", request->markers);
	set_number(line, "progress_ms", request->progress_ms);
	set_place(line, request, fault);
}

/* What is meant; nothing: all. */
static void set_cut(json_t *line, const struct dh_send_request *request, struct dh_send_fault *fault)
{
	set_text(line, "segment", request->segment, fault);
	set_text(line, "utterance", request->utterance, fault);
	set_text(line, "priority", request->priority, fault);
}

static void set_mark(json_t *line, const struct dh_send_request *request, struct dh_send_fault *fault)
{
	json_object_set(line, "data", request->mark);
	set_text(line, "segment", request->segment, fault);
	set_number(line, "at_ms", request->at_ms);
}

GBytes *dh_send_request_line(const struct dh_send_request *request, const char *question, const char *token,
	struct dh_send_fault *fault)
{
	json_t *line = json_object();

	set_text(line, "request", question, fault);
	set_room(line, request, fault);
	set_text(line, "token", token, fault);
	if (!question)
		set_segment(line, request, fault);
	else if (!strcmp(question, "mark"))
		set_mark(line, request, fault);
	else if (!strcmp(question, "interrupt"))
		set_cut(line, request, fault);
	char *text = fault->code ? NULL : json_dumps(line, JSON_COMPACT);
	json_decref(line);
	gsize size = text ? strlen(text) + 1 : 0;
	if (size > DH_SEND_REQUEST_MAX)
		dh_send_fail(fault, DH_SEND_USAGE,
			"text, words and what else is given make a line of %zu bytes, at most %d are possible", size,
			DH_SEND_REQUEST_MAX);
	if (text)
		text[size - 1] = '\n';
	GBytes *bytes = fault->code ? NULL : g_bytes_new(text, size);
	free(text);
	return bytes;
}
