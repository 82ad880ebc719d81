/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carries a segment from its preparation to its owner, a room.
 *
 * Units arrive in the I/O thread. The feed batches them and wakes the owner once per batch.
 * A feed lives as long as someone holds a reference: the owner while the segment waits or
 * plays, the preparation until the feed unsubscribes, and any pending wake-up.
 */
#ifndef DH_FEED_H
#define DH_FEED_H

#include <glib.h>
#include <jansson.h>

#include "playout/segment.h"
#include "generator.h"
#include "ingest.h"

struct dh_feed;

struct dh_feed_context {
	struct dh_io *io;
	struct dh_ingest *ingest;
	struct dh_generators *generators; /* needed if a generator makes it; outlives the feed */
	const char *generator_scope;      /* dh-scope; this and the next two outlive the feed */
	const char *generator_fetch;      /* dh-fetch */
	const char *generator_user;       /* the user that generators run as */
	int64_t max_text;                 /* bytes of a text that is written bit by bit */
	int64_t more_s;                   /* longest time without more of such a text, while it is spoken */
	int64_t more_rate;                /* pieces of it in a second */
	int64_t ahead_ticks;              /* how far a live source is read ahead of what has been played */
};

/* The owner of the segment that the feed fills. */
struct dh_feed_owner {
	void *arg;
	const char *name; /* the room's name, for the log; outlives the feed */
	/* There is something for dh_feed_fill, to be called in the owner's thread, or it waits for its
	 * generator (dh_feed_make_way) or for a place (dh_feed_take_wait). Called in the I/O thread, and not
	 * again before dh_feed_fill. */
	void (*arrived)(void *arg, struct dh_feed *feed);
	/* The last reference is gone and the feed is being freed. Any thread. */
	void (*gone)(void *arg);
};

/* What a generator should say; copied. */
struct dh_feed_speech {
	const struct dh_generator_config *generator; /* outlives the feed */
	const char *text;
	bool is_text_open; /* dh_feed_add_text will add to it */
	int audio;         /* a file (dh_ingest_open) to say instead of the text: the feed takes it; -1: none */
	const char *voice; /* NULL: none */
};

/* Who made the segment and wants to know how it fares. Called in the owner's thread, but for
 * `gone`. None may wait. */
struct dh_feed_audience {
	void *arg;
	int64_t progress_ticks; /* distance of calls of `progress`; 0: none */
	/* An event of the segment, as members get it; `is_last`: the one that ends it. Takes a
	 * reference. */
	void (*event)(void *arg, json_t *event, bool is_last);
	/* While it plays: how much of it has been played, and how much more media is worth
	 * making now (-1: nothing more can come). */
	void (*progress)(void *arg, const char *segment, int64_t played_ticks, int64_t wanted_ticks);
	/* The feed is being freed. Any thread. */
	void (*gone)(void *arg);
};

/* `name`: the source's, for people; copied. `metadata`: the caller's, or NULL; the feed
 * takes a reference. The feed takes ownership of a pipe in `source`; the folders in it must
 * outlive the feed, as must its `background`; its pictures are set by dh_feed_start. `speech`: a generator makes
 * the segment and `source` has no descriptors; NULL otherwise. `audience`: copied; may be
 * NULL. The caller gets one reference. */
struct dh_feed *dh_feed_new(const struct dh_feed_context *context, const struct dh_feed_owner *owner, const char *name,
	json_t *metadata, const struct dh_ingest_source *source, const struct dh_feed_speech *speech,
	const struct dh_feed_audience *audience);
struct dh_feed *dh_feed_ref(struct dh_feed *feed);
void dh_feed_unref(struct dh_feed **feed);

const char *dh_feed_name(const struct dh_feed *feed);
/* The same without folders if it is a file: for those who must not see paths. */
const char *dh_feed_short_name(const struct dh_feed *feed);
json_t *dh_feed_metadata(const struct dh_feed *feed); /* borrowed; may be NULL */
/* Whether there is memory to prepare it ahead of its turn. Any thread. */
bool dh_feed_may_begin_ahead(const struct dh_feed *feed);

/* --- in the owner's thread */

/* Whether all of the segment has been prepared and is in it. */
bool dh_feed_is_complete(const struct dh_feed *feed);
/* Then: whether its source ended prematurely, or something of it was left out. */
bool dh_feed_is_incomplete(const struct dh_feed *feed);
/* Then: problems with the source, as an array of objects with a `code` for programs and a
 * `text` for people, or NULL. Borrowed. */
json_t *dh_feed_notes(const struct dh_feed *feed);

/* The segment to fill, owned by the owner. NULL: the segment is gone. */
void dh_feed_set_segment(struct dh_feed *feed, struct dh_segment *segment);
struct dh_segment *dh_feed_segment(const struct dh_feed *feed);

/* What the room will show when the segment begins: the idle clip, or the last picture of what
 * plays before. */
