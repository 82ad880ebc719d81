/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one viewer has heard: what was played while it was sent sound. */
#include "room_private.h"

#include <errno.h>

#include "playout/timebase.h"

/* A word counts that is heard but for so much: commands take effect by the slot. */
#define TOLERANCE_TICKS DH_SLOT_TICKS

/* Copied in the room's thread, read by the caller. */
struct part {
	struct dh_account *account; /* a reference */
	struct dh_script *script;   /* a reference; NULL: none */
	enum dh_event_type state;
	GArray *heard; /* struct dh_span */
};

struct hearing {
	struct dh_member *member; /* NULL: the one with this number */
	guint viewer;
	int64_t since_ticks; /* out: nothing is known of what was before */
	GPtrArray *parts;    /* out: struct part */
};

static void part_free(gpointer data)
{
	struct part *part = data;

	dh_account_unref(&part->account);
	dh_script_unref(&part->script);
	g_array_unref(part->heard);
	g_free(part);
}

/* --- in the room's thread */

void dh_room_heard_update(struct dh_room *room, struct dh_member *member)
{
	bool hears = !atomic_load(&member->paused) && atomic_load(&room->enabled) && dh_member_gets(member, DH_AUDIO);

	dh_gates_note(&member->gates, hears, dh_playout_media_ticks(room->playout, dh_now_ticks()));
}

static void add_record(struct hearing *hearing, struct dh_account *account, struct dh_script *script, int64_t now_ticks)
{
	GArray *heard = dh_spans_heard(account->spans, hearing->member->gates, now_ticks);

	if (!heard->len) {
		g_array_unref(heard);
		return;
	}
	struct part *part = g_new(struct part, 1);
	*part = (struct part){ dh_account_ref(account), dh_script_ref(script), account->life.state, heard };
	g_ptr_array_add(hearing->parts, part);
}

static struct dh_member *find_viewer(const struct dh_room *room, guint id)
{
	for (guint i = 0; i < room->members->len; i++) {
		struct dh_member *member = room->members->pdata[i];
		if (member->id == id && !member->observes)
			return member;
	}
	return NULL;
}

static int run_heard(struct dh_room *room, void *arg)
{
	struct hearing *hearing = arg;
	/* A slot is sent when it begins. */
	int64_t now_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks()) + DH_SLOT_TICKS;
	struct dh_account *account;

	if (!hearing->member)
		hearing->member = find_viewer(room, hearing->viewer);
	if (!hearing->member)
		return -ENOENT;
	const GArray *gates = hearing->member->gates;
	hearing->viewer = hearing->member->id;
	hearing->since_ticks = gates && gates->len ? g_array_index(gates, int64_t, 0) : now_ticks;
	for (guint i = 0; (account = dh_ledger_over(room->ledger, i)); i++)
		add_record(hearing, account, account->said, now_ticks);
	if (room->on_screen)
		add_record(hearing, room->on_screen, room->on_screen->script, now_ticks);
	return 0;
}

/* --- any other thread */

static bool is_within(const struct dh_span *span, const struct dh_script_word *word)
{
	return word->from_ticks >= span->at_ticks - TOLERANCE_TICKS &&
		word->to_ticks <= span->at_ticks + span->length_ticks + TOLERANCE_TICKS;
}

/* The words of a span as text, g_free it; NULL: the times of its words are not known. */
static char *text_of(const struct dh_script *script, const struct dh_span *span)
{
	struct dh_script_word word;
	size_t first = 0, end;

	if (!dh_script_word(script, 0, &word))
		return NULL;
	while (dh_script_word(script, first, &word) && !is_within(span, &word))
		first++;
	for (end = first; dh_script_word(script, end, &word) && is_within(span, &word);)
		end++;
	return end > first ? dh_script_passage(script, first, end) : g_strdup("");
}

static gint by_place(gconstpointer a, gconstpointer b)
{
	const struct dh_span *first = a, *second = b;

	return (first->at_ticks > second->at_ticks) - (first->at_ticks < second->at_ticks);
}

/* The passages of the segment that were heard, in its order: what goes on where it stopped, after a hold, is one
 * passage, and what was said again is in it once. */
