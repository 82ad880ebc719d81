/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of a feed; for feed*.c only. */
#ifndef DH_FEED_PRIVATE_H
#define DH_FEED_PRIVATE_H

#include <stdatomic.h>

#include "feed.h"
#include "generator.h"
#include "generators.h"

/* What has arrived since the owner last looked. */
struct dh_feed_batch {
	GPtrArray *units; /* struct dh_unit, references; may be NULL */
	guint filled;     /* so many of them have moved into the segment */
	bool has_head, has_end, has_failure, is_incomplete;
	json_t *notes;    /* set with the end; may be NULL */
	GPtrArray *words; /* struct dh_stream_word; may be NULL */
	struct dh_stream_head head;
	const char *misfit; /* why the avatar cannot show it, static; NULL: it can */
	struct dh_unit *anchor;
	int code;
	char *text;
};

/* How the preparation ended. */
struct dh_feed_outcome {
	bool is_known, is_failure, is_incomplete;
	json_t *notes; /* may be NULL */
	int code;
	char *text;
};

/* What a generator that failed has not said, and who should. */
struct dh_feed_rest {
	char *text; /* NULL: nothing */
	const struct dh_generator_config *config;
	uint64_t tried; /* its places that failed */
};

/* A word that is in its text, from `begin` to `end`, and when it has been said. */
struct dh_feed_word {
	int64_t to_ticks;
	size_t begin, end;
};

struct dh_feed {
	atomic_int refs;
	/* immutable; holds references */
	struct dh_feed_context context;
	struct dh_feed_owner owner;
	struct dh_feed_audience audience; /* zeros: none */
	bool is_live;
	char *name;
	json_t *metadata;
	/* the owner's thread */
	struct dh_segment *segment;
	bool is_started, is_next, is_complete, is_incomplete;
	json_t *notes;                /* may be NULL */
	GPtrArray *words;             /* struct dh_stream_word, not taken yet; may be NULL */
	bool is_text_owed;            /* whoever writes the text has not ended it */
	int64_t pieces_us;            /* since when `pieces` are counted */
	int pieces;                   /* of the text */
	struct dh_feed_batch filling; /* moves into the segment in steps */
	int64_t progress_ticks;       /* when `progress` was last called */
	/* atomic */
	atomic_bool is_held;           /* its source waits until more has been played */
	atomic_bool wants_place;       /* it waits for one where it can be made */
	atomic_bool makes_way;         /* it has made way for another one, or is about to */
	_Atomic int64_t allowed_ticks; /* its source may be read up to here */
	_Atomic int64_t kept_ticks;    /* what its segment keeps begins here */
	_Atomic int64_t first_byte_us; /* when the first byte of its source came, monotonic; 0: it has not */
	/* the owner's thread until started, then the I/O thread */
	struct dh_ingest_source source;
	char *names[2];
	char *who; /* owner and segment, for the log */
	struct dh_subscription *subscription;
	/* if a generator makes it; I/O thread */
	const struct dh_generator_config *config; /* NULL: no generator; immutable */
	char *voice;                              /* immutable */
	int audio;                                /* immutable; -1: none */
	struct dh_feed_scene scene;               /* once started */
	char *segment_id;                         /* once started */
	struct dh_generator *generator;           /* while it runs */
	struct dh_place_wait place_wait;          /* for a place to be asked, or of it; which were tried */
	int place;                                /* where it is made; -1: nowhere now */
	int64_t asked_us;                         /* when that place was asked */
	bool has_media;                           /* something has come */
	int64_t made_ticks, spoken_ticks;         /* of media, and of sound */
	bool has_sound;                           /* it is to have some */
	GArray *words_made;                       /* struct dh_feed_word, in order; may be NULL */
	bool has_other_words;                     /* one that is not in the text */
	int depth;                                /* how many have failed before it; immutable */
	bool has_ended_well;                      /* it has, and not failed */
	bool has_given_way;                       /* it was ended: its place was needed */
	int output;                               /* the write end of what the worker reads; -1: none */
	size_t text_given;                        /* bytes of the text that it has got */
	GSource *text_timer;                      /* more_s */
	char *generator_error;
	struct dh_feed_outcome outcome;
	bool is_delivered;
	GSource *patience;
	int64_t generator_used_us; /* its processor time at the last look; -1: none yet */
	/* protected by lock */
	GMutex lock;
	struct dh_feed_batch arrived;
	struct dh_live_wait wait; /* limit 0: there was a place for it, or the owner has taken this */
	bool is_posted;           /* the owner has been woken */
	GString *text;            /* what a generator says; NULL: none does */
	bool is_text_open;
	struct dh_feed_rest rest;
};

