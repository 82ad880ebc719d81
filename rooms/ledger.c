/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ledger.h"

#include <string.h>

#include "playout/timebase.h"
#include "spans.h"

struct dh_ledger {
	GHashTable *open; /* struct dh_account by struct dh_feed */
	GQueue over;      /* struct dh_account, oldest first */
};

static void unref_record(gpointer data)
{
	struct dh_account *account = data;

	dh_account_unref(&account);
}

struct dh_ledger *dh_ledger_new(void)
{
	struct dh_ledger *ledger = g_new0(struct dh_ledger, 1);

	ledger->open = g_hash_table_new_full(NULL, NULL, NULL, unref_record);
	g_queue_init(&ledger->over);
	return ledger;
}

void dh_ledger_free(struct dh_ledger **ledger)
{
	if (!*ledger)
		return;
	g_hash_table_destroy((*ledger)->open);
	g_queue_clear_full(&(*ledger)->over, unref_record);
	g_free(*ledger);
	*ledger = NULL;
}

struct dh_account *dh_account_ref(struct dh_account *account)
{
	atomic_fetch_add(&account->refs, 1);
	return account;
}

void dh_account_unref(struct dh_account **account)
{
	struct dh_account *old = *account;

	*account = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	g_free(old->id);
	g_free(old->name);
	g_free(old->utterance);
	g_free(old->content);
	g_free(old->heard);
	g_free(old->error);
	json_decref(old->metadata);
	dh_script_unref(&old->script);
	dh_timed_text_free(&old->timed_text);
	dh_script_unref(&old->said);
	g_clear_pointer(&old->spans, g_array_unref);
	g_free(old);
}

struct dh_account *dh_ledger_open(struct dh_ledger *ledger, const struct dh_feed *feed, const char *id,
	const struct dh_segment_request *request, struct dh_script *script)
{
	struct dh_account *account = g_new0(struct dh_account, 1);

	atomic_init(&account->refs, 1);
	account->id = g_strdup(id);
	account->name = g_strdup(dh_feed_name(feed));
	account->metadata = json_incref(dh_feed_metadata(feed));
	account->utterance = *request->order.utterance ? g_strdup(request->order.utterance) : NULL;
	account->content = g_strdup(request->content);
	account->script = dh_script_ref(script);
	account->timed_text = dh_timed_text_new(request->captions, request->markers);
	account->life = (struct dh_life){ .held_since_ticks = -1, .duration_ticks = -1, .stated_ticks = -1 };
	for (int i = 0; i < DH_MOMENT_COUNT; i++)
		account->life.moments[i].media_ticks = -1;
	g_hash_table_insert(ledger->open, (gpointer)feed, account);
	return account;
}

void dh_ledger_cancel(struct dh_ledger *ledger, const struct dh_feed *feed)
{
	g_hash_table_remove(ledger->open, feed);
}

struct dh_account *dh_ledger_account(const struct dh_ledger *ledger, const struct dh_feed *feed)
{
	return g_hash_table_lookup(ledger->open, feed);
}

/* --- a life */

static void note_moment(struct dh_life *life, enum dh_moment_kind kind, int64_t media_ticks, int64_t wall_ms)
{
	if (life->moments[kind].media_ticks < 0)
		life->moments[kind] = (struct dh_moment){ media_ticks, wall_ms };
}

void dh_account_moment(struct dh_account *account, enum dh_moment_kind kind, int64_t media_ticks, int64_t wall_ms)
{
	note_moment(&account->life, kind, media_ticks, wall_ms);
}

static int64_t ms_of(int64_t ticks)
{
	return ticks < 0 ? -1 : dh_ms_from_ticks(ticks);
}

