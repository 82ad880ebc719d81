/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A segment's way from its preparation to its owner, a room.
 *
 * Units come in the I/O thread; they are gathered, and the owner is
 * called once for as many as there are. A feed lives as long as somebody holds a
 * reference: the owner while the segment plays or waits, the preparation until
 * it is unsubscribed, and a wake-up on its way.
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
	const char *generator_scope; /* dh-scope; outlives it, as does what follows */
	const char *generator_user;  /* who generators run as */
};

/* Whose segment it fills. */
struct dh_feed_owner {
	void *arg;
	const char *name; /* the room's, for the log; outlives the feed */
	/* Something has come: dh_feed_fill is wanted, in the owner's thread. Called in
	 * the I/O thread, once until then. */
	void (*arrived)(void *arg, struct dh_feed *feed);
	/* The last reference to the feed has gone, and the feed with it. Any thread. */
	void (*gone)(void *arg);
};

/* What a generator is to say; copied. */
struct dh_feed_speech {
	const struct dh_generator_config *generator; /* outlives it */
	const char *text;
	const char *voice; /* NULL: none */
};

/* `name` is what the source is called, `metadata` the caller's (NULL: none); a
 * reference is taken. A pipe in `source` is taken over, its folders must outlive the feed; its `anchor`
 * is set when it starts. `speech`: a generator makes it, and there are no
 * descriptors; else NULL. One reference is the caller's. */
struct dh_feed *dh_feed_new(const struct dh_feed_context *context, const struct dh_feed_owner *owner, const char *name,
	json_t *metadata, const struct dh_ingest_source *source, const struct dh_feed_speech *speech);
struct dh_feed *dh_feed_ref(struct dh_feed *feed);
void dh_feed_unref(struct dh_feed *feed); /* NULL is fine */

const char *dh_feed_name(const struct dh_feed *feed);
/* The same without folders where it is a file's: for those who must not see paths. */
const char *dh_feed_short_name(const struct dh_feed *feed);
json_t *dh_feed_metadata(const struct dh_feed *feed); /* lent, NULL: none */
/* Whether there is memory for it although it is not next. */
gboolean dh_feed_may_begin_ahead(const struct dh_feed *feed);

/* --- in the owner's thread */

/* Once the segment is complete: whether its source ended before it should have. */
gboolean dh_feed_is_incomplete(const struct dh_feed *feed);
/* What was wrong with the source, as an array of texts for people; NULL: nothing.
 * The feed's. */
json_t *dh_feed_notes(const struct dh_feed *feed);

/* The segment that it fills, the owner's; NULL: it is gone, stop. */
void dh_feed_set_segment(struct dh_feed *feed, struct dh_segment *segment);
struct dh_segment *dh_feed_segment(const struct dh_feed *feed);

/* Begins the preparation, with the anchor's picture (a reference is taken). Once. */
void dh_feed_start(struct dh_feed *feed, GBytes *anchor);
bool dh_feed_is_started(const struct dh_feed *feed);

/* It plays, or is what plays next: it is prepared before what is still ahead. */
void dh_feed_set_next(struct dh_feed *feed);

/* A generator makes it while it is prepared. */
bool dh_feed_is_live(const struct dh_feed *feed);

/* Moves what has come into the segment; true when it has one. */
bool dh_feed_fill(struct dh_feed *feed);

/* Nothing is wanted any more. */
void dh_feed_stop(struct dh_feed *feed);

#endif
