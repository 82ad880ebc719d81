/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lives of a room's segments: when each was asked for, became ready, started, waited and
 * ended, and how much of it was played and heard.
 *
 * The ledger belongs to its room's thread. Accounts are refcounted: what is immutable, and all
 * of an account once it is over, may be read by any thread that holds a reference.
 */
#ifndef DH_LEDGER_H
#define DH_LEDGER_H

#include <stdatomic.h>

#include <glib.h>

#include "heard.h"
#include "ingest/feed.h"
#include "playout/playout.h"
#include "segment_request.h"
#include "timed_text.h"

#define DH_LEDGER_MAX 100 /* lives that are over and still known */

/* `media_ticks` -1: it has not happened. */
struct dh_moment {
	int64_t media_ticks;
	int64_t wall_ms; /* Unix time */
};

enum dh_moment_kind {
	DH_MOMENT_ASKED,
	DH_MOMENT_BEGUN,      /* its turn to be prepared came */
	DH_MOMENT_FIRST_BYTE, /* of a live source */
	DH_MOMENT_FIRST_UNIT,
	DH_MOMENT_READY,
	DH_MOMENT_STARTED,
	DH_MOMENT_ENDED,
	DH_MOMENT_COUNT,
};

struct dh_life {
	enum dh_event_type state; /* QUEUED: it waits; READY; STARTED: it plays; or its end */
	enum dh_reason reason;
	struct dh_moment moments[DH_MOMENT_COUNT];
	unsigned holds;
	int64_t held_since_ticks; /* -1: it is not held */
	int64_t held_ticks;       /* without the hold that lasts */
	int64_t played_ticks;
	int64_t from_ticks;     /* where it began, in its own time */
	int64_t reached_ticks;  /* the furthest place that was played, likewise; what was dropped before it counts */
	int64_t duration_ticks; /* -1: not known */
	int64_t stated_ticks;   /* what its source says that it lasts; -1: nothing */
	int64_t known_ticks;    /* of media, while the duration is not known */
	bool is_on_hold;        /* somebody asked for that (dh_playout_hold) */
	bool is_broken_off;     /* it ends before its text does, as far as is known */
	int64_t index;          /* in its utterance */
};

struct dh_account {
	atomic_int refs;
	/* immutable */
	char *id, *name, *utterance; /* utterance NULL: none */
	json_t *metadata;            /* may be NULL */
	char *content;               /* of its request; NULL: none */
	/* owner: the room's thread; immutable once it is over */
	size_t position; /* in the queue when it came */
	struct dh_life life;
	struct dh_script *script;         /* NULL: none, or it is over */
	struct dh_timed_text *timed_text; /* immutable; NULL: none */
	char *heard;                      /* once it is over; NULL: no script */
	char *error;                      /* once it has failed */
	bool is_over;
	/* owner: the room's thread; see room_heard.c */
	GArray *spans;          /* struct dh_span: what was played when; NULL: nothing */
	struct dh_script *said; /* its script, once it is over */
};

struct dh_ledger;

struct dh_ledger *dh_ledger_new(void);
void dh_ledger_free(struct dh_ledger **ledger);

struct dh_account *dh_account_ref(struct dh_account *account);
void dh_account_unref(struct dh_account **account);

/* --- the room's thread */

/* A segment that `feed` makes is about to be enqueued under `id`; takes a reference to
 * `script`, which may be NULL. Borrowed. */
struct dh_account *dh_ledger_open(struct dh_ledger *ledger, const struct dh_feed *feed, const char *id,
	const struct dh_segment_request *request, struct dh_script *script);
/* It was not enqueued after all. */
void dh_ledger_cancel(struct dh_ledger *ledger, const struct dh_feed *feed);
/* NULL: there is none, or it is over. Borrowed. */
struct dh_account *dh_ledger_account(const struct dh_ledger *ledger, const struct dh_feed *feed);

/* An event of the segment of `account`; `rule`: see dh_segment_duration_ticks. */
void dh_account_event(struct dh_account *account, const struct dh_playout_event *event, enum dh_duration rule,
	int64_t wall_ms);
/* What had been heard of it, as from dh_script_heard. Any thread. */
char *dh_life_heard(const struct dh_life *life, const struct dh_script *script);

/* A moment of which there is no event. Only the first call counts. */
void dh_account_moment(struct dh_account *account, enum dh_moment_kind kind, int64_t media_ticks, int64_t wall_ms);
/* It is over: it moves to the end of the list below. */
void dh_ledger_close(struct dh_ledger *ledger, const struct dh_feed *feed);

/* Those that are over, from the oldest; `at` counts from 0. NULL beyond the last. Borrowed. */
struct dh_account *dh_ledger_over(const struct dh_ledger *ledger, guint at);
/* The newest with that id that is over; NULL: none. Borrowed. */
struct dh_account *dh_ledger_find(const struct dh_ledger *ledger, const char *id);

#endif