/* What breaks off is as long as what was made of it, and not as its text. */
char *dh_life_heard(const struct dh_life *life, const struct dh_script *script)
{
	int64_t duration_ticks = life->duration_ticks, known_ticks = life->known_ticks;
	int64_t heard_ticks = MAX(life->played_ticks, life->reached_ticks - life->from_ticks);

	if (life->is_broken_off && duration_ticks >= 0 && !dh_script_is_cut(script)) {
		known_ticks = duration_ticks;
		duration_ticks = -1;
	}
	return dh_script_heard(script, ms_of(life->from_ticks), ms_of(heard_ticks), ms_of(duration_ticks),
		ms_of(known_ticks));
}

static void end(struct dh_account *account, const struct dh_playout_event *event)
{
	struct dh_life *life = &account->life;
	const char *error = dh_segment_error(event->segment, NULL);

	life->reason = event->reason;
	account->heard = dh_life_heard(life, account->script);
	account->said = account->script;
	account->script = NULL;
	if (event->type == DH_EVENT_FAILED)
		account->error = g_strdup(error);
	account->is_over = true;
}

static void note_hold(struct dh_life *life, bool is_held, int64_t media_ticks)
{
	if (is_held)
		life->holds++;
	else if (life->held_since_ticks >= 0)
		life->held_ticks += media_ticks - life->held_since_ticks;
	life->held_since_ticks = is_held ? media_ticks : -1;
}

void dh_account_event(struct dh_account *account, const struct dh_playout_event *event, enum dh_duration rule,
	int64_t wall_ms)
{
	struct dh_life *life = &account->life;

	life->played_ticks = event->played_ticks;
	life->reached_ticks = dh_spans_reached_ticks(account->spans);
	life->duration_ticks = dh_segment_own_ticks(event->segment, rule);
	life->known_ticks = life->duration_ticks < 0 ? dh_segment_known_ticks(event->segment) : 0;
	life->index = dh_segment_order(event->segment)->index;
	life->is_broken_off = life->is_broken_off || dh_segment_error(event->segment, NULL);
	switch (event->type) {
	case DH_EVENT_QUEUED:
		note_moment(life, DH_MOMENT_ASKED, event->media_ticks, wall_ms);
		break;
	case DH_EVENT_READY:
		note_moment(life, DH_MOMENT_READY, event->media_ticks, wall_ms);
		break;
	case DH_EVENT_STARTED:
		life->from_ticks = event->position_ticks > 0 ? event->position_ticks : 0;
		note_moment(life, DH_MOMENT_STARTED, event->media_ticks, wall_ms);
		break;
	case DH_EVENT_HELD:
	case DH_EVENT_RESUMED:
		note_hold(life, event->type == DH_EVENT_HELD, event->media_ticks);
		return;
	case DH_EVENT_HOLDING:
	case DH_EVENT_RESUMING:
		life->is_on_hold = event->type == DH_EVENT_HOLDING;
		return;
	default:
		life->is_on_hold = false;
		note_hold(life, false, event->media_ticks);
		note_moment(life, DH_MOMENT_ENDED, event->media_ticks, wall_ms);
		end(account, event);
	}
	life->state = event->type;
}

void dh_ledger_close(struct dh_ledger *ledger, const struct dh_feed *feed)
{
	struct dh_account *account = g_hash_table_lookup(ledger->open, feed);

	if (!account)
		return;
	g_queue_push_tail(&ledger->over, dh_account_ref(account));
	g_hash_table_remove(ledger->open, feed);
	if (ledger->over.length > DH_LEDGER_MAX)
		unref_record(g_queue_pop_head(&ledger->over));
}

struct dh_account *dh_ledger_over(const struct dh_ledger *ledger, guint at)
{
	return g_queue_peek_nth((GQueue *)&ledger->over, at);
}

struct dh_account *dh_ledger_find(const struct dh_ledger *ledger, const char *id)
{
	for (GList *l = ledger->over.tail; l; l = l->prev)
		if (!strcmp(((const struct dh_account *)l->data)->id, id))
			return l->data;
	return NULL;
}