static GArray *passages_of(const struct part *part)
{
	GArray *spans = g_array_sized_new(FALSE, FALSE, sizeof(struct dh_span), part->heard->len);
	guint count = 0;

	g_array_append_vals(spans, part->heard->data, part->heard->len);
	g_array_sort(spans, by_place);
	for (guint i = 0; i < spans->len; i++) {
		struct dh_span *last = &g_array_index(spans, struct dh_span, count ? count - 1 : 0);
		const struct dh_span *next = &g_array_index(spans, struct dh_span, i);
		int64_t end_ticks = next->at_ticks + next->length_ticks;
		if (!count || next->at_ticks > last->at_ticks + last->length_ticks)
			g_array_index(spans, struct dh_span, count++) = *next;
		else
			last->length_ticks = MAX(last->length_ticks, end_ticks - last->at_ticks);
	}
	g_array_set_size(spans, count);
	return spans;
}

/* g_free it; NULL as text_of. */
static char *whole_text(const struct part *part)
{
	GArray *passages = passages_of(part);
	GString *whole = NULL;

	for (guint i = 0; i < passages->len; i++) {
		char *text = text_of(part->script, &g_array_index(passages, struct dh_span, i));
		if (text && !whole)
			whole = g_string_new(NULL);
		if (text)
			g_string_append_printf(whole, "%s%s", whole->len && *text ? " … " : "", text);
		g_free(text);
	}
	g_array_unref(passages);
	return whole ? g_string_free(whole, FALSE) : NULL;
}

static json_t *spans_json(const struct part *part)
{
	json_t *list = json_array();

	for (guint i = 0; i < part->heard->len; i++) {
		const struct dh_span *span = &g_array_index(part->heard, struct dh_span, i);
		char *text = text_of(part->script, span);
		json_t *json = json_object();
		dh_room_set_ms(json, "media_ms", span->media_ticks);
		dh_room_set_ms(json, "from_ms", span->at_ticks);
		dh_room_set_ms(json, "to_ms", span->at_ticks + span->length_ticks);
		if (text)
			json_object_set_new(json, "text", json_string(text));
		json_array_append_new(list, json);
		g_free(text);
	}
	return list;
}

/* Without the times of words it is known only of one who has heard all that anybody has. */
static bool has_heard_all(const struct part *part)
{
	GArray *passages = passages_of(part);
	const struct dh_span *first = &g_array_index(passages, struct dh_span, 0);
	bool has_all = part->state != DH_EVENT_STARTED && passages->len == 1 && first->at_ticks == 0 &&
		first->length_ticks + TOLERANCE_TICKS >= part->account->life.played_ticks;

	g_array_unref(passages);
	return has_all;
}

static json_t *part_json(const struct part *part)
{
	const struct dh_account *account = part->account;
	char *whole = whole_text(part);
	json_t *json = json_pack("{s:s, s:s, s:o}", "segment", account->id, "state",
		part->state == DH_EVENT_STARTED ? "playing" : dh_room_event_name(part->state), "heard",
		spans_json(part));

	if (whole)
		json_object_set_new(json, "heard_text", json_string(whole));
	else if (has_heard_all(part) && account->heard)
		json_object_set_new(json, "heard_text", json_string(account->heard));
	g_free(whole);
	return json;
}

int dh_room_heard(struct dh_room *room, struct dh_member *member, guint viewer, json_t **reply)
{
	struct hearing hearing = { .member = member, .viewer = viewer };

	hearing.parts = g_ptr_array_new_with_free_func(part_free);
	int err = dh_room_call(room, run_heard, &hearing);
	if (!err) {
		json_t *segments = json_array();
		for (guint i = 0; i < hearing.parts->len; i++)
			json_array_append_new(segments, part_json(hearing.parts->pdata[i]));
		*reply = json_pack("{s:I, s:o}", "viewer", (json_int_t)hearing.viewer, "segments", segments);
		dh_room_set_ms(*reply, "since_ms", hearing.since_ticks);
	}
	g_ptr_array_unref(hearing.parts);
	return err;
}