struct dh_feed_scene {
	const char *clip; /* as the configuration names it; outlives the feed */
	/* nothing comes before the segment: where the clip is now; -1: not so, or not known */
	int64_t position_ticks;
	int64_t length_ticks;
	int64_t at_us; /* when that was so, monotonic */
	/* What the clip shows there, as DH_LUMA_BYTES. Any thread; `clip_arg` outlives the feed. */
	void (*look)(const void *clip_arg, int64_t position_ticks, uint8_t *luma);
	const void *clip_arg;
	/* the last picture of what comes before */
	bool has_luma;
	uint8_t luma[DH_LUMA_BYTES];
};
/* For its generator; before dh_feed_start. Copied. */
void dh_feed_set_scene(struct dh_feed *feed, const struct dh_feed_scene *scene);

/* For a pushed piece of an utterance; before dh_feed_start: see source.h. The feed takes them. */
void dh_feed_set_pipes(struct dh_feed *feed, int lead, int tail);

/* What it is prepared for: pictures of source.h, each may be NULL. */
struct dh_feed_look {
	GBytes *anchor, *frame, *background, *mark;
};
/* Starts the preparation; the feed takes references. Call once, with a segment set. */
void dh_feed_start(struct dh_feed *feed, const struct dh_feed_look *look);
bool dh_feed_is_started(const struct dh_feed *feed);

/* It plays now or next: prepare it before anything queued ahead of time. */
void dh_feed_set_next(struct dh_feed *feed);

/* It plays, and `by` interrupts it as soon as it is ready. If `by` waits to be made by the same
 * generator, and would take this one's place, what is still to be made of this one never is: its
 * generator ends, `by` gets the place, and what there is plays meanwhile. Once `by` waits, its
 * owner is woken (`arrived`): call it again. */
void dh_feed_make_way(struct dh_feed *feed, struct dh_feed *by);

/* Whether it is being made while it is prepared, and then whether a command of the
 * configuration makes it. */
bool dh_feed_is_live(const struct dh_feed *feed);
bool dh_feed_is_generated(const struct dh_feed *feed);
/* Whether the same media may come again: what is made of them may be kept in the cache. */
bool dh_feed_is_kept(const struct dh_feed *feed);

/* More of a text that is open, or (is_last) the rest of it. -ENOTCONN: the text has ended,
 * perhaps because nothing came for too long; -EFBIG: it would be longer than `max_text`;
 * -EAGAIN: more than `more_rate` pieces in a second. */
int dh_feed_add_text(struct dh_feed *feed, const char *more, bool is_last);
/* Whether somebody may still add to its text, as far as he knows. */
bool dh_feed_is_text_open(const struct dh_feed *feed);

/* An event of its segment. Borrowed. */
void dh_feed_tell(struct dh_feed *feed, json_t *event, bool is_last);

/* When the first byte of a live source came, monotonic; 0: it has not. Any thread. */
int64_t dh_feed_first_byte_us(const struct dh_feed *feed);

/* Its segment plays: so much of it has been played, and it has come so far (further, if some
 * was too late to be played). Lets a live source be read on. */
void dh_feed_played(struct dh_feed *feed, int64_t played_ticks, int64_t reached_ticks);
/* How far a live source is read ahead of what plays. */
int64_t dh_feed_ahead_ticks(const struct dh_feed *feed);
/* The longest time between two calls while it plays; 0: it need not be called. */
int64_t dh_feed_played_every_ticks(const struct dh_feed *feed);

/* Moves some of what has arrived into the segment, if it still has one. Returns whether to call
 * it again: one call takes a fraction of a millisecond, however much has arrived. A segment that
 * was not open yet is not ready (dh_segment_set_partial) until all of it has moved. */
bool dh_feed_fill(struct dh_feed *feed);

/* After dh_feed_fill: words of the segment that have come since (struct dh_stream_word); the caller
 * drops the array (g_ptr_array_unref). NULL: none. */
GPtrArray *dh_feed_take_words(struct dh_feed *feed);

/* After dh_feed_fill: whether it is next and has found no place among the live sources that workers encode, and why.
 * True at most once. */
bool dh_feed_take_wait(struct dh_feed *feed, struct dh_live_wait *wait);

/* What a generator was given to say, unless that is still being written. g_free it. */
char *dh_feed_copy_text(const struct dh_feed *feed);
/* After dh_feed_fill: its generator has failed, and this is to say what it did not, or (is_whole)
 * all of it. A feed without a segment, for `owner`; the caller gets the reference. Once; otherwise
 * NULL. */
struct dh_feed *dh_feed_take_rest(struct dh_feed *feed, const struct dh_feed_owner *owner, bool is_whole);
/* The name of the generator that makes it; NULL: none does. */
const char *dh_feed_generator(const struct dh_feed *feed);

/* Stops the preparation and forgets the segment. The caller keeps its own reference. */
void dh_feed_stop(struct dh_feed *feed);

#endif
