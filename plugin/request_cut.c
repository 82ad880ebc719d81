/* SPDX-License-Identifier: GPL-3.0-or-later */
/* interrupt, hold, resume, discard, state */
#include "request_cut.h"

#include <errno.h>

#include "request_errors.h"
#include "request_table.h"

/* --- interrupt */

static void read_priority(struct dh_request *request, struct dh_room_cut *cut)
{
	const char *name = dh_request_text(request, "priority");

	cut->has_priority = name != NULL;
	if (name && !dh_priority_parse(name, &cut->priority))
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"priority\": \"background\", \"normal\" or \"urgent\" is expected");
}

static void read_cut(struct dh_request *request, struct dh_room_cut *cut)
{
	const char *mode = dh_request_text(request, "mode");
	const json_t *word_ms = json_object_get(request->body, "word_ms");

	dh_room_cut_init(cut);
	cut->segment = dh_request_text(request, "segment");
	cut->utterance = dh_request_text(request, "utterance");
	read_priority(request, cut);
	if (mode && !dh_cut_mode_parse(mode, &cut->mode))
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"mode\": \"now\", \"word\", \"segment\" or \"utterance\" is expected");
	if (word_ms && cut->mode != DH_CUT_WORD)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"word_ms\": the \"mode\" \"word\" is expected with it");
	if (word_ms)
		cut->word_ms = json_integer_value(word_ms);
}

void dh_request_cut(struct dh_request *request, json_t **reply)
{
	struct dh_room_cut cut;
	int err = 0;

	read_cut(request, &cut);
	if (!request->error_code)
		err = dh_room_interrupt(request->room, &cut, reply);
	if (err == -ENOENT && cut.segment)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such segment (%s)", cut.segment);
	else if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such utterance (%s)", cut.utterance);
	else if (err)
		dh_request_fail_room(request, err);
}

static void handle_interrupt(struct dh_request *request)
{
	json_t *reply = NULL;

	dh_request_cut(request, &reply);
	if (!request->error_code)
		dh_request_answer(request, "interrupted", reply);
}

/* --- hold */

static void handle_hold(struct dh_request *request)
{
	const json_t *regret_ms = json_object_get(request->body, "regret_ms");
	json_t *reply = NULL;
	int err = dh_room_hold(request->room, regret_ms ? json_integer_value(regret_ms) : DH_REGRET_MS, &reply);

	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_STATE, "Nothing plays");
	else if (err == -EALREADY)
		dh_request_fail(request, DH_ERROR_STATE, "The room is on hold already");
	else
		dh_request_finish(request, err, "holding", reply);
}

static void finish(struct dh_request *request, int err, const char *name, json_t *reply)
{
	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_STATE, "Nothing is on hold");
	else
		dh_request_finish(request, err, name, reply);
}

static void handle_resume(struct dh_request *request)
{
	const char *name = dh_request_text(request, "at");
	enum dh_resume_at at = DH_RESUME_ENTRY;
	json_t *reply = NULL;

	if (name && !dh_resume_at_parse(name, &at)) {
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"at\": \"entry\", \"word\" or \"sentence\" is expected");
		return;
	}
	int err = dh_room_resume(request->room, at, &reply);
	finish(request, err, "resuming", reply);
}

static void handle_discard(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_discard(request->room, &reply);

	finish(request, err, "discarded", reply);
}

/* --- state */

static void handle_state(struct dh_request *request)
{
	enum dh_stance stance;
	json_t *reply = NULL;

	if (!dh_stance_parse(dh_request_text(request, "state"), &stance)) {
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"state\": \"idle\", \"listening\" or \"thinking\" is expected");
		return;
	}
	int err = dh_room_state_set(request->room, stance, &reply);
	dh_request_finish(request, err, "state", reply);
}

static const struct dh_field state_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "state", DH_FIELD_TEXT, true, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field interrupt_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "segment", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX },
	{ "utterance", DH_FIELD_TEXT, false, DH_UTTERANCE_MAX },
	{ "priority", DH_FIELD_TEXT, false, DH_KEY_MAX },
	DH_CUT_FIELDS,
	DH_FIELD_END,
};

static const struct dh_field hold_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "regret_ms", DH_FIELD_NUMBER, false, DH_REGRET_MS_MAX },
	DH_FIELD_END,
};

static const struct dh_field resume_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "at", DH_FIELD_TEXT, false, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field discard_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_cut_requests[] = {
	{ "interrupt", false, DH_AUTHORITY_SECRET, interrupt_fields, handle_interrupt },
	{ "hold", false, DH_AUTHORITY_SECRET, hold_fields, handle_hold },
	{ "resume", false, DH_AUTHORITY_SECRET, resume_fields, handle_resume },
	{ "discard", false, DH_AUTHORITY_SECRET, discard_fields, handle_discard },
	{ "state", false, DH_AUTHORITY_SECRET, state_fields, handle_state },
	DH_REQUEST_END,
};