/* --- feed_fill.c */

/* Drops what the batch holds; the units are freed later. */
void dh_feed_batch_clear(struct dh_ingest *ingest, struct dh_feed_batch *batch);

/* --- feed_input.c; I/O thread */

/* Subscribes; a generator starts once there is a worker for it. `feed` is a reference;
 * dh_feed_input_close drops it. */
void dh_feed_input_open(void *feed);
/* Marks it as next. Drops `feed`, a reference. */
void dh_feed_input_set_next(void *feed);
/* Reads on, as far as `allowed_ticks`. Drops `feed`, a reference. */
void dh_feed_input_allow(void *feed);
/* Forgets what is before `kept_ticks`. Drops `feed`, a reference. */
void dh_feed_input_release(void *feed);
void dh_feed_input_close(void *feed);

/* --- feed_rest.c */

/* I/O thread; that word has come. */
void dh_feed_rest_word(struct dh_feed *feed, const struct dh_stream_word *word);
/* I/O thread; it has failed: finds out what is left to be said, and who may say it. */
void dh_feed_rest_find(struct dh_feed *feed);
/* I/O thread; all of it has been said. */
void dh_feed_rest_none(struct dh_feed *feed);

/* --- feed_place.c: the place where it is made; I/O thread */

/* Looks for a place where it can be made: 0 if it has one, -EINPROGRESS if it waits for one; then
 * it goes on from where it is. Otherwise there is none. */
int dh_feed_place_take(struct dh_feed *feed);
/* What that means, for people. g_free it. */
char *dh_feed_place_why_not(struct dh_feed *feed, int err);
/* It may have one. */
void dh_feed_place_leave(struct dh_feed *feed, enum dh_place_end end);
/* It may wait for one. */
void dh_feed_place_stop_waiting(struct dh_feed *feed);
void dh_feed_place_set_next(struct dh_feed *feed);
/* It is not read on: unless somebody waits for its place. */
void dh_feed_place_held(struct dh_feed *feed);
/* Any thread. `by` waits before all others; if it would take the feed's place, the feed's generator ends, and what has
 * been made plays. Unless that is so `makes_way` is cleared. */
void dh_feed_place_post_way(struct dh_feed *feed, struct dh_feed *by);

/* --- feed_speech.c: its generator; I/O thread */

/* Units have come. */
void dh_feed_speech_has_media(struct dh_feed *feed);
/* What its segment is made of, for the cache (g_free); NULL: it is not kept. */
char *dh_feed_speech_made_of(struct dh_feed *feed);
/* A worker is ready to read it: starts it. *fd is what the worker reads; the caller owns
 * it. Negative errno with *error a text (g_free). -EINPROGRESS: it waits for a place. */
int dh_feed_speech_open(struct dh_feed *feed, int *fd, char **error);
/* The worker has read all of it, or given up. */
void dh_feed_speech_over(struct dh_feed *feed);
void dh_feed_speech_hold(struct dh_feed *feed, bool is_held);
/* It has a place, and an output. */
void dh_feed_speech_start_again(struct dh_feed *feed);
/* No place can be had (`err` of dh_feed_place_take): it has failed. */
void dh_feed_speech_give_up_place(struct dh_feed *feed, int err);
/* Ends the generator, in whatever it is doing. */
void dh_feed_speech_cut(struct dh_feed *feed);
/* There is more of its text. Drops `feed`, a reference. */
void dh_feed_speech_more(void *feed);
/* Ends it. */
void dh_feed_speech_close(struct dh_feed *feed);
/* feed_input.c: its owner looks at it. */
void dh_feed_input_wake(struct dh_feed *feed);
/* feed_input.c: there is a place for it. */
void dh_feed_input_subscribe(struct dh_feed *feed);
/* feed_input.c: no generator can make it, before anything was begun. Takes ownership of
 * `error`. */
void dh_feed_input_fail(struct dh_feed *feed, char *error);
/* feed_input.c: the generator has ended; its error is known. */
void dh_feed_input_generator_ended(struct dh_feed *feed);
/* feed_input.c: a text for people, which may begin with a code (playout/stream.h); told at the end. */
void dh_feed_input_note(struct dh_feed *feed, const char *text);

#endif
